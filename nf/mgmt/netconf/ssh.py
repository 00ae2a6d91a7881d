"""NETCONF over SSH (RFC 6242): connections, logins, and the subsystem `netconf`."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import asyncssh
from asyncssh.constants import MSG_IGNORE

from nf.mgmt.netconf.session import Called, NetconfSession, Peer

if TYPE_CHECKING:
    from nf.mgmt.netconf.doors import Doors

__all__ = ["SshConnection", "ssh_options", "without_ignored"]

log = logging.getLogger(__name__)

TermSize = tuple[int, int, int, int]
TermModes = Mapping[int, int]

_ATTEMPTS = 6
"""Passwords that one connection may try."""
_LINGER = 5.0
"""Seconds that a client has to end a connection whose sessions are over."""
_KEEPALIVE = 30
"""Seconds of silence after which a peer is asked whether it is there; three times in all."""

CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
"""Every client has one of them. ChaCha20 is not offered: clients would choose it first, and
asyncssh makes a cipher object for every packet of it, at more than the rest of a request costs."""


def ssh_options(keys: Sequence[asyncssh.SSHKey], login_timeout: float) -> dict[str, Any]:
    """How the server speaks SSH, to whoever connects and to whom it connects itself."""
    return {
        "server_host_keys": list(keys),
        "server_version": "nf",
        "encryption_algs": CIPHERS,
        "encoding": None,
        "line_editor": False,
        # Some clients (scrapli) ask for a terminal always; it changes nothing here.
        "allow_pty": True,
        "allow_scp": False,
        "agent_forwarding": False,
        "x11_forwarding": False,
        "gss_host": None,
        "compression_algs": ["none"],
        "keepalive_interval": _KEEPALIVE,
        "keepalive_count_max": 3,
        "login_timeout": login_timeout,
    }


def without_ignored(send: Callable[..., None]) -> Callable[..., None]:
    """Sends packets without the SSH_MSG_IGNORE that asyncssh puts before each.

    It protects CBC (RFC 4251 section 9.3.1), which is not among our ciphers, and costs a packet and
    a system call here, and a wake-up at the peer's.
    """

    def sent(kind: int, *arguments: bytes, **more: Any) -> None:
        if kind != MSG_IGNORE:
            send(kind, *arguments, **more)

    return sent


class SshConnection(asyncssh.SSHServer):
    """One connection; may carry several sessions."""

    def __init__(self, doors: "Doors", called: Called | None = None) -> None:
        """Before the first octet; `called` if call home has made the connection."""
        self._doors = doors
        self.called = called
        self._connection: asyncssh.SSHServerConnection | None = None
        self._sessions: set[SshSession] = set()
        self._tries = 0
        self._writable = True
        self._timer: asyncio.TimerHandle | None = None
        self.source = ""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """A client has connected."""
        self._connection = conn
        self.source = str((conn.get_extra_info("peername") or ("",))[0])
        if not self._doors.admits():
            log.warning("a connection from %s is refused: there are too many", self.source)
            self._doors.service.statistics.refused_sessions += 1
            conn.abort()
            return
        self._doors.connections.add(self)
        self._doors.anonymous.add(self)
        # asyncssh itself takes no notice when the socket is full. Its channels' windows would let
        # a client that reads nothing have replies pile up here without end.
        conn.pause_writing = self._pause_writing  # type: ignore[method-assign]
        conn.resume_writing = self._resume_writing  # type: ignore[method-assign]
        conn.send_packet = without_ignored(conn.send_packet)  # type: ignore[method-assign]

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        del exc
        self._doors.connections.discard(self)
        self._doors.anonymous.discard(self)
        self._stop_timer()
        for session in list(self._sessions):
            session.connection_lost(None)

    def abort(self) -> None:
        """Ends it at once."""
        if self._connection is not None:
            self._connection.abort()

    def _pause_writing(self) -> None:
        self._set_writable(False)

    def _resume_writing(self) -> None:
        self._set_writable(True)

    def _set_writable(self, yes: bool) -> None:
        self._writable = yes
        for session in self._sessions:
            session.socket_writable(yes)

    # Logging in ---------------------------------------------------------------------------------

    def begin_auth(self, username: str) -> bool:
        """Nobody comes in without proof, whatever the name."""
        del username
        return True

    def password_auth_supported(self) -> bool:
        """Passwords are taken."""
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        """Whether the password is right; in a thread, because that takes time by design."""
        self._tries += 1
        if self._tries > _ATTEMPTS:
            self.abort()
            return False
        doors = self._doors
        right = await doors.service.lanes.login.run(
            doors.users.check_password, username, password, self.source
        )
        if not right:
            doors.service.statistics.refused_logins += 1
            log.info("a login as %r from %s is refused", username, self.source)
        return right

    def public_key_auth_supported(self) -> bool:
        """Keys are taken."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether the key is one of the user's."""
        return self._doors.users.accepts_key(username, key.public_data)

    def auth_completed(self) -> None:
        """The user is known."""
        self._doors.anonymous.discard(self)
        self._close_unless_used(self._doors.service.settings.hello_timeout)

    # Sessions -----------------------------------------------------------------------------------

    def session_requested(self) -> "SshSession | bool":
        """A channel for a session is to be opened."""
        if self._connection is None or self._doors.full:
            log.warning("a session from %s is refused: there are too many", self.source)
            self._doors.service.statistics.refused_sessions += 1
            return False
        return SshSession(self, self._doors)

    @property
    def user(self) -> str:
        """Who has logged in."""
        if self._connection is None:
            return ""
        return str(self._connection.get_extra_info("username"))

    def began(self, session: "SshSession") -> None:
        """A session of the connection talks."""
        self._sessions.add(session)
        session.socket_writable(self._writable)
        self._stop_timer()

    def ended(self, session: "SshSession") -> None:
        """A session of the connection is over."""
        self._sessions.discard(session)
        self._close_unless_used(_LINGER)

    def _close_unless_used(self, seconds: float) -> None:
        self._stop_timer()
        if not self._sessions:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds, self._close_unused)

    def _close_unused(self) -> None:
        if self._connection is not None and not self._sessions:
            self._connection.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class SshSession(asyncssh.SSHServerSession[bytes]):
    """One channel with the subsystem `netconf`."""

    def __init__(self, connection: SshConnection, doors: "Doors") -> None:
        """Before the channel is open."""
        self._connection = connection
        self._doors = doors
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._netconf: NetconfSession | None = None
        self._channel_writable = True
        self._socket_writable = True

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """The channel is open."""
        self._channel = chan

    def pty_requested(self, term_type: str, term_size: TermSize, term_modes: TermModes) -> bool:
        """A terminal is granted to who asks for one, and means nothing."""
        del term_type, term_size, term_modes
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        """Only NETCONF is here; neither shell nor command."""
        return subsystem == "netconf" and not self._doors.full

    def session_started(self) -> None:
        """The subsystem begins."""
        channel = self._channel
        if channel is None:
            return
        self._netconf = netconf = NetconfSession(
            self._doors.service,
            _ChannelTransport(channel),
            Peer(self._connection.user, self._connection.source, "netconf-ssh"),
            self._connection.called,
        )
        self._connection.began(self)
        task = asyncio.get_running_loop().create_task(netconf.run())
        self._doors.talking[netconf] = task
        task.add_done_callback(self._done(netconf))

    def _done(self, netconf: NetconfSession) -> Callable[[asyncio.Task[None]], None]:
        def done(task: asyncio.Task[None]) -> None:
            self._doors.talking.pop(netconf, None)
            self._connection.ended(self)
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("session %s failed", netconf.session.id, exc_info=error)
                self._connection.abort()

        return done

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Octets of the client."""
        del datatype
        if self._netconf is not None:
            self._netconf.data_received(data)

    def eof_received(self) -> bool:
        """The client sends nothing more, but may wait for answers."""
        if self._netconf is None:
            return False
        self._netconf.eof_received()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed."""
        del exc
        if self._netconf is not None:
            self._netconf.lost()

    def pause_writing(self) -> None:
        """The window of the channel is used up."""
        self._channel_writable = False
        self._tell()

    def resume_writing(self) -> None:
        """The client has taken some."""
        self._channel_writable = True
        self._tell()

    def socket_writable(self, yes: bool) -> None:
        """Whether the connection's socket takes more."""
        self._socket_writable = yes
        self._tell()

    def _tell(self) -> None:
        if self._netconf is not None:
            self._netconf.writable(self._channel_writable and self._socket_writable)


class _ChannelTransport:
    """A channel, as a session sees it."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = channel

    def write(self, octets: bytes) -> None:
        self._channel.write(octets)

    def pause_reading(self) -> None:
        self._channel.pause_reading()

    def resume_reading(self) -> None:
        self._channel.resume_reading()

    def close(self, *, well: bool) -> None:
        if well:
            # Without a status OpenSSH says that something went wrong.
            self._channel.exit(0)
        else:
            self._channel.close()

    def abort(self) -> None:
        self._channel.abort()
