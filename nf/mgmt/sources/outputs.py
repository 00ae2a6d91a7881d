"""`outputs/output`: what each output has written, dropped, and what is wrong with it."""

from typing import Any

from nf.mgmt.sources.times import date_and_time

__all__ = ["outputs_state"]

COUNTERS = {
    "queued": "queued_rows",
    "written": "written_rows",
    "bytes": "written_bytes",
    "dropped": "dropped_rows",
    "errors": "errors",
    "files": "files",
    "connection": "connection",
}
"""The model's name of a counter, and the output's; not every output completes files."""


def outputs_state(groups: dict[str, Any]) -> dict[str, Any]:
    """The list, from the datapath's counters."""
    made = [{"name": one["name"], "state": _state(one)} for one in groups.get("outputs", ())]
    return {"nf-outputs:outputs": {"output": made}} if made else {}


def _state(output: dict[str, Any]) -> dict[str, Any]:
    state: dict[str, Any] = {"status": output["state"]}
    state |= {name: output[key] for name, key in COUNTERS.items() if key in output}
    state["since"] = date_and_time(output["since"])
    if output["last_error"]:
        state["last-error"] = output["last_error"]
        state["last-error-at"] = date_and_time(output["last_error_at"])
    return state
