"""Configured subscriptions: who is told what, over the connections of call home.

RFC 8639 section 2.5 has the life of a subscription and of its receivers; RFC 8640 leaves open how a
receiver is reached. Here it is the first session in a connection that call home has made to the
receiver's client, and that has no subscription of RFC 5277.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol
from xml.sax.saxutils import escape

from nf.mgmt.moments import rfc3339
from nf.mgmt.netconf.reply import Channel
from nf.mgmt.netconf.subscribed.configuration import (
    FILTERS,
    SUBSCRIPTIONS,
    Invalid,
    Wanted,
    wanted_in,
)
from nf.mgmt.netconf.subscribed.holding import Ending, Holding
from nf.mgmt.netconf.subscribed.streaming import Streaming
from nf.mgmt.netconf.subscribed.terms import EventTerms, Terms
from nf.mgmt.paths import parse
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from nf.mgmt.changes import Change
    from nf.mgmt.core import Core
    from nf.mgmt.event_log import EventLog
    from nf.mgmt.session import Session
    from nf.mgmt.transaction import Data

__all__ = ["Configured", "Make"]

log = logging.getLogger(__name__)

RESET = f"/{SUBSCRIPTIONS}/subscription/receivers/receiver/reset"
PATIENCE = 10.0
"""Seconds that the event loop has for the action."""

Make = Callable[[int, "Session", Terms], Holding]
"""Makes a subscription that has not begun."""
ReceiverState = Literal["active", "suspended", "connecting", "disconnected"]


class Told(Channel, Protocol):
    """A session in a connection of call home."""

    session: "Session"

    @property
    def takes_subscriptions(self) -> bool:
        """Whether it has none of RFC 5277, beside which there may be no other."""


class Callers(Protocol):
    """Whoever makes connections."""

    def hasten(self, client: str) -> None:
        """Has a client be connected to now."""

    def is_trying(self, client: str) -> bool:
        """Whether a client is connected to, or will be without anybody's doing before long."""


@dataclass(slots=True)
class _Receiver:
    client: str
    holding: Holding | None = None
    sent: int = 0
    excluded: int = 0
    """Of connections before."""
    last: datetime | None = None
    """When the last event happened that it was sent."""
    failed: bool = False
    """It was told that it gets nothing more, until somebody changes or resets that."""

    def counts(self) -> tuple[int, int]:
        now = self.holding
        if now is None:
            return self.sent, self.excluded
        return self.sent + now.sent, self.excluded + now.excluded


@dataclass(slots=True)
class _Entry:
    wanted: Wanted
    receivers: dict[str, _Receiver] = field(default_factory=dict)

    @property
    def state(self) -> Literal["valid", "invalid", "concluded"]:
        terms = self.wanted.terms
        if isinstance(terms, Invalid):
            return "invalid"
        if terms.until is not None and terms.until <= datetime.now(UTC):
            return "concluded"
        return "valid"


class Configured:
    """See the module. Provider of the configuration, source of state, carrier of `reset`.

    All but the three lives in the event loop of the sessions.
    """

    name = "subscriptions"
    watches: tuple[str, ...] = (SUBSCRIPTIONS, FILTERS)

    def __init__(self, core: "Core", events: "EventLog", make: Make) -> None:
        """Registers itself with a core; `events` is what can be replayed."""
        self._context = core.context
        self._events = events
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        """Of the entries, which are told as state in other threads."""
        self._entries: dict[int, _Entry] = {}
        self._sessions: dict[str, list[Told]] = {}
        """Of connections to each client, in the order in which they came."""
        self._since = datetime.now(UTC)
        self.callers: Callers | None = None
        core.providers.register(self)
        core.state.register(self)
        core.operations.register(RESET, self._reset)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Knows the loop of the sessions from now on."""
        self._loop = loop

    # Provider -----------------------------------------------------------------------------------

    def prepare(
        self, before: "Data | None", after: "Data", changes: Sequence["Change"]
    ) -> "_Prepared":
        """See `Provider`: what cannot be served is `invalid`, and not refused."""
        del before, changes
        return _Prepared(self, wanted_in(after, self._context))

    def follow(self, wanted: Sequence[Wanted]) -> None:
        """Has subscriptions be as they are wanted; from any thread."""
        if self._loop is None:
            raise RuntimeError("the loop of the sessions does not run")
        self._loop.call_soon_threadsafe(self._follow, {one.number: one for one in wanted})

    def _follow(self, wanted: dict[int, Wanted]) -> None:
        for number, entry in list(self._entries.items()):
            if number not in wanted:
                with self._lock:
                    del self._entries[number]
                for receiver in entry.receivers.values():
                    _terminate(receiver, "no-such-subscription")
        for number, one in wanted.items():
            known = self._entries.get(number)
            if known is None:
                with self._lock:
                    self._entries[number] = known = _Entry(one)
            self._renew(known, one)
        self.look_again()

    def _renew(self, entry: _Entry, wanted: Wanted) -> None:
        before, entry.wanted = entry.wanted, wanted
        terms = wanted.terms
        if isinstance(terms, Invalid):
            log.warning("subscription %s is invalid: %s", wanted.number, terms)
        for name, receiver in list(entry.receivers.items()):
            if wanted.receivers.get(name) != receiver.client:
                with self._lock:
                    del entry.receivers[name]
                _terminate(receiver, "no-such-subscription")
            elif isinstance(terms, Invalid):
                _terminate(receiver, terms.reason)
            elif not wanted.is_like(before):
                _terminate(receiver, "no-such-subscription")
                receiver.last = None
            elif terms != before.terms:
                _modify(receiver, terms)
            receiver.failed = receiver.failed and wanted == before
        for name, client in wanted.receivers.items():
            if name not in entry.receivers:
                with self._lock:
                    entry.receivers[name] = _Receiver(client)

    # Sessions -----------------------------------------------------------------------------------

    def arrived(self, client: str, session: Told) -> None:
        """A session of a connection to a client has begun."""
        self._sessions.setdefault(client, []).append(session)
        self.look_again()

    def left(self, client: str, session: Told) -> None:
        """It is over; what it was told ends with it, and another one may be there."""
        known = self._sessions.get(client, [])
        if session in known:
            known.remove(session)
        if not known:
            self._sessions.pop(client, None)
        self.look_again()

    def look_again(self) -> None:
        """Begins what can begin."""
        for entry in self._entries.values():
            if entry.state != "valid":
                continue
            for receiver in entry.receivers.values():
                if receiver.holding is None and not receiver.failed:
                    self._begin(entry, receiver)

    def _begin(self, entry: _Entry, receiver: _Receiver) -> None:
        listening = self._sessions.get(receiver.client, ())
        session = next((one for one in listening if one.takes_subscriptions), None)
        terms = entry.wanted.terms
        if session is None or isinstance(terms, Invalid):
            return
        more = ""
        if isinstance(terms, EventTerms) and entry.wanted.replays:
            terms = replace(terms, since=self._replayed_from(receiver))
            more = self._event_before(terms.since)
        if entry.wanted.purpose:
            more += f"<purpose>{escape(entry.wanted.purpose)}</purpose>"
        holding = self._make(entry.wanted.number, session.session, terms)
        receiver.holding = holding
        holding.start_configured(session, more.encode(), partial(self._over, receiver, holding))

    def _replayed_from(self, receiver: _Receiver) -> datetime:
        """See `replay-start-time` of `subscription-started`."""
        moments = [self._since, self._events.since_start]
        if self._events.forgotten is not None:
            moments.append(self._events.forgotten)
        if receiver.last is not None:
            moments.append(receiver.last + timedelta(microseconds=1))
        return max(moments)

    def _event_before(self, since: datetime | None) -> str:
        before = None if since is None else self._events.before(since)
        if before is None:
            return ""
        return f"<replay-previous-event-time>{rfc3339(before)}</replay-previous-event-time>"

    def _over(self, receiver: _Receiver, holding: Holding, how: Ending) -> None:
        if receiver.holding is not holding:
            return
        receiver.sent, receiver.excluded = receiver.counts()
        if isinstance(holding, Streaming) and holding.last is not None:
            receiver.last = holding.last
        receiver.holding = None
        # Whoever has been told that it is over hears no more; a session that is gone was not.
        receiver.failed = how == "terminated"

    # State and reset ----------------------------------------------------------------------------

    def top(self) -> str:
        """See `StateSource`."""
        return SUBSCRIPTIONS

    def get(self) -> dict[str, Any]:
        """See `StateSource`."""
        with self._lock:
            entries = [(entry, dict(entry.receivers)) for entry in self._entries.values()]
        listed = [
            {
                "id": entry.wanted.number,
                "configured-subscription-state": entry.state,
                "receivers": {
                    "receiver": [
                        self._told(entry, name, receiver) for name, receiver in receivers.items()
                    ]
                },
            }
            for entry, receivers in entries
        ]
        return {SUBSCRIPTIONS: {"subscription": listed}} if listed else {}

    def _told(self, entry: _Entry, name: str, receiver: _Receiver) -> dict[str, Any]:
        sent, excluded = receiver.counts()
        return {
            "name": name,
            "sent-event-records": sent,
            "excluded-event-records": excluded,
            "state": self._state(entry, receiver),
        }

    def _state(self, entry: _Entry, receiver: _Receiver) -> ReceiverState:
        if (holding := receiver.holding) is not None:
            return holding.state
        if entry.state != "valid" or receiver.failed:
            return "disconnected"
        tries = self.callers is not None and self.callers.is_trying(receiver.client)
        return "connecting" if tries else "disconnected"

    def _reset(self, session: "Session", target: str, given: dict[str, Any]) -> dict[str, Any]:
        del session, given
        steps = parse(target)
        number = int(dict(steps[1].keys)["id"])
        name = dict(steps[-1].keys)["name"]
        if self._loop is None:
            raise RuntimeError("the loop of the sessions does not run")
        work = asyncio.run_coroutine_threadsafe(self._begin_anew(number, name), self._loop)
        when = work.result(PATIENCE)
        if when is None:
            raise RpcErrors.of(
                tag="data-missing",
                message="there is no such receiver of a configured subscription",
                path=target,
            )
        return {"time": rfc3339(when)}

    async def _begin_anew(self, number: int, name: str) -> datetime | None:
        entry = self._entries.get(number)
        receiver = entry.receivers.get(name) if entry is not None else None
        if receiver is None:
            return None
        if receiver.holding is not None:
            receiver.holding.stop()
        receiver.failed = False
        when = datetime.now(UTC)
        if self.callers is not None:
            self.callers.hasten(receiver.client)
        self.look_again()
        return when


def _terminate(receiver: _Receiver, reason: str) -> None:
    if receiver.holding is not None:
        receiver.holding.terminate(reason)


def _modify(receiver: _Receiver, terms: Terms) -> None:
    holding = receiver.holding
    if holding is None:
        return
    if isinstance(terms, EventTerms) and isinstance(holding.terms, EventTerms):
        terms = replace(terms, since=holding.terms.since)
    holding.terms_changed(terms)


class _Prepared:
    def __init__(self, configured: Configured, wanted: Sequence[Wanted]) -> None:
        self._configured = configured
        self._wanted = wanted

    def apply(self) -> None:
        self._configured.follow(self._wanted)

    def abort(self) -> None:
        """Nothing is held."""
