"""Everything below `/nf-probe:probe`, from one reading of each process."""

import logging
from collections.abc import Callable
from typing import Any, Protocol

from nf.errors import NfError
from nf.mgmt.sources.capture import capture_state
from nf.mgmt.sources.engine import engine_state
from nf.mgmt.sources.outputs import outputs_state
from nf.mgmt.sources.processes import processes_state
from nf.mgmt.sources.sessions import MOST, sessions_state
from nf.mgmt.sources.statistics import SUMS, statistics_state
from nf.process.logs import event
from nf.process.monitoring import ProcessState

__all__ = ["ProbeState"]

log = logging.getLogger(__name__)

PROBE = "nf-probe:probe"


class Datapath(Protocol):
    """Who is asked for counters."""

    trouble: str

    def stats(self, sums: tuple[Any, ...] = ()) -> dict[str, Any]:
        """All counters."""

    def sessions(self, limit: int, order_by: str, where: str) -> list[dict[str, Any]]:
        """Live sessions."""


class ProbeState:
    """The source of state below the probe.

    Args:
        datapath: See there.
        processes: Gives how the processes are.
        version: Of this installation.
    """

    def __init__(
        self, datapath: Datapath, processes: Callable[[], tuple[ProcessState, ...]], version: str
    ) -> None:
        self._datapath = datapath
        self._processes = processes
        self._version = version

    def top(self) -> str:
        """See `StateSource`."""
        return PROBE

    def get(self) -> dict[str, Any]:
        """See `StateSource`: parts whose process does not answer are left out."""
        state: dict[str, Any] = {}
        try:
            state |= processes_state(self._processes(), self._version)
        except NfError as error:
            event(log, logging.WARNING, "no state of processes", why=error.what)
        try:
            groups = self._datapath.stats(SUMS)
        except NfError as error:
            event(log, logging.WARNING, "no state of the datapath", why=error.what)
            why = self._datapath.trouble or error.what
            state["nf-capture:capture"] = {"state": {"status": "failed", "error": why}}
            return {PROBE: state}
        if self._datapath.trouble:
            groups["capture"]["error"] = self._datapath.trouble
        for part in (capture_state, engine_state, statistics_state, outputs_state):
            state |= part(groups)
        if groups["capture"]["state"] == "running":
            state |= self._sessions()
        return {PROBE: state}

    def _sessions(self) -> dict[str, Any]:
        try:
            return sessions_state(self._datapath.sessions(MOST, "bytes", ""))
        except NfError as error:
            event(log, logging.WARNING, "no live sessions", why=error.what)
            return {}
