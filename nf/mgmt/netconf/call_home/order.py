"""Which endpoint is tried next, and after how long: pure functions of what has happened."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from nf.mgmt.netconf.call_home.settings import Endpoint, Periodic, Strategy

__all__ = ["Order", "seconds_to_next"]


class Order:
    """The endpoints of one client, in the order in which they are tried (RFC 8071 section 4.1).

    Attributes:
        last: Name of the endpoint that the last connection was to.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        strategy: Strategy,
        choose: Callable[[int], int],
        last: str = "",
    ) -> None:
        """Begins with the strategy's first; `choose(n)` gives a number below n at random."""
        self._endpoints = endpoints
        self._strategy = strategy
        self._choose = choose
        self.last = last
        self._wait = strategy.interval
        self._failures = 0
        self._at = self._first()

    def _first(self) -> int:
        match self._strategy.start_with:
            case "random-selection":
                return self._choose(len(self._endpoints))
            case "last-connected":
                names = [one.name for one in self._endpoints]
                return names.index(self.last) if self.last in names else 0
            case _:
                return 0

    @property
    def current(self) -> Endpoint:
        """The one whose turn it is."""
        return self._endpoints[self._at]

    def failed(self) -> float:
        """It could not be connected to: whose turn it is next, and after how many seconds."""
        self._failures += 1
        if self._failures >= self._strategy.max_attempts:
            self._failures = 0
            self._at = (self._at + 1) % len(self._endpoints)
        wait = min(self._wait, self._strategy.longest)
        self._wait = min(self._wait * 2, self._strategy.longest)
        return wait

    def connected(self) -> None:
        """A user has logged in."""
        self.last = self.current.name
        self._failures = 0
        self._wait = self._strategy.interval

    def again(self) -> float:
        """The connection is over: begins anew, after how many seconds."""
        self._at = self._first()
        return self._strategy.interval


def seconds_to_next(periodic: Periodic, begun: datetime, now: datetime) -> float:
    """Seconds until the next connection is due.

    Args:
        periodic: How often.
        begun: When the entry came in force; what counts without an anchor.
        now: The time.
    """
    period = timedelta(seconds=periodic.period)
    past = (now - (periodic.anchor or begun)) % period
    return (period - past).total_seconds()
