"""Measures streaming beside a bare server: `python -m bench.telemetry`.

The target samples counters that have changed every time, as often as it can; the bare server
replays one of its messages. Both have the same subscribers in the same run, who count messages and
look into none. See docs/benchmarks.md.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from gnmi_pb import gnmi_pb2 as gnmi

from bench.telemetry.clients import Subscribers, stream
from bench.telemetry.cost import MOST, Cost, cost, processor_seconds

CALLER = ("bench", "bench")
WATCHERS = 100
FULL = 990
"""Updates that make a message of about 1,000."""
PROTOCOL = ("probe", "statistics", "protocol")
SHARE = 70
"""Per cent of the bare server's rate that the target is to reach with 1,000 in a message."""
FRESH = 1_000_000
"""Updates that the target is to make and send in a second of one processor."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement.

    Attributes:
        updates: In a message, about.
        subscribers: At a time.
        target: Updates per second to all of them together, from the target.
        bare: Likewise, from the bare server.
        late: Per cent of the samples that were asked for and did not come.
        fresh: Updates that the target makes and sends to one subscriber in a second of processor
            time, reading the state included; 0 for several subscribers.
    """

    updates: int
    subscribers: int
    target: float
    bare: float
    late: float
    fresh: float


@dataclass(frozen=True, slots=True)
class Server:
    """A server in a process of its own."""

    port: int
    pid: int


@contextmanager
def running(kind: str, message: bytes = b"") -> Iterator[Server]:
    """Starts a server, and ends it."""
    command = [sys.executable, "-m", "bench.telemetry.servers", kind]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a process without pipes")
    try:
        if message:
            process.stdin.write(message.hex() + "\n")
            process.stdin.flush()
        yield Server(int(process.stdout.readline()), process.pid)
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def subscription(updates: int, interval: int) -> bytes:
    """A sampled subscription of about so many leaves."""
    elems = [gnmi.PathElem(name=name) for name in PROTOCOL]
    subscriptions = []
    if updates == 1:
        elems[-1].key["path"] = "ethernet.ip.tcp.p0"
        subscriptions.append(gnmi.Path(elem=[*elems, gnmi.PathElem(name="packets")]))
    elif updates < 1000:
        subscriptions.append(gnmi.Path(elem=[*elems, gnmi.PathElem(name="packets")]))
    else:
        subscriptions.append(gnmi.Path(elem=elems))
    asked = gnmi.SubscriptionList(
        encoding=gnmi.Encoding.PROTO,
        subscription=[
            gnmi.Subscription(
                path=path, mode=gnmi.SubscriptionMode.SAMPLE, sample_interval=interval
            )
            for path in subscriptions
        ],
    )
    made: bytes = gnmi.SubscribeRequest(subscribe=asked).SerializeToString()
    return made


def message_of(port: int, request: bytes) -> tuple[bytes, int]:
    """The first sample, and how many updates it has."""
    channel, call = stream(port, request, CALLER)
    for octets in call:
        response = gnmi.SubscribeResponse.FromString(octets)
        if not response.sync_response:
            call.cancel()
            channel.close()
            return octets, len(response.update.update)
    raise RuntimeError("the stream ended before it began")


def messages_per_second(
    server: Server, request: bytes, subscribers: int, seconds: float
) -> tuple[float, float]:
    """Messages that all subscribers together get in a second, and that share of a processor."""
    with Subscribers(server.port, request, subscribers, CALLER) as clients:
        time.sleep(1.0)
        before, busy, began = clients.messages, processor_seconds(server.pid), time.perf_counter()
        time.sleep(seconds)
        took = time.perf_counter() - began
        share = (processor_seconds(server.pid) - busy) / took
        return (clients.messages - before) / took, share


def measured(updates: int, subscribers: int, seconds: float, interval: int) -> Row:
    """Both servers, one after the other."""
    request = subscription(updates, interval)
    with running("target") as server:
        message, each = message_of(server.port, request)
        ours, share = messages_per_second(server, request, subscribers, seconds)
    with running("bare", message) as server:
        bare, _ = messages_per_second(server, request, subscribers, seconds)
    late = max(0.0, 100 * (1 - ours / (subscribers * 1e9 / interval)))
    fresh = ours * each / share if subscribers == 1 and share else 0.0
    return Row(each, subscribers, ours * each, bare * each, late, fresh)


def subscribers_cost(pairs: int, repetitions: int) -> int:
    """Measures and prints what a hundred subscribers cost the datapath."""

    def report(pair: Cost) -> None:
        print(
            f"{pair.packets} packets: {pair.alone:.2f} s of the datapath alone,"
            f" {pair.watched:.2f} s with subscribers of {pair.leaves} leaves:"
            f" {pair.per_cent:+.1f} %",
            flush=True,
        )

    found = cost(pairs, WATCHERS, repetitions, report)
    verdict = "met" if found.per_cent <= MOST else "missed"
    print(f"\n{WATCHERS} subscribers cost the datapath {found.per_cent:+.1f} %: {verdict},"
          f" goal ≤ {MOST:g} %")  # fmt: skip
    return 0


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.telemetry", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each figure (3)")
    parser.add_argument("--updates", default="1,100,1000", help="in a message (1,100,1000)")
    parser.add_argument("--subscribers", default="1,10,100", help="at a time (1,10,100)")
    parser.add_argument(
        "--interval", type=int, default=10, help="milliseconds between samples (10)"
    )
    parser.add_argument(
        "--cost", action="store_true", help="measure what 100 subscribers cost the datapath instead"
    )
    parser.add_argument("--pairs", type=int, default=3, help="of runs for --cost (3)")
    parser.add_argument(
        "--repetitions",
        type=int,
        default=1000,
        help="of our captures in the file for --cost (1000)",
    )
    parser.add_argument("--json", type=Path, help="results go here, too")
    chosen = parser.parse_args()
    if chosen.cost:
        return subscribers_cost(chosen.pairs, chosen.repetitions)
    rows = []
    print("updates  subscribers     target/s       bare/s  share  samples missed  fresh/CPU s")
    for updates in map(int, chosen.updates.split(",")):
        for subscribers in map(int, chosen.subscribers.split(",")):
            row = measured(updates, subscribers, chosen.seconds, chosen.interval * 1_000_000)
            rows.append(row)
            print(
                f"{row.updates:7}  {row.subscribers:11}  {row.target:11.0f}  {row.bare:11.0f}"
                f"  {100 * row.target / row.bare:4.0f}%  {row.late:13.0f}%"
                + (f"  {row.fresh:11.0f}" if row.fresh else ""),
                flush=True,
            )
    reached = max((100 * row.target / row.bare for row in rows if row.updates >= FULL), default=0.0)
    if reached:
        verdict = "met" if reached >= SHARE else "missed"
        print(f"\nof the bare server's rate with 1000 updates, at best: {reached:.0f} %: {verdict},"
              f" goal ≥ {SHARE} %")  # fmt: skip
    made = max((row.fresh for row in rows if row.updates >= FULL), default=0.0)
    if made:
        verdict = "met" if made >= FRESH else "missed"
        print(f"fresh updates in a second of one processor: {made:.0f}: {verdict}, goal ≥ {FRESH}")
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
