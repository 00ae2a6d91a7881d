"""Frames on their way to a peer that may be slow."""

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["Outgoing"]

SLICE = 65536
"""Octets that are written at once, so that one large reply lets other sessions have their turn."""


class Outgoing:
    """Writes frames in order, as fast as the peer takes them.

    Attributes:
        queued: Octets that wait.
    """

    def __init__(
        self, write: Callable[[bytes], None], stalled: Callable[[], None], limit: float
    ) -> None:
        """`stalled` is told when the peer has taken nothing for `limit` seconds."""
        self._write = write
        self._stalled = stalled
        self._limit = limit
        self._frames: deque[bytes] = deque()
        self.queued = 0
        self._writable = asyncio.Event()
        self._writable.set()
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    def writable(self, yes: bool) -> None:
        """Whether the transport takes more."""
        if yes:
            self._writable.set()
        elif not self._closed:
            self._writable.clear()

    def send(self, frame: bytes) -> None:
        """Sends a frame after those that wait."""
        if self._closed:
            return
        if self._task is None and self._writable.is_set() and len(frame) <= SLICE:
            self._write(frame)
            return
        self._frames.append(frame)
        self.queued += len(frame)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def sent(self) -> None:
        """Waits until everything is written, or nothing can be any more."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def close(self) -> None:
        """The transport is gone: forgets what waits."""
        self._closed = True
        self._frames.clear()
        self.queued = 0
        self._writable.set()

    async def _run(self) -> None:
        while self._frames and not self._closed:
            frame = self._frames[0]
            for at in range(0, len(frame), SLICE):
                if not await self._can_write():
                    break
                self._write(frame[at : at + SLICE])
                await asyncio.sleep(0)
            if self._frames:
                self.queued -= len(self._frames.popleft())
        self._task = None

    async def _can_write(self) -> bool:
        try:
            async with asyncio.timeout(self._limit):
                await self._writable.wait()
        except TimeoutError:
            self.close()
            self._stalled()
        return not self._closed
