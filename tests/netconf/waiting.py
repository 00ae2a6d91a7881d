"""Waiting for a condition instead of sleeping."""

from collections.abc import Callable
from time import monotonic, sleep

from tests.netconf.peer import WAIT

__all__ = ["until"]


def until(condition: Callable[[], bool]) -> None:
    """Asks again and again until it is so; fails after half a minute."""
    limit = monotonic() + WAIT
    while not condition():
        assert monotonic() < limit, "it never came true"
        sleep(0.005)
