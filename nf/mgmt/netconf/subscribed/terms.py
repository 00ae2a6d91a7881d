"""What a subscriber asks for, read from its request."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, cast

from nf.errors import YangError
from nf.mgmt.netconf.filters import ALL, Filter, of_subtree
from nf.mgmt.netconf.names import DATASTORES, PUSH, SUBSCRIBED
from nf.mgmt.netconf.request import Request, identity, moment, number, one_of, text, wrong
from nf.mgmt.netconf.subscribed.named_filters import Kind, named_filter
from nf.mgmt.netconf.subscribed.refusing import Structure, refusal
from nf.mgmt.netconf.xml import local, namespace
from nf.mgmt.netconf.xpath import tops_of, with_modules
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from lxml import etree

__all__ = [
    "CHANGES",
    "LEAST_PERIOD",
    "STORES",
    "Change",
    "EventTerms",
    "OnChange",
    "Periodic",
    "PushTerms",
    "Store",
    "establishing",
    "modifying",
]

Change = Literal["create", "delete", "insert", "move", "replace"]
CHANGES = ("create", "delete", "insert", "move", "replace")
Store = Literal["running", "operational"]
STORES = ("running", "operational")

LEAST_PERIOD = 10
"""Hundredths of a second: whoever wants more often is told so."""
MOST_PERIOD = 2**32 - 1

_EVENT_FILTERS = ("stream-filter-name", "stream-subtree-filter", "stream-xpath-filter")
_PUSH_FILTERS = ("selection-filter-ref", "datastore-subtree-filter", "datastore-xpath-filter")


@dataclass(frozen=True, slots=True)
class EventTerms:
    """Of a subscription to an event stream.

    Attributes:
        stream: Its name.
        chosen: Which events.
        named: Name of the filter, where the configuration has it.
        since: From when on events are replayed; None for none.
        until: When it ends; None for never.
    """

    stream: str
    chosen: Filter = ALL
    named: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Periodic:
    """An update every `period` hundredths of a second, in step with `anchor`."""

    period: int
    anchor: datetime | None = None


@dataclass(frozen=True, slots=True)
class OnChange:
    """An update when something changes.

    Attributes:
        dampening: Hundredths of a second between two updates at least.
        sync: Whether everything is told at the beginning.
        excluded: Changes that are not told.
    """

    dampening: int = 0
    sync: bool = True
    excluded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PushTerms:
    """Of a subscription to a datastore.

    Attributes:
        store: The datastore.
        trigger: When it is told.
        chosen: Which nodes.
        named: Name of the filter, where the configuration has it.
        until: When it ends; None for never.
    """

    store: Store
    trigger: Periodic | OnChange
    chosen: Filter = ALL
    named: str | None = None
    until: datetime | None = None


Terms = EventTerms | PushTerms


def establishing(request: Request) -> Terms:
    """The terms of an establish-subscription (RFC 8639 section 2.4.2, RFC 8641 section 4.4.1).

    Raises:
        RpcErrors: They are wrong, or cannot be met.
    """
    given = request.parameters(
        "stream",
        "replay-start-time",
        "stop-time",
        "encoding",
        *_EVENT_FILTERS,
        datastore=PUSH,
        periodic=PUSH,
        on_change=PUSH,
        selection_filter_ref=PUSH,
        datastore_subtree_filter=PUSH,
        datastore_xpath_filter=PUSH,
    )
    is_push = "datastore" in given
    structure: Structure = (
        "establish-subscription-datastore-error-info"
        if is_push
        else "establish-subscription-stream-error-info"
    )
    _check_encoding(given.get("encoding"), structure)
    until = moment(given.get("stop-time"))
    now = datetime.now(UTC)
    if not is_push:
        return _events(request, given, until, now, structure)
    _only(given, _PUSH_FILTERS, ("stream", "replay-start-time", *_EVENT_FILTERS))
    if until is not None and until <= now:
        raise wrong("invalid-value", "stop-time", "the stop-time is over")
    store = _store(given["datastore"], structure)
    trigger = _trigger(given, structure)
    if trigger is None:
        raise wrong("missing-element", "periodic", "periodic or on-change says when to push")
    chosen, named = _chosen(request, given, "push", structure)
    return PushTerms(store, trigger, chosen, named, until)


def modifying(request: Request, before: Terms) -> Terms:
    """New terms of a subscription; what the request does not mention stays.

    Raises:
        RpcErrors: They are wrong, or cannot be met.
    """
    given = request.parameters(
        "id",
        "stop-time",
        *_EVENT_FILTERS,
        datastore=PUSH,
        periodic=PUSH,
        on_change=PUSH,
        selection_filter_ref=PUSH,
        datastore_subtree_filter=PUSH,
        datastore_xpath_filter=PUSH,
    )
    until = moment(given.get("stop-time")) or before.until
    if "stop-time" in given and until is not None and until <= datetime.now(UTC):
        raise wrong("invalid-value", "stop-time", "the stop-time is over")
    if isinstance(before, EventTerms):
        structure: Structure = "modify-subscription-stream-error-info"
        _only(given, _EVENT_FILTERS, ("datastore", "periodic", "on-change", *_PUSH_FILTERS))
        if not any(name in given for name in _EVENT_FILTERS):
            return replace(before, until=until)
        chosen, named = _chosen(request, given, "events", structure)
        return replace(before, chosen=chosen, named=named, until=until)
    structure = "modify-subscription-datastore-error-info"
    _only(given, _PUSH_FILTERS, _EVENT_FILTERS)
    if "datastore" in given and _store(given["datastore"], structure) != before.store:
        raise wrong("invalid-value", "datastore", f"this subscription is to {before.store}")
    trigger = _trigger(given, structure) or before.trigger
    if type(trigger) is not type(before.trigger):
        raise wrong(
            "invalid-value", "periodic", "periodic and on-change cannot take each other's place"
        )
    if isinstance(trigger, OnChange) and isinstance(before.trigger, OnChange):
        trigger = replace(before.trigger, dampening=trigger.dampening)
    chosen, named = before.chosen, before.named
    if any(name in given for name in _PUSH_FILTERS):
        chosen, named = _chosen(request, given, "push", structure)
    return PushTerms(before.store, trigger, chosen, named, until)


def _events(
    request: Request,
    given: "dict[str, etree._Element]",
    until: datetime | None,
    now: datetime,
    structure: Structure,
) -> EventTerms:
    _only(given, _EVENT_FILTERS, ("periodic", "on-change", *_PUSH_FILTERS))
    if "stream" not in given:
        raise wrong("missing-element", "stream", "a stream or a datastore is subscribed to")
    since = moment(given.get("replay-start-time"))
    if since is not None and since >= now:
        raise wrong("invalid-value", "replay-start-time", "what is replayed begins in the past")
    if until is not None and until <= (since or now):
        raise wrong("invalid-value", "stop-time", "the stop-time is not after the beginning")
    chosen, named = _chosen(request, given, "events", structure)
    return EventTerms(text(given["stream"]), chosen, named, since, until)


def _only(
    given: "dict[str, etree._Element]", filters: tuple[str, ...], others: tuple[str, ...]
) -> None:
    """Refuses what belongs to the other kind of subscription, and two filters at once."""
    for name in others:
        if name in given:
            raise wrong("bad-element", name, f"{name} is for the other kind of subscription")
    several = [name for name in filters if name in given]
    if len(several) > 1:
        raise wrong("bad-element", several[1], "there is one filter at most")


def _check_encoding(node: "etree._Element | None", structure: Structure) -> None:
    if node is None:
        return
    try:
        known = identity(node, SUBSCRIBED) == "encode-xml"
    except RpcErrors:
        known = False
    if not known:
        raise refusal(structure, "encoding-unsupported", "NETCONF encodes in XML: encode-xml")


def _store(node: "etree._Element", structure: Structure) -> Store:
    name = identity(node, DATASTORES)
    if name not in STORES:
        raise refusal(
            structure,
            "datastore-not-subscribable",
            f"{name} cannot be subscribed to, only {' and '.join(STORES)}",
        )
    return cast("Store", name)


def _chosen(
    request: Request, given: "dict[str, etree._Element]", kind: Kind, structure: Structure
) -> tuple[Filter, str | None]:
    reference, subtree, xpath = _EVENT_FILTERS if kind == "events" else _PUSH_FILTERS
    try:
        if reference in given:
            name = text(given[reference])
            chosen = named_filter(request.core, request.session, kind, name)
            if chosen is None:
                raise wrong("invalid-value", reference, f"there is no filter {name}")
            return chosen, name
        if subtree in given:
            return of_subtree(given[subtree], request.modules), None
        if xpath in given:
            # The context of RFC 8639 has the names of modules as prefixes, and those in scope.
            known: dict[str | None, str] = {}
            known.update(request.modules.namespaces)
            known.update(given[xpath].nsmap)
            expression = with_modules(text(given[xpath]), known, request.modules.names)
            chosen = Filter("xpath", expression, tops_of(expression))
            chosen.select(request.core.context.empty())
            return chosen, None
    except (RpcErrors, YangError) as error:
        message = error.errors[0].message
        raise refusal(
            structure, "filter-unsupported", message, {"filter-failure-hint": message}
        ) from error
    return ALL, None


def _trigger(
    given: "dict[str, etree._Element]", structure: Structure
) -> Periodic | OnChange | None:
    if "periodic" in given and "on-change" in given:
        raise wrong("bad-element", "on-change", "periodic and on-change exclude each other")
    if "periodic" in given:
        inner = _inner(given["periodic"], "period", "anchor-time")
        if not inner.get("period"):
            raise wrong("missing-element", "period", "periodic needs a period")
        period = number(inner["period"][0], 0, MOST_PERIOD)
        _least(period, structure)
        anchor = inner.get("anchor-time")
        return Periodic(period, moment(anchor[0]) if anchor else None)
    if "on-change" in given:
        inner = _inner(given["on-change"], "dampening-period", "sync-on-start", "excluded-change")
        dampening = inner.get("dampening-period")
        wait = number(dampening[0], 0, MOST_PERIOD) if dampening else 0
        if wait:
            _least(wait, structure)
        sync = inner.get("sync-on-start")
        return OnChange(
            wait,
            one_of(sync[0], "true", "false") == "true" if sync else True,
            frozenset(str(one_of(one, *CHANGES)) for one in inner.get("excluded-change", ())),
        )
    return None


def _least(period: int, structure: Structure) -> None:
    if period < LEAST_PERIOD:
        raise refusal(
            structure,
            "period-unsupported",
            f"{period} hundredths of a second are too short, {LEAST_PERIOD} would do",
            {"period-hint": str(LEAST_PERIOD)},
        )


def _inner(node: "etree._Element", *names: str) -> "dict[str, list[etree._Element]]":
    found: dict[str, list[etree._Element]] = {}
    for child in node:
        name = local(child)
        if namespace(child) != PUSH or name not in names:
            raise wrong("unknown-element", name, f"{local(node)} has no {name}")
        if name in found and name != "excluded-change":
            raise wrong("bad-element", name, f"{name} is there twice")
        found.setdefault(name, []).append(child)
    return found
