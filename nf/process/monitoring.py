"""The monitor's channel: how the processes of the probe are, and starting one anew."""

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
    "ReadProcesses",
    "RestartProcess",
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


Call = ReadProcesses | RestartProcess


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
    """

    name: str
    pid: int
    state: State
    status: str
    started_at: float
    uptime: float
    restarts: int
    last_exit: str


class ProcessStates(Struct, frozen=True, forbid_unknown_fields=True, tag="process-states"):
    """All processes, the monitor first."""

    processes: tuple[ProcessState, ...]


class Accepted(Struct, frozen=True, forbid_unknown_fields=True, tag="accepted"):
    """It will happen."""


Answer = ProcessStates | Accepted


class MonitorClient(Client):
    """The asking end.

    Raises:
        ChannelError: The monitor cannot be reached.
    """

    def __init__(self, path: Path, seconds: float = 5.0) -> None:
        super().__init__(path, CHANNEL, Answer, Hearing(), seconds)

    def processes(self) -> tuple[ProcessState, ...]:
        """How the processes are."""
        answer: ProcessStates = self.call(ReadProcesses())
        return answer.processes
