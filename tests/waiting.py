"""Waiting for a condition instead of sleeping."""

from collections.abc import Callable
from time import monotonic, sleep

__all__ = ["PATIENCE", "until"]

PATIENCE = 30.0
"""Seconds after which a test that waits has failed."""


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Asks again and again until it is so; fails when it is not in time."""
    limit = monotonic() + seconds
    while not condition():
        assert monotonic() < limit, "it never came true"
        sleep(0.005)
