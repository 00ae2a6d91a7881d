"""`sessions` and the answer of list-sessions: live sessions as the model writes them."""

from typing import Any

from nf.mgmt.sources.times import date_and_time

__all__ = ["ORDERS", "session_entry", "sessions_state"]

MOST = 100
ORDERS = {"bytes": "bytes", "packets": "packets", "age": "start", "recent": "end"}
"""The model's orders, and the engine's."""
ENTRY = {
    "source-address": "src_ip",
    "source-port": "src_port",
    "destination-address": "dst_ip",
    "destination-port": "dst_port",
    "ip-protocol": "ip_proto",
    "vlan": "vlan",
    "path": "path",
    "protocol": "protocol",
    "application": "app",
    "server-name": "server_name",
    "packets-up": "packets_up",
    "packets-down": "packets_down",
    "bytes-up": "bytes_up",
    "bytes-down": "bytes_down",
    "worker": "worker",
}
"""The model's name of a value, and the row's."""


def session_entry(row: dict[str, Any]) -> dict[str, Any]:
    """One session."""
    made: dict[str, Any] = {
        "id": row["session_id"],
        "start": date_and_time(row["start"]),
        "last": date_and_time(row["end"]),
    }
    for name, key in ENTRY.items():
        if row.get(key) not in {None, ""}:
            made[name] = row[key]
    return made


def sessions_state(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The list among the state."""
    if not rows:
        return {}
    return {"nf-dpi:sessions": {"session": [session_entry(row) for row in rows[:MOST]]}}
