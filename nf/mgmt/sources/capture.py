"""`capture/state`: the sources, and what they count."""

from typing import Any

__all__ = ["capture_state"]

STATUS = {"capturing": "running"}
"""States of sources that the model calls by another name."""
COUNTERS = {
    "packets": "seen",
    "bytes": "bytes",
    "delivered": "packets",
    "filtered": "filtered",
    "kernel-drops": "kernel_drops",
    "captured-bytes": "captured_bytes",
    "truncated": "truncated",
    "malformed-records": "malformed",
    "clock-backward": "clock_backward",
}
"""The model's name of a counter, and the engine's."""


def capture_state(groups: dict[str, Any]) -> dict[str, Any]:
    """The state of the capture, from the datapath's counters."""
    capture = groups["capture"]
    state: dict[str, Any] = {"status": capture["state"]}
    if capture["error"]:
        state["error"] = capture["error"]
    sources = [_source(one) for one in groups.get("sources", ())]
    if not sources and "source" in groups:
        sources = [_file_source(groups["source"], capture["state"])]
    if sources:
        state["source"] = sources
    return {"nf-capture:capture": {"state": state}}


def _source(source: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": source["name"],
        "id": source["id"],
        "kind": "nf-types:af-packet",
        "status": STATUS.get(source["state"], source["state"]),
        "opened": source["opened"],
        "buffer-bytes": source["ring_bytes"],
    }
    if source["trouble"]:
        made["error"] = source["trouble"]
    if source["link_type"]:
        made["link-type"] = str(source["link_type"])
    return made | {name: source[key] for name, key in COUNTERS.items() if key in source}


def _file_source(source: dict[str, Any], state: str) -> dict[str, Any]:
    """All files are read as one."""
    made = {name: source[key] for name, key in COUNTERS.items() if key in source}
    status = state if state in {"running", "ended", "failed"} else "closed"
    return {"name": "files", "kind": "capture-file", "status": status} | made
