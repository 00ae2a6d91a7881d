"""Threads that work for the event loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from nf.mgmt.netconf.lanes import Threads


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await asyncio.wait_for(work(), 30)

    asyncio.run(whole())


def test_results_and_errors_reach_who_waits() -> None:
    threads = Threads(2, "t")

    async def work() -> None:
        assert await threads.run(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await threads.run(divmod, 7, 0)
        assert await threads.run(divmod, 9, 2) == (4, 1)
        assert threads.busy == 0

    run(work)
    threads.stop()


def test_there_are_as_many_threads_as_are_needed_and_no_more_than_permitted() -> None:
    threads = Threads(2, "t")
    seen: set[str] = set()
    gate = threading.Event()

    def wait() -> None:
        seen.add(threading.current_thread().name)
        gate.wait(30)

    async def work() -> None:
        for _ in range(3):
            await threads.run(seen.add, "one at a time")
        assert len(threads._threads) == 1
        waiting = [threads.run(wait) for _ in range(5)]
        assert threads.busy == 5
        gate.set()
        await asyncio.gather(*waiting)

    run(work)
    assert len(threads._threads) == 2
    assert seen <= {"one at a time", "t-0", "t-1"}
    threads.stop()


def test_what_follows_comes_after_the_result_and_may_fail(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = threading.Event()

    def fail_later() -> None:
        assert gate.wait(30)
        raise RuntimeError("afterwards")

    threads = Threads(1, "t", fail_later)

    async def work() -> None:
        assert await threads.run(lambda: "first") == "first"
        gate.set()
        assert await threads.run(lambda: "second") == "second"

    run(work)
    threads.stop()
    assert caplog.text.count("RuntimeError: afterwards") == 2


def test_work_of_a_loop_that_has_ended_does_not_end_the_thread() -> None:
    threads = Threads(1, "t")
    gate = threading.Event()

    async def leave() -> None:
        threads.run(gate.wait, 30)

    asyncio.run(leave())
    gate.set()

    async def work() -> None:
        assert await threads.run(lambda: 3) == 3

    run(work)
    threads.stop()


def test_work_that_nobody_waits_for_any_more_is_forgotten() -> None:
    threads = Threads(1, "t")
    gate = threading.Event()

    async def work() -> None:
        future = threads.run(gate.wait, 30)
        future.cancel()
        gate.set()
        assert await threads.run(lambda: 4) == 4
        assert threads.busy == 0

    run(work)
    threads.stop()
