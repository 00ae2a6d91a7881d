"""`nf status`: how the processes of the probe are, and what it captures."""

import json
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from nf.cli import exits
from nf.cli.listing import add_format, print_json, print_table
from nf.cli.places import add_places, management_of, places_of
from nf.cli.show.terminal import safe, style_for
from nf.cli.show.units import octets
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
  nf status -o json
  nf config get --state engine/state        all counters of the engine
"""
CAPTURE = "/nf-probe:probe/nf-capture:capture/state"
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
        print(f"what it captures is unknown: {trouble}")
        return code
    _print_capture(capture["capture"])
    _print_account(capture["account"])
    return code


def _print_capture(state: dict[str, Any]) -> None:
    style = style_for(sys.stdout)
    status = str(state.get("status", "unknown"))
    print(f"capture is {style.paint(status, 'green' if status == 'running' else 'red')}")
    if why := state.get("error"):
        print(f"  {safe(str(why))}")
    sources = [
        {
            "source": safe(str(source.get("name", "?"))),
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
    return {"capture": found, "account": account.get("account", {})}, ""


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return (f"{days}d " if days else "") + f"{hours:02}:{minutes:02}:{rest:02}"
