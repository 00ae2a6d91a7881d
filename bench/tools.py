"""The programs that are measured, and how each reads a capture and counts its flows."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.inputs import WORK, NoInputs, python

HERE = Path(__file__).resolve().parent
MOST_FLOWS = "4000000"
VERSION = re.compile(r"\d+\.\d+(?:\.\d+)*")


@dataclass(frozen=True)
class Tool:
    """One way to read a capture."""

    name: str
    about: str
    version: str
    command: Callable[[Path], Sequence[str]]


class Absent(Exception):
    """A tool is not on this machine."""


def nf_program() -> Path:
    """The `nf` beside the Python that runs this."""
    program = Path(sys.executable).with_name("nf")
    if not program.is_file():
        raise Absent(f"no {program} · run `make setup`")
    return program


def nf(name: str, about: str, *options: str) -> Tool:
    """`nf read` with options."""
    program = str(nf_program())
    return Tool(
        name,
        about,
        version_of([program, "version"]),
        lambda path: [program, "read", *options, str(path)],
    )


def nf_sessions(threads: int) -> Tool:
    """Session records as JSON Lines."""
    told = "one thread" if threads == 0 else f"workers: {threads}"
    options = ("-o", "jsonl", "--report", "session", "--threads", str(threads))
    return nf(f"nf ({threads})" if threads else "nf", f"session records, {told}", *options)


def nf_twice() -> Tool:
    """Two runs of one thread at once, which share nothing: what this machine's processors give."""
    one = nf_sessions(0)
    both = '"$0" "$@" >/dev/null & "$0" "$@" >/dev/null; code=$?; wait $! && exit $code'
    return Tool(
        "nf twice",
        "two runs of one thread at once",
        one.version,
        lambda path: ["sh", "-c", both, *one.command(path)],
    )


def nf_summary() -> Tool:
    """No session records, to tell what writing them costs."""
    options = ("-o", "jsonl", "--report", "summary", "--threads", "0")
    return nf("nf summary", "no session records", *options)


def nf_arrow() -> Tool:
    """Session records as Arrow batches that Python takes over."""
    script = str(HERE / "arrow_batches.py")
    version = version_of([str(nf_program()), "version"])
    return Tool(
        "nf arrow",
        "Python takes over Arrow batches",
        version,
        lambda path: [sys.executable, script, str(path)],
    )


def nf_all() -> Tool:
    """Everything that a session can be asked: protocols, applications and risks."""
    options = ("-o", "jsonl", "--report", "session", "--threads", "0", "--risks")
    return nf("nf all", "session records with risks", *options)


# Protocols above TCP and UDP that the first version of `nf` knew.
FIRST = frozenset(
    {"dhcp", "dns", "ftp", "ftp_data", "gquic", "http", "http2", "http3", "llmnr", "mdns", "ntp"}
    | {"quic", "ssh", "tls"}
)


def nf_first() -> Tool:
    """Only the first protocols, the others disabled: what breadth costs is the rest."""
    listed = subprocess.run(
        [str(nf_program()), "protocols", "-o", "json"], capture_output=True, text=True, check=True
    )
    names = {one["name"] for one in json.loads(listed.stdout) if one["told"] != "header"}
    others = ",".join(sorted(names - FIRST))
    options = ("-o", "jsonl", "--report", "session", "--threads", "0", "--disable", others)
    return nf("nf first", f"session records, {len(FIRST)} protocols", *options)


def ndpi_reader() -> Tool:
    """The reader of nDPI itself, which also looks into GTP."""
    program = find("ndpiReader", "libndpi-bin")
    return Tool(
        "ndpiReader",
        "quiet, tunnels opened",
        version_of([program, "-h"]),
        lambda path: [program, "-q", "-t", "-i", str(path)],
    )


def softflowd() -> Tool:
    """Flows only, nothing inspected, nothing exported."""
    program = find("softflowd", "softflowd")
    sockets = ["-p", str(WORK / "softflowd.pid"), "-c", str(WORK / "softflowd.ctl")]
    return Tool(
        "softflowd",
        "flows only, nothing exported",
        version_of([program, "-h"]),
        lambda path: [program, "-d", "-6", "-m", MOST_FLOWS, *sockets, "-r", str(path)],
    )


def tshark() -> Tool:
    """Protocol hierarchy."""
    program = find("tshark", "tshark")
    return Tool(
        "tshark",
        "protocol hierarchy",
        version_of([program, "--version"]),
        lambda path: [program, "-n", "-q", "-z", "io,phs", "-r", str(path)],
    )


def nfstream() -> Tool:
    """Flows with twenty dissected packets each, one meter."""
    try:
        program = str(python())
    except NoInputs as error:
        raise Absent(str(error)) from error
    script = str(HERE / "nfstream_flows.py")
    ask = "import importlib.metadata as m; print(m.version('nfstream'))"
    return Tool(
        "nfstream",
        "one meter, 20 dissected packets per flow",
        version_of([program, "-c", ask]),
        lambda path: [program, script, str(path)],
    )


def find(program: str, package: str) -> str:
    """Path of a program."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if found is None:
        raise Absent(f"no {program} on PATH · apt-get install {package}")
    return found


def version_of(command: Sequence[str]) -> str:
    """The first version number that a command prints; tools exit as they like when asked."""
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=60, check=False
        )
    except OSError as error:
        raise Absent(f"{command[0]}: {error.strerror}") from error
    found = VERSION.search(run.stdout + run.stderr)
    if found is None:
        raise Absent(f"{' '.join(command)} told no version: {run.stderr.strip()[-200:]}")
    return found[0]


PEERS: dict[str, Callable[[], Tool]] = {
    "ndpiReader": ndpi_reader,
    "softflowd": softflowd,
    "tshark": tshark,
    "nfstream": nfstream,
}
OURS: dict[str, Callable[[], Tool]] = {
    "nf": lambda: nf_sessions(0),
    "nf (1)": lambda: nf_sessions(1),
    "nf (2)": lambda: nf_sessions(2),
    "nf twice": nf_twice,
    "nf summary": nf_summary,
    "nf arrow": nf_arrow,
    "nf all": nf_all,
    "nf first": nf_first,
}
