"""Counters of a reading, for `--stats`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import IO

from nf.records import Stats

__all__ = ["as_json", "write"]


def as_json(stats: Stats) -> str:
    """All counters as one line of JSON."""
    return json.dumps(asdict(stats))


def write(stats: Stats, out: IO[str]) -> None:
    """Writes all counters, those that are nothing left out except in the account."""
    account = asdict(stats.account)
    parts = ("kernel_drops", "dispatch_drops", "filtered", "light_only", "decode_errors")
    rest = [name for name in account if name not in {*parts, "packets", "processed"}]
    out.write("account\n")
    out.write(f"  {account['packets']:>15,}  packets, of which\n")
    for name in (*parts, "processed"):
        out.write(f"  {account[name]:>15,}    {name}\n")
    for name in rest:
        out.write(f"  {account[name]:>15,}  {name}\n")
    _group(out, "decode errors", stats.decode_errors)
    _group(out, "anomalies", stats.anomalies)
    _group(out, "source", stats.source)
    for number, worker in enumerate(stats.workers):
        _group(out, f"worker {number}", worker)


def _group(out: IO[str], title: str, counters: Mapping[str, int]) -> None:
    counted = {name: number for name, number in counters.items() if number}
    out.write(f"{title}{'' if counted else ': none'}\n")
    for name, number in counted.items():
        out.write(f"  {number:>15,}  {name}\n")
