"""The replay log of notifications."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nf.mgmt.event_log import EventLog

Open = Callable[[Path | None], EventLog]


@pytest.fixture
def open_log() -> Iterator[Open]:
    opened: list[EventLog] = []

    def make(folder: Path | None) -> EventLog:
        opened.append(EventLog(folder))
        return opened[-1]

    yield make
    for log in opened:
        log.close()


START = datetime(2026, 11, 28, 12, tzinfo=UTC)


def fill(log: EventLog, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        data = {"m:n": {"number": number}}
        log.append(START + timedelta(seconds=number), data, json.dumps(data).encode())


def numbers(log: EventLog, since: int = 0) -> list[int]:
    return [data["m:n"]["number"] for _, data in log.since(START + timedelta(seconds=since))]


def test_gives_what_happened_since_a_time(open_log: Open) -> None:
    log = open_log(None)
    fill(log, 5)

    assert numbers(log, 3) == [3, 4]


def test_keeps_its_events_over_a_restart(tmp_path: Path, open_log: Open) -> None:
    log = open_log(tmp_path)
    fill(log, 3)
    log.close()
    again = open_log(tmp_path)
    fill(again, 1, first=3)

    assert numbers(again) == [0, 1, 2, 3]
    assert again.since_start == START


def test_has_a_number_of_events_at_most(tmp_path: Path, open_log: Open) -> None:
    log = open_log(tmp_path)
    log.MAX_EVENTS = 10
    fill(log, 25)

    assert numbers(log) == list(range(15, 25))
    assert log.aged == START + timedelta(seconds=15)


def test_has_a_size_at_most_in_memory_and_on_disk(tmp_path: Path, open_log: Open) -> None:
    log = open_log(tmp_path)
    log.MAX_OCTETS = 2000
    fill(log, 500)
    log.close()

    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2000
    assert numbers(log)[-1] == 499
    assert 10 < len(numbers(log)) < 100
    again = open_log(tmp_path)
    assert numbers(again)[-1] == 499


def test_a_line_that_was_cut_off_does_not_spoil_the_next(tmp_path: Path, open_log: Open) -> None:
    log = open_log(tmp_path)
    fill(log, 2)
    log.close()
    path = tmp_path / "events.jsonl"
    path.write_bytes(path.read_bytes()[:-5])

    again = open_log(tmp_path)
    fill(again, 1, first=7)
    again.close()

    assert numbers(open_log(tmp_path)) == [0, 7]


def test_without_a_file_events_are_kept_in_memory(tmp_path: Path, open_log: Open) -> None:
    (tmp_path / "events.jsonl").mkdir()
    log = open_log(tmp_path)
    fill(log, 2)

    assert numbers(log) == [0, 1]
