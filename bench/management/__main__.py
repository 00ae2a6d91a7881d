"""Measures management beside Debian's netconfd: `python -m bench.management`.

Commits are edits of one leaf of the running configuration, validated, in force and written to
disk when the reply comes (ours syncs the file, netconfd does not). Gets are of one row by its key.
One client, one request after the other, on the same machine: see docs/benchmarks.md. A busy machine
makes requests wait; what they cost in processor time, at the server and here, says more then.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.management.client import Client, Times
from bench.management.servers import SERVERS, Absent, Server

LEAVES = 4


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one server at one size; `us` are microseconds of processor a request."""

    server: str
    version: str
    leaves: int
    commits_per_second: float
    commit_p99_ms: float
    commit_us: float
    commit_client_us: float
    gets_per_second: float
    get_p99_ms: float
    get_us: float
    get_client_us: float
    sessions: int
    octets_per_session: int


async def measured(server: Server, leaves: int, seconds: float, sessions: int) -> Figures:
    """Fills the table and measures."""
    rows = leaves // LEAVES
    client = await Client.connect(server)
    await client.fill(rows)
    commits, *commit_us = await _costs(server, client.commits(seconds, rows))
    gets, *get_us = await _costs(server, client.gets(seconds, rows))
    before = server.memory()
    others = [await Client.connect(server) for _ in range(sessions)]
    for other in others:
        await other.gets(0, rows)
    each = (server.memory() - before) // max(sessions, 1)
    for one in [*others, client]:
        await one.close()
    return Figures(
        server.name,
        server.version,
        leaves,
        commits.per_second,
        commits.quantile(0.99) * 1e3,
        *commit_us,
        gets.per_second,
        gets.quantile(0.99) * 1e3,
        *get_us,
        len(others),
        each,
    )


async def _costs(server: Server, requests: Awaitable[Times]) -> tuple[Times, float, float]:
    """Times of requests, and microseconds of processor that one takes the server and us."""
    theirs, ours = server.processor(), time.process_time()
    times = await requests
    ours, theirs = time.process_time() - ours, server.processor() - theirs
    return times, theirs / len(times.each) * 1e6, ours / len(times.each) * 1e6


def table(figures: list[Figures]) -> str:
    """For people."""
    heads = ("server", "leaves", "commits/s", "p99 ms", "server µs", "client µs")
    heads += ("gets/s", "p99 ms", "server µs", "client µs", "KiB/session")
    lines = [
        heads,
        *(
            (
                f"{one.server} {one.version}",
                f"{one.leaves}",
                f"{one.commits_per_second:.0f}",
                f"{one.commit_p99_ms:.1f}",
                f"{one.commit_us:.0f}",
                f"{one.commit_client_us:.0f}",
                f"{one.gets_per_second:.0f}",
                f"{one.get_p99_ms:.1f}",
                f"{one.get_us:.0f}",
                f"{one.get_client_us:.0f}",
                f"{one.octets_per_session >> 10}",
            )
            for one in figures
        ),
    ]
    widths = [max(len(line[n]) for line in lines) for n in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def verdicts(figures: list[Figures]) -> list[str]:
    """The goals, each with what came of it."""
    by = {(one.server, one.leaves): one for one in figures}
    lines = []
    small, large = by.get(("nf", 1000)), by.get(("nf", 100_000))
    peer = by.get(("netconfd", 1000))
    if small:
        lines.append(_verdict("commits at 1k leaves", small.commits_per_second, 500, "/s"))
    if large:
        per = 1e3 / large.commits_per_second
        lines.append(_verdict("commit at 100k leaves", per, 100, " ms", most=True))
    if small and peer:
        ratio = small.commits_per_second / peer.commits_per_second
        lines.append(_verdict("commits beside netconfd", ratio, 2.0, " times"))
        ratio = small.gets_per_second / peer.gets_per_second
        lines.append(_verdict("gets beside netconfd", ratio, 0.5, " times"))
    return lines


def _verdict(what: str, figure: float, goal: float, unit: str, *, most: bool = False) -> str:
    met = figure <= goal if most else figure >= goal
    sign = "≤" if most else "≥"
    verdict = "met" if met else "missed"
    return f"{what:<26} {verdict:<7} {figure:8.2f}{unit}  goal {sign} {goal:g}{unit}"


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.management", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each figure (4)")
    parser.add_argument("--leaves", default="1000,100000", help="sizes (1000,100000)")
    parser.add_argument("--sessions", type=int, default=50, help="held at a time (50)")
    parser.add_argument("--servers", default=",".join(SERVERS), help="only these")
    parser.add_argument("--json", type=Path, help="results go here, too")
    chosen = parser.parse_args()
    figures = []
    for leaves in map(int, chosen.leaves.split(",")):
        for name in chosen.servers.split(","):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    with SERVERS[name](Path(folder)) as server:
                        figures.append(
                            asyncio.run(measured(server, leaves, chosen.seconds, chosen.sessions))
                        )
                except Absent as error:
                    sys.stderr.write(f"{name} NOT MEASURED: {error}\n")
                    continue
            sys.stderr.write(f"{name} at {leaves} leaves\n")
    sys.stdout.write(table(figures) + "\n\n" + "\n".join(verdicts(figures)) + "\n")
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(one) for one in figures], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
