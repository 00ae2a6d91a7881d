"""Known packets go over a cable; exactly those are counted, wherever one looks."""

import json
import signal
import subprocess
from collections import Counter
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
    started,
    swap,
    udp,
)
from tests.unit.cli.conftest import NF
from tests.waiting import until

FAR = Interface("far0")


def config(*interfaces: Interface, **settings: Any) -> EngineConfig:
    """Captures there, with one worker."""
    return EngineConfig(interfaces=interfaces or (FAR,), **{"threads": 1, **settings})


@pytest.mark.parametrize("threads", [0, 1, 2])
def test_what_is_sent_is_what_is_counted_and_what_rows_say(
    pair: Pair, captures: Path, threads: int
) -> None:
    engine = started(config(threads=threads))
    frames = frames_of(captures / "http.pcap") + frames_of(captures / "dns.pcap")

    sent = pair.send(*frames)
    if threads:
        until(lambda: account(engine)["packets"] == sent)
    rows = drained(engine)

    counted = account(engine)
    assert counted["packets"] == sent
    assert counted["bytes"] == sum(map(len, frames))
    in_rows = sum(row["packets_up"] + row["packets_down"] for row in rows)
    assert in_rows == sent - counted["non_session"] == counted["in_sessions"]
    [source] = engine.sources()
    assert (source["name"], source["packets"], source["kernel_drops"]) == ("far0", sent, 0)


def test_a_capture_gives_the_same_sessions_live_as_from_its_file(
    pair: Pair, captures: Path
) -> None:
    columns = ("src_ip", "src_port", "dst_ip", "dst_port", "path", "server_name", "app")
    volumes = ("packets_up", "packets_down", "bytes_up", "bytes_down")

    def told(rows: list[dict[str, Any]]) -> Counter[str]:
        return Counter(json.dumps([row.get(c) for c in (*columns, *volumes)]) for row in rows)

    file = captures / "http-keepalive.pcap"
    from_file = [row for batch in nf.read(file).batches() for row in batch.to_dicts()]
    live = started(config(threads=2))
    pair.send(*frames_of(file))

    assert told(drained(live)) == told(from_file)


def test_a_filter_runs_in_the_kernel_and_can_change_while_it_captures(pair: Pair) -> None:
    settings = config(bpf="udp dst port 53")
    engine = started(settings)
    pair.send(*(udp(1000, port) for port in (53, 54, 55)))
    until(lambda: account(engine)["packets"] == 1)

    engine.swap(replace(settings, bpf="udp dst port 54 or udp dst port 55").to_json())
    until(lambda: _passes(engine, pair, 54))
    before = account(engine)["packets"]
    pair.send(*(udp(1000, port) for port in (53, 54, 55)))

    until(lambda: account(engine)["packets"] == before + 2)
    rows = drained(engine)
    assert {row["dst_port"] for row in rows} == {53, 54, 55}


def _passes(engine: Any, pair: Pair, port: int) -> bool:
    before = account(engine)["processed"]
    pair.send(udp(1000, port))
    engine.poll(1, 0.1)
    return account(engine)["processed"] > before


def test_a_wrong_filter_is_refused_with_its_setting_and_nothing_changes(pair: Pair) -> None:
    settings = config()
    engine = started(settings)

    with pytest.raises(nf.ConfigurationError) as caught:
        engine.swap(replace(settings, bpf="udp portt 53").to_json())
    assert caught.value.place == "bpf"
    with pytest.raises(nf.ConfigurationError) as caught:
        engine.swap(config(FAR, replace(FAR, name="near0", bpf="nonsense")).to_json())
    assert caught.value.place == "interfaces[1].bpf"

    sent = pair.send(udp(1, 2))
    until(lambda: account(engine)["packets"] == sent)
    drained(engine)


def tagged(vlan: int, frame: bytes) -> bytes:
    """The frame in a VLAN. The kernel takes the tag out before anybody gets the frame."""
    return frame[:12] + b"\x81\0" + vlan.to_bytes(2, "big") + frame[12:]


def test_tags_that_the_kernel_takes_out_are_there_again(pair: Pair) -> None:
    engine = started(config(bpf="vlan 42 and udp"))
    pair.send(tagged(42, udp(1, 2)), udp(3, 4), tagged(43, udp(5, 6)))

    until(lambda: account(engine)["processed"] == 1)
    until(lambda: account(engine)["filtered"] == 1)
    [row] = drained(engine)

    assert (row["vlan"], row["src_port"]) == (42, 1)
    assert row["path"].startswith("ethernet.8021q.ip.udp")


def test_a_filter_on_what_is_not_tagged_refuses_what_is(pair: Pair) -> None:
    engine = started(config(bpf="udp and not vlan"))
    pair.send(tagged(42, udp(1, 2)), udp(3, 4))

    until(lambda: account(engine)["processed"] == 1)
    until(lambda: account(engine)["filtered"] == 1)
    [row] = drained(engine)

    assert row["src_port"] == 3


def test_packets_are_cut_to_the_snap_length(pair: Pair) -> None:
    engine = started(config(replace(FAR, snap_length=64)))
    pair.send(udp(1, 2, b"z" * 500))

    until(lambda: account(engine)["packets"] == 1)
    [row] = drained(engine)

    assert account(engine)["truncated"] == 1
    assert engine.stats()["source"]["captured_bytes"] == 64
    assert row["bytes_up"] == 528


def test_what_a_full_ring_cannot_take_is_counted_as_dropped(pair: Pair) -> None:
    tiny = replace(FAR, buffer_bytes=128 << 10)
    # Without threads nothing reads while nobody polls.
    engine = started(config(tiny, threads=0))
    sent = pair.send(*(udp(1, 2, b"z" * 1000) for _ in range(2000)))

    drained(engine)

    counted = account(engine)
    assert counted["packets"] == sent
    assert counted["kernel_drops"] > 0
    assert counted["processed"] + counted["kernel_drops"] == sent
    [source] = engine.sources()
    assert source["kernel_drops"] == counted["kernel_drops"]


def test_an_interface_that_goes_is_waited_for_and_taken_up_when_it_returns(pair: Pair) -> None:
    engine = started(config())
    pair.send(udp(1, 2))
    until(lambda: account(engine)["packets"] == 1)

    pair.remove()
    until(lambda: engine.sources()[0]["state"] == "waiting")
    pair.make()
    until(lambda: engine.sources()[0]["state"] == "capturing")
    pair.send(udp(1, 2))

    until(lambda: account(engine)["packets"] == 2)
    [row] = drained(engine)
    [source] = engine.sources()
    assert source["opened"] == 2
    assert row["packets_up"] == 2


def test_an_interface_that_is_down_is_said_to_be(pair: Pair) -> None:
    engine = started(config())
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


def test_a_pattern_takes_up_what_comes_later(pair: Pair) -> None:
    engine = started(config(Interface("late*"), Interface("far*")))
    later = Pair("other0", "late0")
    later.make()
    until(lambda: any(one["name"] == "late0" for one in engine.sources()))
    until(lambda: all(one["state"] == "capturing" for one in engine.sources()))

    later.send(udp(1, 2))
    pair.send(udp(3, 4), udp(5, 6))

    until(lambda: account(engine)["packets"] == 3)
    drained(engine)
    counted = {one["name"]: one["packets"] for one in engine.sources()}
    assert counted == {"far0": 2, "late0": 1}
    later.remove()


def test_an_interface_that_is_not_there_is_refused_unless_it_is_to_be_waited_for(
    pair: Pair,
) -> None:
    del pair
    with pytest.raises(nf.CaptureError, match="there is no interface") as caught:
        started(config(Interface("gone0")))
    assert caught.value.place == "interface gone0"

    engine = started(config(Interface("gone0", wait=True)))
    until(lambda: [one["state"] for one in engine.sources()] == ["waiting"])
    drained(engine)


def test_hundreds_of_changes_under_traffic_lose_no_packet_and_see_none_twice(pair: Pair) -> None:
    settings = config(threads=2)
    engine = started(settings)
    ways = (
        settings,
        config(replace(FAR, buffer_bytes=8 << 20), threads=2),
        config(replace(FAR, promiscuous=False), threads=2, bpf="udp"),
        config(replace(FAR, snap_length=2000), threads=2, report_interval=1.0),
    )
    sent = 0
    for n in range(200):
        swap(engine, ways[n % len(ways)])
        sent += pair.send(*(udp(1000 + n, 1 + k) for k in range(20)))
        engine.poll(1000, 0.0)
    until(lambda: account(engine)["processed"] >= sent)
    drained(engine)

    counted = account(engine)
    assert counted["packets"] == counted["processed"] == sent
    assert counted["kernel_drops"] == 0


def test_settings_that_take_a_new_engine_are_refused(pair: Pair) -> None:
    del pair
    settings = config()
    engine = started(settings)
    for other in (replace(settings, threads=2), replace(settings, max_sessions=5)):
        with pytest.raises(nf.ConfigurationError, match="takes a new engine"):
            engine.swap(other.to_json())
    drained(engine)


def test_nf_live_writes_sessions_and_ends_cleanly_on_a_signal(pair: Pair, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    command = [str(NF), "live", "-i", "far0", "--output", str(out)]
    with subprocess.Popen([*command, "--stats=json"], stderr=subprocess.PIPE, text=True) as run:
        until(_listens)
        sent = pair.send(*(udp(1000 + n, 53) for n in range(50)))
        run.send_signal(signal.SIGTERM)
        _, told = run.communicate(timeout=30)

    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert run.returncode == 0
    assert sum(row["packets_up"] for row in rows) == sent
    assert json.loads(told.splitlines()[-1])["account"]["packets"] == sent


def _listens() -> bool:
    """Whether anybody in this network has a packet socket that gets all protocols."""
    lines = Path("/proc/thread-self/net/packet").read_text().splitlines()[1:]
    return any(line.split()[3] == "0003" for line in lines)
