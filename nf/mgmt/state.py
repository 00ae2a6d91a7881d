"""Operational state: who knows what, gathered when somebody asks."""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Everything", "Held", "State", "StateSource", "Wanted"]

log = logging.getLogger(__name__)

Wanted = Collection[str] | None
"""Qualified names of the top-level nodes asked for (`nf-probe:probe`); None for all."""

Everything: Wanted = None


class StateSource(Protocol):
    """Somebody who knows state below one top-level node."""

    def top(self) -> str:
        """Qualified name of that node."""

    def get(self) -> dict[str, Any]:
        """The state as an RFC 7951 object: `{"nf-probe:probe": {…}}`; empty when there is none."""


@dataclass(frozen=True, slots=True)
class Held:
    """A snapshot that is shown in the place of live state.

    Attributes:
        taken_ns: When it was taken, in nanoseconds since 1970.
        seconds: How long it is shown.
        expires: When it is shown no longer, by the monotonic clock.
        states: By source; one that failed has none.
    """

    taken_ns: int
    seconds: float
    expires: float
    states: dict["StateSource", dict[str, Any]]


class State:
    """All sources.

    Attributes:
        failures: How often a source raised, by its top-level node; each is in the log.
        watchers: Are told, from any thread, below which top-level node state has just changed.
    """

    def __init__(self) -> None:
        self._sources: list[StateSource] = []
        self._live: list[StateSource] = []
        self._held: Held | None = None
        self.watchers: list[Callable[[str], None]] = []
        self.failures: dict[str, int] = {}

    def register(self, source: StateSource, *, live: bool = False) -> None:
        """Adds a source; what is `live` is asked even while the rest is held."""
        self._sources.append(source)
        if live:
            self._live.append(source)

    def gather(self, wanted: Wanted, take: Callable[[dict[str, Any]], None]) -> None:
        """Hands the state of every source concerned to `take`, which may refuse it by raising."""
        held = self.held
        for source in list(self._sources):
            top = source.top()
            if wanted is not None and top not in wanted:
                continue
            try:
                known = held is not None and source in held.states
                state = held.states[source] if held is not None and known else source.get()
                if state:
                    take(state)
            except Exception:
                # One source that is broken must not hide what the others know.
                self.failures[top] = self.failures.get(top, 0) + 1
                log.exception("state of %s is left out", top)

    def stir(self, top: str) -> None:
        """A source tells that its state has changed; most do not, and are looked at."""
        for watcher in self.watchers:
            watcher(top)

    # One moment for all views -------------------------------------------------------------------

    @property
    def held(self) -> Held | None:
        """The snapshot that is shown; None for live state."""
        held = self._held
        return held if held is not None and time.monotonic() < held.expires else None

    def hold(self, seconds: float) -> Held:
        """Takes a snapshot of every source, which `gather` hands out until the time is over.

        A source that fails is not in it: it is asked again whenever somebody wants its state.
        """
        taken_ns = time.time_ns()
        states: dict[StateSource, dict[str, Any]] = {}
        for source in self._sources:
            if source in self._live:
                continue
            try:
                states[source] = source.get()
            except Exception:
                top = source.top()
                self.failures[top] = self.failures.get(top, 0) + 1
                log.exception("state of %s is not held", top)
        held = Held(taken_ns, seconds, time.monotonic() + seconds, states)
        self._held = held
        return held

    def release(self) -> None:
        """Has live state shown again."""
        self._held = None

    def timestamp(self) -> int:
        """Of what `gather` would hand out now: nanoseconds since 1970."""
        held = self.held
        return time.time_ns() if held is None else held.taken_ns
