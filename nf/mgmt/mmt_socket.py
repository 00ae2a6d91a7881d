"""The control socket of MMT-Probe: a UNIX stream, one command for each connection.

A command ends with the octet 0, or when the client has closed its side for sending. Clients are
served one after the other; one that does not finish its command is left after some seconds. The
socket is for its owner alone (mode 600): who is not root or the probe's own user is subject to
access control, under the name of the account that the kernel tells.
"""

import errno
import logging
import os
import select
import socket
import stat
import struct
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nf.mgmt.changes import Change
from nf.mgmt.core import Core
from nf.mgmt.desk import name_of
from nf.mgmt.mmt_commands import MAX_PARAMETERS, MmtCommands
from nf.mgmt.transaction import Data, ProviderError

__all__ = ["MmtSocket"]

log = logging.getLogger(__name__)

PROBE = "nf-probe:probe"
PATH = f"/{PROBE}/management/mmt-socket/path"
MAX_COMMAND = MAX_PARAMETERS + 64
"""Octets of a command: the parameters, and the word before them."""
PATIENCE = 5.0
"""Seconds that a client has to send its command, and to take the reply."""
PAUSE = 1.0
"""Seconds until a client is accepted again after that was not possible."""
BACKLOG = 16
MAX_DRAINED = 1 << 20
"""Octets of a command that is too long that are taken before the connection is cut."""


class MmtSocket:
    """Provider of `management/mmt-socket`: the socket is there while it is enabled.

    Args:
        core: Whom commands are for.
        commands: Who carries them out; None for the core's.
    """

    name = "mmt-socket"
    watches: tuple[str, ...] = (PROBE,)

    def __init__(self, core: Core, commands: MmtCommands | None = None) -> None:
        self._core = core
        self._commands = commands or MmtCommands(core)
        self._open: _Listener | None = None

    @property
    def path(self) -> str | None:
        """Where it listens; None while it does not."""
        return self._open.path if self._open else None

    def prepare(self, before: Data | None, after: Data, changes: Sequence[Change]) -> "_Switch":
        """Binds the socket where it has to be another one.

        Raises:
            ProviderError: It cannot be bound there.
        """
        del before, changes
        wanted = _wanted(after)
        if wanted == self.path:
            return _Switch(self, self._open)
        made = _Listener(wanted, self._core, self._commands) if wanted else None
        return _Switch(self, made)

    def take(self, listener: "_Listener | None") -> None:
        """Serves at this one from now on, and nowhere else."""
        if listener is self._open:
            return
        old, self._open = self._open, listener
        if old is not None:
            old.close()
        if listener is not None:
            listener.start()
            log.info("commands of MMT-Probe are taken at %s", listener.path)

    def stop(self) -> None:
        """Ends; a command that is being carried out is finished."""
        self.take(None)


class _Switch:
    """From one listener to another."""

    def __init__(self, owner: MmtSocket, made: "_Listener | None") -> None:
        self._owner = owner
        self._made = made

    def apply(self) -> None:
        self._owner.take(self._made)

    def abort(self) -> None:
        if self._made is not None and self._made.path != self._owner.path:
            self._made.close()


class _Listener:
    """A socket with the thread that serves it."""

    def __init__(self, path: str, core: Core, commands: MmtCommands) -> None:
        self.path = path
        self._core = core
        self._commands = commands
        self._socket = _bound(path)
        self._node = _node(path)
        self._wake, self._woken = socket.socketpair()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="nf-mmt-socket", daemon=True)

    def start(self) -> None:
        """Serves from now on."""
        self._thread.start()

    def close(self) -> None:
        """Serves no more, and removes the socket unless somebody has put another there."""
        self._closing.set()
        self._wake.close()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(PATIENCE)
        self._socket.close()
        if self._thread.ident is None:
            self._woken.close()
        if _node(self.path) == self._node:
            Path(self.path).unlink(missing_ok=True)

    def _serve(self) -> None:
        with self._woken:
            # Not select(2), which knows no descriptor above 1023.
            waiting = select.poll()
            waiting.register(self._socket, select.POLLIN)
            waiting.register(self._woken, select.POLLIN)
            # A command may have closed the socket that it came through.
            while not self._closing.is_set():
                ready = {descriptor for descriptor, _ in waiting.poll()}
                if self._woken.fileno() in ready:
                    return
                try:
                    client, _ = self._socket.accept()
                except OSError as error:
                    log.warning("a client could not be accepted: %s", error)
                    # It still waits: without a pause this would go round and round.
                    self._closing.wait(PAUSE)
                    continue
                with client:
                    self._attend(client)

    def _attend(self, client: socket.socket) -> None:
        until = time.monotonic() + PATIENCE
        try:
            command = _command(client, until)
            reply = self._answer(client, command)
            client.settimeout(max(until - time.monotonic(), 0.1))
            client.sendall(reply)
            client.shutdown(socket.SHUT_WR)
            if command is None:
                _drain(client, until)
        except OSError as error:
            # It has gone, or is too slow: nobody is there to be told.
            log.info("a client left before its command was done: %s", error)
        except Exception:
            log.exception("a command failed")
            _try_to_send(client, b"3 a defect of nf: see its log\n")

    def _answer(self, client: socket.socket, command: bytes | None) -> bytes:
        if command is None:
            return f"2 a command has {MAX_COMMAND} octets at most\n".encode()
        pid, uid, _ = struct.unpack(
            "3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        )
        session = self._core.sessions.open(
            name_of(uid), "mmt", f"pid {pid}", recovery=uid in (0, os.geteuid())
        )
        try:
            return self._commands.answer(session, command)
        finally:
            self._core.sessions.close(session, "closed")


def _command(client: socket.socket, until: float) -> bytes | None:
    """What a client sends; None when it is too long.

    Raises:
        OSError: The client is too slow, or has gone.
    """
    read = bytearray()
    while True:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError(errno.ETIMEDOUT, "the command did not end in time")
        client.settimeout(left)
        some = client.recv(4096)
        end = some.find(b"\0")
        read += some if end < 0 else some[:end]
        if len(read) > MAX_COMMAND:
            return None
        if end >= 0 or not some:
            return bytes(read)


def _drain(client: socket.socket, until: float) -> None:
    """Takes what is still coming: closing over it would take the reply away from the client."""
    for _ in range(MAX_DRAINED // 4096):
        client.settimeout(max(until - time.monotonic(), 0.001))
        if not client.recv(4096):
            return


def _try_to_send(client: socket.socket, reply: bytes) -> None:
    try:
        client.sendall(reply)
    except OSError as error:
        log.info("nor could that be said: %s", error)


def _wanted(after: Data) -> str | None:
    stated: dict[str, Any] = after.get(PROBE, {}).get("management", {}).get("mmt-socket", {})
    return stated["path"] if stated.get("enabled") and "path" in stated else None


def _node(path: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _bound(path: str) -> socket.socket:
    """A socket that listens at a path; one that somebody left behind goes.

    Raises:
        ProviderError: Somebody listens there, something else is there, or it is not permitted.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        _clear(path)
        made.bind(path)
        # Nobody can connect before it listens.
        os.chmod(path, 0o600)  # noqa: PTH101 - the path is the model's text
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise ProviderError(
            PATH, f"no socket can be made at {path}: {error.strerror or error}", "mmt-socket"
        ) from error
    except ProviderError:
        made.close()
        raise
    return made


def _clear(path: str) -> None:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ProviderError(PATH, f"{path} is there and is no socket", "mmt-socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(1.0)
        try:
            trial.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
            return
    raise ProviderError(PATH, f"somebody else listens at {path}", "mmt-socket")
