"""Makes subscriptions, and keeps them in step with the configuration."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from nf.mgmt.events import STREAM
from nf.mgmt.netconf.names import BASE
from nf.mgmt.netconf.request import wrong
from nf.mgmt.netconf.subscribed.changes import UserOrdered, user_ordered
from nf.mgmt.netconf.subscribed.configured import Configured
from nf.mgmt.netconf.subscribed.feeding import DatastoreFeed, DatastoreSource
from nf.mgmt.netconf.subscribed.holding import Holding, Surroundings
from nf.mgmt.netconf.subscribed.named_filters import TOP, Kind, named_filter
from nf.mgmt.netconf.subscribed.pushing import Pushing
from nf.mgmt.netconf.subscribed.register import Register
from nf.mgmt.netconf.subscribed.streaming import Streaming
from nf.mgmt.netconf.subscribed.terms import EventTerms, PushTerms, Terms
from nf.mgmt.subscriptions.engine import Subscriptions

if TYPE_CHECKING:
    from nf.mgmt.changes import Change
    from nf.mgmt.core import Core
    from nf.mgmt.events import EventHub
    from nf.mgmt.session import Session

__all__ = ["Publisher"]

log = logging.getLogger(__name__)

_DATA = frozenset({"container", "presence-container", "list", "leaf", "leaf-list"})


class Publisher:
    """Of one core.

    Attributes:
        register: Subscriptions that are open.
        configured: Those that the configuration has.
        engines: By datastore; whoever waits for configuration does not wait for state.
    """

    def __init__(self, core: "Core", events: "EventHub") -> None:
        """Nothing runs before `start`."""
        self._core = core
        self._events = events
        self._loop: asyncio.AbstractEventLoop | None = None
        self.register = Register()
        self._surroundings = Surroundings(
            self.register, {"ietf-netconf": BASE} | core.schema.namespaces
        )
        self.configured = Configured(core, events.log, self._make)
        self.engines = {
            "running": Subscriptions(DatastoreSource(core, "running")),
            "operational": Subscriptions(DatastoreSource(core, "operational")),
        }
        core.commits.watchers.append(self._changed)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts; `loop` is that of the sessions."""
        self._loop = loop
        self.configured.start(loop)
        for engine in self.engines.values():
            engine.start()

    def stop(self) -> None:
        """Ends the threads."""
        for engine in self.engines.values():
            engine.stop()

    @cached_property
    def ordered(self) -> UserOrdered:
        """Where in the model order matters."""
        return user_ordered(self._core.context)

    @cached_property
    def _tops(self) -> frozenset[str]:
        return frozenset(
            node["path"][1:]
            for node in self._core.context.nodes()
            if node["path"].count("/") == 1 and node["kind"] in _DATA
        )

    def establish(self, session: "Session", terms: Terms) -> Holding:
        """A subscription that has not begun.

        Raises:
            RpcErrors: There is no such stream, or there are too many subscriptions.
        """
        if isinstance(terms, EventTerms):
            if terms.stream != STREAM:
                raise wrong(
                    "invalid-value", "stream", f"there is no stream {terms.stream}, only {STREAM}"
                )
            number = self.register.new_id("establish-subscription-stream-error-info")
        else:
            number = self.register.new_id("establish-subscription-datastore-error-info")
        return self._make(number, session, terms)

    def _make(self, number: int, session: "Session", terms: Terms) -> Holding:
        around = self._surroundings
        if isinstance(terms, EventTerms):
            return Streaming(self._core, self._events, around, number, session=session, terms=terms)
        engine = self.engines[terms.store]
        return Pushing(engine, self._feed, around, number, session=session, terms=terms)

    def _feed(self, terms: PushTerms, session: "Session") -> DatastoreFeed:
        return DatastoreFeed(terms, session, self._tops, self.ordered)

    def earliest(self) -> datetime:
        """From when on events can be replayed."""
        return self._events.log.forgotten or self._events.log.since_start

    # After a transaction ------------------------------------------------------------------------

    def _changed(self, changes: Sequence["Change"]) -> None:
        for engine in self.engines.values():
            engine.changed(changes)
        if self._loop is None or not any(change.top == TOP for change in changes):
            return
        try:
            self._loop.call_soon_threadsafe(self._filters_changed)
        except RuntimeError:
            log.debug("the sessions have ended")

    def _filters_changed(self) -> None:
        for one in self.register.all():
            terms = one.terms
            if terms.named is None:
                continue
            kind: Kind = "events" if isinstance(terms, EventTerms) else "push"
            chosen = named_filter(self._core, one.session, kind, terms.named)
            if chosen is None:
                one.terminate("filter-unavailable")
            elif chosen != terms.chosen:
                one.terms_changed(replace(terms, chosen=chosen))
