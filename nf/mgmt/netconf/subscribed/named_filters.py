"""Filters that stand in the configuration under a name (`/filters`)."""

from typing import TYPE_CHECKING, Literal

from nf.mgmt.netconf.filters import ALL, Filter
from nf.mgmt.netconf.xpath import tops_of

if TYPE_CHECKING:
    from nf.mgmt.core import Core
    from nf.mgmt.session import Session

__all__ = ["TOP", "Kind", "named_filter"]

TOP = "ietf-subscribed-notifications:filters"

Kind = Literal["events", "push"]

_WHERE = {
    "events": ("ietf-subscribed-notifications:stream-filter", "name", "stream-xpath-filter"),
    "push": ("ietf-yang-push:selection-filter", "filter-id", "datastore-xpath-filter"),
}


def named_filter(core: "Core", session: "Session", kind: Kind, name: str) -> Filter | None:
    """A filter as the session may see it; None when there is none, or none for it."""
    entries, key, expression = _WHERE[kind]
    filters = core.get_config(session, "running").to_data(f"/{TOP}")
    for entry in filters.get(entries, ()):
        if entry[key] == name:
            if expression not in entry:
                return ALL
            text: str = entry[expression]
            return Filter("xpath", text, tops_of(text))
    return None
