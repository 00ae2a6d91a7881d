"""What the engine loses, and which of its tables are full: found by comparing counters."""

from collections.abc import Mapping
from typing import Any

from nf.datapath.control import CaptureLoss, Event, TablesFull

__all__ = ["Losses"]

LOST = ("kernel_drops", "dispatch_drops")
FULL = ("evicted", "refused")
"""What a worker counts when its table of sessions has no room."""
NEARLY = 0.95
"""Part of a worker's memory for reassembly from which on larger things find no room."""


class Losses:
    """Looks at the counters of one engine from time to time."""

    def __init__(self) -> None:
        self._before: dict[str, int] = {}

    def look(self, stats: Mapping[str, Any]) -> list[Event]:
        """What has happened since the look before; the first one begins at 0."""
        account, workers = stats["account"], stats["workers"]
        now = {name: int(account.get(name, 0)) for name in LOST}
        now |= {name: sum(int(one[name]) for one in workers) for name in FULL}
        grown = {name: self._growth(name, count) for name, count in now.items()}
        self._before = now
        told: list[Event] = []
        if lost := {name: grown[name] for name in LOST if grown[name]}:
            told.append(CaptureLoss(lost))
        full = TablesFull(
            sessions_evicted=grown["evicted"],
            packets_refused=grown["refused"],
            reassembly=_is_full(workers, stats["limits"]["held_bytes"]),
        )
        if full.sessions_evicted or full.packets_refused or full.reassembly:
            told.append(full)
        return told

    def _growth(self, name: str, now: int) -> int:
        before = self._before.get(name, 0)
        # Counters that are smaller than before have been cleared since.
        return now - before if now >= before else now


def _is_full(workers: list[dict[str, Any]], limit: int) -> bool:
    """Whether a worker has no memory left; without a limit above 0, nobody wants any."""
    return limit > 0 and any(int(one["held_bytes"]) >= NEARLY * limit for one in workers)
