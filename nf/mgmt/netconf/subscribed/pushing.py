"""A subscription to a datastore (RFC 8641)."""

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from nf.mgmt.moments import rfc3339
from nf.mgmt.netconf.names import DATASTORES, PUSH
from nf.mgmt.netconf.reply import notification
from nf.mgmt.netconf.subscribed.describing import filter_told
from nf.mgmt.netconf.subscribed.feeding import DatastoreFeed, Update, feed_key
from nf.mgmt.netconf.subscribed.holding import Holding, Surroundings
from nf.mgmt.netconf.subscribed.terms import CHANGES, OnChange, PushTerms, Terms

if TYPE_CHECKING:
    from nf.mgmt.session import Session
    from nf.mgmt.subscriptions.engine import Handle, Subscriptions

__all__ = ["Pushing"]

log = logging.getLogger(__name__)

Make = Callable[[PushTerms, "Session"], DatastoreFeed]


class Pushing(Holding):
    """See `nf.mgmt.netconf.subscribed.register.Subscription`."""

    terms: PushTerms

    def __init__(  # noqa: PLR0913 - what it is, and what it needs
        self,
        engine: "Subscriptions",
        make: Make,
        surroundings: Surroundings,
        number: int,
        *,
        session: "Session",
        terms: PushTerms,
    ) -> None:
        """Not begun."""
        super().__init__(surroundings, number, session, terms)
        self._engine = engine
        self._make = make
        self._handles: list[Handle] = []
        self._incomplete = False

    @property
    def _syncs(self) -> bool:
        trigger = self.terms.trigger
        return not isinstance(trigger, OnChange) or trigger.sync

    def _begin(self) -> None:
        self._join(whole=self._syncs)

    def _join(self, *, whole: bool) -> None:
        self._generation += 1
        generation = self._generation
        key = feed_key(self.terms, self.session, self)
        handles, self._handles = self._handles, []
        self._engine.resubscribe(
            handles,
            [(key, partial(self._make, self.terms, self.session))],
            lambda update: self._in_loop(self._take, generation, update),
            partial(self._in_loop, self._joined, generation, whole),
        )

    def _joined(
        self,
        generation: int,
        whole: bool,
        first: list[Any] | None,
        handles: "list[Handle]",
        error: BaseException | None,
    ) -> None:
        if generation != self._generation or self._over:
            self._engine.unsubscribe(handles)
            return
        self._handles = handles
        if error is not None:
            log.error("subscription %s cannot begin: %s", self.id, error)
            self.terminate("filter-unavailable")
            return
        if whole:
            for update in first or ():
                self._take(generation, update)

    def _leave(self) -> None:
        if self._handles:
            self._engine.unsubscribe(self._handles)
            self._handles = []

    def _go_on(self) -> None:
        # What changed meanwhile nobody has kept; who may not be sent everything is told so.
        self._incomplete = not self._syncs
        self._join(whole=self._syncs)

    def _renew(self, before: Terms) -> None:
        old = (before.chosen, before.trigger) if isinstance(before, PushTerms) else ()
        if (self.terms.chosen, self.terms.trigger) != old:
            self._join(whole=self._syncs)

    def resync(self) -> None:
        """Sends everything once more."""
        self._join(whole=True)

    def _take(self, generation: int, update: Update) -> None:
        if generation != self._generation or not self._takes():
            return
        flag = b"<incomplete-update/>" if self._incomplete else b""
        self._incomplete = False
        kind = update.kind.encode()
        body = b'<%b xmlns="%b"><id>%d</id>%b%b</%b>' % (
            kind,
            PUSH.encode(),
            self.id,
            update.body,
            flag,
            kind,
        )
        self._send(notification(update.when, body))

    def describe(self) -> bytes:
        """See `Holding`."""
        terms = self.terms
        told = f'<datastore xmlns="{PUSH}" xmlns:ds="{DATASTORES}">ds:{terms.store}</datastore>'
        if terms.named is not None:
            name = escape(terms.named)
            told += f'<selection-filter-ref xmlns="{PUSH}">{name}</selection-filter-ref>'
        else:
            told += filter_told("datastore", PUSH, terms.chosen, self._namespaces)
        if terms.until is not None:
            told += f"<stop-time>{rfc3339(terms.until)}</stop-time>"
        return (f"{told}<encoding>encode-xml</encoding>" + _trigger(terms)).encode()


def _trigger(terms: PushTerms) -> str:
    trigger = terms.trigger
    if isinstance(trigger, OnChange):
        sync = "true" if trigger.sync else "false"
        excluded = "".join(
            f"<excluded-change>{one}</excluded-change>"
            for one in CHANGES
            if one in trigger.excluded
        )
        return (
            f'<on-change xmlns="{PUSH}"><dampening-period>{trigger.dampening}</dampening-period>'
            f"<sync-on-start>{sync}</sync-on-start>{excluded}</on-change>"
        )
    anchor = f"<anchor-time>{rfc3339(trigger.anchor)}</anchor-time>" if trigger.anchor else ""
    return f'<periodic xmlns="{PUSH}"><period>{trigger.period}</period>{anchor}</periodic>'
