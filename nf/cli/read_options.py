"""The options of `nf read`, and the engine's configuration that they make."""

from argparse import Action, ArgumentError, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from dataclasses import fields as fields_of
from dataclasses import replace
from typing import Any

from nf.catalog import application_files, risk_files
from nf.cli.writers import FORMATS
from nf.datapath.config import EngineConfig, Event, Report, Timeouts
from nf.plugins.handlers import events_of
from nf.plugins.loading import Plugins
from nf.reading import REPORTS, default_threads

__all__ = [
    "TIMEOUTS",
    "configure",
    "configure_output",
    "configure_reading",
    "configure_rows",
    "configure_sessions",
    "number",
    "settings_of",
]

SCALES = {"k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
TIMEOUTS = tuple(field.name for field in fields_of(Timeouts))

DESCRIPTION = (
    "Reads captures and prints what was in them, one row per session unless told otherwise."
)
EXAMPLES = """\
reports:
  session       traffic between two ends, with its protocols, application and times
  transaction   a request with its answer, a lookup, a handshake
  event         values of attributes at the moment when one of them is seen, see --event
  protocol      sums by protocol path        app   sums by application
  host          sums by address              summary   where every packet went; as a table,
                                             what was in the capture on one screen

examples:
  nf read some.pcap
  nf read some.pcap --report summary
  nf read *.pcap.gz --where 'app == "youtube" and bytes > 1M' -o csv --output youtube.csv
  nf read some.pcap --where 'dst in 10.0.0.0/8 and http.status >= 500' --report transaction
  nf read some.pcap --fields src_ip,dst_ip,server_name,bytes_down
  nf read some.pcap --event http.method --attributes http.host,http.uri,ip.src
  tcpdump -w - | nf read - --report transaction

exit codes:
  0 done, 1 failed, 2 wrong usage, 4 a capture ended early, 7 a filter or a name is wrong

`nf fields` lists the words of --where and --fields, `nf protocols NAME` those of --event.
"""


class _AddEvent(Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
        del parser, option
        namespace.events = [*namespace.events, Event(values, (values,))]


class _AddAttributes(Action):
    """Gives attributes to the event named last."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
        del parser, option
        if not namespace.events:
            raise ArgumentError(self, "stands before any --event")
        *before, last = namespace.events
        namespace.events = [*before, replace(last, attributes=tuple(values))]


def _words(text: str) -> list[str]:
    """Names with commas between them, each once."""
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise ArgumentTypeError("a name is empty; write NAME,NAME,…")
    if twice := {word for word in words if words.count(word) > 1}:
        raise ArgumentTypeError(f"{', '.join(sorted(twice))} is named twice")
    return words


def number(least: int, most: int) -> Callable[[str], int]:
    """Reads a number within bounds, which may end with a scale."""

    def parsed(text: str) -> int:
        digits = text.strip().lower().removesuffix("b")
        letters = digits.lstrip("0123456789_")
        scale = SCALES.get(letters, 0) if letters else 1
        count = digits.removesuffix(letters).replace("_", "")
        if not scale or not count.isdecimal():
            raise ArgumentTypeError(f"{text!r} is no number; K, M, G and Ki, Mi, Gi may follow one")
        if not least <= (value := int(count) * scale) <= most:
            raise ArgumentTypeError(f"{text} is not within {least} to {most}")
        return value

    return parsed


def _root(text: str) -> tuple[str, int]:
    name, at, offset = text.partition("@")
    if not name or (at and not offset.isdecimal()):
        raise ArgumentTypeError(f"{text!r} is not PROTOCOL or PROTOCOL@OFFSET")
    return name, int(offset or 0)


def _timeout(text: str) -> tuple[str, float]:
    name, _, seconds = text.partition("=")
    if name not in TIMEOUTS:
        raise ArgumentTypeError(f"{name!r} is none of {', '.join(TIMEOUTS)}")
    try:
        return name, float(seconds)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not CLASS=SECONDS") from None


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.usage = "nf read FILE… [options]"
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="capture (pcap or pcapng, also .gz and .zst), 'pattern*.pcap', or - for standard "
        "input; several are read as one, in the order of time",
    )
    configure_rows(parser)
    configure_output(parser)
    reading = configure_reading(parser)
    reading.add_argument("--follow", action="store_true", help="go on as files grow, until Ctrl-C")
    configure_sessions(parser)


def configure_rows(parser: ArgumentParser) -> None:
    """Adds which rows are wanted."""
    rows = parser.add_argument_group("rows")
    rows.add_argument("--report", choices=REPORTS, help="which rows; default: session, or event")
    rows.add_argument("--where", default="", metavar="EXPR", help="only rows that meet this filter")
    rows.add_argument(
        "--event",
        action=_AddEvent,
        dest="events",
        default=[],
        metavar="PROTO.ATTR",
        help="wait for this attribute to have a value; may be repeated",
    )
    rows.add_argument(
        "--attributes",
        action=_AddAttributes,
        type=_words,
        metavar="A,B,…",
        help="what to read then; belongs to the --event before it",
    )


def configure_output(parser: ArgumentParser) -> None:
    """Adds how rows are written."""
    output = parser.add_argument_group("output")
    output.add_argument(
        "-o",
        dest="format",
        choices=list(FORMATS),
        help="format; default: that of --output's suffix, else table on a terminal, else jsonl",
    )
    output.add_argument("--output", metavar="PATH", help="write there, not to standard output")
    output.add_argument(
        "--fields", type=_words, metavar="A,B,…", help="these fields, in this order"
    )
    output.add_argument(
        "--risks",
        action="append",
        default=[],
        metavar="[=FILE]",
        help="judge each session by what it shows, and add its risks and the gravest severity; "
        "--risks=FILE adds rules of yours, and may be repeated; see nf risks",
    )
    output.add_argument(
        "--stats",
        choices=["text", "json"],
        metavar="json",
        help="print all counters on standard error at the end; --stats=json as one line of JSON",
    )
    output.add_argument("--no-progress", action="store_true", help="no progress bar")


def configure_reading(parser: ArgumentParser) -> Any:
    """Adds how packets become sessions; the group, to which more may be added."""
    reading = parser.add_argument_group("reading")
    reading.add_argument(
        "--threads",
        type=number(0, 256),
        metavar="N",
        help="worker threads; 0 runs everything in one; any number gives the same rows "
        "(here: %(default)s)",
        default=default_threads(),
    )
    reading.add_argument(
        "--bpf", default="", metavar="FILTER", help="packet filter, see pcap-filter(7)"
    )
    reading.add_argument(
        "--root",
        type=_root,
        default=("", 0),
        metavar="PROTO[@OFFSET]",
        help="every packet begins with this protocol, OFFSET octets in",
    )
    reading.add_argument(
        "--apps",
        action="append",
        default=[],
        metavar="FILE",
        help="extend the built-in applications; may be repeated",
    )
    reading.add_argument(
        "--plugin",
        action="append",
        dest="plugins",
        default=[],
        metavar="FILE|DIR",
        help="protocols of yours: a .plugin or .py file, or a directory of such, which are loaded "
        "in alphabetical order; may be repeated",
    )
    reading.add_argument(
        "--disable",
        type=_words,
        default=[],
        metavar="PROTO,…",
        help="protocols neither to recognise nor to parse",
    )
    reading.add_argument(
        "--classify-packets",
        type=number(1, 255),
        metavar="N",
        help="packets with payload after which an unknown session stays unknown",
    )
    reading.add_argument(
        "--classify-bytes",
        type=number(0, 2**40),
        metavar="N",
        help="octets kept of a session while it is not sure what it is",
    )
    return reading


def configure_sessions(parser: ArgumentParser) -> None:
    """Adds what a session is."""
    sessions = parser.add_argument_group("sessions")
    sessions.add_argument(
        "--timeout",
        type=_timeout,
        action="append",
        default=[],
        metavar="CLASS=SECONDS",
        help=f"silence that ends a session, by class ({', '.join(TIMEOUTS)}); may be repeated",
    )
    sessions.add_argument(
        "--ignore-vlan",
        dest="key_vlan",
        action="store_false",
        help="the same ends in two VLANs are one session",
    )
    sessions.add_argument(
        "--key-tunnel",
        action="store_true",
        help="the same ends in tunnels of different identifiers are different sessions",
    )
    sessions.add_argument(
        "--max-sessions", type=number(1, 2**40), metavar="N", help="most sessions at a time"
    )
    sessions.add_argument(
        "--table-full",
        choices=["evict-oldest", "refuse"],
        help="what happens to a new session when there are as many",
    )
    sessions.add_argument(
        "--max-held-bytes",
        type=number(0, 2**50),
        metavar="N",
        help="octets held for unfinished messages and early segments",
    )
    sessions.add_argument(
        "--seed",
        type=number(0, 2**64 - 1),
        metavar="N",
        help="seed of the session hash; 0: random",
    )


def settings_of(arguments: Namespace, report: Report, form: str, plugins: Plugins) -> EngineConfig:
    """The engine's configuration."""
    reports: tuple[Report, ...] = (report,)
    if report == "summary" and form == "table" and arguments.fields is None:
        reports = ("summary", "protocol", "app", "host")
    root, offset = arguments.root
    settings = EngineConfig(
        threads=arguments.threads,
        files=tuple(arguments.files),
        follow=arguments.follow,
        bpf=arguments.bpf,
        root=root,
        root_offset=offset,
        reports=reports,
        # Of events that are read, only those are made that were asked for.
        events=tuple(arguments.events) or events_of(plugins.handlers),
        filter=arguments.where,
        risks=bool(arguments.risks or {"risks", "risk_severity"} & {*(arguments.fields or ())}),
        risk_files=risk_files(filter(None, arguments.risks)),
        applications=application_files(arguments.apps),
        disabled_protocols=tuple(arguments.disable),
        plugins=plugins.descriptions,
        timeouts=replace(Timeouts(), **dict(arguments.timeout)),
        key_vlan=arguments.key_vlan,
        key_tunnel=arguments.key_tunnel,
    )
    # What is not said keeps the engine's default.
    names = ("max_sessions", "table_full", "max_held_bytes", "classify_packets", "classify_bytes")
    said = {name: getattr(arguments, name) for name in (*names, "seed")}
    return replace(settings, **{name: value for name, value in said.items() if value is not None})
