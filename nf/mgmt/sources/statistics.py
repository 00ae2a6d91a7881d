"""`statistics`: traffic by protocol and by application, sessions that go on included."""

from typing import Any

__all__ = ["SUMS", "statistics_state"]

SUMS = ("protocol", "app")
"""What has to be asked of the datapath."""
TRAFFIC = ("packets", "bytes", "payload", "sessions", "active")


def statistics_state(groups: dict[str, Any]) -> dict[str, Any]:
    """Both lists, from the datapath's sums."""
    sums = groups.get("sums", {})
    protocols = [
        {"path": row["path"], "protocol": row["protocol"], **_traffic(row)}
        for row in sums.get("protocol", ())
    ]
    applications = [
        {
            "name": row["app"],
            **({"category": row["category"]} if row["category"] else {}),
            **_traffic(row),
        }
        for row in sums.get("app", ())
    ]
    lists = {"protocol": protocols, "application": applications}
    found = {name: one for name, one in lists.items() if one}
    return {"nf-dpi:statistics": found} if found else {}


def _traffic(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in TRAFFIC if name in row}
