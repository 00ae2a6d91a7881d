"""Operational state: who knows what, gathered when somebody asks."""

import logging
from collections.abc import Callable, Collection
from typing import Any, Protocol

__all__ = ["Everything", "State", "StateSource", "Wanted"]

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


class State:
    """All sources.

    Attributes:
        failures: How often a source raised, by its top-level node; each is in the log.
    """

    def __init__(self) -> None:
        self._sources: list[StateSource] = []
        self.failures: dict[str, int] = {}

    def register(self, source: StateSource) -> None:
        """Adds a source."""
        self._sources.append(source)

    def gather(self, wanted: Wanted, take: Callable[[dict[str, Any]], None]) -> None:
        """Hands the state of every source concerned to `take`, which may refuse it by raising."""
        for source in list(self._sources):
            top = source.top()
            if wanted is not None and top not in wanted:
                continue
            try:
                state = source.get()
                if state:
                    take(state)
            except Exception:
                # One source that is broken must not hide what the others know.
                self.failures[top] = self.failures.get(top, 0) + 1
                log.exception("state of %s is left out", top)
