"""The way to another machine: SSH as OpenSSH's client would go it.

`~/.ssh/config` (host names, users, ports, keys, jumps), the agent, keys and `known_hosts` are taken
from where OpenSSH takes them. A host key that is not known is refused, since a function that is not
who it seems would get a password and a configuration.
"""

import asyncio
import getpass
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncssh

from nf.errors import ChannelError, ConfigurationError

__all__ = ["NETCONF_PORT", "Address", "Channel"]

T = TypeVar("T")

NETCONF_PORT = 830
"""RFC 6242 section 7."""
SSH_PORT = 22
LOGIN_SECONDS = 30.0
CLOSING_SECONDS = 5.0
BLOCK = 1 << 18


class Address:
    """A machine, and which of its ports.

    Args:
        text: HOST, HOST:PORT, [IPv6]:PORT, or an alias of ~/.ssh/config.
        user: Who logs in; None for what OpenSSH would take.

    Raises:
        ConfigurationError: It is none.
    """

    def __init__(self, text: str, user: str | None = None) -> None:
        name, at, place = text.rpartition("@")
        self.user = user or (name if at else None)
        host, port = place, ""
        if place.startswith("["):
            host, closed, rest = place[1:].partition("]")
            if not closed or (rest and not rest.startswith(":")):
                raise _no_address(text)
            port = rest[1:]
        elif place.count(":") == 1:
            host, _, port = place.partition(":")
            if not port:
                raise _no_address(text)
        if not host or (port and not (port.isdecimal() and 0 < int(port) < 1 << 16)):
            raise _no_address(text)
        self.host = host
        self.port = int(port) if port else None

    def __str__(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"{shown}:{self.port}" if self.port else shown


class _Witness(asyncssh.SSHClient):
    """Remembers the host key that was refused, and asks for a password only a person."""

    def __init__(self) -> None:
        self.refused: asyncssh.SSHKey | None = None
        self.user, self.host, self.port = "", "", NETCONF_PORT
        self._asked = 0

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        del host, addr, port
        self.refused = key
        return False

    async def password_auth_requested(self) -> str | None:
        # Three times, as OpenSSH does; without a terminal nobody could answer.
        if self._asked == 3 or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return None
        self._asked += 1
        return await asyncio.to_thread(getpass.getpass, f"{self.user}'s password: ")

    def kbdint_auth_requested(self) -> str | None:
        return None


class Channel:
    """Octets to and from the subsystem `netconf` of a machine; used by one thread.

    Args:
        address: The machine.

    Raises:
        ChannelError: It cannot be reached, is not known, or does not let the user in.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._runner = asyncio.Runner()
        try:
            self._connection, self._out, self._in = self._runner.run(self._open())
        except BaseException:
            self._runner.close()
            raise

    def close(self) -> None:
        """Ends the connection."""

        async def end() -> None:
            self._connection.close()
            await asyncio.wait_for(self._connection.wait_closed(), CLOSING_SECONDS)

        try:
            self._runner.run(end())
        except TimeoutError:
            self._connection.abort()
        finally:
            self._runner.close()

    def send(self, octets: bytes, seconds: float) -> None:
        """Sends octets.

        Raises:
            ChannelError: The connection is over, or nobody reads in this time.
        """

        async def write() -> None:
            self._out.write(octets)
            await self._out.drain()

        self._do(write(), seconds)

    def receive(self, seconds: float) -> bytes:
        """Waits for octets.

        Raises:
            ChannelError: There are none in this time, or there will be none.
        """
        octets = self._do(self._in.read(BLOCK), seconds)
        if not octets:
            raise ChannelError(
                "the function has ended the session", str(self._address), "see its log"
            )
        return octets

    def _do(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        try:
            return self._runner.run(_within(work, seconds))
        except TimeoutError as error:
            raise ChannelError(
                f"the function has not answered for {seconds:g} seconds",
                str(self._address),
                "what was asked may still happen: look with nf config history",
            ) from error
        except (OSError, asyncssh.Error) as error:
            raise ChannelError(
                f"the connection has broken: {error}", str(self._address), "connect again"
            ) from error

    async def _open(
        self,
    ) -> (
        "tuple[asyncssh.SSHClientConnection, asyncssh.SSHWriter[bytes], asyncssh.SSHReader[bytes]]"
    ):
        address, witness = self._address, _Witness()
        wanted: dict[str, Any] = {"username": address.user} if address.user else {}
        try:
            # A port of ~/.ssh/config counts; where nobody says one, it is NETCONF's, not SSH's.
            options = await asyncssh.SSHClientConnectionOptions.construct(
                host=address.host, config=(), **wanted
            )
            port = address.port or (options.port if options.port != SSH_PORT else NETCONF_PORT)
            witness.user, witness.host, witness.port = options.username, options.host, port
            connection, _ = await asyncssh.create_connection(
                lambda: witness,
                address.host,
                port,
                login_timeout=LOGIN_SECONDS,
                connect_timeout=LOGIN_SECONDS,
                **wanted,
            )
        except (OSError, asyncssh.Error, ValueError) as error:
            raise _why(error, witness, address) from error
        try:
            async with asyncio.timeout(LOGIN_SECONDS):
                out, back, _ = await connection.open_session(subsystem="netconf", encoding=None)
        except (OSError, asyncssh.Error) as error:
            connection.abort()
            raise ChannelError(
                f"there is no NETCONF: {str(error) or 'no answer'}",
                f"{address.host} port {port}",
                f"name the port of NETCONF ({NETCONF_PORT} unless configured otherwise)",
            ) from error
        return connection, out, back


async def _within(work: Coroutine[Any, Any, T], seconds: float) -> T:
    return await asyncio.wait_for(work, seconds)


def _no_address(text: str) -> ConfigurationError:
    return ConfigurationError(
        f"{text!r} is no address", "--host", "HOST, HOST:PORT, [IPv6]:PORT or USER@HOST"
    )


def _why(error: Exception, witness: _Witness, address: Address) -> ChannelError:
    """What an error of SSH means to who wants in."""
    place = str(address)
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        key = witness.refused
        shown = f" ({key.get_algorithm()} {key.get_fingerprint()})" if key else ""
        return ChannelError(
            f"the host key{shown} is not the one in known_hosts",
            place,
            "compare the fingerprint with the function's own (ssh-keygen -lf KEY there), then"
            f" ssh-keyscan -p {witness.port} {witness.host} >> ~/.ssh/known_hosts; has it changed,"
            f" ssh-keygen -R '[{witness.host}]:{witness.port}' first",
        )
    if isinstance(error, asyncssh.KeyImportError):
        return ChannelError(
            f"a key cannot be used: {error}",
            place,
            "give an encrypted one to the agent (ssh-add KEY), or correct ~/.ssh/config",
        )
    if isinstance(error, asyncssh.PermissionDenied):
        return ChannelError(
            f"{witness.user} is not let in: {error.reason}",
            place,
            "name the account (--user), load its key (ssh-add), or use a terminal, which is asked"
            " for a password",
        )
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ChannelError(
        f"the function cannot be reached: {(why or type(error).__name__).lower()}",
        place,
        f"check host and port ({NETCONF_PORT} unless configured otherwise)",
    )
