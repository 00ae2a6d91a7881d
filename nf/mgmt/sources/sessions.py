"""`sessions` and the answer of list-sessions: live sessions as the model writes them."""

from typing import Any

from nf.mgmt.sources.names import kebab
from nf.mgmt.sources.times import date_and_time

__all__ = ["MOST", "session_entry", "session_identity", "sessions_state"]

MOST = 100
"""Sessions among the state; list-sessions gives more."""
IDENTITY = (
    "session_id",
    "src_ip",
    "src_port",
    "dst_ip",
    "dst_port",
    "ip_proto",
    "vlan",
    "path",
    "protocol",
    "app",
    "category",
    "confidence",
    "server_name",
    "community_id",
)
COUNTS = (
    "packets_up",
    "packets_down",
    "bytes_up",
    "bytes_down",
    "payload_up",
    "payload_down",
    "retransmissions_up",
    "retransmissions_down",
    "rtt_us",
    "handshake_us",
    "app_response_us",
)


def session_identity(row: dict[str, Any]) -> dict[str, Any]:
    """Which session a row is about."""
    return kebab(row, IDENTITY) | {"start": date_and_time(row["start"])}


def session_entry(row: dict[str, Any]) -> dict[str, Any]:
    """One session."""
    made = session_identity(row) | kebab(row, COUNTS) | {"end": date_and_time(row["end"])}
    if row.get("risks"):
        made["risks"] = list(row["risks"])
    if row.get("risk_severity"):
        made["risk-severity"] = row["risk_severity"]
    return made


def sessions_state(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The list among the state."""
    if not rows:
        return {}
    return {"nf-dpi:sessions": {"session": [session_entry(row) for row in rows[:MOST]]}}
