"""The asking end of a channel: a thread reads, whoever asks waits for a future.

So it serves threads (`call`) and asyncio (`await asyncio.wrap_future(client.submit(…))`) alike.
"""

import logging
import os
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec

from nf.errors import ChannelError, Refused
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

__all__ = ["Client", "Hearing"]

log = logging.getLogger(__name__)

_failures = msgspec.msgpack.Decoder(Failure)


@dataclass(frozen=True, slots=True)
class Hearing:
    """What is done with what a server tells unasked.

    Attributes:
        events: Type of the bodies of events; None where the channel has none.
        on_event: Gets each event, in the reading thread; must return soon and not ask this client.
        on_lost: Called once, in the reading thread, when the connection ends without `close`.
    """

    events: Any = None
    on_event: Callable[[Any], None] | None = None
    on_lost: Callable[[], None] | None = None


class Client:
    """A connection to the server of a channel.

    Args:
        path: Its socket.
        channel: Name of the channel.
        answers: Type of the bodies of answers: a union of structs.
        hearing: What is done with what the server tells unasked.
        seconds: Patience while connecting, and with a server that does not read.

    Raises:
        ChannelError: Nobody listens there, or it is not the server of this channel.
    """

    def __init__(
        self,
        path: Path,
        channel: str,
        answers: Any,
        hearing: Hearing | None = None,
        seconds: float = 5.0,
    ) -> None:
        heard = hearing or Hearing()
        self._place = str(path)
        self._answers: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(answers)
        self._events: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(heard.events)
        self._on_event = heard.on_event
        self._on_lost = heard.on_lost
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._waiting: dict[int, Future[Any]] = {}
        self._number = 0
        self._closed = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._connect(path, channel, seconds)
        except BaseException:
            self._socket.close()
            raise
        self._reader = threading.Thread(
            target=self._read_on, name=f"{channel}-channel", daemon=True
        )
        self._reader.start()

    def _connect(self, path: Path, channel: str, seconds: float) -> None:
        self._socket.settimeout(seconds)
        try:
            self._socket.connect(os.fspath(path))
            self.peer = Peer.of(self._socket)
            """Who serves."""
            self._socket.sendall(encode(Kind.HELLO, 0, Hello(channel, VERSION, os.getpid())))
            self.hello = check_hello(self._read(), channel)
            """What the server said of itself."""
        except (OSError, EOFError) as error:
            raise ChannelError(
                f"nobody answers there: {str(error).lower()}",
                self._place,
                "start nf with `nf run`, or name its directory with --state-dir or --run-dir",
            ) from error
        # From here on reading waits for ever, in its thread; only sending may take too long.
        self._socket.settimeout(None)
        whole = int(seconds)
        limit = struct.pack("@ll", whole, int((seconds - whole) * 1_000_000))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def submit(self, body: Any) -> "Future[Any]":
        """Asks; the future has the answer, or raises as `call` does."""
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                future.set_exception(self._gone())
                return future
            self._number += 1
            number = self._number
            frame = encode(Kind.CALL, number, body)
            self._waiting[number] = future
        # Whoever gives up takes the number back: a server that is silent gets no more to remember.
        future.add_done_callback(lambda _: self._waiting.pop(number, None))
        try:
            with self._sending:
                self._socket.sendall(frame)
        except OSError:
            # The reading thread sees the end and fails every call that waits.
            self._hang_up()
        return future

    def call(self, body: Any, seconds: float = 10.0) -> Any:
        """Asks and waits.

        Raises:
            Refused: The server has refused, and changed nothing.
            ChannelError: It is gone, or silent for `seconds`.
        """
        asked = self.submit(body)
        try:
            return asked.result(seconds)
        except TimeoutError as error:
            asked.cancel()
            raise ChannelError(
                f"no answer to {type(body).__name__} within {seconds:g} s",
                self._place,
                "nf status tells whether that process is alive",
            ) from error

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended, on either side."""
        return self._closed

    def close(self) -> None:
        """Hangs up; calls that still wait fail."""
        with self._lock:
            self._on_lost = None
        self._hang_up()
        if threading.current_thread() is not self._reader:
            self._reader.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _hang_up(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            # It has ended already, which is what is wanted.
            return

    def _read_on(self) -> None:
        error = self._gone()
        try:
            while True:
                self._take(self._read())
        except ChannelError as malformed:
            error = malformed
        except (OSError, EOFError):
            pass
        finally:
            with self._lock:
                self._closed = True
                waiting = list(self._waiting.values())
                self._waiting.clear()
                on_lost = self._on_lost
            self._socket.close()
            for future in waiting:
                if future.set_running_or_notify_cancel():
                    future.set_exception(error)
        if on_lost is not None:
            on_lost()

    def _take(self, envelope: Envelope) -> None:
        if envelope.kind is Kind.EVENT:
            if self._on_event is not None:
                self._hear(self._on_event, decode_body(envelope.body, self._events))
            return
        with self._lock:
            future = self._waiting.pop(envelope.id, None)
        if future is None or not future.set_running_or_notify_cancel():
            return
        try:
            if envelope.kind is Kind.ANSWER:
                future.set_result(decode_body(envelope.body, self._answers))
                return
            failed: Failure = decode_body(envelope.body, _failures)
        except ChannelError as error:
            future.set_exception(error)
            return
        if failed.refused:
            refusal = Refused(failed.what, failed.place, failed.hint)
            refusal.app_tag = failed.app_tag
            future.set_exception(refusal)
        else:
            future.set_exception(ChannelError(failed.what, failed.place, failed.hint))

    def _hear(self, on_event: Callable[[Any], None], body: Any) -> None:
        try:
            on_event(body)
        except Exception:
            # Answers and later events must still be read.
            log.exception("what follows an event of %s failed", self._place)

    def _read(self) -> Envelope:
        return decode_envelope(self._exactly(length_of(self._exactly(HEADER.size))))

    def _exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            part = self._socket.recv(min(count - len(parts), 1 << 20))
            if not part:
                raise EOFError("the other end has hung up")
            parts += part
        return bytes(parts)

    def _gone(self) -> ChannelError:
        return ChannelError(
            "the other end has hung up", self._place, "nf status tells how the processes are"
        )
