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
from threading import Thread
from typing import Any

import grpc
from gnmi_pb import gnmi_pb2 as gnmi

METADATA = (("username", "bench"), ("password", "bench"))
PROTOCOL = ("probe", "statistics", "protocol")
SHARE = 70
"""Per cent of the bare server's rate that the target is to reach with 1,000 in a message."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement.

    Attributes:
        updates: In a message, about.
        subscribers: At a time.
        target: Updates per second to all of them together, from the target.
        bare: Likewise, from the bare server.
        late: Per cent of the samples that were asked for and did not come.
    """

    updates: int
    subscribers: int
    target: float
    bare: float
    late: float


@contextmanager
def running(kind: str, message: bytes = b"") -> Iterator[int]:
    """A server in a process of its own; its port."""
    command = [sys.executable, "-m", "bench.telemetry.servers", kind]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a process without pipes")
    try:
        if message:
            process.stdin.write(message.hex() + "\n")
            process.stdin.flush()
        yield int(process.stdout.readline())
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


def stream(port: int, request: bytes) -> tuple[grpc.Channel, Any]:
    """A subscriber with a connection of its own, who gets octets."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=options)
    call = channel.stream_stream("/gnmi.gNMI/Subscribe", None, None)
    return channel, call(iter([request]), metadata=METADATA)


def message_of(port: int, request: bytes) -> tuple[bytes, int]:
    """The first sample, and how many updates it has."""
    channel, call = stream(port, request)
    for octets in call:
        response = gnmi.SubscribeResponse.FromString(octets)
        if not response.sync_response:
            call.cancel()
            channel.close()
            return octets, len(response.update.update)
    raise RuntimeError("the stream ended before it began")


def messages_per_second(port: int, request: bytes, subscribers: int, seconds: float) -> float:
    """Messages that all subscribers together get in a second."""
    counts = [0] * subscribers
    streams = [stream(port, request) for _ in range(subscribers)]

    def read(number: int, call: Any) -> None:
        try:
            for _ in call:
                counts[number] += 1
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.CANCELLED:
                sys.stderr.write(f"a subscriber was ended: {error.details()}\n")

    threads = [Thread(target=read, args=(n, call)) for n, (_, call) in enumerate(streams)]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    before, began = sum(counts), time.perf_counter()
    time.sleep(seconds)
    rate = (sum(counts) - before) / (time.perf_counter() - began)
    for channel, call in streams:
        call.cancel()
        channel.close()
    for thread in threads:
        thread.join()
    return rate


def measured(updates: int, subscribers: int, seconds: float, interval: int) -> Row:
    """Both servers, one after the other."""
    request = subscription(updates, interval)
    with running("target") as port:
        message, each = message_of(port, request)
        ours = messages_per_second(port, request, subscribers, seconds)
    with running("bare", message) as port:
        bare = messages_per_second(port, request, subscribers, seconds)
    asked = subscribers * 1e9 / interval
    return Row(each, subscribers, ours * each, bare * each, max(0.0, 100 * (1 - ours / asked)))


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.telemetry", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each figure (3)")
    parser.add_argument("--updates", default="1,100,1000", help="in a message (1,100,1000)")
    parser.add_argument("--subscribers", default="1,10,100", help="at a time (1,10,100)")
    parser.add_argument(
        "--interval", type=int, default=10, help="milliseconds between samples (10)"
    )
    parser.add_argument("--json", type=Path, help="results go here, too")
    chosen = parser.parse_args()
    rows = []
    print("updates  subscribers     target/s       bare/s  share  samples missed")
    for updates in map(int, chosen.updates.split(",")):
        for subscribers in map(int, chosen.subscribers.split(",")):
            row = measured(updates, subscribers, chosen.seconds, chosen.interval * 1_000_000)
            rows.append(row)
            print(
                f"{row.updates:7}  {row.subscribers:11}  {row.target:11.0f}  {row.bare:11.0f}"
                f"  {100 * row.target / row.bare:4.0f}%  {row.late:6.0f}%",
                flush=True,
            )
    reached = max((100 * row.target / row.bare for row in rows if row.updates >= 1000), default=0.0)
    if reached:
        verdict = "met" if reached >= SHARE else "missed"
        print(f"\nof the bare server's rate with 1000 updates, at best: {reached:.0f} %: {verdict},"
              f" goal ≥ {SHARE} %")  # fmt: skip
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
