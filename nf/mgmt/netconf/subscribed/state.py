"""`/streams` and `/subscriptions` of RFC 8639."""

from typing import TYPE_CHECKING, Any

from nf.mgmt.events import STREAM
from nf.mgmt.moments import rfc3339
from nf.mgmt.netconf.subscribed.register import Register, Subscription
from nf.mgmt.netconf.subscribed.terms import CHANGES, EventTerms, OnChange, PushTerms

if TYPE_CHECKING:
    from nf.mgmt.events import EventHub

__all__ = ["EventStreams", "OpenSubscriptions"]

_MODULE = "ietf-subscribed-notifications"
_PUSH = "ietf-yang-push"


class EventStreams:
    """What can be subscribed to."""

    def __init__(self, events: "EventHub") -> None:
        """Of the hub."""
        self._events = events

    def top(self) -> str:
        """See `StateSource`."""
        return f"{_MODULE}:streams"

    def get(self) -> dict[str, Any]:
        """See `StateSource`."""
        log = self._events.log
        stream: dict[str, Any] = {
            "name": STREAM,
            "description": "All notifications of this function",
            "replay-support": [None],
            "replay-log-creation-time": rfc3339(log.since_start),
        }
        if log.forgotten is not None:
            stream["replay-log-aged-time"] = rfc3339(log.forgotten)
        return {self.top(): {"stream": [stream]}}


class OpenSubscriptions:
    """Who has subscribed to what."""

    def __init__(self, register: Register) -> None:
        """Of the server."""
        self._register = register

    def top(self) -> str:
        """See `StateSource`."""
        return f"{_MODULE}:subscriptions"

    def get(self) -> dict[str, Any]:
        """See `StateSource`."""
        listed = [_described(one) for one in self._register.all()]
        return {self.top(): {"subscription": listed}} if listed else {}


def _described(one: Subscription) -> dict[str, Any]:
    terms = one.terms
    stop = {} if terms.until is None else {"stop-time": rfc3339(terms.until)}
    receiver = {
        "name": f"{one.session.user} in session {one.session.id}",
        "sent-event-records": one.sent,
        "excluded-event-records": one.excluded,
        "state": one.state,
    }
    return {
        "id": one.id,
        **(_events(terms) if isinstance(terms, EventTerms) else _push(terms)),
        **stop,
        "encoding": f"{_MODULE}:encode-xml",
        "receivers": {"receiver": [receiver]},
    }


def _events(terms: EventTerms) -> dict[str, Any]:
    told: dict[str, Any] = {"stream": terms.stream}
    if terms.named is not None:
        told["stream-filter-name"] = terms.named
    elif isinstance(terms.chosen.text, str):
        told["stream-xpath-filter"] = terms.chosen.text
    if terms.since is not None:
        told["replay-start-time"] = rfc3339(terms.since)
    return told


def _push(terms: PushTerms) -> dict[str, Any]:
    told: dict[str, Any] = {f"{_PUSH}:datastore": f"ietf-datastores:{terms.store}"}
    if terms.named is not None:
        told[f"{_PUSH}:selection-filter-ref"] = terms.named
    elif isinstance(terms.chosen.text, str):
        told[f"{_PUSH}:datastore-xpath-filter"] = terms.chosen.text
    trigger = terms.trigger
    if isinstance(trigger, OnChange):
        excluded = [one for one in CHANGES if one in trigger.excluded]
        told[f"{_PUSH}:on-change"] = {
            "dampening-period": trigger.dampening,
            "sync-on-start": trigger.sync,
            **({"excluded-change": excluded} if excluded else {}),
        }
        return told
    anchor = {} if trigger.anchor is None else {"anchor-time": rfc3339(trigger.anchor)}
    told[f"{_PUSH}:periodic"] = {"period": trigger.period, **anchor}
    return told
