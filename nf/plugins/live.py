"""Functions of plugins in a process that captures: they hear what is found, and can stop nothing.

Handlers run in a thread of their own, which what is found waits for in a bounded queue. Rows wait
for a classifier, since what it says is part of them, but only so long. A function that fails is
told about and counted, and called again; one that takes too long is turned off, whether or not it
ever comes back.
"""

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from nf._native import engine as _engine
from nf.datapath.config import EngineConfig, Event, Report
from nf.plugins.calling import Caller, Overdue
from nf.plugins.decorator import UserProtocol
from nf.plugins.handlers import Classifier, Handler, events_of
from nf.plugins.loading import Plugins, files_of, load_plugins
from nf.plugins.rows import Makers, Rows
from nf.process.logs import event
from nf.records import Session

__all__ = ["Listeners", "Shelf", "notes_of"]

log = logging.getLogger(__name__)

MOST_ROWS = 100_000
"""Rows that wait for handlers; what comes on top is dropped, and counted."""
MOST_SECONDS = 5.0
"""For one batch, all classifiers together; whoever takes longer is called no more."""


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

    def call(self, rows: int, function: Callable[[], object]) -> None:
        """Has it called by `function`, whatever comes of that."""
        if self.off:
            return
        self.rows += rows
        try:
            function()
        except Overdue as error:
            self.off = True
            self.last_error = f"turned off: {error} for one batch"
            self._tell("a function of a plugin is turned off", why=self.last_error)
        except BaseException as error:  # noqa: BLE001  # it is not ours
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        self.failures += 1
        self.last_error = f"{type(error).__name__}: {error}"
        # All are counted; a function that always fails must not fill the disk.
        if self.failures & (self.failures - 1) == 0:
            self._tell("a function of a plugin failed", why=self.last_error, failures=self.failures)
            log.debug("where it failed", exc_info=error)

    def _tell(self, what: str, **more: object) -> None:
        event(
            log,
            logging.ERROR,
            what,
            plugin=self.plugin,
            function=self.name,
            place=self.place,
            **more,
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
        self._classifiers: list[tuple[Counted, Classifier]] = []
        for protocol in plugins.protocols:
            for handler in protocol.handlers:
                counted = _counted(protocol, handler.function, handler.kind)
                self._heard.append((counted, handler))
            if protocol.classifier is not None:
                counted = _counted(protocol, protocol.classifier, "classifier")
                self._classifiers.append((counted, protocol.classifier))
        self._kinds = frozenset(handler.kind for _, handler in self._heard)
        self._changed = threading.Condition()
        self._batches: deque[_engine.Batch] = deque()
        self._rows = 0
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="hand-to-plugins", daemon=True)
        self._calling = Caller("plugin-handlers")
        self._asking = Caller("plugin-classifiers")
        self._in_turn = threading.Lock()
        """Engines that run at once ask the same classifiers."""
        self._verdicts: WeakKeyDictionary[object, list[Rows]] = WeakKeyDictionary()
        """What each classifier said, by source: engines number their sessions alike."""

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

    def classify(self, batch: _engine.Batch, source: object) -> None:
        """Has classifiers name sessions of a source, and waits for them, but only so long."""
        if not self._classifiers:
            return
        with self._in_turn:
            if (rows := self._verdicts.get(source)) is None:
                rows = self._verdicts[source] = [
                    Rows((), (), partial(self._ask, classifier), self._makers)
                    for _, classifier in self._classifiers
                ]
            for (counted, _), one in zip(self._classifiers, rows, strict=True):
                counted.call(len(batch), partial(one.classify, batch))

    def _ask(self, classifier: Classifier, sessions: Sequence[Session]) -> Mapping[int, str]:
        # Rows wait for all classifiers, so each has a part of the time.
        seconds = MOST_SECONDS / len(self._classifiers)
        return self._asking.call(lambda: dict(classifier(sessions) or {}), seconds)

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
                function = partial(handler.function, mine)
                counted.call(len(mine), partial(self._calling.call, function, MOST_SECONDS))


def _counted(protocol: UserProtocol, function: Callable[..., object], kind: str) -> Counted:
    name = getattr(function, "__name__", type(function).__name__)
    return Counted(protocol.name, protocol.description.place, name, kind)


class Shelf:
    """Loads plugins, and only again what has changed: Python files have a state of their own."""

    def __init__(self) -> None:
        self._known = b"", Plugins()
        """A digest of all files, and what they made."""

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
        before, loaded = self._known
        if (found := digest.digest()) != before:
            loaded = load_plugins(*paths)
            self._known = found, loaded
            _tell(loaded)
        return loaded


def _tell(plugins: Plugins) -> None:
    for one in plugins.protocols:
        place = one.description.place
        event(log, logging.INFO, "plugin loaded", plugin=one.name, place=place)
    for note in notes_of(plugins):
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
