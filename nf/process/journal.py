"""Records to systemd-journald by its own protocol, so that their values stay values.

A record is one datagram of fields (systemd's "Native Journal Protocol"); one that is too large for
a datagram is handed over as a sealed file in memory.
"""

import array
import errno
import fcntl
import logging
import os
import re
import socket
import sys
from pathlib import Path

__all__ = ["SOCKET", "JournalHandler", "encoded"]

SOCKET = Path("/run/systemd/journal/socket")
TAKE_SECONDS = 0.2
"""Longest wait for a journal that does not read: what nf does never depends on who listens."""
MOST_NAME = 64
"""Octets of a field's name."""
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
"""syslog's (RFC 5424, table 2)."""


class JournalHandler(logging.Handler):
    """Sends records to journald; what it does not take goes to standard error, with the reason.

    Args:
        process: Name of this process.
        path: Its socket.

    Attributes:
        failures: Records that it did not take.

    Raises:
        OSError: Nobody listens there.
    """

    def __init__(self, process: str, path: Path = SOCKET) -> None:
        super().__init__()
        self.failures = 0
        self._process = process
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(TAKE_SECONDS)
        try:
            self._socket.connect(os.fspath(path))
        except OSError:
            self._socket.close()
            raise
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        """Sends a record; a journal that was started anew is found again."""
        octets = encoded(record, self._process)
        try:
            try:
                self._send(octets)
            except (ConnectionRefusedError, FileNotFoundError, BrokenPipeError):
                self._socket.connect(os.fspath(self._path))
                self._send(octets)
        except OSError as error:
            self.failures += 1
            print(
                f"{self._process}: {record.getMessage()} (the journal does not take it: "
                f"{error.strerror or error})",
                file=sys.stderr,
            )

    def _send(self, octets: bytes) -> None:
        try:
            self._socket.send(octets)
        except OSError as error:
            if error.errno not in {errno.EMSGSIZE, errno.ENOBUFS}:
                raise
            self._send_file(octets)

    def _send_file(self, octets: bytes) -> None:
        descriptor = os.memfd_create("nf-journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            left = memoryview(octets)
            while left:
                left = left[os.write(descriptor, left) :]
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
            rights = array.array("i", [descriptor])
            self._socket.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Hangs up."""
        self._socket.close()
        super().close()


def encoded(record: logging.LogRecord, process: str) -> bytes:
    """The fields of a record, as the journal's protocol has them."""
    fields: dict[str, object] = {
        "MESSAGE": record.getMessage(),
        "PRIORITY": PRIORITIES.get(record.levelno, 5),
        "SYSLOG_IDENTIFIER": process,
        "CODE_FILE": record.pathname,
        "CODE_LINE": record.lineno,
        "CODE_FUNC": record.funcName,
        "NF_MODULE": record.name.removeprefix("nf."),
    }
    for name, value in getattr(record, "fields", {}).items():
        fields[_field_name(name)] = value
    if record.exc_info:
        fields["NF_TRACE"] = logging.Formatter().formatException(record.exc_info)
    return b"".join(_field(name, str(value)) for name, value in fields.items())


def _field_name(name: str) -> str:
    """Capital letters, digits and `_`; the journal drops other names."""
    return f"NF_{re.sub('[^A-Z0-9_]', '_', name.upper())}"[:MOST_NAME]


def _field(name: str, value: str) -> bytes:
    octets = value.encode("utf-8", "backslashreplace")
    if b"\n" in octets:
        return name.encode() + b"\n" + len(octets).to_bytes(8, "little") + octets + b"\n"
    return name.encode() + b"=" + octets + b"\n"
