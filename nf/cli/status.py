"""`nf status`: how the processes of the probe are, and what it captures."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from nf.cli import exits
from nf.cli.listing import add_format, print_json, print_table
from nf.cli.places import Management, add_host, management_of, places_of
from nf.cli.show.terminal import safe, style_for
from nf.cli.show.units import octets
from nf.errors import NfError
from nf.mgmt.happenings import PROCESSES as PROCESS_WORDS
from nf.mgmt.local import Read
from nf.process.monitoring import MonitorClient, ProcessState

__all__ = ["configure", "run"]

DESCRIPTION = """\
Tells how the processes of a running probe are, and what it has captured.

The exit code is 0 when all processes run, and 1 when one does not.
"""
EXAMPLES = """\
examples:
  nf status
  nf status -o json
  nf status --host probe7                   a probe on another machine, over NETCONF
  nf config get --state engine/state        all counters of the engine
"""
CAPTURE = "/nf-probe:probe/nf-capture:capture/state"
PROCESSES = "/nf-probe:probe/processes"
ACCOUNT = "/nf-probe:probe/nf-dpi:engine/state/account"
FATES = (
    *("kernel-drops", "dispatch-drops", "filtered", "light-only", "decode-errors"),
    "processed",
)
"""What can become of a packet."""


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    add_format(parser)
    add_host(parser)


def run(arguments: Namespace) -> int:
    """Prints it."""
    processes, capture, trouble = _remote(arguments) if arguments.host else _local(arguments)
    code = exits.OK if all(one.state == "running" for one in processes) else exits.FAILED
    if arguments.format == "json":
        print_json({"processes": [_row(one) for one in processes], **capture})
        return code
    rows = [
        {**_row(one), "uptime": _duration(one.uptime), "pid": one.pid or "-"} for one in processes
    ]
    print_table(rows, "name", "pid", "state", "uptime", "restarts", last="last_exit")
    print()
    if trouble:
        print(f"what it captures is unknown: {safe(trouble)}")
        return code
    _print_capture(capture["capture"])
    _print_account(capture["account"])
    return code


def _print_capture(state: dict[str, Any]) -> None:
    style = style_for(sys.stdout)
    status = safe(str(state.get("status", "unknown")))
    print(f"capture is {style.paint(status, 'green' if status == 'running' else 'red')}")
    if why := state.get("error"):
        print(f"  {safe(str(why))}")
    sources = [
        {
            "source": source.get("name", "?"),
            "packets": f"{int(source.get('packets', 0)):,}",
            "volume": octets(int(source.get("bytes", 0))),
            "kernel drops": f"{int(source.get('kernel-drops', 0)):,}",
            "state": str(source.get("status", source.get("state", ""))),
        }
        for source in state.get("source", ())
    ]
    if sources:
        print()
        print_table(sources, "source", "packets", "volume", "kernel drops", last="state")


def _print_account(account: dict[str, Any]) -> None:
    """The identity: every packet seen is in exactly one of the lines below it."""
    if not account:
        return
    number = {name: int(value) for name, value in account.items()}
    print()
    print(f"{number.get('packets', 0):>15,}  packets seen, of which")
    for name in FATES:
        if number.get(name) or name == "processed":
            print(f"{number.get(name, 0):>15,}    {name.replace('-', ' ')}")
    for name in ("in-sessions", "non-session"):
        print(f"{number.get(name, 0):>15,}      {name.replace('-', ' ')}")
    if number.get("in-flight"):
        print(f"{number['in-flight']:>15,}    in flight")


def _row(process: ProcessState) -> dict[str, Any]:
    return {
        "name": process.name,
        "pid": process.pid,
        "state": process.state,
        "uptime": round(process.uptime, 3),
        "restarts": process.restarts,
        "last_exit": process.last_exit,
    }


State = dict[str, dict[str, Any]]


def _local(arguments: Namespace) -> tuple[Sequence[ProcessState], State, str]:
    """Processes, state, or why there is none: the monitor answers when management does not."""
    with MonitorClient(places_of(arguments).monitor_socket) as monitor:
        processes = monitor.processes()
    try:
        with management_of(arguments) as management:
            return processes, _state(management), ""
    except NfError as error:
        return processes, {}, error.what


def _remote(arguments: Namespace) -> tuple[Sequence[ProcessState], State, str]:
    """The same of a probe on another machine, which is reached through its management only."""
    with management_of(arguments) as management:
        listed = _at(management, PROCESSES).get("process", ())
        return [_process(one) for one in listed], _state(management), ""


def _at(management: Management, path: str) -> dict[str, Any]:
    """The container at a path of the operational state, its members without modules."""
    found = json.loads(management.call(Read("operational", path)).text)
    for step in path.strip("/").split("/"):
        found = found.get(step, found.get(step.rpartition(":")[2], {}))
    return dict(found)


def _state(management: Management) -> State:
    """State of the capture and the account."""
    return {"capture": _at(management, CAPTURE), "account": _at(management, ACCOUNT)}


def _process(entry: dict[str, Any]) -> ProcessState:
    """What the model says of a process, as the monitor says it."""
    words = {word: name for name, word in PROCESS_WORDS.items()}
    return ProcessState(
        name=words.get(entry["name"], entry["name"]),
        pid=int(entry.get("pid", 0)),
        state="ended" if entry["state"] == "stopped" else entry["state"],
        status="",
        started_at=0.0,
        uptime=float(entry.get("uptime", 0)),
        restarts=int(entry.get("restarts", 0)),
        last_exit=entry.get("last-exit", ""),
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return (f"{days}d " if days else "") + f"{hours:02}:{minutes:02}:{rest:02}"
