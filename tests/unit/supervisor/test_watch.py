"""What becomes of a child, told by a clock of the test's."""

import signal

import pytest

from nf.process.backoff import Backoff
from nf.supervisor.watch import Policy, Watch, exit_words

KILLED = signal.SIGKILL.value
FAILED = 1 << 8
CLEAN = 0
POLICY = Policy(
    ready_seconds=5,
    hang_seconds=2,
    stop_seconds=3,
    steady_seconds=10,
    burst=4,
    burst_seconds=60,
    rest_seconds=30,
)


def running(now: float = 0.0, policy: Policy = POLICY) -> Watch:
    watch = Watch(policy)
    assert watch.action(now) == "start"
    watch.begun(100, now)
    watch.heard({"READY": "1"}, now)
    assert watch.state == "running"
    return watch


def test_only_a_sign_of_life_counts_as_one() -> None:
    watch = running(1.0)
    watch.heard({"STATUS": "busy"}, 2.0)
    assert watch.alive == 1.0
    watch.heard({"WATCHDOG": "1"}, 3.0)
    assert watch.alive == 3.0


def test_waits_double_up_to_the_longest_and_begin_again() -> None:
    backoff = Backoff(0.1, 10.0)
    waits = [backoff.next() for _ in range(9)]
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0])
    backoff.reset()
    assert backoff.next() == 0.1


def test_who_is_killed_is_started_again_after_a_tenth_of_a_second() -> None:
    watch = running()
    watch.ended(KILLED, 20.0)
    assert (watch.state, watch.last_exit) == ("waiting", "killed by SIGKILL")
    assert watch.action(20.09) == "nothing"
    assert watch.action(20.11) == "start"
    watch.begun(101, 20.11)
    assert watch.restarts == 1


def test_waits_grow_while_a_child_keeps_ending_and_shrink_after_a_steady_run() -> None:
    watch = running()
    watch.ended(FAILED, 1.0)
    assert watch.due == pytest.approx(1.1)
    watch.begun(101, 1.1)
    watch.ended(FAILED, 1.2)
    assert watch.due == pytest.approx(1.4)
    watch.begun(102, 1.4)
    watch.heard({"READY": "1"}, 1.5)
    watch.ended(FAILED, 12.0)
    assert watch.due == pytest.approx(12.1)


def test_too_many_ends_are_followed_by_a_rest() -> None:
    watch = Watch(POLICY)
    now = 0.0
    for pid in range(1, 5):
        assert watch.action(now) == "start"
        watch.begun(pid, now)
        watch.ended(FAILED, now)
        now = watch.due
    assert watch.state == "failed"
    assert watch.action(29.9) == "nothing"
    assert watch.action(now) == "start"
    watch.begun(9, now)
    watch.ended(FAILED, now)
    assert watch.due == pytest.approx(now + 0.1)


def test_silence_is_a_hang_and_killed_once() -> None:
    watch = running()
    watch.heard({"WATCHDOG": "1"}, 1.5)
    assert watch.action(3.4) == "nothing"
    assert watch.action(3.6) == "kill"
    assert watch.action(3.7) == "nothing"
    watch.ended(KILLED, 3.7)
    assert watch.state == "waiting"


def test_who_does_not_become_ready_is_killed() -> None:
    watch = Watch(POLICY)
    watch.begun(1, 0.0)
    watch.heard({"WATCHDOG": "1", "STATUS": "loading"}, 4.0)
    assert watch.status == "loading"
    assert watch.action(5.0) == "kill"


def test_silence_while_the_monitor_itself_stood_still_is_forgiven() -> None:
    watch = running()
    watch.postpone(100.0)
    assert watch.action(101.0) == "nothing"
    assert watch.action(102.0) == "kill"


def test_an_end_that_was_asked_for_is_the_end() -> None:
    watch = running()
    assert watch.stop(1.0)
    watch.ended(CLEAN, 1.5)
    assert (watch.state, watch.failed_stop) == ("ended", False)
    assert watch.action(1e9) == "nothing"


def test_who_does_not_end_is_killed_and_that_is_a_failure() -> None:
    watch = running()
    watch.stop(1.0)
    assert watch.action(4.0) == "kill"
    watch.ended(KILLED, 4.1)
    assert (watch.state, watch.failed_stop) == ("ended", True)


def test_an_end_with_a_wrong_code_is_a_failure_although_it_was_asked_for() -> None:
    watch = running()
    watch.stop(1.0)
    watch.ended(FAILED, 1.1)
    assert watch.failed_stop


def test_who_waits_for_its_next_try_has_nobody_to_be_told() -> None:
    watch = running()
    watch.ended(KILLED, 1.0)
    assert not watch.stop(1.05)
    assert watch.state == "ended"


def test_a_restart_that_was_asked_for_waits_for_nothing() -> None:
    watch = running()
    assert watch.renew(1.0)
    assert not watch.renew(1.1)
    watch.ended(CLEAN, 1.2)
    assert watch.action(1.2) == "start"
    watch.begun(101, 1.2)
    assert watch.restarts == 1
    watch.ended(KILLED, 1.3)
    assert not watch.renew(1.31)
    assert watch.action(1.31) == "start"


def test_a_restart_ends_by_force_and_is_no_failure() -> None:
    watch = running()
    watch.renew(1.0)
    assert watch.action(4.0) == "kill"
    watch.ended(KILLED, 4.0)
    assert (watch.action(4.0), watch.failed_stop) == ("start", False)


def test_only_who_may_end_by_itself_is_let_end() -> None:
    one = running(policy=Policy(may_end=(0,)))
    one.ended(CLEAN, 1.0)
    assert one.state == "ended"
    other = running(policy=Policy(may_end=(0,)))
    other.ended(FAILED, 1.0)
    assert other.state == "waiting"
    third = running()
    third.ended(CLEAN, 1.0)
    assert third.state == "waiting"


def test_a_first_start_that_no_other_would_better_ends_all() -> None:
    watch = Watch(Policy(hopeless=(7,)))
    watch.begun(1, 0.0)
    watch.ended(7 << 8, 0.1)
    assert (watch.state, watch.verdict) == ("ended", 7)
    later = running(policy=Policy(hopeless=(7,)))
    later.ended(7 << 8, 1.0)
    assert later.state == "waiting"


def test_no_program_is_tried_again_and_at_last_given_a_rest() -> None:
    watch = Watch(POLICY)
    for _ in range(4):
        watch.cannot_start("no such file", watch.due)
    assert (watch.state, watch.last_exit) == ("failed", "no such file")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (-9, "killed by SIGKILL"),
        (-77, "killed by signal 77"),
    ],
)
def test_ends_have_words(code: int, words: str) -> None:
    assert exit_words(code) == words
