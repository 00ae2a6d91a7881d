"""Calls of code that is not ours: a thread that does not come back is left behind."""

import ctypes
import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

__all__ = ["Caller", "Overdue"]

Result = TypeVar("Result")
_Calls = queue.SimpleQueue[tuple[Callable[[], Any], "Future[Any]"] | None]


MOST_LEFT = 64
"""Threads that may be left behind; then nothing more is called until one of them has ended."""


class Overdue(Exception):
    """A call did not come back in time; whatever it says later is not heard."""


class Caller:
    """Calls functions one after the other, and waits for each so long and no longer.

    The same thread has all calls, until one does not come back: then that thread is told to end,
    and the next call gets another. A function that waits within C, or catches everything, may keep
    its thread; one that keeps the interpreter's lock can be ended by nf-monitor only. Whoever calls
    from several threads sees to it that they take turns.

    Args:
        name: Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._calls: _Calls = queue.SimpleQueue()
        self._left: list[threading.Thread] = []

    def call(self, function: Callable[[], Result], seconds: float) -> Result:
        """What a function returns.

        Raises:
            Overdue: It has not come back after `seconds`, or too many before it have not.
            BaseException: What the function raised.
        """
        thread = self._thread or self._begin()
        called: Future[Result] = Future()
        self._calls.put((function, called))
        if not wait((called,), seconds).done:
            self._leave(thread)
            raise Overdue(f"it took more than {seconds:.1f} s")
        return called.result()

    def _begin(self) -> threading.Thread:
        self._left = [one for one in self._left if one.is_alive()]
        if len(self._left) >= MOST_LEFT:
            raise Overdue(f"{len(self._left)} calls before have not come back")
        self._calls = queue.SimpleQueue()
        # The thread knows the queue only, so that it ends with the caller that filled it.
        weakref.finalize(self, self._calls.put, None)
        self._thread = threading.Thread(
            target=_serve, args=(self._calls,), name=self._name, daemon=True
        )
        self._thread.start()
        return self._thread

    def _leave(self, thread: threading.Thread) -> None:
        """Ends an endless loop of Python, or else has the thread end when its call comes back."""
        if thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
            )
        self._calls.put(None)
        self._left.append(thread)
        self._thread = None


def _serve(calls: _Calls) -> None:
    while (asked := calls.get()) is not None:
        function, called = asked
        try:
            called.set_result(function())
        except BaseException as error:  # noqa: BLE001  # it is the caller's to know
            called.set_exception(error)
        # What was called must not stay alive until the next call.
        del asked, function, called
