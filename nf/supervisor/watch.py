"""What is to become of a child: its states, and when it is started, killed or given up.

Time is an argument: seconds of a clock that never goes back.
"""

import os
import signal
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nf.process.backoff import Backoff
from nf.process.monitoring import State

__all__ = ["Action", "Policy", "Watch", "exit_words"]

Action = Literal["nothing", "start", "kill"]
NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Policy:
    """How a child is watched.

    Attributes:
        ready_seconds: Time to become ready in.
        hang_seconds: Time without a heartbeat after which it counts as hung.
        stop_seconds: Time to end in, when told to.
        steady_seconds: Who runs so long begins with the shortest wait again.
        burst: So many ends within `burst_seconds` are too many (0: never) …
        burst_seconds: … and then the next try is `rest_seconds` away.
        rest_seconds: See there.
        first_delay: Seconds before it is started again, the first time …
        longest_delay: … and what that grows to.
        may_end: Codes with which it may end by itself: then the whole probe has done its work.
        hopeless: Exit codes of a first start that say that no other start would be better.
    """

    ready_seconds: float = 60.0
    hang_seconds: float = 10.0
    stop_seconds: float = 30.0
    steady_seconds: float = 10.0
    burst: int = 10
    burst_seconds: float = 60.0
    rest_seconds: float = 60.0
    first_delay: float = 0.1
    longest_delay: float = 10.0
    may_end: tuple[int, ...] = ()
    hopeless: tuple[int, ...] = ()


@dataclass(slots=True)
class Watch:
    """One child.

    Attributes:
        policy: See there.
        state: See `nf.process.monitoring.State`.
        pid: Its number; 0 while it does not run.
        status: What it says of itself.
        started: When it was started.
        alive: When it gave its last sign of life.
        restarts: How often it was started again.
        last_exit: How it ended last.
        failed_stop: It was told to end and did not, or not with code 0.
        has_been_ready: Of this start.
        verdict: Code that the whole probe is to end with, once this has ended by itself.
    """

    policy: Policy
    state: State = "waiting"
    pid: int = 0
    status: str = ""
    started: float = 0.0
    alive: float = 0.0
    restarts: int = 0
    last_exit: str = ""
    failed_stop: bool = False
    has_been_ready: bool = False
    verdict: int = 0
    _due: float = 0.0
    """When something has to happen if nothing is heard until then."""
    _runs: int = 0
    _again: bool = False
    """It is ending so that it can begin anew."""
    _ends: deque[float] = field(default_factory=deque)
    _backoff: Backoff = field(init=False)

    def __post_init__(self) -> None:
        self._backoff = Backoff(self.policy.first_delay, self.policy.longest_delay)

    def follow(self, policy: Policy) -> None:
        """Watches it in another way from now on; what is due stays due."""
        self.policy = policy
        self._backoff.change(policy.first_delay, policy.longest_delay)

    def begun(self, pid: int, now: float) -> None:
        """It has been started."""
        self.pid = pid
        self.state = "starting"
        self.status = ""
        self.started = self.alive = now
        self.has_been_ready = False
        self.restarts = self._runs
        self._runs += 1
        self._due = now + self.policy.ready_seconds

    def heard(self, values: Mapping[str, str], now: float) -> None:
        """It has said something, see sd_notify(3)."""
        self.status = values.get("STATUS", self.status)
        if values.get("READY") == "1" and self.state == "starting":
            self.state = "running"
            self.has_been_ready = True
        alive = values.get("WATCHDOG") == "1" or values.get("READY") == "1"
        if alive:
            self.alive = now
        if self.state == "running" and alive:
            self._due = now + self.policy.hang_seconds

    def ended(self, status: int, now: float) -> None:
        """It has ended, with a status of waitpid(2)."""
        code = os.waitstatus_to_exitcode(status)
        self.pid = 0
        self.last_exit = exit_words(code)
        if self.state == "stopping" and not self._again:
            self.failed_stop = self.failed_stop or code != 0
            self.state = "ended"
            self._due = NEVER
            return
        if self._again:
            self._again = False
            self.state = "waiting"
            self._due = now
            return
        first = self._runs == 1 and not self.has_been_ready
        if code in self.policy.may_end or (first and code in self.policy.hopeless):
            self.verdict = code
            self.state = "ended"
            self._due = NEVER
            return
        self._wait(now)

    def _wait(self, now: float) -> None:
        """Decides when the next try is."""
        if self.has_been_ready and now - self.started >= self.policy.steady_seconds:
            self._backoff.reset()
        self._ends.append(now)
        while self._ends and now - self._ends[0] > self.policy.burst_seconds:
            self._ends.popleft()
        if 0 < self.policy.burst <= len(self._ends):
            self.state = "failed"
            self._due = now + self.policy.rest_seconds
            self._ends.clear()
            self._backoff.reset()
        else:
            self.state = "waiting"
            self._due = now + self._backoff.next()

    def stop(self, now: float) -> bool:
        """It is to end; whether there is somebody to tell."""
        self._again = False
        if not self.pid:
            self.state = "ended"
            self._due = NEVER
            return False
        self.state = "stopping"
        self._due = now + self.policy.stop_seconds
        return True

    def renew(self, now: float) -> bool:
        """It is to end and begin anew; whether there is somebody to tell."""
        if not self.pid:
            if self.state != "ended":
                self.state = "waiting"
                self._due = now
            return False
        if self.state == "stopping":
            return False
        self._again = True
        self.state = "stopping"
        self._due = now + self.policy.stop_seconds
        return True

    def cannot_start(self, why: str, now: float) -> None:
        """There was not even a process."""
        self.last_exit = why
        self._runs += 1
        self._wait(now)

    def postpone(self, seconds: float) -> None:
        """The monitor itself was not running for so long: nobody is to blame for silence."""
        if self._due != NEVER:
            self._due += seconds

    def action(self, now: float) -> Action:
        """What has to happen now."""
        if now < self._due:
            return "nothing"
        if self.pid:
            # Until its end is seen it is not killed twice.
            self._due = NEVER
            self.failed_stop = self.failed_stop or (self.state == "stopping" and not self._again)
            return "kill"
        return "start" if self.state in {"waiting", "failed"} else "nothing"

    @property
    def due(self) -> float:
        """When `action` may be something else than nothing."""
        return self._due


def exit_words(code: int) -> str:
    """An exit code of `os.waitstatus_to_exitcode` in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
