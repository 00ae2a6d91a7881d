"""Filters that stand in the configuration under a name (`/filters`)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from nf.mgmt.netconf.filters import ALL, Filter
from nf.mgmt.netconf.xpath import tops_of

if TYPE_CHECKING:
    from nf.mgmt.core import Core
    from nf.mgmt.session import Session

__all__ = ["TOP", "Kind", "filter_in", "named_filter"]

_MODULE = "ietf-subscribed-notifications"
TOP = f"{_MODULE}:filters"

Kind = Literal["events", "push"]

_WHERE = {
    "events": ("stream-filter", "name", "stream-xpath-filter"),
    "push": ("ietf-yang-push:selection-filter", "filter-id", "datastore-xpath-filter"),
}


def named_filter(core: "Core", session: "Session", kind: Kind, name: str) -> Filter | None:
    """A filter as the session may see it; None when there is none, or none for it."""
    part = core.get_config(session, "running").to_data(f"/{TOP}")
    # Names at the top of a part have their module, those within a whole tree have not.
    filters = {key.removeprefix(f"{_MODULE}:"): value for key, value in part.items()}
    return filter_in(filters, kind, name)


def filter_in(filters: Mapping[str, Any], kind: Kind, name: str) -> Filter | None:
    """A filter of the container `filters` as RFC 7951 JSON; None when there is none."""
    entries, key, expression = _WHERE[kind]
    for entry in filters.get(entries, ()):
        if entry[key] == name:
            if expression not in entry:
                return ALL
            text: str = entry[expression]
            return Filter("xpath", text, tops_of(text))
    return None
