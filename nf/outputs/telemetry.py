"""Rows to management, which shows the newest of them as state to be subscribed to."""

from collections.abc import Callable
from typing import Any

from nf.datapath.settings import TelemetryOutput
from nf.outputs.base import Output, Rows

__all__ = ["HandOver", "Telemetry"]

AT_ONCE = 64 * 1024
"""Octets of one message, unless a single row is longer."""

HandOver = Callable[[str, bytes], None]
"""Kind, and whole rows as JSON Lines; returns at once."""


class Telemetry(Output):
    """Hands rows to management, which has the newest only."""

    def __init__(self, settings: TelemetryOutput, hand_over: HandOver) -> None:
        super().__init__("telemetry", settings)
        self._hand_over = hand_over

    def state(self) -> dict[str, Any]:
        """See `Output`."""
        return {"connection": "management"}

    def check(self) -> None:
        """Nothing can be wrong."""

    def write(self, kind: str, octets: memoryview) -> int:
        """See `Output`; as many whole rows as go into one message, but one at least."""
        content = bytes(octets[:AT_ONCE])
        end = content.rfind(b"\n") + 1
        if not end:
            content = bytes(octets)
            end = (content.find(b"\n") + 1) or len(content)
        self._hand_over(kind, content[:end])
        return end

    def written(self, rows: Rows) -> None:
        """Nothing is left to do."""

    def tend(self) -> None:
        """Nothing happens with time."""

    def close(self) -> None:
        """The channel to management is the process's and stays open."""
