"""Notifications: one stream, a log that can be replayed, and whoever subscribes to it (RFC 5277).

`publish` only queues. One thread brings events into order, writes them to the log and hands them
to subscribers; a new subscription passes through the same queue, so that what it replays and what
it then receives meet without a gap and without doubles.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nf.errors import YangError
from nf.mgmt.event_log import EventLog

if TYPE_CHECKING:
    from nf._native.yang import Context, Tree

__all__ = ["STREAM", "Event", "EventHub", "Subscription"]

log = logging.getLogger(__name__)

STREAM = "NETCONF"
_PAUSE = 0.005
"""Seconds for which events that follow each other closely wait for more of them."""
MAX_WAITING = 10_000
"""Events that wait for the thread; more are lost, and counted."""


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        when: When it was published.
        data: RFC 7951 object with one member, the notification.
        context: The schema that it follows.
    """

    when: datetime
    data: dict[str, Any] = field(repr=False)
    context: "Context" = field(repr=False)

    @property
    def module(self) -> str:
        """Module of the notification."""
        return next(iter(self.data)).partition(":")[0]

    @property
    def name(self) -> str:
        """Name of the notification."""
        return next(iter(self.data)).partition(":")[2]

    @cached_property
    def json(self) -> bytes:
        """The notification as JSON, made once for the log and for the check of it."""
        return msgspec.json.encode(self.data)

    @cached_property
    def tree(self) -> "Tree":
        """The notification as a tree; validated.

        Raises:
            YangError: It does not follow the schema.
        """
        return self.context.notification(self.json, "json")

    @cached_property
    def xml(self) -> bytes:
        """The notification as XML, made once for all who get it."""
        return self.tree.to_xml()


@dataclass(slots=True, eq=False)
class Subscription:
    """A receiver of events.

    Attributes:
        deliver: Gets every event, in the thread of the hub; returns at once.
        since: Events of the log from then on are replayed first; None for none.
        replayed: Told once, after the last one that is replayed.
        over: Nothing is delivered any more.
    """

    deliver: Callable[[Event], None]
    since: datetime | None = None
    replayed: Callable[[], None] | None = None
    over: bool = False


class EventHub:
    """The stream of all notifications.

    Attributes:
        invalid: Notifications that did not follow the schema; each is in the log of the process.
        lost: Notifications that came faster than they could be handled.
    """

    def __init__(self, context: "Context", folder: Path | None = None) -> None:
        """Notifications are kept in `folder` over a restart; without one in memory only."""
        self._context = context
        self.log = EventLog(folder)
        self._queue: queue.SimpleQueue[Event | Subscription | None] = queue.SimpleQueue()
        self._subscriptions: list[Subscription] = []
        self.invalid = 0
        self.lost = 0
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="nf-events", daemon=True)
        self._thread.start()

    def publish(self, notification: dict[str, Any]) -> None:
        """Takes a notification (`{"nf-probe:process-restarted": {…}}`); never blocks or raises."""
        if self._stopped:
            return
        if self._queue.qsize() >= MAX_WAITING:
            self.lost += 1
            return
        self._queue.put(Event(datetime.now(UTC), notification, self._context))

    def subscribe(
        self,
        deliver: Callable[[Event], None],
        *,
        since: datetime | None = None,
        replayed: Callable[[], None] | None = None,
    ) -> Subscription:
        """Adds a receiver, see `Subscription`; never blocks."""
        subscription = Subscription(deliver, since, replayed)
        self._queue.put(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Nothing is delivered after the event that may just be under way."""
        subscription.over = True

    def stop(self) -> None:
        """Handles what is queued and ends."""
        if not self._stopped:
            self._stopped = True
            self._queue.put(None)
            self._thread.join()
            self.log.close()

    def _run(self) -> None:
        item = self._queue.get()
        while item is not None:
            if isinstance(item, Subscription):
                self._begin(item)
            else:
                self._handle(item)
            was_empty, begun = self._queue.empty(), time.monotonic()
            item = self._queue.get()
            if was_empty and time.monotonic() - begun < _PAUSE:
                # Under a stream of changes one wake-up is for many events: each takes the
                # interpreter from whoever is about to answer.
                time.sleep(_PAUSE)

    def _begin(self, subscription: Subscription) -> None:
        if subscription.since is not None:
            for when, data in self.log.since(subscription.since):
                self._hand(subscription, Event(when, data, self._context))
            if subscription.replayed is not None:
                self._call(subscription, subscription.replayed)
        self._subscriptions.append(subscription)

    def _handle(self, event: Event) -> None:
        try:
            event.tree  # noqa: B018 - is validated by being made
        except (YangError, TypeError, ValueError) as error:  # the latter: it is no JSON at all
            self.invalid += 1
            log.error("notification %s is not sent: %s", next(iter(event.data), "?"), error)  # noqa: TRY400
            return
        self.log.append(event.when, event.data, event.json)
        self._subscriptions = [one for one in self._subscriptions if not one.over]
        for subscription in self._subscriptions:
            self._hand(subscription, event)

    def _hand(self, subscription: Subscription, event: Event) -> None:
        if not subscription.over:
            self._call(subscription, partial(subscription.deliver, event))

    def _call(self, subscription: Subscription, function: Callable[[], None]) -> None:
        try:
            function()
        except Exception:
            # One receiver that is broken must not keep events from the others.
            log.exception("a receiver of notifications is dropped")
            subscription.over = True
