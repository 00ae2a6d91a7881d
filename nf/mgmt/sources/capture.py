"""`capture/state`: the sources, and what they count."""

from typing import Any

from nf.mgmt.sources.names import kebab
from nf.mgmt.sources.times import date_and_time

__all__ = ["capture_state"]

VALUES = ("name", "id", "configured_by", "state", "trouble", "opened", "ring_bytes")
COUNTERS = (
    "seen",
    "bytes",
    "packets",
    "filtered",
    "kernel_drops",
    "dispatch_drops",
    "captured_bytes",
    "truncated",
    "short_lengths",
    "over_snaplen",
    "absurd_lengths",
    "skipped_blocks",
    "clock_backward",
    "clock_jumps",
    "recorded_drops",
)
DUMP = {
    "active": "active",
    "file": "file",
    "filter": "filter",
    "seen": "seen",
    "packets": "packets",
    "bytes": "octets",
    "dropped": "dropped",
    "reason": "reason",
    "message": "text",
    "directory": "folder",
}
"""The model's name of what is told of a dump, and the datapath's."""
FILE_STATES = {"running": "capturing", "ended": "ended", "failed": "failed"}


def capture_state(groups: dict[str, Any]) -> dict[str, Any]:
    """The state of the capture, from the datapath's counters."""
    capture = groups["capture"]
    state: dict[str, Any] = {"status": capture["state"]}
    # Files that are damaged have ended, and not failed: what there was has been read.
    if error := capture["error"] or groups.get("ended_early"):
        state["error"] = error
    sources = [_interface(one) for one in groups.get("sources", ())]
    if not sources and groups.get("source"):
        sources = [_files(groups["source"], capture["state"])]
    if sources:
        state["source"] = sources
    if dump := groups.get("dump"):
        state["dump"] = _dump(dump)
    return {"nf-capture:capture": {"state": state}}


def _dump(dump: dict[str, Any]) -> dict[str, Any]:
    told = {name: dump[key] for name, key in DUMP.items() if dump.get(key, "") != ""}
    told |= {name: date_and_time(dump[name]) for name in ("begun", "ended") if name in dump}
    kept = [
        {
            "file": one["file"],
            "bytes": one["octets"],
            "changed": date_and_time(one["changed"]),
        }
        for one in dump.get("kept", ())
    ]
    return told | {"kept": kept} if kept else told


def _interface(source: dict[str, Any]) -> dict[str, Any]:
    made = {"kind": f"nf-types:{source['source']}", **kebab(source, VALUES)}
    if source["link_type"] is not None:
        made["link-type"] = str(source["link_type"])
    if source["shares"]:
        made["sockets"] = len(source["shares"])
    return made | _counters(source)


def _files(source: dict[str, Any], state: str) -> dict[str, Any]:
    """All files are read as one."""
    told = {"name": "files", "kind": "capture-file", "state": FILE_STATES.get(state, "closed")}
    return told | _counters(source)


def _counters(source: dict[str, Any]) -> dict[str, Any]:
    made = kebab(source, COUNTERS)
    if "malformed" in source:
        made["malformed-records"] = source["malformed"]
    return made
