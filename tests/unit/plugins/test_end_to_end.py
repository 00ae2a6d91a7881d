"""A protocol of one's own, over UDP and TCP, in both forms, on any number of threads."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import nf
from nf._native.engine import Engine

Forms = dict[str, list[nf.UserProtocol | Path]]


@pytest.fixture
def forms(in_files: Path, in_python: tuple[nf.UserProtocol, nf.UserProtocol]) -> Forms:
    return {"files": [in_files], "python": [*in_python]}


def lines(reading: "nf.Reading[object]") -> bytes:
    return b"".join(batch.to_jsonl() for batch in reading.batches())


def test_both_forms_describe_the_same(in_files: Path, in_python: tuple[nf.UserProtocol]) -> None:
    from_files = nf.load_plugins(in_files).descriptions
    from_python = nf.load_plugins(*in_python).descriptions

    def bare(one: nf.Description) -> tuple[object, ...]:
        return (one.name, one.id, one.title, one.header, one.frame, one.parents, one.patterns,
                one.attributes, one.next)  # fmt: skip

    assert [bare(one) for one in from_files] == [bare(one) for one in from_python]


@pytest.mark.parametrize("report", ["session", "transaction"])
def test_both_forms_give_the_same_rows_on_any_number_of_threads(
    capture: Path, forms: Forms, report: str
) -> None:
    def rows(form: str, threads: int) -> bytes:
        reading = nf.read(capture, report=report, plugins=forms[form], threads=threads, seed=1)  # type: ignore[call-overload]
        return lines(reading)

    expected = rows("files", 0)

    assert expected.count(b"\n") > 90
    for form in forms:
        for threads in range(4):
            assert rows(form, threads) == expected, (form, threads)


@pytest.mark.parametrize("whole", [True, False])
def test_packets_in_a_tunnel_of_ones_own_have_their_sessions(
    hose: Callable[[bool, Path], Path], whole: bool
) -> None:
    plain = Path(__file__).parents[2] / "captures" / "dns.pcap"
    folder = hose(whole, plain)
    capture = folder / "hose.pcap"

    def said(path: Path, plugins: list[Path]) -> list[object]:
        rows = nf.read(path, report="transaction", where="dns.qname", plugins=plugins)
        return sorted(row.fields["qname"] for row in rows)

    sessions = list(nf.read(capture, plugins=[folder]))
    [outer] = [one for one in sessions if one.protocol == "hose"]
    assert said(capture, [folder]) == said(plain, []) != []
    assert outer.path == "ethernet.ip.udp.hose"
    assert all(one.path.startswith("ethernet.ip.udp.hose.") for one in sessions if one != outer)
    circuits = nf.read(capture, plugins=[folder], events={"hose.circuit": ["hose.circuit"]})
    [summary] = nf.read(plain, report="summary")
    assert [event["hose.circuit"] for event in circuits] == [77] * summary.packets


def test_paths_show_what_is_inside(capture: Path, in_files: Path) -> None:
    sessions = nf.read(capture, plugins=[in_files])

    paths = Counter(session.path for session in sessions)
    assert paths == {
        "ethernet.ip.udp.gauge": 20 + 30,
        "ethernet.ip.udp.gauge.inner": 10,
        "ethernet.ip.udp.gauge.dns": 6,
        "ethernet.ip.tcp.gauge": 30,
    }


def test_messages_of_a_stream_are_read_however_it_was_cut(capture: Path, in_files: Path) -> None:
    where = "gauge.kind >= 4"

    found = nf.read(capture, report="transaction", plugins=[in_files], where=where)

    words = Counter((one.gauge.kind, one.gauge.word) for one in found)
    assert words == {(4, "first"): 30, (5, "second"): 30}


def test_sessions_are_found_by_attributes(capture: Path, in_files: Path) -> None:
    found = nf.read(capture, plugins=[in_files], where="gauge.level in 10..12 and ip_proto == 17")
    inner = nf.read(capture, plugins=[in_files], where="inner.mark == 77")

    assert sorted(session.src_ip for session in found) == ["10.0.0.10", "10.0.0.11", "10.0.0.12"]
    assert len(list(inner)) == 10


def test_a_filter_on_a_plugins_words_is_checked(in_files: Path) -> None:
    plugins = nf.load_plugins(in_files).descriptions

    nf.check_filter("gauge.kind == 3 and inner.mark", plugins)
    with pytest.raises(nf.ConfigurationError, match=r"gauge\.knid"):
        nf.check_filter("gauge.knid == 3", plugins)
    with pytest.raises(nf.ConfigurationError, match=r"gauge\.kind"):
        nf.check_filter("gauge.kind == 3")


def test_an_event_reads_attributes_of_the_message_and_of_headers(
    capture: Path, in_files: Path
) -> None:
    events = {"gauge.kind": ["gauge.level", "gauge.version", "ip.src", "gauge.packet_count"]}

    found = list(nf.read(capture, plugins=[in_files], events=events))

    assert len(found) == 30 + 10 + 6 + 60
    first = found[0]
    values = [first[name] for name in events["gauge.kind"]]
    assert values == [1, 1, "10.0.0.1", 1]


def test_what_a_plugin_carries_is_read_by_the_built_in_parser(
    capture: Path, in_files: Path
) -> None:
    found = nf.read(
        capture, report="transaction", plugins=[in_files], where='dns.qname == "www.example"'
    )

    assert len(list(found)) == 6


def test_messages_that_are_too_short_are_counted(capture: Path, in_files: Path) -> None:
    reading = nf.read(capture, plugins=[in_files], report="transaction")
    list(reading)

    assert reading.stats.anomalies["gauge.short_header"] == 30


def test_fields_become_columns(capture: Path, in_files: Path) -> None:
    reading = nf.read(capture, plugins=[in_files], report="transaction", where="inner.mark == 77")

    text = b"".join(batch.to_csv(["src_ip", "inner.mark"], False) for batch in reading.batches())

    assert text.splitlines()[0] == b"10.0.0.3,77"


def test_the_command_reads_with_plugins(capture: Path, in_files: Path) -> None:
    nf_command = Path(sys.executable).with_name("nf")
    words = [
        *("read", capture, "--plugin", in_files, "--event", "gauge.kind"),
        *("--attributes", "gauge.kind,gauge.word", "-o", "jsonl"),
    ]

    done = subprocess.run(
        [nf_command, *words], capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.returncode, done.stderr) == (0, "")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row.get("gauge.word") for row in rows} >= {"on", "first", "second"}


def test_plugins_are_swapped_while_an_engine_runs(capture: Path, in_files: Path) -> None:
    from dataclasses import replace  # noqa: PLC0415

    plugins = nf.load_plugins(in_files).descriptions
    with_them = nf.EngineConfig(files=(str(capture),), threads=0, plugins=plugins)
    without = replace(with_them, plugins=())
    engine = Engine(with_them.to_json())

    # Nothing is read before the first poll, so that all of it is read under the last one.
    for _ in range(50):
        engine.swap(without.to_json())
        engine.swap(with_them.to_json())
    paths = Counter[str]()
    while (batches := engine.poll(100, 1.0)) is not None:
        for batch in batches:
            paths.update(row["path"] for row in batch.to_dicts(["path"]))

    assert engine.stats()["identity"] is None
    assert paths["ethernet.ip.tcp.gauge"] == 30


def test_loading_the_same_plugins_again_takes_no_memory(capture: Path, in_files: Path) -> None:
    def kibibytes() -> int:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 1024

    plugins = nf.load_plugins(in_files).descriptions
    with_them = nf.EngineConfig(files=(str(capture),), threads=0, plugins=plugins)
    without = nf.EngineConfig(files=(str(capture),), threads=0)
    engine = Engine(without.to_json())

    def swap(times: int) -> int:
        for _ in range(times):
            engine.swap(with_them.to_json())
            engine.swap(without.to_json())
        return kibibytes()

    before = swap(30)
    # One snapshot has some hundred KiB: if any stayed, it would be tens of MiB.
    assert swap(200) - before < 4096


def test_a_broken_description_is_refused_by_swap_and_the_engine_runs_on(
    capture: Path, in_files: Path
) -> None:
    from dataclasses import replace  # noqa: PLC0415

    gauge = nf.load_plugins(in_files).descriptions[0]
    good = nf.EngineConfig(files=(str(capture),), threads=0)
    engine = Engine(good.to_json())

    with pytest.raises(nf.ConfigurationError, match="no id") as caught:
        engine.swap(replace(good, plugins=(replace(gauge, id=4000),)).to_json())

    assert caught.value.place == gauge.place
    while engine.poll(100, 1.0) is not None:
        pass
    assert engine.stats()["identity"] is None


def test_frames_of_a_type_of_ones_own_are_read(over_ethernet: Path) -> None:
    capture = over_ethernet / "frames.pcap"

    found = list(nf.read(capture, report="transaction", plugins=[over_ethernet]))
    protocols = nf.read(capture, report="protocol", plugins=[over_ethernet])

    read = [(one.gauge.kind, one.gauge.level) for one in found]
    assert read == [*((1, n) for n in range(9)), (2, 7)]
    sums = {one.path: one.packets for one in protocols}
    assert (sums["ethernet.gauge"], sums["ethernet.8021q.gauge"]) == (9, 1)
