"""`nf run`: the network function, in the foreground: a monitor, the datapath and management."""

import asyncio
import os
import sys
import uuid
from argparse import ArgumentParser, Namespace
from pathlib import Path

from nf.cli import exits
from nf.cli.assigning import assigned
from nf.cli.mmt import as_model, is_legacy
from nf.cli.places import add_places, places_of
from nf.errors import ConfigurationError
from nf.mgmt.legacy.overriding import is_override, listing, override_of
from nf.process.lifetime import take_name
from nf.process.logs import parse_levels, set_up
from nf.process.notify import Notifier
from nf.process.places import Places
from nf.process.whole import replace_whole
from nf.supervisor.monitor import Child, Monitor
from nf.supervisor.watch import Policy

__all__ = ["configure", "run"]

DESCRIPTION = """\
Runs the probe as a network function, in the foreground: a monitor that starts, watches and restarts
the others; the datapath, which captures and reports; and management, which keeps the configuration
and serves NETCONF and this command (nf status, nf config).

The first start makes one user, admin. Its password is taken from NF_ADMIN_PASSWORD, or made at
random and printed once; NF_ADMIN_KEY is a public key for it. Nothing has a default password.

TERM or INT ends it after final reports, HUP has the start-up configuration be read again.
"""
EXAMPLES = """\
examples:
  nf run -i eth0                                       capture from eth0, NETCONF on port 830
  nf run -i 'eth*' -X outputs/file/enabled=true -X outputs/file/directory=/var/lib/nf/rows
  nf run -c probe.json --netconf-port 8300             start with this configuration
  nf run -t some.pcap -X outputs/stdout/enabled=true   read a file, then end
  nf config set capture/filter 'tcp port 443'          from another terminal

exit codes:
  0 ended when told to, or the file was read; 1 failed; 7 a setting is wrong; 130 killed by a second
  INT
"""
PRIVILEGED_PORT = 830
OTHER_PORT = 8300


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        help="begin with this configuration (JSON or XML of the YANG model) as start-up",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "-i",
        "--interface",
        action="append",
        default=[],
        metavar="IF",
        help="capture from this interface, or from those that match (eth*); may be repeated",
    )
    source.add_argument(
        "-t",
        "--trace",
        action="append",
        default=[],
        metavar="FILE",
        help="read this capture file, and end; may be repeated",
    )
    parser.add_argument(
        "-X",
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="set a leaf of the configuration for this run; may be repeated",
    )
    parser.add_argument(
        "--netconf-port",
        type=int,
        metavar="N",
        help=f"where NETCONF listens when the configuration does not say it ({PRIVILEGED_PORT}, or"
        f" {OTHER_PORT} without privileges)",
    )
    parser.add_argument(
        "--netconf-address",
        default="0.0.0.0",  # noqa: S104  # who comes in has to log in
        metavar="ADDRESS",
        help="likewise its address (all)",
    )
    parser.add_argument(
        "--log-level",
        action="append",
        default=[],
        metavar="[MODULE=]LEVEL",
        help="debug, info, warning or error, for all or for a module such as mgmt.netconf",
    )
    parser.add_argument(
        "--log-format",
        choices=["logfmt", "json"],
        help="shape of log lines (logfmt, unless the configuration says json)",
    )
    parser.add_argument(
        "-v",
        "--versions",
        action="store_true",
        help="print versions, what this build has and where its things are, and end",
    )
    parser.add_argument(
        "-x",
        "--options",
        action="store_true",
        help="list MMT-Probe's options, which -X takes with a file of MMT-Probe, and end",
    )
    add_places(parser)


def run(arguments: Namespace) -> int:
    """Runs until told to end."""
    if arguments.versions:
        from nf.cli.run_versions import versions  # noqa: PLC0415 - a catalog that running needs not

        print(versions(places_of(arguments)))
        return exits.OK
    if arguments.options:
        print(listing(), end="")
        return exits.OK
    set_up("nf-monitor", parse_levels(arguments.log_level), arguments.log_format)
    places = places_of(arguments)
    places.make()
    take_name("nf-monitor")
    return asyncio.run(_watch(arguments, places))


async def _watch(arguments: Namespace, places: Places) -> int:
    children = [_datapath(arguments, places), _management(arguments, places)]
    return await Monitor(children, places, Notifier.from_environment()).run()


def _command(module: str, arguments: Namespace, places: Places) -> list[str]:
    levels = [word for level in arguments.log_level for word in ("--log-level", level)]
    return [
        *(sys.executable, "-m", f"nf.supervisor.{module}"),
        *("--state-dir", str(places.state), "--run-dir", str(places.run)),
        *(["--log-format", arguments.log_format] if arguments.log_format else []),
        *levels,
    ]


def _datapath(arguments: Namespace, places: Places) -> Child:
    command = _command("datapath_entry", arguments, places)
    if arguments.trace:
        command.append("--ends-with-capture")
    policy = Policy(may_end=(exits.OK, exits.PARTIAL) if arguments.trace else ())
    return Child("nf-datapath", command, policy, keeps_stdout=True)


def _configuration(path: Path, places: Places, words: list[str]) -> tuple[Path, list[str]]:
    """The file to begin with, and what `-X` has to set on it.

    One of MMT-Probe is translated first; then `-X` takes MMT-Probe's names, too.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        what = f"the configuration cannot be read: {(error.strerror or '').lower()}"
        raise ConfigurationError(what, str(path), "check path and permissions") from error
    if not is_legacy(text):
        return path.absolute(), words
    legacy = [word for word in words if is_override(word)]
    made = places.run / "mmt-probe.json"
    replace_whole(made, as_model(path, [override_of(word) for word in legacy]).encode())
    return made.absolute(), [word for word in words if word not in legacy]


def _management(arguments: Namespace, places: Places) -> Child:
    command = _command("mgmt_entry", arguments, places)
    # What was in force in this start of the probe outlives management, but not the probe.
    command += ["--boot", uuid.uuid4().hex]
    words = arguments.set
    if arguments.config:
        path, words = _configuration(Path(arguments.config), places, words)
        command += ["--config", str(path)]
    for interface in arguments.interface:
        command += ["--interface", interface]
    for file in arguments.trace:
        if not Path(file).exists():
            raise ConfigurationError(f"no file {file}", "-t", "check the path")
        command += ["--file", str(Path(file).absolute())]
    for word in words:
        node, value = assigned(word)
        if value is None:
            raise ConfigurationError(
                f"{word!r} has no value", "-X", "PATH=VALUE, such as engine/workers=2"
            )
        command += ["--set", node, value]
    port = arguments.netconf_port or (PRIVILEGED_PORT if os.geteuid() == 0 else OTHER_PORT)
    command += ["--netconf", arguments.netconf_address, str(port)]
    policy = Policy(hopeless=(exits.CONFIGURATION,))
    return Child("nf-mgmt", command, policy, hears_hup=True)
