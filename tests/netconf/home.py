"""Management systems that functions connect to."""

import socket
from typing import Any

import asyncssh

from tests.netconf.conftest import PASSWORD
from tests.netconf.peer import WAIT, Loop, Peer, over, ssh_options
from tests.netconf.tls_peer import tls_over

__all__ = ["Home", "calling"]


class Home:
    """A management system: waits for functions, and is their client."""

    def __init__(self, loop: Loop, port: int = 0) -> None:
        self._loop = loop
        self._socket = socket.create_server(("127.0.0.1", port))
        self._socket.settimeout(WAIT)
        self.port = int(self._socket.getsockname()[1])
        self._peers: list[Peer] = []

    def take(self) -> socket.socket:
        """The next connection."""
        sock, _ = self._socket.accept()
        return sock

    def ssh(self, password: str = PASSWORD, user: str = "ada") -> Peer:
        """A session over the next connection, in SSH."""
        return self._peer(self._loop.run(self._ssh(self.take(), user, password)))

    async def _ssh(self, sock: socket.socket, user: str, password: str) -> Any:
        return await over(await asyncssh.connect(sock=sock, **ssh_options(user, password)))

    def tls(self, context: Any) -> Peer:
        """A session over the next connection, in TLS."""
        sock = self.take()
        sock.setblocking(False)
        return self._peer(self._loop.run(tls_over(context, sock=sock)))

    def _peer(self, opened: Any) -> Peer:
        self._peers.append(Peer(self._loop, 0, opened=opened))
        return self._peers[-1]

    def close(self) -> None:
        for peer in self._peers:
            peer.close()
        self._socket.close()


def calling(*homes: Home | int, transport: str = "ssh", **more: Any) -> dict[str, Any]:
    """The container `call-home` with one client."""
    endpoints = [
        {
            "name": f"e{number}",
            "transport": transport,
            "address": "127.0.0.1",
            "port": one if isinstance(one, int) else one.port,
        }
        for number, one in enumerate(homes)
    ]
    strategy = {"max-retry-interval": 1, **more.pop("reconnect-strategy", {})}
    client = {
        "name": "home",
        "endpoints": {"endpoint": endpoints},
        "reconnect-strategy": strategy,
        **more,
    }
    return {"nf-netconf:call-home": {"netconf-client": [client]}}
