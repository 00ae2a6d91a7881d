"""The monitor's channel: how the processes of the probe are, and starting one anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from msgspec import Struct

from nf.process.client import Client, Hearing

__all__ = [
    "CHANNEL",
    "Accepted",
    "Answer",
    "Call",
    "MonitorClient",
    "ProcessState",
    "ProcessStates",
    "ReadPolicy",
    "ReadProcesses",
    "RestartProcess",
    "Restarted",
    "SetLogging",
    "SetPolicy",
    "State",
]

CHANNEL = "monitor"

State = Literal["starting", "running", "stopping", "waiting", "failed", "ended"]
"""`waiting`: for the next try. `failed`: it ended too often, the next try is a minute away."""


class ReadProcesses(Struct, frozen=True, forbid_unknown_fields=True, tag="read-processes"):
    """Asks how the processes are."""


class RestartProcess(Struct, frozen=True, forbid_unknown_fields=True, tag="restart-process"):
    """Has a process end properly and begin anew."""

    name: str


class SetPolicy(Struct, frozen=True, forbid_unknown_fields=True, tag="set-policy"):
    """Has processes be watched in another way, from now on.

    Attributes:
        first_delay: Seconds before the first new start.
        longest_delay: Seconds that delays grow to.
        burst: So many ends are too many within `burst_seconds`; 0 for no limit.
        burst_seconds: See there.
        hang_seconds: Time without a heartbeat after which a process counts as hung.
        stop_seconds: Time to end in, when told to.
    """

    first_delay: float
    longest_delay: float
    burst: int
    burst_seconds: float
    hang_seconds: float
    stop_seconds: float


class SetLogging(Struct, frozen=True, forbid_unknown_fields=True, tag="set-logging"):
    """Has the monitor write about itself in another way, from now on.

    Attributes:
        level: Least weight of records.
        form: Of lines.
        modules: Modules with a least weight of their own.
        journald: Records go to the journal.
    """

    level: str
    form: Literal["logfmt", "json"]
    modules: tuple[tuple[str, str], ...]
    journald: bool


class ReadPolicy(Struct, frozen=True, forbid_unknown_fields=True, tag="read-policy"):
    """Asks how processes are watched; answered with a `SetPolicy`."""


Call = ReadProcesses | RestartProcess | SetPolicy | SetLogging | ReadPolicy


class ProcessState(Struct, frozen=True, forbid_unknown_fields=True):
    """One process.

    Attributes:
        name: `nf-monitor`, `nf-datapath` or `nf-mgmt`.
        pid: Its number; 0 while it does not run.
        state: See there.
        status: What it says of itself.
        started_at: Seconds since 1970; 0 if it never started.
        uptime: Seconds.
        restarts: How often it was started again.
        last_exit: How it ended last, in words; empty if it never did.
        heartbeat_age: Seconds since its last sign of life; None while it does not run.
    """

    name: str
    pid: int
    state: State
    status: str
    started_at: float
    uptime: float
    restarts: int
    last_exit: str
    heartbeat_age: float | None = None


class ProcessStates(Struct, frozen=True, forbid_unknown_fields=True, tag="process-states"):
    """All processes, the monitor first."""

    processes: tuple[ProcessState, ...]


class Accepted(Struct, frozen=True, forbid_unknown_fields=True, tag="accepted"):
    """It will happen."""


Answer = ProcessStates | Accepted | SetPolicy


class Restarted(Struct, frozen=True, forbid_unknown_fields=True, tag="restarted"):
    """The monitor tells: a process was started again."""

    name: str
    pid: int
    restarts: int
    last_exit: str


class MonitorClient(Client):
    """The asking end.

    Args:
        path: The monitor's socket.
        on_restart: Gets what the monitor tells.
        on_lost: See `Hearing`.
        seconds: See `Client`.

    Raises:
        ChannelError: The monitor cannot be reached.
    """

    def __init__(
        self,
        path: Path,
        on_restart: Callable[[Restarted], None] | None = None,
        on_lost: Callable[[], None] | None = None,
        seconds: float = 5.0,
    ) -> None:
        super().__init__(path, CHANNEL, Answer, Hearing(Restarted, on_restart, on_lost), seconds)

    def processes(self) -> tuple[ProcessState, ...]:
        """How the processes are."""
        answer: ProcessStates = self.call(ReadProcesses())
        return answer.processes
