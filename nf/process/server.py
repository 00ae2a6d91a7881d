"""The answering end of a channel, in asyncio.

Bounded: connections, calls at a time per connection, octets per frame, and time for the hello and
for a peer that does not read. Who is no root and not of the same user is turned away, unless the
server leaves it to the mode of its socket.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from nf.errors import ChannelError, NfError, Refused
from nf.process.frames import (
    HEADER,
    VERSION,
    Envelope,
    Failure,
    Hello,
    Kind,
    Peer,
    check_hello,
    decode_body,
    decode_envelope,
    encode,
    length_of,
)
from nf.process.logs import event

__all__ = ["Limits", "Server", "failure_of"]

log = logging.getLogger(__name__)

Handle = Callable[[Peer, Any], Awaitable[Any]]

TURNS = 4
"""Of the loop, until everything that was told to close has closed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server bears."""

    connections: int = 32
    calls: int = 64
    """At a time and connection; further ones are refused."""
    hello_seconds: float = 5.0
    write_seconds: float = 10.0
    """A peer that takes none of its answers for so long is cut off."""
    unread_events: int = 1 << 20
    """Octets that may wait for a slow peer before events to it are dropped."""


@dataclass(eq=False, slots=True)
class Connection:
    """One peer."""

    peer: Peer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    calls: set["asyncio.Task[None]"] = field(default_factory=set)
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    greeted: bool = False


class Server:
    """Listens on a path and has `handle` answer.

    Args:
        path: The socket; one that nobody listens on any more is replaced.
        channel: Name of the channel, compared in the hello.
        calls: Type of the bodies of calls: a union of structs.
        handle: Gets the peer and a body, returns the answer. An `NfError` that it raises goes to
            the caller; anything else too, and into the log as a defect.
        limits: See there.
        by_file: Whoever the socket's mode lets in is served; else root and the same user only.
    """

    def __init__(  # noqa: PLR0913 - what it serves, to whom, within which limits
        self,
        path: Path,
        channel: str,
        calls: Any,
        handle: Handle,
        limits: Limits | None = None,
        *,
        by_file: bool = False,
    ) -> None:
        self.path = path
        self._by_file = by_file
        self.dropped_events = 0
        self._channel = channel
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(calls)
        self._handle = handle
        self._limits = limits or Limits()
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listens.

        Raises:
            ChannelError: Another process listens there, or nobody can.
        """
        self._server = await asyncio.start_unix_server(self._accept, sock=bound(self.path))

    async def stop(self) -> None:
        """Hangs up; calls under way are cancelled."""
        if self._server is None:
            return
        self._server.close()
        self.path.unlink(missing_ok=True)
        for task in tuple(self._connections.values()):
            task.cancel()
        await asyncio.gather(*self._connections.values(), return_exceptions=True)
        await self._server.wait_closed()
        # A transport that was told to close does so in the next turn of the loop; connections that
        # were being accepted need one more until they are told.
        for _ in range(TURNS):
            await asyncio.sleep(0)
        self._server = None

    def broadcast(self, body: Any) -> None:
        """Sends an event to every peer; one that does not read loses it, counted."""
        frame = encode(Kind.EVENT, 0, body)
        for connection in self._connections:
            waiting = connection.writer.transport.get_write_buffer_size()
            if not connection.greeted:
                continue
            if waiting + len(frame) > self._limits.unread_events:
                self.dropped_events += 1
            else:
                connection.writer.write(frame)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(Peer.of(writer.get_extra_info("socket")), reader, writer)
        task = asyncio.current_task()
        if task is None:
            raise NfError("a connection without a task", str(self.path), "report it: a defect")
        if len(self._connections) >= self._limits.connections:
            event(log, logging.WARNING, "too many connections", pid=connection.peer.pid)
            writer.close()
            return
        self._connections[connection] = task
        try:
            await self._serve(connection)
        except (ChannelError, TimeoutError, OSError, EOFError) as error:
            if not isinstance(error, EOFError | ConnectionError):
                event(
                    log,
                    logging.WARNING,
                    "connection cut",
                    channel=self._channel,
                    pid=connection.peer.pid,
                    uid=connection.peer.uid,
                    why=error.what if isinstance(error, NfError) else repr(error),
                )
        except asyncio.CancelledError:
            # Only `stop` does this; asyncio would report it as an error of the accepting task.
            pass
        finally:
            for call in connection.calls:
                call.cancel()
            writer.transport.abort()
            del self._connections[connection]

    async def _serve(self, connection: Connection) -> None:
        if not (self._by_file or connection.peer.is_trusted):
            raise ChannelError(
                f"uid {connection.peer.uid} may not use this channel", str(self.path), "use root"
            )
        async with asyncio.timeout(self._limits.hello_seconds):
            check_hello(await _read(connection.reader), self._channel)
        await self._write(connection, Kind.HELLO, 0, Hello(self._channel, VERSION, os.getpid()))
        connection.greeted = True
        while True:
            envelope = await _read(connection.reader)
            if envelope.kind is not Kind.CALL:
                raise ChannelError(f"a {envelope.kind.name}", self._channel, "send calls")
            if len(connection.calls) >= self._limits.calls:
                busy = Failure("too many calls at a time", self._channel, "wait for answers")
                await self._write(connection, Kind.FAILURE, envelope.id, busy)
                continue
            call = asyncio.create_task(self._answer(connection, envelope))
            connection.calls.add(call)
            call.add_done_callback(connection.calls.discard)

    async def _answer(self, connection: Connection, envelope: Envelope) -> None:
        kind = Kind.ANSWER
        try:
            answer = await self._handle(connection.peer, decode_body(envelope.body, self._decoder))
            frame = encode(kind, envelope.id, answer)
        except Exception as error:  # noqa: BLE001  # whatever went wrong is the caller's to know
            frame = encode(Kind.FAILURE, envelope.id, failure_of(error))
        with suppress(ConnectionError):
            await self._send(connection, frame)

    async def _write(self, connection: Connection, kind: Kind, number: int, body: Any) -> None:
        await self._send(connection, encode(kind, number, body))

    async def _send(self, connection: Connection, frame: bytes) -> None:
        async with connection.writing:
            connection.writer.write(frame)
            try:
                async with asyncio.timeout(self._limits.write_seconds):
                    await connection.writer.drain()
            except TimeoutError:
                connection.writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> Envelope:
    length = length_of(await reader.readexactly(HEADER.size))
    return decode_envelope(await reader.readexactly(length))


def failure_of(error: Exception) -> Failure:
    """What a caller is told; a defect also goes to the log, with its trace."""
    if isinstance(error, NfError):
        tag = error.app_tag if isinstance(error, Refused) else ""
        return Failure(error.what, error.place, error.hint, tag)
    log.error("a call failed", exc_info=error)
    return Failure(
        f"a defect of nf: {type(error).__name__}: {error}",
        "see the log",
        "report it with the log",
        refused=False,
    )


def bound(path: Path) -> socket.socket:
    """A socket that listens on `path`, for its owner alone.

    Raises:
        ChannelError: Another process listens there, or nobody can.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        _make_way(path)
        # Under its name only when it listens: who finds it can connect.
        before = path.with_name(f".{path.name}")
        before.unlink(missing_ok=True)
        listening.bind(os.fspath(before))
        before.chmod(0o600)
        listening.listen(16)
        before.rename(path)
    except OSError as error:
        listening.close()
        raise ChannelError(
            f"cannot listen: {(error.strerror or str(error)).lower()}",
            str(path),
            "name another directory with --run-dir, one that this user may write to",
        ) from error
    except ChannelError:
        listening.close()
        raise
    return listening


def _make_way(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as asking:
        asking.settimeout(1.0)
        try:
            asking.connect(os.fspath(path))
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            path.unlink()
            return
    raise ChannelError(
        "another process listens there",
        str(path),
        "end it first (nf status tells its number), or give this probe a --state-dir of its own",
    )
