"""The notification protocol of service managers (sd_notify), without a library.

A process tells whoever started it how it is: datagrams of `NAME=value` lines to the socket that the
environment names. systemd understands them, and so does nf-monitor, which is to its children what
systemd is to it. Source: sd_notify(3), sd_watchdog_enabled(3).
"""

import os
import socket
from collections.abc import Mapping, MutableMapping

from nf.errors import NfError

__all__ = ["MOST_OCTETS", "Notifier", "parse"]

SOCKET_VARIABLE = "NOTIFY_SOCKET"
WATCHDOG_VARIABLE = "WATCHDOG_USEC"
WATCHDOG_PID_VARIABLE = "WATCHDOG_PID"
MOST_OCTETS = 4096
"""Longest datagram that a receiver of ours takes."""


class Notifier:
    """Where to report to, as the environment says.

    Args:
        address: A path, or `@name` for the abstract name space; empty for nobody.
        watchdog_seconds: Time within which the receiver wants to hear `WATCHDOG=1`; 0 for never.

    Raises:
        NfError: The address is neither a path nor an abstract name.
    """

    def __init__(self, address: str = "", watchdog_seconds: float = 0.0) -> None:
        if address and address[0] not in "/@":
            raise NfError(
                f"{address!r} is no address of a notification socket",
                SOCKET_VARIABLE,
                "an absolute path, or @name; unset it to run without a service manager",
            )
        self.watchdog_seconds = watchdog_seconds
        self.unheard = 0
        """Datagrams that nobody took."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: socket.socket | None = None
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str] | None = None) -> "Notifier":
        """Takes the variables out of the environment, so that no child reports in our name.

        Raises:
            NfError: A variable has no meaning.
        """
        known = os.environ if environment is None else environment
        address = known.pop(SOCKET_VARIABLE, "")
        interval = known.pop(WATCHDOG_VARIABLE, "")
        meant_for = known.pop(WATCHDOG_PID_VARIABLE, "")
        if not interval or (meant_for and meant_for != str(os.getpid())):
            return cls(address)
        if not interval.isdecimal() or int(interval) == 0:
            raise NfError(
                f"{interval!r} is no number of microseconds",
                WATCHDOG_VARIABLE,
                "a number above 0; unset it to run without a watchdog",
            )
        return cls(address, int(interval) / 1_000_000)

    @property
    def is_heard(self) -> bool:
        """Whether there is anybody to report to."""
        return self._socket is not None

    def tell(self, **values: str | int) -> None:
        """Sends one datagram, such as `tell(READY=1, STATUS="capturing")`.

        A receiver that is gone or does not read is counted in `unheard`: what nf does never
        depends on who listens.
        """
        if self._socket is None:
            return
        lines = [f"{name}={value}".replace("\n", " ") for name, value in values.items()]
        try:
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            self.unheard += 1

    def ready(self, status: str) -> None:
        """Start-up is over."""
        self.tell(READY=1, STATUS=status)

    def alive(self) -> None:
        """What the watchdog waits for."""
        self.tell(WATCHDOG=1)

    def stopping(self, status: str) -> None:
        """The end has begun."""
        self.tell(STOPPING=1, STATUS=status)

    def close(self) -> None:
        """Closes the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def parse(datagram: bytes) -> Mapping[str, str]:
    """The values of a datagram; what is no `NAME=value` line is left out."""
    values: dict[str, str] = {}
    for line in datagram[:MOST_OCTETS].decode(errors="replace").split("\n"):
        name, equals, value = line.partition("=")
        if equals and name:
            values[name] = value
    return values
