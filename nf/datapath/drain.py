"""One engine from its start to its last row, in a thread of its own."""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Literal, TypeVar

from nf._native import engine as _engine
from nf.errors import CaptureError, ChannelError, NfError
from nf.process.logs import event

__all__ = ["Drain", "DrainState", "Overrule", "Take"]

log = logging.getLogger(__name__)

DrainState = Literal["running", "ended", "failed"]
Take = Callable[[_engine.Batch], None]
Overrule = Callable[[_engine.Batch, "Drain"], None]
Result = TypeVar("Result")

ROWS_AT_A_TIME = 4096
PATIENCE_SECONDS = 0.02
"""Longest wait for rows: questions are answered, and the heart beats, so often at least."""


class Drain:
    """Takes rows from an engine and hands them on.

    The engine answers one thread at a time; so questions to it are asked by the thread that polls,
    between two polls, and never wait for more than one of them.

    Args:
        name: For the log and the thread.
        engine: Opened, not started.
        take: Gets every batch; must not wait.
        overrule: Gets every batch before, and whose it is: it may take other protocols for those
            found.
        ended: Called in the thread after the last row.

    Attributes:
        beats: Rounds of the loop.
        batches: Handed on.
        state: See there.
        error: Why it failed.
        is_defect: It failed by itself, and not because of what it reads.
    """

    def __init__(
        self,
        name: str,
        engine: _engine.Engine,
        take: Take,
        ended: Callable[["Drain"], None],
        overrule: Overrule | None = None,
    ) -> None:
        self.name = name
        self.beats = 0
        self.batches = 0
        self.rows = 0
        self.state: DrainState = "running"
        self.error = ""
        self.is_defect = False
        self.stop_asked = False
        self._engine = engine
        self._take = take
        self._ended = ended
        self._overrule = overrule
        self._awaits = False
        self._questions: queue.SimpleQueue[tuple[Callable[[_engine.Engine], Any], Future[Any]]] = (
            queue.SimpleQueue()
        )
        self._released = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"drain-{name}", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def swap(self, config: str) -> None:
        """Has the engine go on with another configuration (JSON text).

        Raises:
            ConfigurationError: A setting is wrong; the engine goes on as before.
        """
        self._engine.swap(config)

    def await_verdicts(self) -> None:
        """Has the engine filter and sum rows up after `overrule`, from now on."""
        self.ask(self._await_verdicts)

    def _await_verdicts(self, engine: _engine.Engine) -> None:
        engine.await_verdicts()
        self._awaits = True

    def stop(self) -> None:
        """Ends reading: what is under way still comes."""
        self.stop_asked = True
        self._engine.stop()

    def wait(self, seconds: float) -> bool:
        """Waits until the last row has been handed on; whether that came in time."""
        return self._over.wait(seconds)

    def release(self) -> None:
        """Lets the engine and the thread go; no more questions are answered."""
        self.stop()
        self._released.set()

    def ask(self, question: Callable[[_engine.Engine], Result]) -> "Future[Result]":
        """Has the polling thread put a question to the engine."""
        future: Future[Result] = Future()
        self._questions.put((question, future))
        if self._released.is_set():
            self._turn_away()
        return future

    def _run(self) -> None:
        try:
            self._poll_to_the_end()
            self.state = "ended"
        except NfError as error:
            self.state, self.error = "failed", f"{error.what}: {error.place}"
            self.is_defect = not isinstance(error, CaptureError)
        except BaseException as error:  # a panic of the engine is no Exception
            log.critical("the engine failed", exc_info=error)
            self.state, self.error = "failed", f"{type(error).__name__}: {error}"
            self.is_defect = True
        self._over.set()
        try:
            self._ended(self)
        except Exception:
            log.exception("what follows the end of %s failed", self.name)
        # Counters can be asked for until another engine takes over.
        while not self._released.wait(PATIENCE_SECONDS):
            self.beats += 1
            self._answer()
        self._turn_away()

    def _poll_to_the_end(self) -> None:
        while True:
            self.beats += 1
            self._answer()
            batches = self._engine.poll(ROWS_AT_A_TIME, PATIENCE_SECONDS)
            if batches is None:
                break
            for batch in batches:
                self._hand_on(batch)

    def _hand_on(self, batch: _engine.Batch) -> None:
        if self._overrule is not None:
            self._overrule(batch, self)
        if self._awaits:
            self._engine.conclude(batch)
        self._take(batch)
        self.batches += 1
        self.rows += len(batch)

    def _answer(self) -> None:
        while True:
            try:
                question, future = self._questions.get_nowait()
            except queue.Empty:
                return
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(question(self._engine))
            except BaseException as error:  # noqa: BLE001  # it is the asker's to know
                event(log, logging.DEBUG, "a question failed", drain=self.name, why=str(error))
                future.set_exception(error)

    def _turn_away(self) -> None:
        while True:
            try:
                _, future = self._questions.get_nowait()
            except queue.Empty:
                return
            if future.set_running_or_notify_cancel():
                future.set_exception(
                    ChannelError("the engine was exchanged meanwhile", self.name, "ask again")
                )
