"""The Python face: what `nf.read` takes and gives."""

import gc
import json
import threading
from collections import Counter
from dataclasses import asdict, fields
from pathlib import Path

import pyarrow as pa
import pytest

import nf
from nf._native import engine as _engine
from nf.datapath.config import EngineConfig


@pytest.fixture
def http(captures: Path) -> Path:
    return captures / "http.pcap"


@pytest.fixture
def demo(captures: Path) -> Path:
    return captures / "demo.pcap"


def test_sessions_are_records_with_the_keys_of_json(http: Path) -> None:
    [*sessions] = nf.read(http)

    lines = b"".join(batch.to_jsonl() for batch in nf.read(http).batches()).splitlines()
    assert all(isinstance(session, nf.Session) for session in sessions)
    assert [asdict(session) for session in sessions] == [json.loads(line) for line in lines]


def test_a_record_made_from_a_row_equals_one_made_by_hand(http: Path) -> None:
    session = next(iter(nf.read(http)))

    twin = nf.Session(**asdict(session))

    assert session == twin
    assert hash(session) == hash(twin)
    assert repr(session) == repr(twin)


def test_records_do_not_change(http: Path) -> None:
    session = next(iter(nf.read(http)))

    with pytest.raises(AttributeError):
        session.src_ip = "192.0.2.1"  # type: ignore[misc]


def test_a_transaction_has_its_session_and_its_protocols_fields(http: Path) -> None:
    [*transactions] = nf.read(http, report="transaction")

    first = transactions[0]
    assert isinstance(first, nf.Transaction)
    assert isinstance(first, nf.Session)
    assert (first.type, first.protocol, first.transaction_protocol) == (
        "transaction",
        "http",
        "http",
    )
    assert first.http is first.fields
    assert first.http.method == first.fields["method"] == "GET"
    assert first.start <= first.ts <= first.end
    assert Counter(t.http.status for t in transactions)[404] == 1


def test_a_field_that_is_absent_is_none_and_one_that_does_not_exist_is_an_error(http: Path) -> None:
    transaction = next(iter(nf.read(http, report="transaction", where="not http.referer")))

    assert transaction.http.referer is None
    assert "referer" not in transaction.fields
    assert transaction.fields.get("referer", "none") == "none"
    with pytest.raises(AttributeError, match="http has no field 'refferer'"):
        _ = transaction.http.refferer
    with pytest.raises(AttributeError, match="a transaction of http has no attribute 'dns'"):
        _ = transaction.dns
    with pytest.raises(KeyError):
        _ = transaction.fields["referer"]


def test_fields_are_a_mapping(http: Path) -> None:
    fields = next(iter(nf.read(http, report="transaction"))).fields

    assert dict(fields)["method"] == fields.method
    assert len(fields) == len(list(fields)) == len(dict(fields))
    assert repr(fields).startswith("http(method='GET', ")


def test_events_have_the_values_that_were_asked_for(http: Path) -> None:
    [*events] = nf.read(http, events={"http.method": ["http.uri", "ip.src"], "http.status": []})

    methods = [event for event in events if event.event == "http.method"]
    assert all(isinstance(event, nf.Event) for event in events)
    assert len(methods) == 20
    assert set(methods[0].values) == {"http.uri", "ip.src"}
    assert methods[0]["http.uri"] == methods[0].values["http.uri"]
    assert {event.session_id for event in methods} <= {s.session_id for s in nf.read(http)}


def test_events_outside_sessions_have_none(captures: Path) -> None:
    [*events] = nf.read(captures / "arp.pcap", events={"arp.ar_op": ["arp.ar_op"]})

    assert events
    assert {event.session_id for event in events} == {None}


def test_sums_add_up_to_the_sessions(demo: Path) -> None:
    [*sessions] = nf.read(demo)
    [*protocols] = nf.read(demo, report="protocol")
    [*apps] = nf.read(demo, report="app")
    [*hosts] = nf.read(demo, report="host")

    octets = sum(s.bytes_up + s.bytes_down for s in sessions)
    packets = sum(s.packets_up + s.packets_down for s in sessions)
    assert {type(p) for p in protocols} == {nf.ProtocolTraffic}
    assert {type(a) for a in apps} == {nf.AppTraffic}
    assert {type(h) for h in hosts} == {nf.HostTraffic}
    assert sum(app.bytes for app in apps) == octets
    assert sum(app.sessions for app in apps) == len(sessions)
    assert sum(host.bytes_sent for host in hosts) == octets
    assert sum(host.bytes_received for host in hosts) == octets
    assert sum(host.sessions_initiated for host in hosts) == len(sessions)
    [root] = [p for p in protocols if p.depth == 1]
    [summary] = nf.read(demo, report="summary")
    assert (root.path, root.sessions) == ("ethernet", len(sessions))
    assert root.packets == packets + summary.non_session == summary.processed


def test_a_summary_is_the_account(demo: Path) -> None:
    reading = nf.read(demo, report="summary")

    [summary] = reading

    assert isinstance(summary, nf.Summary)
    assert summary == reading.stats.account
    assert summary.packets > 0


def test_several_files_and_patterns_are_read_as_one(captures: Path) -> None:
    [dns] = nf.read(captures / "dns.pcap", report="summary")
    [tcp] = nf.read(str(captures / "dns-tcp.pcap"), report="summary")

    [both] = nf.read(captures / "dns.pcap", str(captures / "dns-tcp.pcap"), report="summary")
    [pattern] = nf.read(captures / "dns*.pcap", report="summary")

    assert both.packets == dns.packets + tcp.packets
    assert pattern.packets > both.packets


def test_a_reading_gives_its_rows_once(http: Path) -> None:
    reading = nf.read(http)
    assert list(reading)

    with pytest.raises(nf.NfError, match="gives its rows once"):
        list(reading)


def test_stats_are_there_at_the_end_only(http: Path) -> None:
    reading = nf.read(http)
    with pytest.raises(nf.NfError, match="not all rows"):
        _ = reading.stats

    rows = list(reading)

    assert reading.stats.account.sessions == len(rows)
    assert reading.stats.ended_early is None


def test_a_closed_reading_gives_nothing_more(http: Path) -> None:
    with nf.read(http) as reading:
        rows = iter(reading)
        next(rows)
    reading.close()

    assert reading.progress() == (0, 0, 0)
    with pytest.raises(nf.NfError):
        reading.empty("session")
    with pytest.raises(nf.NfError):
        list(reading)


def test_a_reading_left_behind_stops_its_threads(http: Path) -> None:
    before = {path.name for path in Path("/proc/self/task").iterdir()}
    reading = nf.read(*[http] * 50, threads=3)
    next(iter(reading))

    del reading
    gc.collect()

    assert {path.name for path in Path("/proc/self/task").iterdir()} <= before


def test_stopping_early_still_ends_the_sessions(http: Path) -> None:
    reading = nf.read(*[http] * 50, events={"http.method": []}, report="event")
    rows = iter(reading.batches())
    next(rows)
    reading.stop()

    rest = list(rows)

    n = reading.stats.account
    assert n.processed == n.in_sessions + n.non_session
    assert all(batch.kind == "event" for batch in rest)


def test_a_truncated_capture_says_so_and_gives_what_was_there(http: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(http.read_bytes()[:20_000])
    reading = nf.read(cut)

    rows = list(reading)

    assert rows
    assert reading.stats.ended_early is not None
    assert str(cut) in reading.stats.ended_early


def test_arrow_and_pandas_hold_the_same_rows(http: Path) -> None:
    [*sessions] = nf.read(http)
    fields = ["session_id", "src_ip", "bytes_up", "start"]

    table = nf.read(http).to_arrow()
    chosen = nf.read(http).to_arrow(fields)
    frame = nf.read(http).to_pandas(fields)
    reader = nf.read(http).arrow_reader()

    assert table.schema.field("start").type == pa.timestamp("ns", tz="UTC")
    assert table.column("session_id").to_pylist() == [s.session_id for s in sessions]
    assert chosen.schema.names == list(frame.columns) == fields
    assert list(frame["bytes_up"]) == [s.bytes_up for s in sessions]
    assert sum(batch.num_rows for batch in reader) == len(sessions)


@pytest.mark.parametrize("report", ["protocol", "app", "host"])
def test_sums_become_arrow(demo: Path, report: str) -> None:
    table = nf.read(demo, report=report).to_arrow()  # type: ignore[call-overload]

    rows = list(nf.read(demo, report=report))  # type: ignore[call-overload]
    assert table.num_rows == len(rows) > 0
    assert table.schema.names == list(asdict(rows[0]))


def test_a_summary_becomes_arrow(demo: Path) -> None:
    [summary] = nf.read(demo, report="summary")

    assert nf.read(demo, report="summary").to_arrow().to_pylist() == [asdict(summary)]
    [row] = nf.read(demo, report="summary").to_arrow(["packets"]).to_pylist()
    assert row == {"packets": summary.packets}


def test_a_batch_goes_wherever_arrow_does(http: Path) -> None:
    batch = next(nf.read(http).batches())

    taken = pa.record_batch(batch)

    assert taken.num_rows == len(batch)
    assert taken.schema.names == [name for name, _ in batch.columns()]


def test_batches_of_dictionaries_have_the_keys_of_json(demo: Path) -> None:
    for report in ("session", "transaction", "protocol", "host"):
        for batch in nf.read(demo, report=report).batches():  # type: ignore[call-overload]
            lines = [json.loads(line) for line in batch.to_jsonl().splitlines()]
            assert batch.to_dicts() == lines
            assert batch.to_dicts(most=2) == lines[:2]
            assert [list(row) for row in batch.to_dicts()] == [list(line) for line in lines]


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"where": "bytess > 1"}, "filter"),
        ({"report": "sesion"}, "report"),
        ({"root": "nonsense"}, "root"),
        ({"disabled_protocols": ["nonsense"]}, "disabled_protocols[0]"),
        ({"applications": ["/nowhere"]}, "/nowhere"),
        ({"timeouts": nf.Timeouts(long=-1.0)}, "timeouts.long"),
        ({"events": {"http.nonsense": []}}, "events[0].event"),
        ({"threads": -1}, "threads"),
        ({"classify_packets": 256}, "classify_packets"),
        ({"table_full": "explode"}, "table_full"),
    ],
)
def test_a_wrong_setting_is_refused_at_once_with_its_name(
    http: Path, settings: dict[str, object], place: str
) -> None:
    with pytest.raises(nf.ConfigurationError) as caught:
        nf.read(http, **settings)  # type: ignore[call-overload]

    assert caught.value.place == place
    assert caught.value.what
    assert caught.value.hint
    assert str(caught.value).endswith(f"\n  at: {place}\n  try: {caught.value.hint}")


def test_a_wrong_packet_filter_is_a_wrong_setting(http: Path) -> None:
    with pytest.raises(nf.ConfigurationError, match="syntax error"):
        list(nf.read(http, bpf="tcpp"))


def test_an_unknown_setting_is_a_type_error(http: Path) -> None:
    with pytest.raises(TypeError):
        nf.read(http, bytes=5)  # type: ignore[call-overload]


@pytest.mark.parametrize("name", ["/nowhere.pcap", "/nowhere*.pcap", "/", "/etc/hostname"])
def test_what_cannot_be_read_is_a_capture_error(name: str) -> None:
    with pytest.raises(nf.CaptureError) as caught:
        nf.read(name)

    assert caught.value.place == name


def test_a_filter_can_be_checked_without_a_capture() -> None:
    nf.check_filter('app == "youtube" and bytes > 1M')

    with pytest.raises(nf.ConfigurationError) as caught:
        nf.check_filter("http.staus >= 500")
    assert caught.value.what.splitlines() == [
        "http.staus >= 500",
        "^^^^^^^^^^ there is no field `http.staus`",
    ]
    assert "http.status" in caught.value.hint


def test_every_setting_of_the_engine_is_an_option_of_read() -> None:
    ours = set(nf.reading.Options.__annotations__)  # type: ignore[attr-defined]
    engines = set(EngineConfig.__dataclass_fields__)

    # A classifier is a function: the engine never hears of it.
    assert ours - {"where", "classifier"} == engines - {"filter", "files", "reports", "events"}


def test_many_readings_run_beside_each_other(demo: Path) -> None:
    results: list[list[nf.Session]] = []

    def work() -> None:
        results.append(list(nf.read(demo, threads=2)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(results) == 4
    assert all(result == results[0] for result in results)


def test_an_empty_batch_tells_the_columns_of_its_kind(http: Path) -> None:
    reading = nf.read(http, events={"http.method": ["http.uri"]})

    assert [name for name, _ in reading.empty("session").columns()] == [
        field.name for field in fields(nf.Session)
    ]
    names = [name for name, _ in reading.empty("event").columns()]
    assert names == ["type", "ts", "session_id", "event", "http.uri"]
    assert reading.empty("host").to_dicts() == []
    with pytest.raises(nf.ConfigurationError):
        reading.empty("summary")


def test_the_engine_swaps_its_configuration_from_python(http: Path) -> None:
    settings = EngineConfig(files=(str(http),), threads=0)
    engine = _engine.Engine(settings.to_json())

    engine.swap(EngineConfig(filter="bytes > 1T").to_json())
    with pytest.raises(nf.ConfigurationError):
        engine.swap(EngineConfig(filter="nonsense").to_json())

    rows = 0
    while (batches := engine.poll(1000, 1.0)) is not None:
        rows += sum(map(len, batches))
    assert rows == 0
    assert engine.stats()["account"]["packets"] > 0
