"""Measures live capture beside a bare receiver: `python -m bench.live`.

One sender sends as fast as it can over a pair of veth interfaces; at the other end `nf live`, with
sessions and classification, and a receiver that only walks over the packets of a ring of the same
size take turns. What is compared are the packets that each took in a second. See
docs/benchmarks.md.
"""

import argparse
import json
import os
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.live.network import Cable, Received, Sent, cable, wire

SHARES = {60: 55, 1514: 70}
"""Octets of a packet, and per cent of the bare receiver's rate that `nf live` is to reach."""
BUFFER = 64 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """One pair of runs.

    Attributes:
        octets: Of a packet.
        bare: Packets per second that the bare receiver took.
        ours: Packets per second that `nf live` took, and looked at.
        lost: Per cent of what was sent to `nf live` that it did not take.
        bare_by_processor: Packets per second, had sender and bare receiver one processor, and
            nobody else: by the seconds that it spent on both.
        by_processor: The same of `nf live`.
        ours_ns: Nanoseconds of the processor that `nf live` spent on a packet.
    """

    octets: int
    bare: float
    ours: float
    lost: float
    bare_by_processor: float
    by_processor: float
    ours_ns: float

    @property
    def share(self) -> float:
        """Per cent of the bare receiver's rate."""
        return 100 * self.ours / self.bare

    @property
    def share_by_processor(self) -> float:
        """The same, had sender and receiver one processor to themselves."""
        return 100 * self.by_processor / self.bare_by_processor


def _on_one(sent: Sent, received: Received) -> float:
    return received.packets / (sent.processor + received.processor)


def measured(line: Cable, octets: int, seconds: float, sessions: int, options: list[str]) -> Row:
    """One run of each."""
    bare_sent, bare = line.bare(BUFFER, octets, seconds, sessions)
    sent, ours = line.nf(BUFFER, octets, seconds, sessions, options)
    return Row(
        octets,
        bare.packets / bare_sent.seconds,
        ours.packets / sent.seconds,
        max(0.0, 100 * (1 - ours.packets / sent.packets)),
        _on_one(bare_sent, bare),
        _on_one(sent, ours),
        1e9 * ours.processor / ours.packets,
    )


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run (2)")
    parser.add_argument("--pairs", type=int, default=5, help="of runs for each size (5)")
    parser.add_argument("--sessions", type=int, default=1000, help="at a time (1000)")
    parser.add_argument(
        "--octets", default=",".join(map(str, SHARES)), help="of a packet (60,1514)"
    )
    parser.add_argument("--json", type=Path, help="results go here, too")
    parser.add_argument("options", nargs="*", help="of nf live, after --")
    chosen = parser.parse_args()
    if os.geteuid() != 0:
        print("bench.live NOT MEASURED: it makes a network of its own, which takes root")
        return 0
    rows: list[Row] = []
    print("octets       bare/s    nf live/s   lost   share  by processor   ns/packet")
    with cable(wire()) as line:
        for octets in map(int, chosen.octets.split(",")):
            of_size = []
            for _ in range(chosen.pairs):
                row = measured(line, octets, chosen.seconds, chosen.sessions, chosen.options)
                of_size.append(row)
                print(
                    f"{row.octets:6}  {row.bare:11.0f}  {row.ours:11.0f}  {row.lost:4.0f}%"
                    f"  {row.share:5.0f}%  {row.share_by_processor:11.0f}%  {row.ours_ns:9.0f}",
                    flush=True,
                )
            rows += of_size
            goal = SHARES.get(octets)
            for what, shares in (
                ("of the bare receiver's rate", [row.share for row in of_size]),
                ("the same by processor", [row.share_by_processor for row in of_size]),
            ):
                share = statistics.median(shares)
                verdict = "" if goal is None else "met" if share >= goal else "missed"
                told = f": {verdict}, goal ≥ {goal} %" if verdict else ""
                print(f"{what} at {octets} octets, median: {share:.0f} %{told}")
            print()
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
