"""A subscription to the stream of events (RFC 8639)."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from nf.mgmt.moments import rfc3339
from nf.mgmt.netconf.matching import Matches
from nf.mgmt.netconf.names import SUBSCRIBED
from nf.mgmt.netconf.reply import notification
from nf.mgmt.netconf.subscribed.describing import filter_told
from nf.mgmt.netconf.subscribed.holding import Holding, Surroundings
from nf.mgmt.netconf.subscribed.terms import EventTerms, Terms

if TYPE_CHECKING:
    from nf.mgmt.core import Core
    from nf.mgmt.events import Event, EventHub, Subscription
    from nf.mgmt.session import Session

__all__ = ["Streaming"]


class Streaming(Holding):
    """See `nf.mgmt.netconf.subscribed.register.Subscription`."""

    terms: EventTerms

    def __init__(  # noqa: PLR0913 - what it is, and what it needs
        self,
        core: "Core",
        events: "EventHub",
        surroundings: Surroundings,
        number: int,
        *,
        session: "Session",
        terms: EventTerms,
    ) -> None:
        """Not begun."""
        super().__init__(surroundings, number, session, terms)
        self._core = core
        self._events = events
        self._joined: Subscription | None = None
        self._matches = self._matching()
        self._replaying = terms.since is not None
        # Where to go on after a suspension.
        self._next: datetime | None = None
        self.last: datetime | None = None
        """When the last event happened that was sent."""

    def _matching(self) -> Matches | None:
        return None if self.terms.chosen.kind == "all" else Matches(self.terms.chosen)

    def _begin(self) -> None:
        self._join(self.terms.since)

    def _join(self, since: datetime | None) -> None:
        self._generation += 1
        self._joined = self._events.subscribe(
            partial(self._deliver, self._generation),
            since=since,
            replayed=partial(self._in_loop, self._replayed, self._generation),
        )

    def _leave(self) -> None:
        if self._joined is not None:
            self._events.unsubscribe(self._joined)
            self._joined = None

    def _go_on(self) -> None:
        # What happened meanwhile is in the log.
        self._matches = self._matching()
        self._join(self._next)

    def _renew(self, before: Terms) -> None:
        del before
        self._matches = self._matching()

    def _may_plan_stop(self) -> bool:
        return not self._replaying

    # In the thread of the hub -------------------------------------------------------------------

    def _deliver(self, generation: int, event: "Event") -> None:
        if generation != self._generation:
            return
        if self.terms.until is not None and event.when > self.terms.until:
            return
        matches = self._matches
        if matches is not None and not matches(event):
            self.excluded += 1
            return
        access = self._core.commits.access
        if not access.may_receive(self.session, event.module, event.name):
            access.count_withheld()
            self.excluded += 1
            return
        self._in_loop(self._take, generation, event.when, notification(event.when, event.xml))

    # In the event loop --------------------------------------------------------------------------

    def _take(self, generation: int, when: datetime, message: bytes) -> None:
        if generation != self._generation:
            return
        self._next = when
        if self._takes():
            self._send(message)
            self.last = when

    def _replayed(self, generation: int) -> None:
        if generation != self._generation or self._over or not self._replaying:
            return
        self._replaying = False
        self._tell("replay-completed", b"")
        self._plan_stop()

    def describe(self) -> bytes:
        """See `Holding`."""
        terms = self.terms
        told = f"<stream>{escape(terms.stream)}</stream>"
        if terms.named is not None:
            told += f"<stream-filter-name>{escape(terms.named)}</stream-filter-name>"
        else:
            told += filter_told("stream", SUBSCRIBED, terms.chosen, self._namespaces)
        if terms.since is not None:
            told += f"<replay-start-time>{rfc3339(terms.since)}</replay-start-time>"
        if terms.until is not None:
            told += f"<stop-time>{rfc3339(terms.until)}</stop-time>"
        return f"{told}<encoding>encode-xml</encoding>".encode()
