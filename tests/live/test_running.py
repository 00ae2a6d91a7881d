"""What may be asked of an engine while it captures: counters, sums, sessions."""

import subprocess
from dataclasses import replace
from typing import Any

import pytest

import nf
from nf._native.engine import Engine
from nf.datapath.config import EngineConfig, Interface, Timeouts
from tests.live.network import Pair, account, drained, started, udp, until
from tests.unit.cli.conftest import NF

THREADS = pytest.mark.parametrize("threads", [0, 1, 2])


def config(**settings: Any) -> EngineConfig:
    """Captures at the far end."""
    return EngineConfig(interfaces=(Interface("far0"),), **settings)


def polled(engine: Engine, seconds: float = 0.2) -> list[dict[str, Any]]:
    """Rows of a poll."""
    batches = engine.poll(10_000, seconds)
    assert batches is not None
    return [row for batch in batches for row in batch.to_dicts()]


def arrived(engine: Engine, packets: int) -> None:
    """Waits until so many have been processed; polls, which without threads does the work."""

    def have() -> bool:
        engine.poll(1, 0.01)
        return account(engine)["processed"] >= packets

    until(have)


@THREADS
def test_counters_are_current_and_balance_while_packets_come(pair: Pair, threads: int) -> None:
    engine = started(config(threads=threads))
    sent = 0
    for n in range(20):
        sent += pair.send(*(udp(1000 + n, 1 + k) for k in range(50)))
        stats = engine.stats()
        assert stats["identity"] is None
        assert stats["account"]["packets"] <= sent
        arrived(engine, sent)
    assert account(engine)["packets"] == account(engine)["in_sessions"] == sent
    workers = engine.stats()["workers"]
    assert sum(worker["alive"] for worker in workers) == 1000
    assert all(one["busy"] <= one["elapsed"] for one in engine.stats()["busy"])
    drained(engine)


@THREADS
def test_sums_include_the_sessions_that_go_on_and_count_each_once(pair: Pair, threads: int) -> None:
    short = Timeouts(default=1.0)
    engine = started(config(threads=threads, reports=("protocol", "host"), timeouts=short))
    total = 0
    for n in range(30):
        # Some end while sums are asked for.
        total += pair.send(*(udp(1000 + n, 1 + k, host=1 + k) for k in range(10)))
        arrived(engine, total)
        rows = engine.aggregate("protocol").to_dicts()
        [whole] = [row for row in rows if row["path"] == "ethernet"]
        assert whole["packets"] <= total
    until(lambda: _whole(engine) == (total, total))
    hosts = {row["ip"]: row for row in engine.aggregate("host").to_dicts()}
    assert hosts["10.0.1.1"]["packets_received"] == total
    drained(engine)
    assert _whole(engine) == (total, total)


def _whole(engine: Engine) -> tuple[int, int]:
    rows = engine.aggregate("protocol").to_dicts()
    [row] = [row for row in rows if row["path"] == "ethernet.ip.udp"]
    return row["packets"], row["sessions"]


@THREADS
def test_the_greatest_sessions_are_told_by_measure_and_filter(pair: Pair, threads: int) -> None:
    engine = started(config(threads=threads))
    frames = [udp(1000 + n, 53 if n % 2 else 99) for n in range(40) for _ in range(n + 1)]
    sent = pair.send(*frames)
    arrived(engine, sent)

    def ports(**how: Any) -> list[int]:
        return [row["src_port"] for row in engine.sessions(3, **how).to_dicts()]

    assert ports(order_by="packets") == [1039, 1038, 1037]
    assert ports(order_by="packets", where="dst_port == 99") == [1038, 1036, 1034]
    assert ports(order_by="start")[0] == 1039
    assert len(engine.sessions(1000)) == 40
    assert len(engine.sessions(0)) == 0
    [greatest] = engine.sessions(1, "bytes").to_dicts()
    assert greatest["end_reason"] == "active"
    with pytest.raises(nf.ConfigurationError, match="no order"):
        engine.sessions(1, "beauty")
    with pytest.raises(nf.ConfigurationError, match="transactions"):
        engine.sessions(1, where="http.status == 200")
    drained(engine)


@THREADS
def test_a_session_can_be_ended_by_its_id(pair: Pair, threads: int) -> None:
    engine = started(config(threads=threads))
    sent = pair.send(udp(1, 2), udp(3, 4))
    arrived(engine, sent)
    [latest] = engine.sessions(1, "start").to_dicts()

    assert engine.terminate(latest["session_id"])
    assert not engine.terminate(latest["session_id"])

    assert len(engine.sessions(10)) == 1
    rows = drained(engine)
    reasons = {row["session_id"]: row["end_reason"] for row in rows}
    assert reasons.pop(latest["session_id"]) == "terminated"
    assert list(reasons.values()) == ["end_of_capture"]


@THREADS
def test_cleared_counters_count_from_there_and_balance_to_the_end(pair: Pair, threads: int) -> None:
    engine = started(config(threads=threads))
    arrived(engine, pair.send(*(udp(1000 + n, 1) for n in range(30))))

    engine.clear_counters()
    assert account(engine)["packets"] == account(engine)["processed"] == 0
    assert sum(worker["alive"] for worker in engine.stats()["workers"]) == 30
    arrived(engine, pair.send(udp(1, 2), udp(3, 4)))

    assert account(engine)["packets"] == 2
    drained(engine)
    assert account(engine)["packets"] == account(engine)["in_sessions"] == 2


@THREADS
def test_a_session_that_goes_on_is_reported_with_its_sums_until_then(
    pair: Pair, threads: int
) -> None:
    engine = started(config(threads=threads, report_interval=1.0))
    rows: list[dict[str, Any]] = []
    sent = 0

    def reported_twice() -> bool:
        nonlocal sent
        sent += pair.send(udp(1, 2))
        rows.extend(polled(engine, 0.1))
        return len(rows) >= 2

    until(reported_twice)
    last = drained(engine)

    assert {row["end_reason"] for row in rows} == {"active"}
    packets = [row["packets_up"] for row in [*rows, *last]]
    assert packets == sorted(packets)
    assert (last[-1]["end_reason"], packets[-1]) == ("end_of_capture", sent)
    assert account(engine)["in_sessions"] == sent
    assert account(engine)["sessions"] == 1


@THREADS
def test_a_session_ends_by_its_timeout_where_nothing_more_is_heard(
    pair: Pair, threads: int
) -> None:
    engine = started(config(threads=threads, timeouts=Timeouts(default=0.5)))
    pair.send(udp(1, 2))
    rows: list[dict[str, Any]] = []

    def ended() -> bool:
        rows.extend(polled(engine))
        return bool(rows)

    until(ended)

    assert [row["end_reason"] for row in rows] == ["idle"]
    assert drained(engine) == []


def test_a_poller_that_does_not_poll_stalls_nothing_and_what_it_misses_is_counted(
    pair: Pair,
) -> None:
    settings = config(threads=1, timeouts=Timeouts(default=0.1))
    engine = started(replace(settings, interfaces=(Interface("far0", buffer_bytes=64 << 20),)))
    # Nobody polls: every session ends and becomes a row that nobody takes.
    sent = 0
    for _ in range(60):
        sent += pair.send(*(udp(1 + n % 60_000, 1 + n // 60_000) for n in range(sent, sent + 5000)))

    until(lambda: _had(engine) == sent)
    rows = drained(engine)

    stats = engine.stats()
    assert stats["account"]["packets"] == sent
    assert stats["rows_dropped"]["sessions"] > 0
    assert len(rows) + stats["rows_dropped"]["sessions"] == stats["account"]["sessions"]


def _had(engine: Engine) -> int:
    [source] = engine.sources()
    return int(source["seen"])


def test_without_the_right_to_capture_the_error_says_which_one_it_takes(pair: Pair) -> None:
    del pair
    done = subprocess.run(
        ["setpriv", "--bounding-set=-net_raw,-net_admin", str(NF), "live", "-i", "far0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "nf: cannot open a packet socket: operation not permitted"
    assert "at: interface far0" in done.stderr
    assert "CAP_NET_RAW" in done.stderr
    assert "setcap" in done.stderr
