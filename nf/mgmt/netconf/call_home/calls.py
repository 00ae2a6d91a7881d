"""All clients that the function connects to, and how: TCP, then SSH or TLS as the server."""

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Any

import asyncssh

from nf.mgmt.netconf.call_home.caller import Caller, Established, NotConnected
from nf.mgmt.netconf.session import Called
from nf.mgmt.netconf.settings import TOP
from nf.mgmt.netconf.ssh import SshConnection, ssh_options
from nf.mgmt.netconf.tls import NotLetIn, TlsConnection, let_in, stay_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nf.mgmt.netconf.call_home.settings import Client, Endpoint
    from nf.mgmt.netconf.doors import Doors
    from nf.mgmt.netconf.entrance import Entrance, TlsEntrance

__all__ = ["Calls"]


class Calls:
    """Callers that follow the configuration; also the source of their state.

    Args:
        doors: Of the server.
        entrance: Gives the keys in force.
    """

    def __init__(self, doors: "Doors", entrance: "Callable[[], Entrance]") -> None:
        self._doors = doors
        self._entrance = entrance
        self._callers: dict[str, Caller] = {}
        doors.service.publisher.configured.callers = self

    def follow(self, clients: "Sequence[Client]") -> None:
        """Begins and ends callers, in the loop; entries that are the same go on undisturbed."""
        wanted = {one.name: one for one in clients}
        for name, caller in list(self._callers.items()):
            if wanted.get(name) != caller.client:
                caller.stop()
            if name not in wanted:
                del self._callers[name]
        for name, client in wanted.items():
            known = self._callers.get(name)
            if known is None or known.client != client:
                last = known.last if known is not None else ""
                self._callers[name] = Caller(client, self._connect, last)

    def stop(self) -> None:
        """Connects no more."""
        self.follow(())

    def hasten(self, client: str) -> None:
        """Has a client be connected to now, instead of when its time comes; in the loop."""
        if (caller := self._callers.get(client)) is not None:
            caller.hasten()

    def is_trying(self, client: str) -> bool:
        """Whether a client is connected to, or tried until it is."""
        caller = self._callers.get(client)
        return caller is not None and caller.is_trying

    async def _connect(self, endpoint: "Endpoint", client: "Client") -> Established:
        if not self._doors.admits():
            raise NotConnected("there are too many connections")
        sock = await _tcp(endpoint, client.strategy.max_wait)
        called = Called(client.name, client.periodic.idle if client.periodic is not None else 0)
        entrance = self._entrance().at(client.name, endpoint.name)
        if endpoint.transport == "tls":
            return await self._tls(sock, endpoint, entrance.tls, called)
        return await self._ssh(sock, entrance.keys, called)

    async def _tls(
        self,
        sock: socket.socket,
        endpoint: "Endpoint",
        entrance: "TlsEntrance | None",
        called: Called,
    ) -> Established:
        if entrance is None:
            sock.close()
            raise NotConnected("TLS has no certificates to know clients by")
        try:
            connection = await let_in(
                sock, self._doors, entrance, str(sock.getpeername()[0]), called
            )
        except NotLetIn as error:
            raise NotConnected(f"{endpoint.host} is not let in: {error}") from error
        return _OverTls(connection)

    async def _ssh(
        self, sock: socket.socket, keys: "Sequence[asyncssh.SSHKey]", called: Called
    ) -> Established:
        stay_alive(sock)
        options = ssh_options(keys, self._doors.service.settings.login_timeout)
        taken = False

        def server() -> SshConnection:
            nonlocal taken
            taken = True
            return SshConnection(self._doors, called)

        try:
            return await asyncssh.connect_reverse(
                sock=sock, server_factory=server, config=None, **options
            )
        except (OSError, asyncssh.Error) as error:
            raise NotConnected(f"nobody has logged in: {error}") from error
        finally:
            if not taken:
                # asyncssh ends what it has taken, and only that.
                sock.close()

    # State --------------------------------------------------------------------------------------

    def top(self) -> str:
        """See `StateSource`."""
        return TOP

    def get(self) -> dict[str, Any]:
        """See `StateSource`."""
        listed = [
            {"name": name, "state": caller.state()} for name, caller in self._callers.copy().items()
        ]
        if not listed:
            return {}
        home = {"nf-netconf:call-home": {"netconf-client": listed}}
        return {TOP: {"management": {"netconf": home}}}


class _OverTls:
    """A connection over TLS, as a caller sees it."""

    def __init__(self, connection: TlsConnection) -> None:
        self._connection = connection

    async def wait_closed(self) -> None:
        await self._connection.closed.wait()


async def _tcp(endpoint: "Endpoint", limit: float) -> socket.socket:
    """A connected socket.

    Raises:
        NotConnected: There is none within the limit.
    """
    loop = asyncio.get_running_loop()
    why = "it has no address"
    try:
        async with asyncio.timeout(limit):
            found = await loop.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
            for family, kind, protocol, _, address in found:
                sock = socket.socket(family, kind, protocol)
                sock.setblocking(False)
                try:
                    await loop.sock_connect(sock, address)
                except OSError as error:
                    sock.close()
                    # asyncio puts a sentence of its own in the place of the system's word.
                    why = os.strerror(error.errno) if error.errno else str(error)
                except BaseException:
                    sock.close()
                    raise
                else:
                    return sock
    except TimeoutError as error:
        raise NotConnected(f"{endpoint.host} does not answer within {limit:g} s") from error
    except OSError as error:
        raise NotConnected(f"{endpoint.host}: {error.strerror or error}") from error
    raise NotConnected(f"{endpoint.host} port {endpoint.port}: {why}")
