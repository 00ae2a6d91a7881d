"""Functions of the user's on batches: the registrations of MMT-DPI in Python's manner."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

import nf


def test_attribute_handlers_get_events_in_batches(capture: Path, in_files: Path) -> None:
    batches: list[Sequence[nf.Event]] = []
    probe = nf.Probe(capture, plugins=[in_files])
    probe.register_attribute("ip.src")
    probe.register_attribute_handler("gauge.kind", batches.append, ["gauge.level"])

    stats = probe.run()

    events = [event for batch in batches for event in batch]
    assert len(events) == 106
    assert len(batches) < 10
    assert (events[0]["gauge.kind"], events[0]["gauge.level"], events[0]["ip.src"]) == (
        1, 1, "10.0.0.1",
    )  # fmt: skip
    assert stats.account.packets > 100


def test_packet_handlers_see_every_packet_once_in_order(capture: Path, in_files: Path) -> None:
    rows: list[nf.Event] = []
    probe = nf.Probe(capture, plugins=[in_files], threads=2)
    probe.register_attribute("gauge.level")
    probe.register_attribute("tcp.flags")
    probe.register_packet_handler(rows.extend)

    stats = probe.run()

    assert [row["meta.packet_index"] for row in rows] == list(range(1, stats.account.packets + 1))
    levels = [row["gauge.level"] for row in rows if row["gauge.level"] is not None]
    assert len(levels) > 60


def test_session_and_transaction_handlers_hear_of_their_protocol(
    capture: Path, in_files: Path
) -> None:
    sessions: list[nf.Session] = []
    transactions: list[nf.Transaction] = []
    probe = nf.Probe(capture, plugins=[in_files])
    probe.register_session_handler(sessions.extend, "inner")
    probe.register_transaction_handler(transactions.extend, "dns")

    probe.run()

    assert Counter(one.protocol for one in sessions) == {"inner": 10}
    assert Counter(one.transaction_protocol for one in transactions) == {"dns": 6}


def test_what_is_unregistered_is_not_called(capture: Path) -> None:
    heard: list[object] = []
    sessions: list[object] = []
    probe = nf.Probe(capture)
    probe.register_session_handler(sessions.extend)
    probe.register_attribute_handler("udp.src_port", heard.extend)
    probe.register_attribute("ip.src")
    assert probe.is_registered_attribute("ip.src")
    assert probe.is_registered_handler(heard.extend)

    probe.unregister_attribute("ip.src")
    removed = probe.unregister_handler(heard.extend)
    probe.run()

    assert (removed, probe.unregister_handler(heard.extend)) == (True, False)
    assert not probe.is_registered_attribute("ip.src")
    assert (len(heard), len(sessions) > 0) == (0, True)


def test_protocols_and_attributes_have_names_and_ids(in_files: Path) -> None:
    probe = nf.Probe("none.pcap", plugins=[in_files])

    assert probe.protocol("gauge").id == 950
    assert probe.protocol(950).name == "gauge"
    assert probe.protocol(354).name == "tcp"
    assert probe.attribute("gauge", "level").id == 4
    assert probe.attribute(950, 4).name == "level"
    assert {"gauge", "inner", "http"} <= {one.name for one in probe.protocols}


def test_unknown_names_are_refused_at_once(in_files: Path) -> None:
    probe = nf.Probe("none.pcap", plugins=[in_files])

    for name, hint in [
        ("gauge.levle", "level"),
        ("guage.level", "gauge"),
        ("gauge", "http.method"),
    ]:
        with pytest.raises(nf.ConfigurationError) as caught:
            probe.register_attribute(name)
        assert hint in caught.value.hint
    with pytest.raises(nf.NfError, match="nobody listens"):
        probe.run()


def test_a_classifier_is_asked_once_and_overrules(capture: Path, in_files: Path) -> None:
    asked: list[nf.Session] = []

    def classifier(batch: Sequence[nf.Session]) -> dict[int, str]:
        asked.extend(batch)
        return {one.session_id: "rsync" for one in batch if one.src_ip.startswith("10.0.0.2")}

    options = {"plugins": [in_files], "classifier": classifier, "report": "transaction"}
    rows = list(nf.read(capture, **options))  # type: ignore[call-overload]

    assert len(asked) == len({one.session_id for one in asked}) == 96
    changed = [row for row in rows if row.confidence == "user"]
    assert changed
    assert all(row.path.endswith(".rsync") and row.protocol == "rsync" for row in changed)
    assert all(row.src_ip.startswith("10.0.0.2") for row in changed)
    assert any(row.confidence == "dpi" for row in rows)


def test_a_classifier_says_the_same_on_any_number_of_threads(capture: Path) -> None:
    def classifier(batch: Sequence[nf.Session]) -> dict[int, str]:
        return {one.session_id: "rsync" for one in batch if one.session_id % 3 == 0}

    def text(threads: int) -> bytes:
        reading = nf.read(capture, classifier=classifier, threads=threads, seed=1)
        return b"".join(batch.to_jsonl() for batch in reading.batches())

    assert text(0).count(b'"confidence":"user"') > 10
    assert {text(threads) for threads in (1, 2, 3)} == {text(0)}


def _rsync(batch: Sequence[nf.Session]) -> dict[int, str]:
    return {one.session_id: "rsync" for one in batch if one.src_ip.startswith("10.0.0.2")}


def test_filters_see_the_verdict_of_a_classifier(capture: Path, in_files: Path) -> None:
    def ids(where: str) -> set[int]:
        reading = nf.read(capture, plugins=[in_files], classifier=_rsync, where=where)
        return {session.session_id for session in reading}

    everything = nf.read(capture, plugins=[in_files], classifier=_rsync)
    overruled = {one.session_id: one.confidence == "user" for one in everything}
    theirs = {number for number, is_theirs in overruled.items() if is_theirs}

    assert len(overruled) == 96 > len(theirs) > 10
    assert ids('protocol == "rsync" and confidence == "user"') == theirs
    assert ids('protocol != "rsync"') == ids('path contains "gauge"') == set(overruled) - theirs


@pytest.mark.parametrize("threads", [0, 3])
def test_sums_see_the_verdict_of_a_classifier(capture: Path, in_files: Path, threads: int) -> None:
    options = {"plugins": [in_files], "classifier": _rsync, "threads": threads}
    overruled = [one for one in nf.read(capture, **options) if one.protocol == "rsync"]  # type: ignore[call-overload]

    by_protocol = {row.path: row for row in nf.read(capture, report="protocol", **options)}  # type: ignore[call-overload]
    named = [row for path, row in by_protocol.items() if path.endswith(".rsync")]
    assert sum(row.sessions for row in named) == len(overruled) > 10

    only = nf.read(capture, report="protocol", where='protocol == "rsync"', **options)  # type: ignore[call-overload]
    assert sum(row.sessions for row in only if row.path.endswith("rsync")) == len(overruled)


def test_a_verdict_names_the_application_that_alone_speaks_the_protocol(
    capture: Path, in_files: Path
) -> None:
    def classifier(batch: Sequence[nf.Session]) -> dict[int, str]:
        return {one.session_id: "steam" for one in batch if one.src_ip == "10.0.0.7"}

    options = {"plugins": [in_files], "classifier": classifier}
    sessions = list(nf.read(capture, where='app == "steam"', **options))  # type: ignore[call-overload]
    [sum_of_app] = [row for row in nf.read(capture, report="app", **options) if row.app == "steam"]  # type: ignore[call-overload]

    assert {one.src_ip for one in sessions} == {"10.0.0.7"}
    assert sum_of_app.sessions == len(sessions) > 0


@pytest.mark.parametrize(
    ("verdict", "part"), [({1: "nonsense"}, "no such protocol"), ({9_999: "dns"}, "not asked")]
)
def test_a_classifier_that_says_nonsense_is_an_error(
    capture: Path, verdict: dict[int, str], part: str
) -> None:
    with pytest.raises(nf.NfError, match=part):
        list(nf.read(capture, classifier=lambda _: verdict))
