"""How long to wait before the next try."""

__all__ = ["Backoff"]


class Backoff:
    """Waits that grow: `first` seconds, then twice as long each time, up to `most`."""

    def __init__(self, first: float = 0.1, most: float = 10.0) -> None:
        self._first = first
        self._most = most
        self._next = first

    def change(self, first: float, most: float) -> None:
        """Other waits, from the first again."""
        self._first, self._most = first, most
        self._next = first

    def next(self) -> float:
        """Seconds to wait now."""
        wait = self._next
        self._next = min(wait * 2, self._most)
        return wait

    def reset(self) -> None:
        """It worked: the next wait is the first again."""
        self._next = self._first
