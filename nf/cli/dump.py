"""`nf dump`: packets of a running probe, written to a file."""

import json
import shutil
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

from lxml import etree

from nf.cli import exits
from nf.cli.listing import add_format, print_json, print_table
from nf.cli.places import Management, add_host, management_of
from nf.cli.read_options import number
from nf.cli.show.progress import CLEAR
from nf.cli.show.terminal import is_terminal, safe
from nf.cli.show.units import count, duration, octets
from nf.errors import CaptureError, ConfigurationError, NfError
from nf.mgmt import local

__all__ = ["configure", "kept_files", "run"]

DESCRIPTION = """\
Has a running probe write packets that it captures to a file (pcapng), from now on.

The file is on the probe's machine, in the folder dumps of its state; its path is printed. The probe
goes on capturing as before: what comes faster than it can be written is missing in the file, and
counted. One dump goes on at a time.

With --wait or --output, Ctrl-C ends the dump.
"""
EXAMPLES = """\
examples:
  nf dump                                           a minute of all packets
  nf dump --duration 10s --filter 'tcp port 443'    ten seconds of HTTPS
  nf dump --wait --packets 1000                     waits until there are a thousand
  nf dump --duration 5s --output - | nf read -      into another program
  nf dump --list                                    the files, and how the latest dump is
  nf dump --stop                                    ends it now
  nf dump --delete dump-20260101T120000Z.pcapng
  nf dump --host probe7 --wait                      a probe on another machine, over NETCONF
"""
STATE = "/nf-probe:probe/nf-capture:capture/state/dump"
PATIENCE = 60.0
LOOK_SECONDS = 0.25
"""Between two looks at a dump that somebody waits for."""
SECONDS = {"s": 1, "m": 60, "h": 3600}
LONGEST = 86_400
BAD_ENDS = frozenset({"failed", "disk-full"})


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    what = parser.add_argument_group("what is written")
    what.add_argument(
        "--filter", metavar="EXPR", help="only packets that meet it, see pcap-filter(7)"
    )
    what.add_argument(
        "--duration", type=_seconds, metavar="TIME", help="end after so long: 10s, 5m, 1h; 60s"
    )
    what.add_argument("--packets", type=number(1, 2**63), metavar="N", help="end after so many")
    what.add_argument(
        "--size",
        type=number(4096, 1 << 36),
        metavar="OCTETS",
        help="end before the file is larger; 1Gi",
    )
    what.add_argument(
        "--snap-length",
        type=number(64, 1 << 18),
        metavar="N",
        help="octets that are kept of a packet; all",
    )
    what.add_argument("--file", metavar="NAME", help="name of the file; one that tells the time")
    parser.add_argument("--wait", action="store_true", help="wait for the end of the dump")
    parser.add_argument(
        "--output",
        metavar="PATH",
        help="wait, and move the file there; - for standard output. Not with --host",
    )
    others = parser.add_mutually_exclusive_group()
    others.add_argument("--stop", action="store_true", help="end the dump that goes on")
    others.add_argument("--list", action="store_true", help="how the latest is, and the files")
    others.add_argument("--delete", metavar="NAME", help="delete a file")
    add_format(parser)
    add_host(parser)


def run(arguments: Namespace) -> int:
    """Does what is asked for."""
    _check(arguments)
    with management_of(arguments) as management:
        if arguments.list:
            return _list(management, arguments)
        if arguments.delete:
            management.call(local.Run("delete-dump", (("file", arguments.delete),)), PATIENCE)
            return exits.OK
        if arguments.stop:
            _leaves(management, "stop-dump")
            return _tell(_state(management), arguments)
        begun = _leaves(management, "dump-packets", *_given(arguments))
        if arguments.output is None and not arguments.wait:
            return _tell({"active": True, **begun}, arguments)
        ended = _waited(management, begun["file"])
        if arguments.output is None:
            return _tell({**ended, "path": begun["path"]}, arguments)
        return _moved(management, Path(begun["path"]), ended, arguments)


def kept_files(words: list[str]) -> list[str]:
    """Names of the files that `--delete` may mean, for what stands on the line already.

    Raises:
        NfError: The probe does not answer.
    """
    places = ArgumentParser(add_help=False, exit_on_error=False)
    add_host(places)
    given, _ = places.parse_known_args(words)
    if given.host is not None:
        # A key press must not log in at another machine.
        return []
    with management_of(given) as management:
        return [str(one["file"]) for one in _state(management).get("kept", ())]


def _check(arguments: Namespace) -> None:
    options = ("filter", "duration", "packets", "size", "snap_length", "file", "output")
    begins = next((one for one in options if getattr(arguments, one) is not None), None)
    begins = begins or ("wait" if arguments.wait else None)
    if begins and (arguments.stop or arguments.list or arguments.delete):
        raise ConfigurationError(
            "it belongs to a dump that begins",
            f"--{begins.replace('_', '-')}",
            "leave it out, or do one after the other",
        )
    if arguments.output is not None and arguments.host is not None:
        raise ConfigurationError(
            "the file is on the other machine",
            "--output",
            "use --wait, and copy the file from the path that is printed, such as with scp",
        )
    if arguments.output not in {None, "-"} and Path(arguments.output).exists():
        raise ConfigurationError("it is there already", arguments.output, "name another file")


def _given(arguments: Namespace) -> tuple[tuple[str, str], ...]:
    leaves = {
        "file": arguments.file,
        "filter": arguments.filter,
        "duration": arguments.duration,
        "count": arguments.packets,
        "size": arguments.size,
        "snap-length": arguments.snap_length,
    }
    return tuple((name, str(value)) for name, value in leaves.items() if value is not None)


def _leaves(management: Management, name: str, *given: tuple[str, str]) -> dict[str, str]:
    """The leaves that an operation answers with."""
    answer = management.call(local.Run(name, given), PATIENCE).text
    whole = etree.fromstring(f"<reply>{answer}</reply>")
    return {etree.QName(one).localname: one.text or "" for one in whole}


def _state(management: Management) -> dict[str, Any]:
    found = json.loads(management.call(local.Read("operational", STATE), PATIENCE).text or "{}")
    for name in ("nf-probe:probe", "nf-capture:capture", "state", "dump"):
        found = found.get(name, {})
    return dict(found)


def _waited(management: Management, file: str) -> dict[str, Any]:
    """How the dump is at its end; Ctrl-C brings it about."""
    shows = is_terminal(sys.stderr)
    begun = time.monotonic()
    try:
        while True:
            state = _state(management)
            if state.get("file") != file:
                raise CaptureError(
                    "the probe knows nothing of the dump any more",
                    file,
                    "it was started anew: what was written until then is in the file",
                )
            if not state.get("active"):
                return state
            if shows:
                told = f"{octets(int(state['bytes']))} · {count(int(state['packets']))} packets"
                since = duration(time.monotonic() - begun)
                print(f"{CLEAR}{told} · {since}", end="", file=sys.stderr, flush=True)
            time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        try:
            _leaves(management, "stop-dump")
        except NfError:
            # It may have ended just now; if not, waiting goes on as long as it takes.
            if _state(management).get("active"):
                raise
        return _state(management)
    finally:
        if shows:
            print(CLEAR, end="", file=sys.stderr, flush=True)


def _moved(management: Management, path: Path, ended: dict[str, Any], arguments: Namespace) -> int:
    """Copies the file to where it is wanted, and deletes it where it was."""
    try:
        with path.open("rb") as source:
            if arguments.output == "-":
                shutil.copyfileobj(source, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            else:
                with Path(arguments.output).open("xb") as target:
                    shutil.copyfileobj(source, target)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CaptureError(
            f"the dump cannot be copied: {(error.strerror or '').lower()}",
            str(path),
            "it is kept there: copy it as the user of the probe",
        ) from error
    management.call(local.Run("delete-dump", (("file", ended["file"]),)), PATIENCE)
    if arguments.output == "-":
        return exits.FAILED if ended.get("reason") in BAD_ENDS else exits.OK
    return _tell({**ended, "path": arguments.output}, arguments)


def _list(management: Management, arguments: Namespace) -> int:
    state = _state(management)
    if arguments.format == "json":
        return print_json(state)
    if state.get("file"):
        _say(state)
    elif why := state.get("message"):
        print(safe(str(why)))
    rows = [
        {"file": one["file"], "size": octets(int(one["bytes"])), "changed": one["changed"]}
        for one in state.get("kept", ())
    ]
    if rows:
        print(f"\nin {safe(state['directory'])}:")
        print_table(rows, "file", "size", last="changed")
    return exits.OK


def _tell(dump: dict[str, Any], arguments: Namespace) -> int:
    """Prints how a dump is; the exit code says whether it ended well."""
    dump = {name: value for name, value in dump.items() if name != "kept"}
    if "path" not in dump:
        dump["path"] = f"{dump['directory']}/{dump['file']}"
    if arguments.format == "json":
        print_json(dump)
    elif "packets" in dump:
        _say(dump)
    else:
        print(f"packets are written to {safe(dump['path'])}")
    return exits.FAILED if dump.get("reason") in BAD_ENDS else exits.OK


def _say(dump: dict[str, Any]) -> None:
    path = dump.get("path") or f"{dump['directory']}/{dump['file']}"
    size, packets = octets(int(dump["bytes"])), count(int(dump["packets"]))
    how = "goes on" if dump.get("active") else f"ended: {dump.get('reason', 'unknown')}"
    print(f"{safe(path)}: {packets} packets, {size}; {how}")
    if why := dump.get("message"):
        print(f"  {safe(str(why))}")
    if int(dump["dropped"]):
        print(f"  {count(int(dump['dropped']))} packets came too fast and are not in it")


def _seconds(word: str) -> int:
    factor = SECONDS.get(word[-1:], 0)
    digits = word[:-1] if factor else word
    if not (digits.isascii() and digits.isdecimal()) or not 1 <= int(digits) <= LONGEST:
        raise ArgumentTypeError(f"{word!r} is no time: such as 10s, 5m or 1h")
    return int(digits) * (factor or 1)
