"""See `tests.waiting`."""

from tests.waiting import until

__all__ = ["until"]
