"""`engine/state`: where every packet went, the workers, and what was odd."""

from typing import Any

from nf.mgmt.sources.names import kebab
from nf.mgmt.sources.times import date_and_time

__all__ = ["engine_state"]

ACCOUNT = (
    "packets",
    "bytes",
    "kernel_drops",
    "dispatch_drops",
    "filtered",
    "light_only",
    "decode_errors",
    "processed",
    "in_sessions",
    "non_session",
    "truncated",
)
WORKER = {
    "processed": "processed",
    "non-session": "non_session",
    "refused": "refused",
    "begun": "sessions",
    "active": "alive",
    "evicted": "evicted",
    "panics": "panics",
    "outside-window": "outside_window",
    "chunks-given-up": "chunks_given_up",
}
"""The model's name of a counter, and the engine's."""
FUNCTION = ("plugin", "name", "kind", "status", "rows", "failures", "dropped", "last_error")


def engine_state(groups: dict[str, Any]) -> dict[str, Any]:
    """The state of the engine, from the datapath's counters; none while there is no engine."""
    if "account" not in groups:
        return {}
    account = groups["account"]
    told = kebab(account, ACCOUNT)
    if "in_flight" in groups:
        told["in-flight"] = groups["in_flight"]
    state: dict[str, Any] = {
        "discontinuity-time": date_and_time(groups["capture"]["since"]),
        "account": told,
        "flows": _flows(groups),
        "clock": dict(groups["clock"]),
        "worker": [_worker(number, groups) for number in range(len(groups["workers"]))],
        "decode-error": _named(groups["decode_errors"], "packets"),
        "anomaly": _named(groups["anomalies"], "count"),
        "row-drop": [
            {"cause": cause, "rows": rows} for cause, rows in groups.get("rows_dropped", {}).items()
        ],
        "plugin-function": [kebab(one, FUNCTION) for one in groups.get("listeners", ())],
    }
    return {"nf-dpi:engine": {"state": {name: one for name, one in state.items() if one}}}


def _flows(groups: dict[str, Any]) -> dict[str, Any]:
    workers = groups["workers"]

    def total(name: str) -> int:
        return sum(int(one[name]) for one in workers)

    return {
        "active": total("alive"),
        "capacity": groups["limits"]["sessions"] * len(workers),
        "begun": total("sessions"),
        "ended": groups["account"]["sessions"],
        "evicted": total("evicted"),
        "refused": total("refused"),
        "table-bytes": total("table_bytes"),
        "held-bytes": total("held_bytes"),
        "orphan-fragments": groups["source"]["orphan_fragments"],
    }


def _worker(number: int, groups: dict[str, Any]) -> dict[str, Any]:
    worker, busy = groups["workers"][number], groups["busy"][number]
    return {
        "id": number,
        **{name: worker[key] for name, key in WORKER.items()},
        "pool": [
            {"name": "table", "used": worker["table_bytes"]},
            {
                "name": "held",
                "used": worker["held_bytes"],
                "limit": groups["limits"]["held_bytes"],
            },
        ],
        "load": round(100 * float(busy["load"])),
        "batches": busy["batches"],
        "queue-depth": groups["waiting"][number],
    }


def _named(counts: dict[str, int], word: str) -> list[dict[str, Any]]:
    return [{"name": name, word: count} for name, count in sorted(counts.items()) if count]
