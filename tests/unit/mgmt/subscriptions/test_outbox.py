"""A subscriber's queue: shared messages, then only the newest values, then the end."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from nf.mgmt.subscriptions import outbox as module
from nf.mgmt.subscriptions.outbox import Frame, Limits, Mail, Outbox, Overrun, Pump


class Written(list[tuple[list[tuple[bytes, bytes]], list[bytes], dict[bytes, int]]]):
    """Remembers what it was asked to write."""

    def write(
        self,
        timestamp: int,
        updates: Sequence[tuple[bytes, bytes, int]],
        deletes: Sequence[bytes],
    ) -> list[bytes]:
        values = [(path, value) for path, value, _ in updates]
        left_out = {path: count for path, _, count in updates if count}
        self.append((values, list(deletes), left_out))
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
    parts = list(updates.items())
    return Frame(at, [message], lambda: parts, deletes, written.write, atomic)


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


def test_a_frame_is_taken_apart_once_for_all_who_are_slow(written: Written) -> None:
    asked = []

    def take_apart() -> list[tuple[bytes, bytes]]:
        asked.append(1)
        return [(b"a", b"1")]

    async def work() -> None:
        shared = Frame(1, [b"m", b"n"], take_apart, (), written.write)
        fast = Outbox(Limits(messages=2))
        fast.put(shared)
        assert asked == []
        for _ in range(3):
            Outbox(Limits(messages=1)).put(shared)

    run(work)
    assert asked == [1]


def test_mail_of_several_threads_comes_in_the_order_of_each(written: Written) -> None:
    async def work() -> dict[str, list[bytes]]:
        mail = Mail(asyncio.get_running_loop())
        boxes = {name: Outbox(Limits(messages=1000)) for name in "xyz"}

        def post(name: str) -> None:
            for at in range(200):
                mail.post(boxes[name], frame(written, at, {}))

        threads = [threading.Thread(target=post, args=(name,)) for name in boxes]
        for thread in threads:
            thread.start()
        got = {name: [await box.get() for _ in range(200)] for name, box in boxes.items()}
        for thread in threads:
            thread.join()
        return got

    got = run(work)
    assert all(one == [b"frame %d" % at for at in range(200)] for one in got.values())


def test_mail_to_a_loop_that_has_ended_is_dropped(written: Written) -> None:
    loop = asyncio.new_event_loop()
    mail = Mail(loop)
    loop.close()
    box = Outbox(Limits())
    mail.post(box, frame(written, 1, {}))

    assert not box.slow


def test_a_pump_says_how_long_a_message_may_still_take(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])

    async def work() -> None:
        box = Outbox(Limits())
        taken: list[bytes] = []
        blocked = asyncio.Event()
        room = asyncio.Event()

        async def write(message: bytes) -> None:
            taken.append(message)
            blocked.set()
            await room.wait()

        counted: list[int] = []
        pump = Pump(box, write, lambda: counted.append(1))
        running = asyncio.ensure_future(pump.run())
        assert pump.left(5) == 5
        box.put(frame(written, 1, {}))
        box.put(frame(written, 2, {}))
        await blocked.wait()
        now[0] += 4
        assert pump.left(5) == 1
        now[0] += 2
        assert pump.left(5) < 0
        pump.given_up = True
        room.set()
        await running

        # What was under way is sent, and nothing after it.
        assert taken == [b"frame 1"]
        assert counted == [1]
        assert pump.left(5) == 5

    run(work)
