"""Functions of plugins while traffic is captured: what they do stops nobody else."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nf
from nf.datapath.config import EngineConfig, Event
from nf.plugins import live
from nf.plugins.decorator import UserProtocol
from nf.plugins.live import Listeners, Shelf, notes_of
from nf.plugins.loading import load_plugins

PATIENCE = 20.0


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


def test_a_function_that_takes_too_long_is_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_SECONDS", 0.0)
    calls = []

    def on_sessions(batch: list[Any]) -> None:
        calls.append(len(batch))

    listeners = listening(on_sessions=on_sessions)
    listeners.hear(gauges(1))
    listeners.hear(gauges(1))

    listeners.close(PATIENCE)
    assert calls == [1]
    assert of(listeners, "on_sessions")["status"] == "off"


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


def test_a_classifier_that_fails_lets_the_engines_word_stand() -> None:
    def classify(_batch: Any) -> Any:
        raise KeyError("no")

    class Reclassifiable(Batch):
        def reclassify(self, verdicts: Any) -> int:
            raise AssertionError("nothing was said")

    listeners = listening(classify=classify)
    fields = {name: 0 for name, *_ in live_fields()} | {"session_id": 7, "end_reason": "timeout"}
    listeners.classify(Reclassifiable("session", fields))  # type: ignore[arg-type]

    assert of(listeners, "classify")["failures"] == 1


def live_fields() -> list[tuple[str, ...]]:
    return [(name,) for name in nf.Session.__dataclass_fields__]


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
    head = 'import nf\n@nf.protocol(id=950, parents=["udp port 7001"])\n'
    file.write_text(head + "class Gauge:\n    value = nf.attribute(0)\n")
    shelf = Shelf()

    first = shelf.load([str(tmp_path)])
    assert shelf.load([str(tmp_path)]) is first

    (tmp_path / "broken.plugin").write_text("Protocol {")
    second = shelf.load([str(tmp_path)])
    assert [one.name for one in second.protocols] == ["gauge"]
    assert "broken.plugin" in notes_of(second)[0]
