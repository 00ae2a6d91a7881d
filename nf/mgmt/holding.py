"""State that stands still: one snapshot for all views, on request and for a limited time."""

from typing import Any

from nf.mgmt.operations import Operations
from nf.mgmt.session import Session
from nf.mgmt.sources.times import date_and_time
from nf.mgmt.state import State

__all__ = ["Holding"]

PROBE = "nf-probe:probe"
DEFAULT_SECONDS = 10


class Holding:
    """Carries `hold-state` and `release-state` out, and tells whether state is held."""

    def __init__(self, state: State) -> None:
        """Of a core."""
        self._state = state

    def register(self, operations: Operations) -> None:
        """Becomes an operation and a source."""
        operations.register("/nf-probe:hold-state", self._hold)
        operations.register("/nf-probe:release-state", self._release)
        self._state.register(self, live=True)

    def _hold(self, session: Session, target: str, given: dict[str, Any]) -> dict[str, Any]:
        del session, target
        held = self._state.hold(float(given.get("duration", DEFAULT_SECONDS)))
        return {"taken": date_and_time(held.taken_ns / 1e9)}

    def _release(self, session: Session, target: str, given: dict[str, Any]) -> dict[str, Any]:
        del session, target, given
        self._state.release()
        return {}

    def top(self) -> str:
        """See `StateSource`."""
        return PROBE

    def get(self) -> dict[str, Any]:
        """See `StateSource`; nothing while state is live."""
        held = self._state.held
        if held is None:
            return {}
        taken = held.taken_ns / 1e9
        told = {"taken": date_and_time(taken), "until": date_and_time(taken + held.seconds)}
        return {PROBE: {"held-state": told}}
