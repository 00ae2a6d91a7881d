"""NETCONF over TLS (RFC 7589): the handshake, the user of a certificate, and one session."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

from cryptography import x509

from nf.mgmt.credentials.tls import verified_chain
from nf.mgmt.netconf.cert_to_name import name_of
from nf.mgmt.netconf.session import Called, NetconfSession, Peer

if TYPE_CHECKING:
    from nf.mgmt.netconf.doors import Doors
    from nf.mgmt.netconf.entrance import TlsEntrance

__all__ = ["NotLetIn", "TlsConnection", "TlsListener", "let_in", "stay_alive"]

log = logging.getLogger(__name__)

GOODBYE = 5.0
"""Seconds that a client has to answer the end of a connection (close_notify)."""
PAUSE = 1.0
"""Seconds until the next try when the process has no descriptor for a connection."""
BACKLOG = 256
SILENCE, ASKED = 30, 3
"""Seconds after which TCP asks whether a silent peer is there, and how often."""


class NotLetIn(Exception):
    """A client's certificate, or what it says in the handshake, is not accepted."""


class TlsConnection(asyncio.Protocol):
    """A connection after its handshake; carries one session."""

    def __init__(
        self, doors: "Doors", entrance: "TlsEntrance", source: str, called: Called | None = None
    ) -> None:
        """Before the handshake; `called` if call home has made the connection."""
        self._doors = doors
        self._entrance = entrance
        self._called = called
        self._transport: asyncio.Transport | None = None
        self._netconf: NetconfSession | None = None
        self.source = source
        self.refused = ""
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is done: whose certificate is it?"""
        self._transport = made = cast("asyncio.Transport", transport)
        try:
            user = self._user(made.get_extra_info("ssl_object"))
        except (NotLetIn, ValueError, x509.InvalidVersion) as error:
            # ValueError: OpenSSL takes certificates that cryptography cannot read.
            self.refused = str(error)
            made.abort()
            return
        peer = Peer(user, self.source, "netconf-tls")
        self._netconf = netconf = NetconfSession(
            self._doors.service, _StreamTransport(made), peer, self._called
        )
        self._doors.connections.add(self)
        task = asyncio.get_running_loop().create_task(netconf.run())
        self._doors.talking[netconf] = task
        task.add_done_callback(self._done)

    def _user(self, tls: ssl.SSLObject) -> str:
        """Who it is.

        Raises:
            NotLetIn: Nobody who may come in.
            ValueError: A certificate cannot be read.
        """
        chain = verified_chain(tls)
        subject = chain[0].subject.rfc4514_string() if chain else "nobody"
        if not self._entrance.trust.covers(chain):
            raise NotLetIn(f"the certificate of {subject!r} is signed by another client's")
        user = name_of(chain, self._entrance.maps)
        if user is None:
            raise NotLetIn(f"no entry of cert-maps gives the certificate of {subject!r} a name")
        if self._doors.full:
            self._doors.service.statistics.refused_sessions += 1
            raise NotLetIn("there are too many sessions")
        log.info("%s is let in as %r, by the certificate of %r", self.source, user, subject)
        return user

    def _done(self, task: asyncio.Task[None]) -> None:
        if self._netconf is not None:
            self._doors.talking.pop(self._netconf, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a session with %s failed", self.source, exc_info=error)
            self.abort()

    def data_received(self, data: bytes) -> None:
        """Octets of the client."""
        if self._netconf is not None:
            self._netconf.data_received(data)

    def eof_received(self) -> None:
        """The client has ended the connection: TLS of asyncio has no half that stays open."""
        if self._netconf is not None:
            self._netconf.eof_received()

    def pause_writing(self) -> None:
        """The client takes less than it asks for."""
        if self._netconf is not None:
            self._netconf.writable(False)

    def resume_writing(self) -> None:
        """The client has taken some."""
        if self._netconf is not None:
            self._netconf.writable(True)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        del exc
        self._doors.connections.discard(self)
        if self._netconf is not None:
            self._netconf.lost()
        self.closed.set()

    def abort(self) -> None:
        """Ends it at once."""
        if self._transport is not None:
            self._transport.abort()


class _StreamTransport:
    """A connection, as a session sees it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def write(self, octets: bytes) -> None:
        self._transport.write(octets)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def close(self, *, well: bool) -> None:
        del well
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


class _Waiting:
    """A connection in its handshake, among the doors' connections."""

    def __init__(self, task: "asyncio.Task[object] | None") -> None:
        self._task = task

    def abort(self) -> None:
        if self._task is not None:
            self._task.cancel()


async def let_in(
    sock: socket.socket,
    doors: "Doors",
    entrance: "TlsEntrance",
    source: str,
    called: Called | None = None,
) -> TlsConnection:
    """Shakes hands as the server, whoever has connected; begins the session.

    Args:
        sock: Connected; closed when this fails.
        doors: Of the server.
        entrance: In force.
        source: Address of the client.
        called: If call home has made the connection.

    Raises:
        NotLetIn: The client is not accepted, or does not speak TLS in time.
    """
    stay_alive(sock)
    waiting = _Waiting(asyncio.current_task())
    doors.connections.add(waiting)
    doors.anonymous.add(waiting)
    try:
        _, connection = await asyncio.get_running_loop().connect_accepted_socket(
            lambda: TlsConnection(doors, entrance, source, called),
            sock,
            ssl=entrance.context,
            ssl_handshake_timeout=doors.service.settings.login_timeout,
            ssl_shutdown_timeout=GOODBYE,
        )
    except ssl.SSLCertVerificationError as error:
        raise NotLetIn(f"its certificate is not accepted: {error.verify_message}") from error
    except ssl.SSLError as error:
        why = (error.reason or str(error)).replace("_", " ").lower()
        raise NotLetIn(f"the handshake of TLS failed: {why}") from error
    except OSError as error:
        raise NotLetIn(
            f"the handshake of TLS failed: {error.strerror or str(error) or 'it took too long'}"
        ) from error
    finally:
        doors.connections.discard(waiting)
        doors.anonymous.discard(waiting)
    if connection.refused:
        raise NotLetIn(connection.refused)
    return connection


def stay_alive(sock: socket.socket) -> None:
    """Has TCP find out that a peer is gone (RFC 8071 section 4.1, S7), and not wait to send."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, SILENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, SILENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, ASKED)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class TlsListener:
    """An endpoint: takes connections and has each of them taken care of in a task."""

    def __init__(
        self, address: str, port: int, take: Callable[[socket.socket, str], Awaitable[None]]
    ) -> None:
        """Listens, in the loop that runs.

        Raises:
            OSError: The address or the port cannot be had.
        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.create_server(
            (address, port), family=family, backlog=BACKLOG, reuse_port=False
        )
        self._socket.setblocking(False)
        self._take = take
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.get_running_loop().create_task(self._run())

    def get_port(self) -> int:
        """Where it really listens."""
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Takes no more; what is connected goes on."""
        self._accepting.cancel()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    sock, peer = await loop.sock_accept(self._socket)
                except OSError:
                    log.exception("a connection cannot be taken")
                    await asyncio.sleep(PAUSE)
                    continue
                task = loop.create_task(self._one(sock, str(peer[0])))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            self._socket.close()

    async def _one(self, sock: socket.socket, source: str) -> None:
        try:
            await self._take(sock, source)
        except NotLetIn as error:
            log.warning("a client at %s is not let in: %s", source, error)
        except Exception:
            log.exception("a connection from %s failed", source)
            sock.close()
