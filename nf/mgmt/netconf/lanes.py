"""Threads in which operations run, so that nothing slow is in the way of the event loop.

A change of threads is a large part of what a small request costs. So there is as little around it
as can be: one queue there, one call into the loop back, and no second future.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, Literal, TypeVar

from nf.mgmt.netconf.xml import is_worn

__all__ = ["Lane", "Lanes", "Threads"]

log = logging.getLogger(__name__)

T = TypeVar("T")

Lane = Literal["read", "write", "operate"]
"""Which threads: reading never waits for a slow change, nor both for a slow operation."""

_Work = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


def _nothing() -> None:
    pass


class Threads:
    """A few threads that work for one event loop; each is started when all others are busy.

    What waits is bounded by the callers: a session has one request under way at most.

    Attributes:
        busy: How much is under way or waits; changed in the event loop only.
    """

    def __init__(
        self,
        most: int,
        name: str,
        afterwards: Callable[[], None] = _nothing,
        is_worn: Callable[[], bool] = lambda: False,
    ) -> None:
        """At most so many.

        Args:
            most: Number of threads.
            name: What their names begin with.
            afterwards: Called after each call, when its caller has heard of it already.
            is_worn: Whether the thread that asks should end, and another one take its place.
        """
        self._most = most
        self._name = name
        self._afterwards = afterwards
        self._is_worn = is_worn
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._changing = threading.Lock()
        self.busy = 0

    def run(self, call: Callable[..., T], *arguments: object) -> "asyncio.Future[T]":
        """Calls in a thread; in the event loop, for what comes of it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self.busy += 1
        if self.busy > len(self._threads) < self._most:
            number = len(self._threads)
            self._threads.append(self._thread(number))
            self._threads[number].start()
        self._queue.put((loop, future, lambda: call(*arguments)))
        return future

    def stop(self) -> None:
        """Lets them finish what they are at, and what waits."""
        for _ in self._threads:
            self._queue.put(None)
        # One that ends as worn has put another one in its place before.
        while (living := self._living()) is not None:
            living.join()

    def _living(self) -> threading.Thread | None:
        with self._changing:
            return next((thread for thread in self._threads if thread.is_alive()), None)

    def _thread(self, number: int) -> threading.Thread:
        name = f"{self._name}-{number}"
        return threading.Thread(target=self._run, args=(number,), name=name, daemon=True)

    def _run(self, number: int) -> None:
        while (work := self._queue.get()) is not None:
            loop, future, call = work
            result, error = None, None
            try:
                result = call()
            except BaseException as raised:  # noqa: BLE001 - it is raised where it is waited for
                error = raised
            try:
                loop.call_soon_threadsafe(self._settle, future, result, error)
            except RuntimeError:
                # The loop is closed, and nobody waits any more.
                log.debug("work of %s ended after its event loop", self._name, exc_info=error)
            del work, future, call, result, error
            try:
                self._afterwards()
            except Exception:
                # The thread has to go on: others wait for it.
                log.exception("what follows work of %s failed", self._name)
            if self._is_worn():
                with self._changing:
                    self._threads[number] = self._thread(number)
                    self._threads[number].start()
                return

    def _settle(
        self, future: "asyncio.Future[Any]", result: object, error: BaseException | None
    ) -> None:
        self.busy -= 1
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


class Lanes:
    """The threads of a server, by what they do."""

    def __init__(self, written: Callable[[], None] = _nothing) -> None:
        """`written` is called after each change, when whoever made it has the reply."""
        self.read = Threads(4, "nf-netconf-read", is_worn=is_worn)
        self.write = Threads(2, "nf-netconf-write", written, is_worn=is_worn)
        self.operate = Threads(4, "nf-netconf-operate", is_worn=is_worn)
        self.login = Threads(2, "nf-netconf-login")

    @property
    def are_free(self) -> bool:
        """Whether none of them reads: what they read is locked for that long."""
        return not (self.read.busy or self.operate.busy)

    def of(self, lane: Lane) -> Threads:
        """The threads of a lane."""
        return {"read": self.read, "write": self.write, "operate": self.operate}[lane]

    def stop(self) -> None:
        """Lets them finish what they are at."""
        for threads in (self.read, self.write, self.operate, self.login):
            threads.stop()
