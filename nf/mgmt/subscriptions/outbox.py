"""What waits to be sent to one subscriber: bounded, and never at the cost of another.

As long as the subscriber keeps up, messages are those that all subscribers share. When more of
them wait than the limit says, they are taken apart: of every path only the newest value stays,
with the number of those that were left out (`duplicates`). A subscriber that then does not take
anything for too long, or of whom too many paths wait, is given up.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

__all__ = ["Frame", "Limits", "Mail", "Outbox", "Overrun", "Pump", "Write", "boundary"]

log = logging.getLogger(__name__)

Write = Callable[[int, Sequence[tuple[bytes, bytes, int]], Sequence[bytes]], list[bytes]]
"""Writes messages anew: time stamp; path, value and how many were left out before it; deletes."""


def boundary(
    timestamp: int, updates: Sequence[tuple[bytes, bytes, int]], deletes: Sequence[bytes]
) -> list[bytes]:
    """Writer of frames that say where something ends: they have no values, and come after all."""
    del timestamp, updates, deletes
    return []


@dataclass(slots=True)
class Frame:
    """One event of a feed, shared by all its subscribers.

    Attributes:
        timestamp: Nanoseconds since 1970.
        messages: As they are sent.
        take_apart: Makes the encoded path and value of every update in the messages.
        deletes: Encoded paths.
        atomic: Key of the container that the frame tells as a whole, or None.
        write: Writes such messages from parts.
    """

    timestamp: int
    messages: Sequence[bytes]
    take_apart: Callable[[], Sequence[tuple[bytes, bytes]]]
    deletes: Sequence[bytes]
    write: Write
    atomic: bytes | None = None
    _updates: Sequence[tuple[bytes, bytes]] | None = field(default=None, repr=False)

    @property
    def updates(self) -> Sequence[tuple[bytes, bytes]]:
        """Encoded path and value of every update: only slow subscribers ask, and share it."""
        if self._updates is None:
            self._updates = self.take_apart()
        return self._updates


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one subscriber.

    Attributes:
        messages: That wait before they are taken apart.
        paths: That wait then.
        stalled: Seconds without taking anything, after which the subscriber is given up.
    """

    messages: int = 256
    paths: int = 100_000
    stalled: float = 60.0


@dataclass(slots=True)
class _Newest:
    values: dict[bytes, bytes] = field(default_factory=dict)
    left_out: dict[bytes, int] = field(default_factory=dict)
    deletes: dict[bytes, None] = field(default_factory=dict)
    atomic: dict[bytes, Frame] = field(default_factory=dict)
    timestamp: int = 0

    def __len__(self) -> int:
        return (
            len(self.values)
            + len(self.deletes)
            + sum(len(frame.updates) or 1 for frame in self.atomic.values())
        )

    def add(self, frame: Frame) -> int:
        """Takes a frame in; how many values it replaced."""
        replaced = 0
        self.timestamp = frame.timestamp
        if frame.atomic is not None and not frame.deletes:
            replaced = len(self.atomic.pop(frame.atomic, frame).updates)
            self.atomic[frame.atomic] = frame
            return replaced
        for path in frame.deletes:
            # A path's octets begin with those of what it lies below.
            for below in [one for one in self.values if one.startswith(path)]:
                del self.values[below]
                self.left_out.pop(below, None)
                replaced += 1
            for key in [one for one in self.atomic if one.startswith(path)]:
                del self.atomic[key]
            self.deletes[path] = None
        for path, value in frame.updates:
            if path in self.values:
                self.left_out[path] = self.left_out.get(path, 0) + 1
                replaced += 1
            self.values[path] = value
        return replaced


class Overrun(Exception):
    """The subscriber is too slow to be served."""


class Outbox:
    """Queue of one subscriber; used in one event loop.

    Attributes:
        coalesced: Values that a newer one of the same path has replaced.
        sent: Messages taken out.
    """

    def __init__(self, limits: Limits) -> None:
        """Empty."""
        self._limits = limits
        self._frames: deque[Frame] = deque()
        self._waiting = 0
        self._newest: dict[Write, _Newest] = {}
        self._ready: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._ended: BaseException | None = None
        self._taken = monotonic()
        self.coalesced = 0
        self.sent = 0

    @property
    def slow(self) -> bool:
        """Whether messages have been taken apart."""
        return bool(self._newest)

    def put(self, frame: Frame) -> None:
        """One more event; never blocks."""
        if self._ended is not None:
            return
        if not self._frames and not self._newest and not self._ready:
            self._taken = monotonic()
        self._frames.append(frame)
        self._waiting += len(frame.messages)
        if self._newest or self._waiting > self._limits.messages:
            self._take_apart()
        self._wake.set()

    def _take_apart(self) -> None:
        while self._frames:
            frame = self._frames.popleft()
            newest = self._newest.setdefault(frame.write, _Newest())
            self.coalesced += newest.add(frame)
        self._waiting = 0
        if sum(map(len, self._newest.values())) > self._limits.paths:
            self.end(Overrun(f"more than {self._limits.paths} paths wait to be sent"))
        elif monotonic() - self._taken > self._limits.stalled:
            self.end(Overrun(f"nothing was taken for {self._limits.stalled:g} s"))

    def end(self, error: BaseException) -> None:
        """What waits is dropped; `get` raises."""
        if self._ended is None:
            self._ended = error
        self._frames.clear()
        self._newest.clear()
        self._ready.clear()
        self._wake.set()

    def progress(self) -> None:
        """The subscriber has taken something that did not come from here."""
        self._taken = monotonic()

    async def get(self) -> bytes:
        """The next message.

        Raises:
            Overrun: The subscriber is given up; or whatever `end` was told.
        """
        while True:
            self._taken = monotonic()
            if self._ended is not None:
                raise self._ended
            if self._ready:
                self.sent += 1
                return self._ready.popleft()
            if self._newest:
                self._write_newest()
                continue
            if self._frames:
                frame = self._frames.popleft()
                self._waiting -= len(frame.messages)
                self._ready.extend(frame.messages)
                continue
            self._wake.clear()
            await self._wake.wait()

    def _write_newest(self) -> None:
        waiting, self._newest = self._newest, {}
        for write, newest in sorted(waiting.items(), key=lambda one: one[0] is boundary):
            if newest.values or newest.deletes:
                self._ready.extend(
                    write(
                        newest.timestamp,
                        [
                            (path, value, newest.left_out.get(path, 0))
                            for path, value in newest.values.items()
                        ],
                        list(newest.deletes),
                    )
                )
            for frame in newest.atomic.values():
                self._ready.extend(frame.messages)


class Mail:
    """Carries frames from the threads that make them into an event loop.

    However many subscribers a frame has, the loop is woken once.

    Attributes:
        loop: Where the outboxes are.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing is under way."""
        self.loop = loop
        self._waiting: deque[tuple[Outbox, Frame]] = deque()
        self._called = False

    def post(self, outbox: Outbox, frame: Frame) -> None:
        """From any thread: the outbox gets the frame soon, after those that were posted before."""
        self._waiting.append((outbox, frame))
        # Whoever reads this as true has put its frame there before the loop begins to look.
        if not self._called:
            self._called = True
            try:
                self.loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:
                self._waiting.clear()
                log.debug("the event loop of subscribers has ended")

    def _deliver(self) -> None:
        self._called = False
        while self._waiting:
            outbox, frame = self._waiting.popleft()
            outbox.put(frame)


class Pump:
    """Sends what an outbox has, one message after the other, without a task for each.

    Attributes:
        given_up: Whoever sets it wants nothing sent any more.
    """

    def __init__(
        self,
        outbox: Outbox,
        write: Callable[[bytes], Awaitable[None]],
        written: Callable[[], None],
    ) -> None:
        """Sends nothing before `run`.

        Args:
            outbox: What is sent.
            write: Returns when there is room for the next message.
            written: Is told of each message that was taken.
        """
        self._outbox = outbox
        self._write = write
        self._written = written
        self._since: float | None = None
        self.given_up = False

    async def run(self) -> None:
        """Sends until it is given up or cancelled.

        Raises:
            Overrun: Of the outbox; or what `write` raises.
        """
        while not self.given_up:
            message = await self._outbox.get()
            self._since = monotonic()
            await self._write(message)
            self._since = None
            self._written()

    def left(self, seconds: float) -> float:
        """How long the message at hand may still take if it may take so many seconds in all."""
        return seconds if self._since is None else self._since + seconds - monotonic()
