"""`statistics`: traffic by protocol and by application, sessions that go on included."""

from collections.abc import Iterable
from typing import Any

from nf.mgmt.sources.names import kebab

__all__ = ["SUMS", "statistics_state"]

SUMS = ("protocol", "app")
"""What has to be asked of the datapath."""
TRAFFIC = ("packets", "bytes", "payload", "sessions", "active")


def statistics_state(groups: dict[str, Any]) -> dict[str, Any]:
    """Both lists, from the datapath's sums."""
    sums = groups.get("sums", {})
    lists = {
        "protocol": [
            kebab(row, ("path", "protocol", *TRAFFIC)) for row in sums.get("protocol", ())
        ],
        "application": [
            kebab(row, ("app", "category", *TRAFFIC)) for row in _by_name(sums.get("app", ()))
        ],
    }
    found = {name: one for name, one in lists.items() if one}
    return {"nf-dpi:statistics": found} if found else {}


def _by_name(rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """One row for each name: an application may be called as a protocol, which has no category."""
    made: dict[str, dict[str, Any]] = {}
    for row in rows:
        if (there := made.get(row["app"])) is None:
            made[row["app"]] = dict(row)
            continue
        there |= {name: there[name] + row[name] for name in TRAFFIC}
        there["category"] = there["category"] or row["category"]
    return made.values()
