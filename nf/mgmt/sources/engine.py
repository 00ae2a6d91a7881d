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


def engine_state(groups: dict[str, Any]) -> dict[str, Any]:
    """The state of the engine, from the datapath's counters; none while there is no engine."""
    if "account" not in groups:
        return {}
    account = groups["account"]
    told = kebab(account, ACCOUNT)
    if "in_flight" in groups:
        told["in-flight"] = groups["in_flight"]
    workers = groups["workers"]
    state: dict[str, Any] = {
        "discontinuity-time": date_and_time(groups["capture"]["since"]),
        "account": told,
        "flows": _flows(workers),
        "worker": [
            _worker(number, one, busy)
            for number, (one, busy) in enumerate(
                zip(workers, groups.get("busy") or [None] * len(workers), strict=False)
            )
        ],
        "decode-error": _named(groups["decode_errors"], "packets"),
        "anomaly": _named(groups["anomalies"], "count"),
        "row-drop": [
            {"cause": cause, "rows": rows} for cause, rows in groups.get("rows_dropped", {}).items()
        ],
    }
    return {"nf-dpi:engine": {"state": {name: one for name, one in state.items() if one}}}


def _flows(workers: list[dict[str, Any]]) -> dict[str, Any]:
    def total(name: str) -> int:
        return sum(int(one.get(name, 0)) for one in workers)

    begun, active = total("sessions"), total("alive")
    return {
        "active": active,
        "begun": begun,
        "ended": max(0, begun - active),
        "evicted": total("evicted"),
        "refused": total("refused"),
        "table-bytes": total("table_bytes"),
        "held-bytes": total("held_bytes"),
    }


def _worker(number: int, worker: dict[str, Any], busy: dict[str, Any] | None) -> dict[str, Any]:
    made: dict[str, Any] = {"id": number}
    made |= {name: worker[key] for name, key in WORKER.items() if key in worker}
    pools = {"table": "table_bytes", "held": "held_bytes"}
    made["pool"] = [
        {"name": name, "used": worker[key]} for name, key in pools.items() if key in worker
    ]
    if busy is not None:
        elapsed = float(busy["elapsed"])
        share = 100 * float(busy["busy"]) / elapsed if elapsed > 0 else 0.0
        made["load"] = min(100, round(share))
        made["batches"] = busy["batches"]
    return made


def _named(counts: dict[str, int], word: str) -> list[dict[str, Any]]:
    return [{"name": name, word: count} for name, count in sorted(counts.items()) if count]
