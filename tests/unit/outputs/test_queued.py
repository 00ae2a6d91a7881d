"""The queue of an output: bounded, counted, tried again, emptied at the end."""

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from nf.datapath.settings import Channel, StdoutOutput
from nf.errors import ConfigurationError
from nf.outputs.base import Output, Rows
from nf.outputs.queued import Queued
from nf.outputs.stdout import Stdout

PATIENCE = 20.0


def room(rows: int, octets: int) -> Channel:
    return Channel(flush_seconds=0.01, queue_rows=rows, queue_bytes=octets)


class Scripted(Output):
    """Fails as often as it is told to, and takes what it is given in small pieces."""

    def __init__(self, fail: int = 0, channel: Channel | None = None, piece: int = 3) -> None:
        super().__init__("scripted", channel or room(1000, 1 << 20))
        self.fail = fail
        self.piece = piece
        self.octets = b""
        self.gate = threading.Event()
        self.gate.set()
        self.closed = False

    def state(self) -> dict[str, Any]:
        return {"connection": "a script"}

    def check(self) -> None:
        pass

    def write(self, kind: str, octets: memoryview) -> int:
        assert kind == "session"
        self.gate.wait(PATIENCE)
        if self.fail:
            self.fail -= 1
            raise OSError(28, "No space left on device")
        self.octets += octets[: self.piece]
        return min(self.piece, len(octets))

    def written(self, rows: Rows) -> None:
        assert self.octets.endswith(rows.octets)

    def tend(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Told:
    def __init__(self) -> None:
        self.events: list[tuple[str, str, str, int]] = []
        self.came = threading.Semaphore(0)

    def __call__(self, *event: object) -> None:
        self.events.append(event)  # type: ignore[arg-type]
        self.came.release()


def started(output: Output, tell: Callable[..., None]) -> Queued:
    queued = Queued(output, tell)
    queued.start()
    return queued


def row(text: str) -> Rows:
    return Rows("session", 1, f"{text}\n".encode())


def test_rows_are_written_in_order_and_counted() -> None:
    output, told = Scripted(), Told()
    queued = started(output, told)
    assert all(queued.offer(row(str(n))) for n in range(100))
    assert queued.close(PATIENCE) == 0
    assert output.octets == "".join(f"{n}\n" for n in range(100)).encode()
    assert output.closed
    counted = queued.stats()
    assert counted["written_rows"] == 100
    assert counted["written_bytes"] == len(output.octets)
    assert (counted["dropped_rows"], counted["queued_rows"], counted["errors"]) == (0, 0, 0)
    assert told.events == []


def test_what_fails_is_tried_again_and_told_once() -> None:
    output, told = Scripted(fail=2), Told()
    queued = started(output, told)
    queued.offer(row("a"))
    assert told.came.acquire(timeout=PATIENCE)
    assert told.came.acquire(timeout=PATIENCE)
    queued.close(PATIENCE)
    assert output.octets == b"a\n"
    assert [(name, state) for name, state, _, _ in told.events] == [
        ("scripted", "down"),
        ("scripted", "up"),
    ]
    assert "no space left" in told.events[0][2]
    assert queued.stats()["errors"] == 2
    assert queued.stats()["state"] == "up"


@pytest.mark.parametrize("channel", [room(5, 1 << 20), room(1000, 10)])
def test_rows_beyond_the_limit_are_dropped_and_counted_without_waiting(channel: Channel) -> None:
    output, told = Scripted(channel=channel), Told()
    output.gate.clear()
    queued = started(output, told)
    taken = [queued.offer(row(str(n))) for n in range(9)]
    assert taken == [True] * 5 + [False] * 4
    output.gate.set()
    queued.close(PATIENCE)
    counted = queued.stats()
    assert counted["dropped_rows"] == 4
    assert counted["dropped_bytes"] == 8
    assert counted["written_rows"] == 5


def test_a_block_larger_than_the_queue_passes_alone() -> None:
    output, told = Scripted(channel=room(1, 1)), Told()
    queued = started(output, told)
    assert queued.offer(Rows("session", 2, b"12\n34\n"))
    queued.close(PATIENCE)
    assert output.octets == b"12\n34\n"


def test_the_end_does_not_wait_for_an_output_that_fails_on() -> None:
    output, told = Scripted(fail=1_000_000), Told()
    queued = started(output, told)
    queued.offer(row("a"))
    queued.offer(row("b"))
    assert told.came.acquire(timeout=PATIENCE)
    assert queued.close(0.05) == 2
    assert queued.stats()["dropped_rows"] == 2
    assert queued.stats()["state"] == "down"
    assert not queued.offer(row("c"))


def test_a_defect_of_an_output_is_told_and_the_rest_still_written() -> None:
    class Broken(Scripted):
        broken = True

        def written(self, rows: Rows) -> None:
            if self.broken:
                self.broken = False
                raise ZeroDivisionError
            super().written(rows)

    output, told = Broken(), Told()
    queued = started(output, told)
    queued.offer(row("a"))
    assert told.came.acquire(timeout=PATIENCE)
    assert "ZeroDivisionError" in told.events[0][2]
    queued.offer(row("b"))
    assert queued.close(PATIENCE) == 0
    assert output.octets == b"a\nb\n"


def test_counters_begin_again() -> None:
    queued = started(Scripted(), Told())
    queued.offer(row("a"))
    queued.close(PATIENCE)
    queued.clear()
    assert queued.stats()["written_rows"] == 0


def test_standard_output_takes_what_its_reader_takes() -> None:
    reading, writing = os.pipe()
    queued = started(Stdout(StdoutOutput(flush_seconds=0.01), writing), Told())
    block = Rows("session", 1, b"x" * 300_000 + b"\n")
    queued.offer(block)
    octets = b""
    while len(octets) < len(block.octets):
        octets += os.read(reading, 65536)
    assert octets == block.octets
    queued.close(PATIENCE)
    os.close(reading)
    os.close(writing)


def test_a_reader_that_does_not_read_holds_up_nobody() -> None:
    reading, writing = os.pipe()
    told = Told()
    queued = started(Stdout(StdoutOutput(flush_seconds=0.01), writing), told)
    queued.offer(Rows("session", 7, b"x" * 1_000_000))
    assert queued.close(0.3) == 7
    os.close(reading)
    os.close(writing)


def test_a_reader_that_is_gone_is_told() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    told = Told()
    queued = started(Stdout(StdoutOutput(flush_seconds=0.01), writing), told)
    queued.offer(row("a"))
    assert told.came.acquire(timeout=PATIENCE)
    assert "broken pipe" in told.events[0][2]
    queued.close(0.01)
    os.close(writing)


def test_a_closed_standard_output_is_refused() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    output = Stdout(StdoutOutput(), writing)
    os.close(writing)
    with pytest.raises(ConfigurationError):
        output.check()
