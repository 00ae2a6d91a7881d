"""Functions of plugins while traffic is captured: what they do stops nobody else."""

import threading
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import nf
from nf.datapath.config import EngineConfig, Event
from nf.plugins import calling, live
from nf.plugins.decorator import UserProtocol
from nf.plugins.live import Listeners, Shelf, notes_of
from nf.plugins.loading import load_plugins
from tests.waiting import until

PATIENCE = 20.0
GAUGE = """import nf
@nf.protocol(id=950, parents=["udp port 7001"])
class Gauge:
    value = nf.attribute(0)
"""


class Batch:
    """As much of a batch as a listener looks at."""

    def __init__(self, kind: str, *rows: dict[str, Any]) -> None:
        self.kind = kind
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def to_dicts(self, fields: Any = None) -> list[dict[str, Any]]:
        return [dict(one) for one in self.rows]


class Record:
    """Of a session, of the protocol that is tested."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.path = row["path"]
        self.transaction_protocol = row.get("transaction_protocol")


def protocol(**functions: Callable[..., Any]) -> UserProtocol:
    described = type("Gauge", (), {"__doc__": "A gauge.", "value": nf.attribute(0), **functions})
    return nf.protocol(id=950, parents=["udp port 7001"])(described)


def listening(**functions: Callable[..., Any]) -> Listeners:
    static = {name: staticmethod(one) for name, one in functions.items()}
    plugins = load_plugins(protocol(**static))
    made = Listeners(plugins, dict.fromkeys(("session", "transaction", "event"), Record))
    made.start()
    return made


def gauges(count: int) -> Any:
    return Batch("session", *({"path": "ip.udp.gauge"} for _ in range(count)))


def of(listeners: Listeners, name: str) -> dict[str, Any]:
    return next(one for one in listeners.stats() if one["name"] == name)


def test_a_function_that_fails_is_counted_and_called_again(caplog: Any) -> None:
    calls = []

    def on_sessions(batch: list[Any]) -> None:
        calls.append(len(batch))
        raise SystemExit(3)

    listeners = listening(on_sessions=on_sessions)
    listeners.hear(gauges(2))
    listeners.hear(gauges(3))

    assert listeners.close(PATIENCE) == 0
    assert calls == [2, 3]
    told = of(listeners, "on_sessions")
    assert (told["rows"], told["failures"], told["status"]) == (5, 2, "running")
    assert told["last_error"] == "SystemExit: 3"
    assert [record.fields["plugin"] for record in caplog.records] == ["gauge", "gauge"]


@pytest.fixture
def began(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set by the first call: then it is overdue, whatever the clock says."""
    event, real, over = threading.Event(), calling.wait, threading.Event()

    def wait(calls: Any, seconds: float) -> Any:
        if over.is_set():
            return real(calls, seconds)
        assert event.wait(PATIENCE)
        over.set()
        return SimpleNamespace(done=set())

    monkeypatch.setattr(calling, "wait", wait)
    return event


def test_a_function_that_never_comes_back_is_turned_off_and_the_others_go_on(
    began: threading.Event, caplog: Any
) -> None:
    gate, heard = threading.Event(), threading.Event()
    calls = []

    def on_sessions(batch: list[Any]) -> None:
        calls.append(len(batch))
        began.set()
        gate.wait(PATIENCE)

    listeners = listening(on_sessions=on_sessions, on_transactions=lambda _: heard.set())
    listeners.hear(gauges(1))
    until(lambda: of(listeners, "on_sessions")["status"] == "off")
    listeners.hear(gauges(1))
    listeners.hear(Batch("transaction", {"path": "", "transaction_protocol": "gauge"}))

    assert heard.wait(PATIENCE)
    assert listeners.close(PATIENCE) == 0
    assert calls == [1]
    assert "more than 5.0 s for one batch" in of(listeners, "on_sessions")["last_error"]
    assert [record.fields["function"] for record in caplog.records] == ["on_sessions"]
    gate.set()


def test_an_endless_loop_does_not_keep_its_thread(began: threading.Event) -> None:
    ended = threading.Event()

    def on_sessions(_batch: list[Any]) -> None:
        try:
            while True:
                began.set()
        finally:
            ended.set()

    listeners = listening(on_sessions=on_sessions)
    listeners.hear(gauges(1))

    assert ended.wait(PATIENCE)
    listeners.close(PATIENCE)


def test_rows_that_a_slow_function_has_no_room_for_are_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "MOST_ROWS", 10)
    gate = threading.Event()

    def on_sessions(_batch: list[Any]) -> None:
        gate.wait(PATIENCE)

    listeners = listening(on_sessions=on_sessions)
    for _ in range(4):
        listeners.hear(gauges(4))
    gate.set()

    assert listeners.close(PATIENCE) == 0
    told = of(listeners, "on_sessions")
    assert (told["rows"], told["dropped"]) == (8, 8)


def test_who_never_comes_back_keeps_nobody_from_ending() -> None:
    gate = threading.Event()
    listeners = listening(on_sessions=lambda _: gate.wait(PATIENCE))
    listeners.hear(gauges(3))

    assert listeners.close(0.05) == 3
    gate.set()


class Session(Batch):
    """One that has begun, by its number; keeps what was said of it."""

    def __init__(self, number: int) -> None:
        row = dict.fromkeys((one.name for one in fields(nf.Session)), 0)
        super().__init__("session", row | {"session_id": number, "end_reason": "active"})
        self.said: dict[int, str] = {}

    def reclassify(self, verdicts: dict[int, str]) -> int:
        self.said = verdicts
        return len(verdicts)


class Source:
    """Whose rows they are."""


def test_a_classifier_that_fails_lets_the_engines_word_stand() -> None:
    def classify(_batch: Any) -> Any:
        raise KeyError("no")

    listeners, session = listening(classify=classify), Session(7)
    listeners.classify(session, Source())  # type: ignore[arg-type]

    told = of(listeners, "classify")
    assert (told["failures"], told["last_error"]) == (1, "KeyError: 'no'")
    assert not session.said


def test_calls_end_where_too_many_have_not_come_back(
    began: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, caller = threading.Event(), calling.Caller("test")

    def blocked() -> None:
        began.set()
        gate.wait(PATIENCE)

    monkeypatch.setattr(calling, "MOST_LEFT", 1)
    with pytest.raises(calling.Overdue, match="took more than"):
        caller.call(blocked, PATIENCE)
    with pytest.raises(calling.Overdue, match="1 calls before"):
        caller.call(gate.set, PATIENCE)
    assert not gate.is_set()

    gate.set()
    until(lambda: not any(one.name == "test" for one in threading.enumerate()))
    assert caller.call(lambda: 7, PATIENCE) == 7


def test_a_classifier_that_never_comes_back_is_turned_off_and_holds_nobody(
    began: threading.Event,
) -> None:
    gate = threading.Event()
    asked = []

    def classify(batch: Any) -> dict[int, str]:
        asked.extend(one.session_id for one in batch)
        began.set()
        gate.wait(PATIENCE)
        return {7: "late"}

    listeners, source = listening(classify=classify), Source()
    first, second = Session(7), Session(8)
    listeners.classify(first, source)  # type: ignore[arg-type]
    listeners.classify(second, source)  # type: ignore[arg-type]
    gate.set()

    assert asked == [7]
    assert not first.said
    assert not second.said
    assert of(listeners, "classify")["status"] == "off"


def test_classifiers_are_asked_about_sessions_of_each_engine() -> None:
    """Engines number sessions by packets: the first of a file that is replayed is number 1, too."""
    names = iter(["first", "second"])
    listeners = listening(classify=lambda batch: {batch[0].session_id: next(names)})
    capture, replay = Source(), Source()
    batches = [(Session(1), capture), (Session(1), replay), (Session(1), capture)]
    for session, source in batches:
        listeners.classify(session, source)  # type: ignore[arg-type]

    assert [one.said for one, _ in batches] == [{1: "first"}, {1: "second"}, {1: "first"}]


def test_what_functions_wait_for_is_reported_beside_what_is_configured() -> None:
    known = (Event("gauge.value", ("ip.src",)),)
    listeners = listening(on_value=print, on_packets=print, on_transactions=print)
    config = EngineConfig(reports=("session",), events=known)

    completed = listeners.completed(config)

    assert completed.reports == ("session", "transaction", "event")
    assert completed.events == (
        *known,
        Event("meta.packet_index", ("meta.packet_index", "gauge.value")),
    )
    assert [one.event for one in listeners.events(known)] == ["meta.packet_index"]
    listeners.close(PATIENCE)


def test_files_are_run_again_only_when_they_have_changed(tmp_path: Path) -> None:
    file = tmp_path / "gauge.py"
    file.write_text(GAUGE)
    shelf = Shelf()

    first = shelf.load([str(tmp_path)])
    assert shelf.load([str(tmp_path)]) is first

    (tmp_path / "broken.plugin").write_text("Protocol {")
    second = shelf.load([str(tmp_path)])
    assert [one.name for one in second.protocols] == ["gauge"]
    assert "broken.plugin" in notes_of(second)[0]
