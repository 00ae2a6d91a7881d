"""What has happened last, as state that can be subscribed to."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from nf._native import engine
from nf._native.yang import Context
from nf.mgmt.events import Event
from nf.mgmt.recent import TOP, Recent
from nf.mgmt.schema import ModuleSet
from nf.mgmt.state import State

CONFIG = """{{"files": ["{file}"], "reports": ["session", "transaction", "event"], "threads": 0,
"events": [{{"event": "dns.qname", "attributes": ["dns.qname"]}}]}}"""

LISTS = ("session", "session-start", "transaction", "attribute")


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def recent(state: State) -> Recent:
    return Recent(state)


def kept(number: int) -> dict[str, Any]:
    return {"nf-probe:probe": {"nf-outputs:outputs": {"telemetry": {"kept": number}}}}


def notification(context: Context, number: int) -> Event:
    told = {"nf-dpi:flow-state-reset": {"reason": f"r{number}"}}
    return Event(datetime(2026, 11, 28, 12, 0, number % 60, tzinfo=UTC), told, context)


def rows(captures: Any) -> dict[str, list[bytes]]:
    """Rows of the demo as the engine writes them."""
    running = engine.Engine(CONFIG.format(file=captures / "demo.pcap"))
    found: dict[str, list[bytes]] = {}
    while (batches := running.poll(1000, 1.0)) is not None:
        for batch in batches:
            found.setdefault(batch.kind, []).append(batch.to_jsonl())
    return found


def test_rows_of_the_engine_become_state_that_the_model_knows(
    recent: Recent, captures: Any
) -> None:
    made = rows(captures)
    for kind, blocks in made.items():
        for block in blocks:
            recent.told(kind, block)
    told = recent.get()[TOP]
    context = Context(*ModuleSet.read().for_context())
    tree = context.empty()
    tree.merge_data(recent.get())

    assert set(made) == {"session", "transaction", "event"}
    assert told["unreadable"] == 0
    for name in LISTS:
        numbers = [entry["number"] for entry in told[name]]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    dns = next(one for one in told["transaction"] if one["protocol"] == "dns")
    assert "qname" in json.loads(dns["content"])["dns"]
    assert json.loads(told["attribute"][0]["content"])["dns.qname"]
    shown = tree.to_data()[TOP]
    assert {name: len(shown[name]) for name in LISTS} == {name: len(told[name]) for name in LISTS}


def test_only_the_newest_stay_and_their_numbers_tell_what_has_gone(recent: Recent) -> None:
    context = Context(*ModuleSet.read().for_context())
    recent.prepare(None, kept(3), []).apply()
    for number in range(10):
        recent.notified(notification(context, number))

    told = recent.get()[TOP]["notification"]
    assert [entry["number"] for entry in told] == [8, 9, 10]
    assert json.loads(told[-1]["content"]) == {"reason": "r9"}
    assert told[-1]["name"] == "nf-dpi:flow-state-reset"
    assert told[-1]["time"] == "2026-11-28T12:00:09.000000Z"

    recent.prepare(None, kept(1), []).apply()
    assert [entry["number"] for entry in recent.get()[TOP]["notification"]] == [10]


def test_a_row_that_cannot_be_read_is_counted_and_harms_no_other(
    recent: Recent, state: State
) -> None:
    stirred: list[str] = []
    state.watchers.append(stirred.append)
    good = b'{"type":"event","ts":1.5,"session_id":7,"event":"dns.qname","dns.qname":"x"}'

    recent.told("event", b"\n".join((b"{", b"[1]", b'{"ts":"x"}', good)) + b"\n")
    recent.told("event", b"nothing\n")

    told = recent.get()[TOP]
    assert told["unreadable"] == 4
    assert [one["session-id"] for one in told["attribute"]] == [7]
    assert stirred == [TOP]


def session_row(number: int, reason: str, start: float = 1.0, end: float = 2.0) -> bytes:
    row = {
        "type": "session",
        "session_id": number,
        "start": start,
        "end": end,
        "src_ip": "192.0.2.1",
        "dst_port": 53,
        "packets_up": 1,
        "end_reason": reason,
    }
    return json.dumps(row).encode() + b"\n"


def started(recent: Recent) -> list[tuple[int, str]]:
    told = recent.get()[TOP].get("session-start", [])
    return [(entry["session-id"], entry["start"]) for entry in told]


def test_the_start_of_a_session_is_told_once_and_before_the_session(
    recent: Recent, state: State
) -> None:
    stirred: list[list[tuple[int, str]]] = []
    state.watchers.append(lambda _: stirred.append(started(recent)))
    first, other = "1970-01-01T00:00:01.000000Z", "1970-01-01T00:00:09.000000Z"

    recent.told("session", session_row(7, "active") + session_row(8, "idle"))
    assert stirred[0] == [(7, first), (8, first)]
    recent.told("session", session_row(7, "active") + session_row(7, "fin"))
    assert started(recent) == [(7, first), (8, first)]
    # A number that another engine gives again is another session.
    recent.told("session", session_row(7, "active", 9.0, 9.5))
    assert started(recent) == [(7, first), (8, first), (7, other)]
    told = recent.get()[TOP]["session-start"][0]
    assert told["time"] == first
    assert "packets-up" not in told
    assert told["dst-port"] == 53


def test_sessions_that_are_remembered_are_bounded(
    recent: Recent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nf.mgmt.recent.MOST_KNOWN", 2)
    for number in (1, 2, 3, 2, 1):
        recent.told("session", session_row(number, "active"))

    assert [number for number, _ in started(recent)] == [1, 2, 3, 1]
