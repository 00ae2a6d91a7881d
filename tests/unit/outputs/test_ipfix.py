"""Sessions at collectors of IPFIX: ours, which reads by the RFCs, nfdump's and Wireshark's."""

import csv
import io
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nf._native.engine import Batch, Engine
from nf.datapath.settings import IpfixOutput
from nf.errors import ConfigurationError
from nf.outputs.ipfix import Ipfix
from nf.outputs.ipfix.messages import elements
from nf.outputs.queued import Queued
from tests.unit.outputs.collector import Collector

DEMO = Path(__file__).parents[2] / "captures" / "demo.pcap"
PATIENCE = 20.0
END_REASONS = {"idle": 1, "active": 2, "fin": 3, "rst": 3, "end_of_capture": 4, "evicted": 5}
ENTERPRISE = 32473


def batches() -> Iterator[Batch]:
    config = {"files": [str(DEMO)], "reports": ["session"], "threads": 0, "risks": True}
    engine = Engine(json.dumps(config))
    while (ready := engine.poll(16, 1.0)) is not None:
        yield from ready


def sent(output: Ipfix, told: Callable[..., None] = lambda *_: None) -> tuple[Queued, int]:
    """Hands the demo's sessions over; the queue, and how many they are."""
    queued = Queued(output, told)
    queued.start()
    count = 0
    for batch in batches():
        rows = output.encode(batch)
        assert rows is not None
        assert queued.offer(rows)
        count += rows.count
    return queued, count


def free_port(kind: int = socket.SOCK_DGRAM) -> int:
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings(port: int, **more: Any) -> IpfixOutput:
    given: dict[str, Any] = {"reports": ("session",), "flush_seconds": 0.05} | more
    return IpfixOutput("127.0.0.1", port, **given)


def rows() -> list[dict[str, Any]]:
    names = None
    return [row for batch in batches() for row in batch.to_dicts(names)]


def received(listening: socket.socket, collector: Collector, flows: int) -> Collector:
    listening.settimeout(PATIENCE)
    while len(collector.flows()) < flows:
        collector.take(listening.recv(65535))
    return collector


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        yield one


def test_every_session_arrives_with_the_values_of_its_row(listening: socket.socket) -> None:
    queued, count = sent(Ipfix(settings(listening.getsockname()[1])))
    flows = received(listening, Collector(), count).flows()
    assert queued.close(PATIENCE) == 0
    by_id = {flow["sessionId"]: flow for flow in flows}
    expected = rows()
    assert len(expected) == count == len(by_id) > 50
    for row in expected:
        flow = by_id[row["session_id"]]
        family = "IPv6" if ":" in row["src_ip"] else "IPv4"
        assert flow[f"source{family}Address"] == row["src_ip"]
        assert flow[f"destination{family}Address"] == row["dst_ip"]
        assert flow["sourceTransportPort"] == row["src_port"]
        assert flow["destinationTransportPort"] == row["dst_port"]
        assert flow["protocolIdentifier"] == row["ip_proto"]
        assert flow["octetDeltaCount"] == row["bytes_up"]
        assert flow["packetDeltaCount"] == row["packets_up"]
        assert flow["reverseOctetDeltaCount"] == row["bytes_down"]
        assert flow["reversePacketDeltaCount"] == row["packets_down"]
        assert flow["flowEndReason"] == END_REASONS[row["end_reason"]]
        assert flow["applicationName"] == (row["app"] or "")
        assert flow["applicationCategoryName"] == (row["category"] or "")
        assert flow["protocolPath"] == row["path"]
        assert flow["protocolName"] == row["protocol"]
        assert flow["classificationConfidence"] == row["confidence"]
        assert flow["serverName"] == (row["server_name"] or "")
        assert flow["roundTripMicroseconds"] == (row["rtt_us"] or 0)
        assert flow["initiatorRetransmissions"] == row["retransmissions_up"]
        assert flow["applicationId"][:5] == bytes((20, *ENTERPRISE.to_bytes(4)))


def test_the_exporter_says_what_it_has_sent(listening: socket.socket) -> None:
    queued, count = sent(Ipfix(settings(listening.getsockname()[1], domain=7)))
    collector = received(listening, Collector(), count)
    assert queued.close(PATIENCE) == 0
    while len(collector.records[301]) < 2:
        collector.take(listening.recv(65535))
    begun, ended = collector.records[301]
    assert begun["exportedFlowRecordTotalCount"] == 0
    assert ended["exportedFlowRecordTotalCount"] == count
    assert ended["exportedMessageTotalCount"] == collector.messages - 1
    assert collector.domains == {7}


def test_templates_come_again_over_udp(listening: socket.socket) -> None:
    output = Ipfix(settings(listening.getsockname()[1], template_seconds=0))
    queued, count = sent(output)
    collector = received(listening, Collector(), count)
    seen = len(collector.records[300])
    while len(collector.records[300]) < 2 * seen:
        collector.take(listening.recv(65535))
    assert queued.close(PATIENCE) == 0


def test_directions_are_apart_for_collectors_that_want_that(listening: socket.socket) -> None:
    queued, count = sent(Ipfix(settings(listening.getsockname()[1], biflow=False)))
    flows = received(listening, Collector(), count).flows()
    assert queued.close(PATIENCE) == 0
    expected = rows()
    assert count == sum((row["packets_up"] > 0) + (row["packets_down"] > 0) for row in expected)
    assert sum(flow["octetDeltaCount"] for flow in flows) == sum(
        row["bytes_up"] + row["bytes_down"] for row in expected
    )
    assert not any("biflowDirection" in flow for flow in flows)
    answered = next(row for row in expected if row["packets_down"])
    there, back = (flow for flow in flows if flow["sessionId"] == answered["session_id"])
    assert there["sourceTransportPort"] == back["destinationTransportPort"]
    assert there["sourceIPv4Address"] == back["destinationIPv4Address"]


def test_nothing_is_lost_while_no_collector_listens() -> None:
    port, went = free_port(), threading.Event()
    states: list[str] = []

    def told(_: str, state: str, *__: object) -> None:
        states.append(state)
        went.set()

    queued, count = sent(Ipfix(settings(port)), told)
    assert went.wait(PATIENCE)
    assert states == ["down"]
    with socket.socket(type=socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", port))
        flows = received(listening, Collector(), count).flows()
        assert queued.close(PATIENCE) == 0
    assert len({flow["sessionId"] for flow in flows}) == count
    assert states == ["down", "up"]


def test_over_tcp_a_connection_that_breaks_off_loses_no_whole_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        output = Ipfix(settings(server.getsockname()[1], transport="tcp", message_bytes=512))
        queued = Queued(output, lambda *_: None)
        queued.start()
        [block] = [made for batch in batches() if (made := output.encode(batch))]
        assert queued.offer(block)
        first, _ = server.accept()
        with first:
            read_stream(first, Collector(), block.count)
        # The other side is gone; that is learnt of when there is something to send.
        assert queued.offer(block)
        second, _ = server.accept()
        with second:
            collector = Collector()
            read_stream(second, collector, block.count)
            assert queued.close(PATIENCE) == 0
    assert {256, 257, 300, 301} <= set(collector.templates), "a connection begins with templates"
    ids = [flow["sessionId"] for flow in collector.flows()]
    assert sorted(ids) == sorted(row["session_id"] for row in rows())


def read_stream(link: socket.socket, collector: Collector, flows: int) -> None:
    link.settimeout(PATIENCE)
    rest = b""
    while len(collector.flows()) < flows:
        rest += link.recv(65535)
        while len(rest) >= 4 and len(rest) >= (length := int.from_bytes(rest[2:4])):
            collector.take(rest[:length])
            rest = rest[length:]


def test_a_host_without_an_address_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no address") as refused:
        Ipfix(IpfixOutput("no-such-host.invalid")).check()
    assert refused.value.place == "ipfix"


@pytest.mark.skipif(shutil.which("nfcapd") is None, reason="nfdump is not installed")
def test_nfdump_stores_every_flow(tmp_path: Path) -> None:
    port = free_port()
    command = ["nfcapd", "-b", "127.0.0.1", "-p", str(port), "-w", str(tmp_path), "-t", "3600"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as nfcapd:
        assert nfcapd.stderr is not None
        os.set_blocking(nfcapd.stderr.fileno(), True)
        line = b""
        while b"Startup" not in line:
            line = nfcapd.stderr.readline()
            assert line, "nfcapd ended"
        queued, count = sent(Ipfix(settings(port, biflow=False)))
        assert queued.close(PATIENCE) == 0
        deadline = time.monotonic() + PATIENCE
        while udp_waits(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        nfcapd.terminate()
        log = nfcapd.stderr.read().decode()
    assert "Sequence Errors: 0" in log
    assert "Bad Packets: 0" in log
    shown = subprocess.run(
        ["nfdump", "-R", str(tmp_path), "-o", "csv", "-q"], capture_output=True, check=True
    )
    stored = list(csv.reader(io.StringIO(shown.stdout.decode())))
    flows = [(row[3], row[4], int(row[5]), int(row[6])) for row in stored if len(row) > 12]
    expected = [
        (row["src_ip"], row["dst_ip"], row["src_port"], row["dst_port"])
        for row in rows()
        if row["packets_up"]
    ]
    assert len(flows) == count
    missing = [one for one in expected if one not in flows and one[2]]
    assert not missing


def udp_waits(port: int) -> bool:
    """Whether a socket of UDP at the port still has something to read."""
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        columns = line.split()
        if int(columns[1].rpartition(":")[2], 16) == port:
            return int(columns[4].partition(":")[2], 16) > 0
    return False


def test_the_manual_names_every_element() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "ipfix.md").read_text()
    for template in (256, 257):
        for element in elements(template):
            if element.owner != "reverse":
                assert element.name in manual
