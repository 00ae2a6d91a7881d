"""Subscriptions that the configuration has (RFC 8639 section 2.5), read from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from nf.mgmt.events import STREAM
from nf.mgmt.netconf.filters import ALL, Filter
from nf.mgmt.netconf.subscribed.named_filters import TOP as FILTERS
from nf.mgmt.netconf.subscribed.named_filters import Kind, filter_in
from nf.mgmt.netconf.subscribed.terms import (
    LEAST_PERIOD,
    STORES,
    EventTerms,
    OnChange,
    Periodic,
    PushTerms,
    Store,
    Terms,
)
from nf.mgmt.netconf.xpath import MAX_LENGTH, tops_of
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from nf._native.yang import Context

__all__ = ["FILTERS", "SUBSCRIPTIONS", "Invalid", "Wanted", "wanted_in"]

SUBSCRIPTIONS = "ietf-subscribed-notifications:subscriptions"
_PUSH = "ietf-yang-push"


class Invalid(Exception):
    """A subscription cannot be served as it stands.

    Attributes:
        reason: Identity of RFC 8639 that receivers are told, if there are any.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Wanted:
    """A subscription as it is configured.

    Attributes:
        number: Its id.
        terms: What it asks for; why it cannot be had, where the state `invalid` is in order.
        receivers: Client of call home, by name of the receiver.
        replays: Whether what happened before is told, too.
        purpose: For people.
    """

    number: int
    terms: Terms | Invalid
    receivers: Mapping[str, str]
    replays: bool = False
    purpose: str = ""

    def is_like(self, other: "Wanted") -> bool:
        """Whether receivers can go on, told of the modification only (section 2.5.3)."""
        mine, theirs = self.terms, other.terms
        if isinstance(mine, EventTerms) and isinstance(theirs, EventTerms):
            return mine.stream == theirs.stream and self.replays == other.replays
        if isinstance(mine, PushTerms) and isinstance(theirs, PushTerms):
            return mine.store == theirs.store and type(mine.trigger) is type(theirs.trigger)
        return False


def wanted_in(data: Mapping[str, Any], context: "Context") -> list[Wanted]:
    """All subscriptions of a configuration as RFC 7951 JSON."""
    filters = data.get(FILTERS, {})
    listed = data.get(SUBSCRIPTIONS, {}).get("subscription", ())
    return [_wanted(one, filters, context) for one in listed]


def _wanted(entry: dict[str, Any], filters: dict[str, Any], context: "Context") -> Wanted:
    terms: Terms | Invalid
    try:
        terms = _terms(entry, filters, context)
    except Invalid as invalid:
        terms = invalid
    return Wanted(
        int(entry["id"]),
        terms,
        dict(_receivers(entry)),
        "configured-replay" in entry,
        entry.get("purpose", ""),
    )


def _receivers(entry: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for one in entry["receivers"]["receiver"]:
        yield one["name"], one["nf-netconf:netconf-client"]


def _terms(entry: dict[str, Any], filters: dict[str, Any], context: "Context") -> Terms:
    until = _time(entry.get("stop-time"))
    if "stream" in entry:
        if entry["stream"] != STREAM:
            raise Invalid(f"there is no stream {entry['stream']}", "stream-unavailable")
        chosen, named = _chosen(
            "events", entry.get("stream-filter-name"), entry.get("stream-xpath-filter"),
            filters, context,
        )  # fmt: skip
        return EventTerms(entry["stream"], chosen, named, None, until)
    store = str(entry[f"{_PUSH}:datastore"]).rpartition(":")[2]
    if store not in STORES:
        raise Invalid(f"{store} cannot be subscribed to", "stream-unavailable")
    chosen, named = _chosen(
        "push", entry.get(f"{_PUSH}:selection-filter-ref"),
        entry.get(f"{_PUSH}:datastore-xpath-filter"), filters, context,
    )  # fmt: skip
    return PushTerms(cast("Store", store), _trigger(entry), chosen, named, until)


def _chosen(
    kind: Kind,
    named: str | None,
    expression: str | None,
    filters: dict[str, Any],
    context: "Context",
) -> tuple[Filter, str | None]:
    if named is not None:
        chosen = filter_in(filters, kind, named)
        if chosen is None:
            raise Invalid(f"there is no filter {named}", "filter-unavailable")
    elif expression is not None:
        chosen = Filter("xpath", expression, tops_of(expression))
    else:
        chosen = ALL
    if len(chosen.text) > MAX_LENGTH:
        raise Invalid(f"the filter has more than {MAX_LENGTH} characters", "filter-unavailable")
    try:
        chosen.select(context.empty())
    except RpcErrors as error:
        raise Invalid(error.errors[0].message, "filter-unavailable") from error
    return chosen, named


def _trigger(entry: dict[str, Any]) -> Periodic | OnChange:
    stated = entry.get(f"{_PUSH}:periodic")
    if stated is not None:
        _least(int(stated["period"]))
        return Periodic(int(stated["period"]), _time(stated.get("anchor-time")))
    stated = entry.get(f"{_PUSH}:on-change")
    if stated is None:
        raise Invalid("neither periodic nor on-change says when to push", "stream-unavailable")
    dampening = int(stated.get("dampening-period", 0))
    if dampening:
        _least(dampening)
    excluded = frozenset(stated.get("excluded-change", ()))
    return OnChange(dampening, stated.get("sync-on-start", True), excluded)


def _least(period: int) -> None:
    if period < LEAST_PERIOD:
        raise Invalid(
            f"{period} hundredths of a second are too short, {LEAST_PERIOD} would do",
            "insufficient-resources",
        )


def _time(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        # The type of the model has moments that no calendar of Python has.
        raise Invalid(f"{text} is no time: {error}", "insufficient-resources") from error
