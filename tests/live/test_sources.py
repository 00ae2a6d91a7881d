"""The ways in which packets come: several sockets of an interface, and libpcap."""

import ctypes.util
import json
import signal
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import nf
from nf.datapath.config import EngineConfig, Interface
from tests.live.network import (
    Pair,
    account,
    drained,
    frames_of,
    ip,
    sender,
    started,
    swap,
    udp,
    until,
)
from tests.unit.cli.conftest import NF

ONE = Interface("far0")
FOUR = replace(ONE, sockets=4)
LIBPCAP = replace(ONE, source="libpcap")


def config(interface: Interface, **settings: Any) -> EngineConfig:
    """Captures there, with one worker."""
    return EngineConfig(interfaces=(interface,), **{"threads": 1, **settings})


def ip_frame(protocol: int, ports: tuple[int, int], *, back: bool = False, more: int = 0) -> bytes:
    """A packet between 10.0.0.1 and 10.0.1.1; `more`: flags and offset of a fragment."""
    ends = (bytes([10, 0, 0, 1]), bytes([10, 0, 1, 1]))
    head = struct.pack(">BBHHHBBH", 0x45, 0, 44, 7, more, 64, protocol, 0)
    if back:
        ends, ports = ends[::-1], ports[::-1]
    body = struct.pack(">HHHH", *ports, 24, 0) + bytes([0, 0, 0, 0, 0x50, 0x10]) + b"z" * 10
    frame = b"\x02\0\0\0\0\x01" + b"\x02\0\0\0\0\x02" + b"\x08\0" + head + b"".join(ends) + body
    return frame.ljust(60, b"\0")


def tagged(frame: bytes, *tags: int) -> bytes:
    """The frame in VLANs."""
    heads = b"".join(b"\x81\0" + tag.to_bytes(2, "big") for tag in tags)
    return frame[:12] + heads + frame[12:]


def shares(engine: Any) -> list[int]:
    """Packets of each socket, of the only interface."""
    [source] = engine.sources()
    return list(source["shares"])


def test_sockets_share_an_interface_and_its_sessions_stay_whole(pair: Pair, captures: Path) -> None:
    engine = started(config(FOUR, threads=2))
    frames = frames_of(captures / "http.pcap") + frames_of(captures / "dns.pcap")
    frames += [ip_frame(6, (port, 80)) for port in range(1000, 1400)]
    sent = pair.send(*frames)
    until(lambda: account(engine)["packets"] == sent)
    until(lambda: sum(shares(engine)) == sent)

    rows = drained(engine)

    counted = account(engine)
    assert counted["kernel_drops"] == 0
    assert sum(row["packets_up"] + row["packets_down"] for row in rows) == counted["in_sessions"]


def test_every_socket_has_its_part_of_many_sessions(pair: Pair) -> None:
    engine = started(config(FOUR))
    sent = pair.send(*(ip_frame(6, (port, 80)) for port in range(1000, 2000)))
    until(lambda: sum(shares(engine)) == sent)

    assert min(shares(engine)) > 150, shares(engine)
    drained(engine)


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([ip_frame(6, (1, 2)), ip_frame(6, (1, 2), back=True)], id="directions"),
        pytest.param([ip_frame(6, (1, 2), more=f) for f in (0x2000, 0x2001, 2)], id="fragments"),
        pytest.param(
            [ip_frame(17, (1, 2)), *(ip_frame(17, (7, 9), more=f) for f in (0x2000, 1))], id="udp"
        ),
        pytest.param(
            [ip_frame(6, (1, 2)), *(tagged(ip_frame(6, (1, 2)), *t) for t in ((5,), (5, 6)))],
            id="tags",
        ),
    ],
)
def test_what_belongs_together_comes_from_one_socket(pair: Pair, frames: list[bytes]) -> None:
    engine = started(config(FOUR))
    sent = pair.send(*frames)
    until(lambda: sum(shares(engine)) == sent)

    assert sorted(shares(engine)) == [0, 0, 0, sent]
    drained(engine)


def test_what_this_host_sends_is_with_what_it_receives(pair: Pair) -> None:
    engine = started(config(FOUR))
    here = sender("far0")
    for port in range(1000, 1008):
        before = shares(engine)
        sent = sum(before) + pair.send(ip_frame(6, (port, 80)))
        until(lambda: sum(shares(engine)) == sent)  # noqa: B023  # called at once
        there = [after - was for was, after in zip(before, shares(engine), strict=True)]
        # With a tag, too, which the kernel does not take out of what is sent.
        here.send(ip_frame(6, (port, 80), back=True))
        here.send(tagged(ip_frame(6, (port, 80), back=True), 9))
        until(lambda: sum(shares(engine)) == sent + 2)  # noqa: B023  # called at once
        assert [a - b for a, b in zip(shares(engine), before, strict=True)] == [
            3 * one for one in there
        ]
    here.close()
    drained(engine)


@pytest.mark.parametrize("interface", [FOUR, LIBPCAP])
def test_what_this_host_sends_can_be_left_out(pair: Pair, interface: Interface) -> None:
    engine = started(config(replace(interface, outgoing=False), bpf="udp"))
    here = sender("far0")
    for n in range(20):
        here.send(udp(n + 1, 2))
    here.close()
    sent = pair.send(*(udp(n + 1, 9) for n in range(5)))
    until(lambda: account(engine)["packets"] == sent)

    assert {row["dst_port"] for row in drained(engine)} == {9}
    assert account(engine)["packets"] == sent


def test_any_interface_can_be_shared(pair: Pair) -> None:
    engine = started(config(replace(FOUR, name="any", bpf="tcp")))
    sent = pair.send(*(ip_frame(6, (port, 80)) for port in range(1000, 1200)))
    # Each is heard twice: as it is sent, and as it is received.
    until(lambda: account(engine)["packets"] == 2 * sent)

    until(lambda: min(shares(engine)) > 0)
    drained(engine)


@pytest.mark.parametrize(
    ("interface", "setting"),
    [
        (replace(ONE, sockets=65), "sockets"),
        (replace(ONE, sockets=64, buffer_bytes=128 << 20), "sockets"),
        (replace(LIBPCAP, sockets=2), "sockets"),
        (replace(LIBPCAP, buffer_bytes=3 << 30), "buffer_bytes"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    pair: Pair, interface: Interface, setting: str
) -> None:
    engine = started(config(ONE))

    with pytest.raises(nf.ConfigurationError) as caught:
        engine.swap(config(interface).to_json())

    assert caught.value.place == f"interfaces[0].{setting}"
    sent = pair.send(udp(1, 2))
    until(lambda: account(engine)["packets"] == sent)
    drained(engine)


def test_sockets_and_sources_change_under_traffic_without_loss(pair: Pair) -> None:
    ways = [
        config(one, threads=2) for one in (ONE, FOUR, LIBPCAP, replace(ONE, sockets=3), LIBPCAP)
    ]
    ways.append(config(FOUR, threads=2, bpf="udp"))
    engine = started(ways[0])
    sent = 0
    for n in range(120):
        swap(engine, ways[n % len(ways)])
        sent += pair.send(*(udp(1000 + n, 1 + k, host=k) for k in range(20)))
        engine.poll(1000, 0.0)
    until(lambda: account(engine)["processed"] >= sent)
    drained(engine)

    counted = account(engine)
    assert counted["packets"] == counted["processed"] == sent
    assert counted["kernel_drops"] == 0


def test_libpcap_gives_the_same_sessions_as_packet_sockets(pair: Pair, captures: Path) -> None:
    frames = frames_of(captures / "http.pcap") + frames_of(captures / "dns.pcap")
    told = []
    for interface in (ONE, LIBPCAP):
        engine = started(config(interface))
        sent = pair.send(*frames)
        until(lambda: account(engine)["packets"] == sent)  # noqa: B023  # called at once
        until(lambda: engine.sources()[0]["packets"] == sent)  # noqa: B023  # called at once
        [source] = engine.sources()
        assert source["source"] == interface.source
        rows = drained(engine)
        seen = ("bytes", "captured_bytes", "kernel_drops", "link_type", "truncated")
        columns = ("src_ip", "src_port", "path", "packets_up", "packets_down", "app")
        told.append(
            (
                {name: source[name] for name in seen},
                sorted(json.dumps([row.get(one) for one in columns]) for row in rows),
            )
        )
    assert told[0] == told[1]


def test_libpcap_filters_tags_as_they_were_on_the_wire(pair: Pair) -> None:
    engine = started(config(LIBPCAP, bpf="vlan 42 and udp"))
    pair.send(tagged(udp(1, 2), 42), udp(3, 4), tagged(udp(5, 6), 43))
    until(lambda: account(engine)["processed"] == 1)
    [row] = drained(engine)
    assert (row["vlan"], row["src_port"]) == (42, 1)


def test_libpcap_cuts_to_the_snap_length_and_stamps_nanoseconds(pair: Pair) -> None:
    engine = started(config(replace(LIBPCAP, snap_length=64)))
    sent = pair.send(*(udp(n + 1, 2, b"z" * 500) for n in range(20)))
    until(lambda: account(engine)["packets"] == sent)
    rows = drained(engine)
    assert account(engine)["truncated"] == sent
    assert engine.stats()["source"]["captured_bytes"] == 64 * sent
    assert any(row["start"] % 1000 for row in rows)


def test_libpcap_tells_what_a_full_buffer_could_not_take(pair: Pair) -> None:
    engine = started(config(replace(LIBPCAP, buffer_bytes=1 << 20), threads=0))
    sent = pair.send(*(udp(1, 2, b"z" * 1000) for _ in range(4000)))

    drained(engine)

    counted = account(engine)
    assert counted["kernel_drops"] > 0
    assert counted["processed"] + counted["kernel_drops"] == sent


def test_an_interface_of_libpcap_is_taken_up_when_it_returns(pair: Pair) -> None:
    engine = started(config(LIBPCAP))
    pair.send(udp(1, 2))
    until(lambda: account(engine)["packets"] == 1)

    pair.remove()
    until(lambda: engine.sources()[0]["state"] == "waiting")
    pair.make()
    until(lambda: engine.sources()[0]["state"] == "capturing")
    pair.send(udp(1, 2))

    until(lambda: account(engine)["packets"] == 2)
    drained(engine)


@pytest.mark.parametrize("interface", [FOUR, LIBPCAP])
def test_an_interface_that_was_down_goes_on(pair: Pair, interface: Interface) -> None:
    engine = started(config(interface))
    ip("link", "set", "far0", "down")
    until(lambda: engine.sources()[0]["state"] == "down")
    ip("link", "set", "far0", "up")
    until(lambda: engine.sources()[0]["state"] == "capturing")

    def arrives() -> bool:
        try:
            pair.send(udp(1, 2))
        except OSError:
            # The cable takes a moment.
            return False
        return account(engine)["packets"] > 0

    until(arrives)
    drained(engine)


@pytest.mark.parametrize("options", [["--source", "libpcap"], ["--sockets", "3"]])
def test_nf_live_captures_that_way(pair: Pair, tmp_path: Path, options: list[str]) -> None:
    out = tmp_path / "rows.jsonl"
    command = [str(NF), "live", "-i", "far0", *options, "--output", str(out), "--stats=json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
        until(lambda: _listeners() >= (3 if "3" in options else 1))
        until(lambda: _catches(run.pid, signal.SIGTERM))
        sent = pair.send(*(udp(1000 + n, 53, host=n) for n in range(50)))
        run.send_signal(signal.SIGTERM)
        _, told = run.communicate(timeout=30)

    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert run.returncode == 0
    assert sum(row["packets_up"] for row in rows) == sent
    assert json.loads(told.splitlines()[-1])["account"]["packets"] == sent


def _catches(process: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal."""
    status = Path(f"/proc/{process}/status").read_text()
    [caught] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) >> (number - 1) & 1)


def _listeners() -> int:
    """Packet sockets in this network that get all protocols, once all of them are told apart."""
    lines = Path("/proc/thread-self/net/packet").read_text().splitlines()[1:]
    return sum(line.split()[3] == "0003" for line in lines)


def test_a_missing_libpcap_is_said_with_the_package(pair: Pair) -> None:
    del pair
    library = ctypes.util.find_library("pcap")
    assert library is not None
    [place] = {
        str(Path(line.split()[-1]).resolve())
        for line in subprocess.run(
            ["ldconfig", "-p"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        if line.split()[:1] == [library]
    }
    hidden = f"mount --bind /dev/null {place} && exec {NF} live --source libpcap -i far0 -o jsonl"
    command = ["unshare", "--mount", "sh", "-c", hidden]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert run.returncode != 0
    assert "apt-get install libpcap0.8" in run.stderr
    assert "--source" in run.stderr or "interfaces[0].source" in run.stderr
