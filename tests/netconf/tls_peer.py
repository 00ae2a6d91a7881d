"""A client of NETCONF over TLS, and what it and the server are configured with."""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.certificates import Authority, Issued, fingerprint
from tests.netconf.peer import Loop, Opened, Peer, Received

__all__ = ["REFUSED", "Security", "client_context", "tls_over", "tls_peer"]

CREDENTIALS = "nf-credentials:"
REFUSED = (ssl.SSLError, ConnectionError, EOFError)
"""What a client sees that is not let in, which version of TLS it speaks decides when."""


class _Channel(Received, asyncio.Protocol):
    def data_received(self, data: bytes) -> None:
        self.octets += data
        self.changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self.changed.set()


class _Connection:
    def __init__(self, transport: Any, channel: _Channel) -> None:
        self._transport = transport
        self._channel = channel

    def abort(self) -> None:
        self._transport.abort()

    async def wait_closed(self) -> None:
        while not self._channel.closed:
            self._channel.changed.clear()
            await self._channel.changed.wait()


def client_context(authority: Path, own: Issued | None, newest: str = "") -> ssl.SSLContext:
    """What a client with a certificate connects with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority)
    if own is not None:
        context.load_cert_chain(*own)
    if newest:
        context.maximum_version = ssl.TLSVersion[newest]
    return context


async def tls_over(
    context: ssl.SSLContext, port: int = 0, sock: socket.socket | None = None
) -> Opened:
    """Connects, or shakes hands on a socket that is connected."""
    where: dict[str, Any] = {"sock": sock} if sock else {"host": "127.0.0.1", "port": port}
    transport, channel = await asyncio.get_running_loop().create_connection(
        _Channel, ssl=context, server_hostname="localhost", **where
    )
    return _Connection(transport, channel), transport, channel


def tls_peer(loop: Loop, port: int, context: ssl.SSLContext) -> Peer:
    """A session over TLS."""
    return Peer(loop, 0, opened=loop.run(tls_over(context, port)))


@dataclass
class Security:
    """A function with a key of its own, and authorities.

    Attributes:
        authority: Has signed the server's certificate, and those of clients.
        server: Of the server.
    """

    authority: Authority
    server: Issued

    @classmethod
    def of(cls, folder: Path) -> "Security":
        authority = Authority(folder)
        return cls(authority, authority.issue("probe", "server"))

    def management(self, *bags: dict[str, Any]) -> dict[str, Any]:
        """Keystore and truststore; the bag `authorities` unless others are given."""
        certificate = {"name": "authority", "cert-data": self.authority.cert_data}
        standard = ({"name": "authorities", "certificate": [certificate]},)
        return {
            f"{CREDENTIALS}keystore": {"asymmetric-keys": {"asymmetric-key": [self.key()]}},
            f"{CREDENTIALS}truststore": {
                "certificate-bags": {"certificate-bag": list(bags or standard)}
            },
        }

    def key(self, server: Issued | None = None) -> dict[str, Any]:
        """The server's entry of the keystore."""
        server = server or self.server
        return {
            "name": "server",
            "cleartext-private-key": server.private_key,
            "certificates": {"certificate": [{"name": "c", "cert-data": server.cert_data}]},
        }

    def tls(self, *maps: dict[str, Any], **known: str) -> dict[str, Any]:
        """The container `tls`; everybody's common name is the user unless maps are given."""
        standard = (
            {
                "id": 1,
                "fingerprint": fingerprint(self.authority.certificate),
                "map-type": "ietf-x509-cert-to-name:common-name",
            },
        )
        return {
            "listen": [{"name": "t", "address": "127.0.0.1", "port": 0}],
            "server-identity": {"asymmetric-key": "server"},
            "client-authentication": {
                **(known or {"ca-certs": "authorities"}),
                "cert-maps": {"cert-to-name": list(maps or standard)},
            },
        }
