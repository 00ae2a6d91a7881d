"""A subscriber's queue: shared messages, then only the newest values, then the end."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from nf.mgmt.subscriptions import outbox as module
from nf.mgmt.subscriptions.outbox import Frame, Limits, Outbox, Overrun


class Written(list[tuple[list[tuple[bytes, bytes]], list[bytes], dict[bytes, int]]]):
    """Remembers what it was asked to write."""

    def write(
        self,
        timestamp: int,
        updates: Sequence[tuple[bytes, bytes]],
        deletes: Sequence[bytes],
        left_out: dict[bytes, int],
    ) -> list[bytes]:
        self.append((list(updates), list(deletes), dict(left_out)))
        return [b"coalesced %d" % timestamp]


@pytest.fixture
def written() -> Written:
    return Written()


def frame(
    written: Written,
    at: int,
    updates: dict[bytes, bytes],
    deletes: Sequence[bytes] = (),
    atomic: bytes | None = None,
) -> Frame:
    message = b"frame %d" % at
    return Frame(at, [message], list(updates.items()), deletes, written.write, atomic)


def run(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(work())


def test_who_keeps_up_gets_the_shared_messages(written: Written) -> None:
    async def work() -> list[bytes]:
        box = Outbox(Limits(messages=3))
        for at in range(3):
            box.put(frame(written, at, {b"a": b"%d" % at}))
        return [await box.get() for _ in range(3)]

    assert run(work) == [b"frame 0", b"frame 1", b"frame 2"]
    assert written == []


def test_who_does_not_gets_the_newest_values_with_the_number_left_out(written: Written) -> None:
    async def work() -> tuple[bytes, int]:
        box = Outbox(Limits(messages=2))
        for at in range(5):
            box.put(frame(written, at, {b"a": b"%d" % at, b"b%d" % at: b"x"}))
        assert box.slow
        first = await box.get()
        assert not box.slow
        return first, box.coalesced

    assert run(work) == (b"coalesced 4", 4)
    updates, deletes, left_out = written[0]
    assert dict(updates)[b"a"] == b"4"
    assert len(updates) == 6
    assert left_out == {b"a": 4}
    assert deletes == []


def test_what_lay_below_a_deleted_path_is_not_sent_any_more(written: Written) -> None:
    async def work() -> None:
        box = Outbox(Limits(messages=1))
        box.put(frame(written, 1, {b"p1": b"1", b"p2": b"1", b"q": b"1"}))
        box.put(frame(written, 2, {}, [b"p"]))
        box.put(frame(written, 3, {b"p2": b"3"}))
        await box.get()

    run(work)
    updates, deletes, left_out = written[0]
    assert dict(updates) == {b"q": b"1", b"p2": b"3"}
    assert deletes == [b"p"]
    assert left_out == {}


def test_of_a_whole_container_the_newest_message_stays(written: Written) -> None:
    async def work() -> bytes:
        box = Outbox(Limits(messages=1))
        for at in range(3):
            box.put(frame(written, at, {b"r1": b"1"}, atomic=b"r"))
        return await box.get()

    assert run(work) == b"frame 2"
    assert written == []


def test_too_many_paths_are_the_end(written: Written) -> None:
    async def work() -> None:
        box = Outbox(Limits(messages=1, paths=10))
        for at in range(11):
            box.put(frame(written, at, {b"%d" % at: b"x"}))
        with pytest.raises(Overrun, match="10 paths"):
            await box.get()

    run(work)


def test_taking_nothing_for_too_long_is_the_end(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])

    async def work() -> None:
        box = Outbox(Limits(messages=1, stalled=5))
        box.put(frame(written, 1, {b"a": b"1"}))
        box.put(frame(written, 2, {b"a": b"2"}))
        now[0] += 4
        box.put(frame(written, 3, {b"a": b"3"}))
        now[0] += 2
        box.put(frame(written, 4, {b"a": b"4"}))
        with pytest.raises(Overrun, match="nothing was taken"):
            await box.get()

    run(work)


def test_a_waiting_subscriber_is_woken(written: Written) -> None:
    async def work() -> bytes:
        box = Outbox(Limits())
        waiting = asyncio.create_task(box.get())
        await asyncio.sleep(0)
        box.put(frame(written, 7, {b"a": b"1"}))
        return await waiting

    assert run(work) == b"frame 7"
