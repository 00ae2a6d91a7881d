"""What subscribers cost the datapath: processor time for the same packets, with and without them.

`nf run` reads one file as fast as it can, and a hundred subscribers sample all counters once a
second meanwhile. The time is that of the datapath's process alone: at full speed it waits for
nothing, so that what it needs more for the same packets is what it lacks for others. Runs come in
pairs.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnmi_pb import gnmi_pb2 as gnmi

from bench.telemetry.clients import Subscribers
from nf.errors import NfError
from nf.mgmt.local import LocalClient, Read, SetNode
from nf.process.monitoring import MonitorClient
from nf.process.places import Places

__all__ = ["MOST", "Cost", "cost", "processor_seconds"]

MOST = 3.0
"""Per cent that a hundred subscribers may cost the datapath."""

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "tests" / "captures"
MAGIC = b"\xd4\xc3\xb2\xa1"
ETHERNET = 1
GAP = 3600
"""Seconds between two repetitions: sessions of the one before have ended."""
BEGIN = 1_700_000_000
"""Seconds since 1970 at the first packet."""
PATIENCE = 300.0
PASSWORD = "a password of the benchmark"  # noqa: S105 - of a probe that lives for seconds
CALLER = ("admin", PASSWORD)
PATHS = (("statistics",), ("engine", "state"), ("capture", "state"))


@dataclass(frozen=True, slots=True)
class Cost:
    """One pair of runs, or the median of several.

    Attributes:
        packets: In each run.
        alone: Seconds of processor time without subscribers.
        watched: Likewise, with them.
        leaves: That each subscriber was told with a sample.
    """

    packets: int
    alone: float
    watched: float
    leaves: int

    @property
    def per_cent(self) -> float:
        """What the subscribers cost."""
        return 100 * (self.watched / self.alone - 1)


def cost(pairs: int, subscribers: int, repetitions: int, report: Callable[[Cost], None]) -> Cost:
    """Median of pairs of runs; each is reported."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "traffic.pcap"
        packets = write_traffic(file, repetitions)
        for number in range(pairs):
            # Whoever runs first is at a disadvantage; that changes from pair to pair.
            order = (0, subscribers) if number % 2 == 0 else (subscribers, 0)
            times = {count: _run(file, count) for count in order}
            pair = Cost(packets, times[0][0], times[subscribers][0], times[subscribers][1])
            found.append(pair)
            report(pair)
    return sorted(found, key=lambda one: one.per_cent)[len(found) // 2]


def write_traffic(file: Path, repetitions: int) -> int:
    """Our captures of Ethernet, one after the other, again and again; how many packets."""
    packets = []
    for path in sorted(CAPTURES.glob("*.pcap")):
        octets = path.read_bytes()
        if octets[:4] != MAGIC or struct.unpack_from("<I", octets, 20)[0] != ETHERNET:
            continue
        at = 24
        while at + 16 <= len(octets):
            length = struct.unpack_from("<I", octets, at + 8)[0]
            packets.append(octets[at + 8 : at + 16 + length])
            at += 16 + length
    if not packets:
        raise RuntimeError(f"there are no captures in {CAPTURES}")
    with file.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, ETHERNET))
        for turn in range(repetitions):
            second = BEGIN + turn * GAP
            out.write(
                b"".join(
                    struct.pack("<II", second + number // 1000, number % 1000 * 1000) + packet
                    for number, packet in enumerate(packets)
                )
            )
    return repetitions * len(packets)


def _run(file: Path, subscribers: int) -> tuple[float, int]:
    """Processor seconds of the datapath for the file, and leaves of a sample."""
    with tempfile.TemporaryDirectory() as folder, _probe(Path(folder)) as (places, port):
        pid = _pid(places)
        with Subscribers(port, _request(), subscribers, CALLER, looks=True) as clients:
            before = processor_seconds(pid)
            with LocalClient(places.management_socket) as management:
                path = f"capture/file/path[.='{file}']"
                management.call(SetNode(((path, None),)), PATIENCE)
                _until(lambda: _status(management) in ("ended", "failed"))
                if _status(management) == "failed":
                    raise RuntimeError("the file was not read")
            return processor_seconds(pid) - before, len(clients.paths)


@contextmanager
def _probe(folder: Path) -> Iterator[tuple[Places, int]]:
    """`nf run` with a gNMI target, and without packets."""
    places, port = Places.of(folder / "state", None), _free_port()
    words = (
        *("--state-dir", str(folder / "state"), "--netconf-port", str(_free_port())),
        *("--netconf-address", "127.0.0.1"),
        *("-X", "telemetry/gnmi/listen[bench]/address=127.0.0.1"),
        *("-X", f"telemetry/gnmi/listen[bench]/port={port}"),
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "nf.cli", "run", *words],
            env=os.environ | {"NF_ADMIN_PASSWORD": PASSWORD},
            stdout=log,
            stderr=log,
        )
        try:
            _until(lambda: process.poll() is None and _is_up(places))
            yield places, port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def _is_up(places: Places) -> bool:
    with MonitorClient(places.monitor_socket) as monitor:
        return all(one.state == "running" for one in monitor.processes())


def _pid(places: Places) -> int:
    with MonitorClient(places.monitor_socket) as monitor:
        return next(one.pid for one in monitor.processes() if one.name == "nf-datapath")


def _status(management: LocalClient) -> str:
    said = management.call(Read("operational", "capture/state/status"), PATIENCE).text or "{}"
    found: Any = json.loads(said)
    while isinstance(found, dict) and found:
        found = next(iter(found.values()))
    return str(found)


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if true():
                return
        except (NfError, OSError):
            pass  # it has not started yet; the deadline tells if it never does
        time.sleep(0.2)
    raise RuntimeError(f"the probe was not ready within {PATIENCE:g} s")


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used, in user space and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def _request() -> bytes:
    """What each subscriber wants: everything that counts, once a second."""
    asked = gnmi.SubscriptionList(
        encoding=gnmi.Encoding.PROTO,
        subscription=[
            gnmi.Subscription(
                path=gnmi.Path(elem=[gnmi.PathElem(name=name) for name in ("probe", *path)]),
                mode=gnmi.SubscriptionMode.SAMPLE,
                sample_interval=1_000_000_000,
            )
            for path in PATHS
        ],
    )
    made: bytes = gnmi.SubscribeRequest(subscribe=asked).SerializeToString()
    return made
