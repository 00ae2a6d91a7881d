"""`processes/process`: the monitor's view, and what /proc says of memory and time."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nf.mgmt.happenings import process_word
from nf.mgmt.sources.times import date_and_time
from nf.process.monitoring import ProcessState

__all__ = ["processes_state"]

STATES = {"ended": "stopped"}
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def processes_state(processes: Iterable[ProcessState], version: str) -> dict[str, Any]:
    """The list; `version` is that of the one installation that all processes come from."""
    made = [_entry(one, version) for one in processes]
    return {"processes": {"process": made}} if made else {}


def _entry(process: ProcessState, version: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": process_word(process.name),
        "state": STATES.get(process.state, process.state),
        "restarts": process.restarts,
        "version": version,
    }
    if process.started_at:
        made["started-at"] = date_and_time(process.started_at)
    if process.last_exit:
        made["last-exit"] = process.last_exit
    if process.heartbeat_age is not None:
        made["heartbeat-age"] = int(process.heartbeat_age * 1000)
    if process.pid:
        made |= {"pid": process.pid, "uptime": int(process.uptime), **_used(process.pid)}
    return made


def _used(pid: int) -> dict[str, int]:
    """Memory and processor time (proc(5)); nothing of a process that has ended meanwhile."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()
        # The name of the program may hold anything; what follows its last bracket may not.
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return {}
    ticks = int(times[11]) + int(times[12])
    return {"memory": int(pages[1]) * PAGE, "cpu-time": ticks * 1000 // TICKS}
