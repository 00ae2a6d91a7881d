"""`statistics`: traffic by protocol and by application, sessions that go on included."""

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
        "application": [kebab(row, ("app", "category", *TRAFFIC)) for row in sums.get("app", ())],
    }
    found = {name: one for name, one in lists.items() if one}
    return {"nf-dpi:statistics": found} if found else {}
