"""`nf status`: how the processes of the probe are, and what it captures."""

import json
from argparse import ArgumentParser, Namespace
from typing import Any

from nf.cli import exits
from nf.cli.listing import add_format, print_json, print_table
from nf.cli.places import add_places, management_of, places_of
from nf.errors import NfError
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
  nf status --format json
  nf config get --state engine/state        all counters of the engine
"""
CAPTURE = "/nf-probe:probe/nf-capture:capture/state"
ACCOUNT = "/nf-probe:probe/nf-dpi:engine/state/account"


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    add_format(parser)
    add_places(parser)


def run(arguments: Namespace) -> int:
    """Prints it."""
    with MonitorClient(places_of(arguments).monitor_socket) as monitor:
        processes = monitor.processes()
    code = exits.OK if all(one.state == "running" for one in processes) else exits.FAILED
    capture, trouble = _state(arguments)
    if arguments.format == "json":
        print_json({"processes": [_row(one) for one in processes], **capture})
        return code
    rows = [
        {**_row(one), "uptime": _duration(one.uptime), "pid": one.pid or "-"} for one in processes
    ]
    print_table(rows, "name", "pid", "state", "uptime", "restarts", last="last_exit")
    print()
    if trouble:
        print(f"capture   unknown: {trouble}")
    for title, values in capture.items():
        print(f"{title:<10}" + "  ".join(f"{name} {value}" for name, value in values.items()))
    return code


def _row(process: ProcessState) -> dict[str, Any]:
    return {
        "name": process.name,
        "pid": process.pid,
        "state": process.state,
        "uptime": round(process.uptime, 3),
        "restarts": process.restarts,
        "last_exit": process.last_exit,
    }


def _state(arguments: Namespace) -> tuple[dict[str, dict[str, Any]], str]:
    """State of the capture and the account, or why there is none."""
    try:
        with management_of(arguments) as management:
            answers = [
                json.loads(management.call(Read("operational", path)).text)
                for path in (CAPTURE, ACCOUNT)
            ]
    except NfError as error:
        return {}, error.what
    found = answers[0].get("nf-probe:probe", {}).get("nf-capture:capture", {}).get("state", {})
    account = answers[1].get("nf-probe:probe", {}).get("nf-dpi:engine", {}).get("state", {})
    capture = {name: value for name, value in found.items() if not isinstance(value, list)}
    return {"capture": capture, "account": account.get("account", {})}, ""


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return (f"{days}d " if days else "") + f"{hours:02}:{minutes:02}:{rest:02}"
