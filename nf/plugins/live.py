"""Functions of plugins in a process that captures: they hear what is found, and can stop nothing.

Handlers run in a thread of their own, which what is found waits for in a bounded queue; a
classifier runs where rows are taken from the engine, since what it says is part of them. A function
that fails is told about and counted, and called again; one that takes too long is turned off.
"""

import hashlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from nf._native import engine as _engine
from nf.datapath.config import EngineConfig, Event, Report
from nf.plugins.decorator import UserProtocol
from nf.plugins.handlers import Classifier, Handler, events_of
from nf.plugins.loading import Plugins, files_of, load_plugins
from nf.plugins.rows import Makers, Rows
from nf.process.logs import event

__all__ = ["Listeners", "Shelf", "notes_of"]

log = logging.getLogger(__name__)

MOST_ROWS = 100_000
"""Rows that wait for handlers; what comes on top is dropped, and counted."""
MOST_SECONDS = 5.0
"""For one batch; whoever takes longer is called no more."""


@dataclass(slots=True)
class Counted:
    """A function, and how it does.

    Attributes:
        plugin: Protocol of the plugin that it belongs to.
        place: Where that stands.
        name: Of the function.
        kind: What it hears; `classifier`.
        rows: That it was given.
        failures: How often it raised.
        dropped: Rows that it was not given, since too many waited.
        last_error: What it raised last, or why it is off.
        off: It is called no more.
    """

    plugin: str
    place: str
    name: str
    kind: str
    rows: int = 0
    failures: int = 0
    dropped: int = 0
    last_error: str = ""
    off: bool = False

    def call(self, rows: int, function: Callable[[], object]) -> bool:
        """Calls it, whatever it does; whether it came to its end."""
        if self.off:
            return False
        begun = time.monotonic()
        self.rows += rows
        try:
            function()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # it is not ours
            self._failed(error)
            return False
        finally:
            self._took(time.monotonic() - begun)
        return True

    def _failed(self, error: BaseException) -> None:
        self.failures += 1
        self.last_error = f"{type(error).__name__}: {error}"
        # All are counted; a function that always fails must not fill the disk.
        if self.failures & (self.failures - 1) == 0:
            event(
                log,
                logging.ERROR,
                "a function of a plugin failed",
                plugin=self.plugin,
                function=self.name,
                place=self.place,
                why=self.last_error,
                failures=self.failures,
            )
            log.debug("where it failed", exc_info=error)

    def _took(self, seconds: float) -> None:
        if seconds > MOST_SECONDS:
            self.off = True
            self.last_error = f"turned off: it took {seconds:.1f} s for one batch"
            event(
                log,
                logging.ERROR,
                "a function of a plugin is turned off",
                plugin=self.plugin,
                function=self.name,
                place=self.place,
                seconds=round(seconds, 1),
            )

    def told(self) -> dict[str, Any]:
        """For the state."""
        return {
            "plugin": self.plugin,
            "name": self.name,
            "kind": self.kind,
            "status": "off" if self.off else "running",
            "rows": self.rows,
            "failures": self.failures,
            "dropped": self.dropped,
            "last_error": self.last_error,
        }

    def clear(self) -> None:
        """Has counters begin at 0 again."""
        self.rows = self.failures = self.dropped = 0


class Listeners:
    """All functions of plugins that are loaded.

    Args:
        plugins: Those.
        makers: How a row becomes a record.
    """

    def __init__(self, plugins: Plugins, makers: Makers) -> None:
        self._makers = makers
        self._heard: list[tuple[Counted, Handler]] = []
        self._classifiers: list[tuple[Counted, Rows]] = []
        for protocol in plugins.protocols:
            for handler in protocol.handlers:
                counted = _counted(protocol, handler.function, handler.kind)
                self._heard.append((counted, handler))
            if protocol.classifier is not None:
                self._classifiers.append(self._asking(protocol, protocol.classifier))
        self._kinds = frozenset(handler.kind for _, handler in self._heard)
        self._changed = threading.Condition()
        self._batches: deque[_engine.Batch] = deque()
        self._rows = 0
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="plugin-handlers", daemon=True)

    def _asking(self, protocol: UserProtocol, classifier: Classifier) -> tuple[Counted, Rows]:
        counted = _counted(protocol, classifier, "classifier")
        return counted, Rows((), (), classifier, self._makers)

    def __bool__(self) -> bool:
        return bool(self._heard or self._classifiers)

    def completed(self, config: EngineConfig) -> EngineConfig:
        """The configuration, with what functions wait for among what is reported."""
        kinds: Iterable[Report] = ("session", "transaction", "event")
        wanted = self._kinds | ({"session"} if self._classifiers else set())
        more = tuple(kind for kind in kinds if kind in wanted and kind not in config.reports)
        return replace(
            config,
            reports=(*config.reports, *more),
            events=(*config.events, *self.events(config.events)),
        )

    def events(self, known: tuple[Event, ...]) -> tuple[Event, ...]:
        """Events that only functions wait for."""
        return events_of((handler for _, handler in self._heard), known)

    def start(self) -> None:
        """Begins to call handlers."""
        if self._heard and self._thread.ident is None:
            self._thread.start()

    @property
    def overrules(self) -> bool:
        """Whether engines are to await verdicts: `Engine.await_verdicts`."""
        return bool(self._classifiers)

    def classify(self, batch: _engine.Batch) -> None:
        """Has classifiers name sessions, and waits for them."""
        for counted, rows in self._classifiers:
            counted.call(len(batch), partial(rows.classify, batch))

    def hear(self, batch: _engine.Batch) -> None:
        """Lets handlers hear, without waiting for them."""
        if batch.kind not in self._kinds:
            return
        with self._changed:
            if self._ending or self._rows + len(batch) > MOST_ROWS:
                for counted, handler in self._heard:
                    counted.dropped += len(batch) if handler.kind == batch.kind else 0
                return
            self._batches.append(batch)
            self._rows += len(batch)
            self._changed.notify()

    def stats(self) -> list[dict[str, Any]]:
        """How each function does."""
        return [one.told() for one, _ in (*self._heard, *self._classifiers)]

    def clear(self) -> None:
        """Has counters begin at 0 again."""
        for one, _ in (*self._heard, *self._classifiers):
            one.clear()

    def close(self, seconds: float) -> int:
        """Lets handlers have what waits, for so long at most; rows that they did not get."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(seconds)
        with self._changed:
            left, self._rows = self._rows, 0
            self._batches.clear()
        if left:
            event(log, logging.ERROR, "handlers of plugins did not get all rows", rows=left)
        return left

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._batches or self._ending)
                if not self._batches:
                    return
                batch = self._batches[0]
            self._tell(batch)
            with self._changed:
                if self._batches:
                    self._batches.popleft()
                    self._rows -= len(batch)

    def _tell(self, batch: _engine.Batch) -> None:
        make = self._makers[batch.kind]
        records = [make(row) for row in batch.to_dicts()]
        for counted, handler in self._heard:
            if handler.kind == batch.kind and (mine := handler.of_its_own(records)):
                counted.call(len(mine), lambda f=handler.function, m=mine: f(m))  # type: ignore[misc]


def _counted(protocol: UserProtocol, function: Callable[..., object], kind: str) -> Counted:
    name = getattr(function, "__name__", type(function).__name__)
    return Counted(protocol.name, protocol.description.place, name, kind)


class Shelf:
    """Loads plugins, and only again what has changed: Python files have a state of their own."""

    def __init__(self) -> None:
        self._digest = b""
        self._loaded = Plugins()

    def load(self, paths: Sequence[str]) -> Plugins:
        """The plugins of files and directories, as they are now.

        Raises:
            ConfigurationError: A file that was named is not there, or broken.
        """
        digest = hashlib.sha256()
        for path in paths:
            for file in files_of(path):
                digest.update(f"{path}\0{file}\0".encode())
                digest.update(_content(file))
        if (found := digest.digest()) != self._digest:
            self._loaded = load_plugins(*paths)
            self._digest = found
            self._tell()
        return self._loaded

    def _tell(self) -> None:
        for one in self._loaded.protocols:
            place = one.description.place
            event(log, logging.INFO, "plugin loaded", plugin=one.name, place=place)
        for note in notes_of(self._loaded):
            event(log, logging.WARNING, "plugins", note=note)


def notes_of(plugins: Plugins) -> tuple[str, ...]:
    """What takes the place of what, and what was refused, in words."""
    refused = (f"refused: {one.what} at {one.place}; try: {one.hint}" for one in plugins.refused)
    return (*plugins.notes, *refused)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        # Said when the file itself is read.
        return b""
