"""`nf read`: captures in, rows out."""

import signal
import sys
from argparse import (
    Action,
    ArgumentError,
    ArgumentParser,
    ArgumentTypeError,
    Namespace,
)
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields as fields_of
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import IO, Any

from nf.catalog import application_files
from nf.cli import exits
from nf.cli.complaint import nearest
from nf.cli.show import account
from nf.cli.show.progress import Progress
from nf.cli.show.terminal import is_terminal, safe, style_for
from nf.cli.writers import FORMATS, Order, Writer
from nf.datapath.config import EngineConfig, Event, Report, Timeouts
from nf.errors import ConfigurationError
from nf.reading import REPORTS, Reading, default_threads
from nf.records import Stats, Summary

__all__ = ["configure", "run"]

PATIENCE_SECONDS = 0.1
"""How long reading may go on before the progress bar moves and Ctrl-C is heard."""
SCALES = {"k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".arrow": "arrow", ".parquet": "parquet"}
TIMEOUTS = tuple(field.name for field in fields_of(Timeouts))
OPTIONS = {
    "filter": "--where",
    "bpf": "--bpf",
    "fields": "--fields",
    "root": "--root",
    "timeouts": "--timeout",
    "events": "--event",
    "disabled_protocols": "--disable",
    "applications": "--apps",
}
"""Where a setting comes from on the command line."""

DESCRIPTION = "Reads captures and prints what was in them, one row per session unless told otherwise."
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


def _number(least: int, most: int) -> Any:
    def number(text: str) -> int:
        digits = text.strip().lower().removesuffix("b")
        letters = digits.lstrip("0123456789_")
        scale = SCALES.get(letters, 0) if letters else 1
        count = digits.removesuffix(letters).replace("_", "")
        if not scale or not count.isdecimal():
            raise ArgumentTypeError(f"{text!r} is no number; K, M, G and Ki, Mi, Gi may follow one")
        if not least <= (value := int(count) * scale) <= most:
            raise ArgumentTypeError(f"{text} is not within {least} to {most}")
        return value

    return number


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
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="capture (pcap or pcapng, also .gz and .zst), 'pattern*.pcap', or - for standard "
        "input; several are read as one, in the order of time",
    )
    _configure_rows(parser)
    _configure_output(parser)
    _configure_reading(parser)
    _configure_sessions(parser)


def _configure_rows(parser: ArgumentParser) -> None:
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


def _configure_output(parser: ArgumentParser) -> None:
    output = parser.add_argument_group("output")
    output.add_argument(
        "-o",
        dest="format",
        choices=list(FORMATS),
        help="format; default: that of --output's suffix, else table on a terminal, else jsonl",
    )
    output.add_argument("--output", metavar="PATH", help="write there, not to standard output")
    output.add_argument("--fields", type=_words, metavar="A,B,…", help="these fields, in this order")
    output.add_argument(
        "--stats",
        choices=["text", "json"],
        metavar="json",
        help="print all counters on standard error at the end; --stats=json as one line of JSON",
    )
    output.add_argument("--no-progress", action="store_true", help="no progress bar")


def _configure_reading(parser: ArgumentParser) -> None:
    reading = parser.add_argument_group("reading")
    reading.add_argument(
        "--threads",
        type=_number(0, 256),
        metavar="N",
        help="worker threads; 0 runs everything in one; any number gives the same rows "
        "(here: %(default)s)",
        default=default_threads(),
    )
    reading.add_argument("--bpf", default="", metavar="FILTER", help="packet filter, see pcap-filter(7)")
    reading.add_argument("--follow", action="store_true", help="go on as files grow, until Ctrl-C")
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
        "--disable",
        type=_words,
        default=[],
        metavar="PROTO,…",
        help="protocols neither to recognise nor to parse",
    )
    reading.add_argument(
        "--classify-packets",
        type=_number(1, 255),
        metavar="N",
        help="packets with payload after which an unknown session stays unknown",
    )
    reading.add_argument(
        "--classify-bytes",
        type=_number(0, 2**40),
        metavar="N",
        help="octets kept of a session while it is not sure what it is",
    )


def _configure_sessions(parser: ArgumentParser) -> None:
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
        "--max-sessions", type=_number(1, 2**40), metavar="N", help="most sessions at a time"
    )
    sessions.add_argument(
        "--table-full",
        choices=["evict-oldest", "refuse"],
        help="what happens to a new session when there are as many",
    )
    sessions.add_argument(
        "--max-held-bytes",
        type=_number(0, 2**50),
        metavar="N",
        help="octets held for unfinished messages and early segments",
    )
    sessions.add_argument(
        "--seed", type=_number(0, 2**64 - 1), metavar="N", help="seed of the session hash; 0: random"
    )


def settings_of(arguments: Namespace, report: Report, form: str) -> EngineConfig:
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
        events=tuple(arguments.events),
        filter=arguments.where,
        applications=application_files(arguments.apps),
        disabled_protocols=tuple(arguments.disable),
        timeouts=replace(Timeouts(), **dict(arguments.timeout)),
        key_vlan=arguments.key_vlan,
        key_tunnel=arguments.key_tunnel,
    )
    # What is not said keeps the engine's default.
    names = ("max_sessions", "table_full", "max_held_bytes", "classify_packets", "classify_bytes")
    said = {name: getattr(arguments, name) for name in (*names, "seed")}
    return replace(settings, **{name: value for name, value in said.items() if value is not None})


def run(arguments: Namespace) -> int:
    """Reads and writes; the exit code tells whether a capture ended early."""
    report: Report = arguments.report or ("event" if arguments.events else "session")
    form = format_of(arguments)
    try:
        _check(arguments, report, form)
        reading = Reading(settings_of(arguments, report, form))
        with reading, ExitStack() as stack:
            empty = None if report == "summary" else reading.empty(report)
            if empty is not None:
                empty.columns(arguments.fields)
            writer = _open(arguments, report, form, empty, stack)
            return _pump(arguments, reading, writer)
    except ConfigurationError as error:
        raise _on_command_line(error, report) from error


def format_of(arguments: Namespace) -> str:
    """The output format: as asked for, else by where the output goes."""
    if arguments.format:
        return str(arguments.format)
    if arguments.output:
        return SUFFIXES.get(Path(arguments.output).suffix.lower(), "jsonl")
    return "table" if is_terminal(sys.stdout) else "jsonl"


def _check(arguments: Namespace, report: Report, form: str) -> None:
    """Refuses what contradicts itself, before anything is opened."""
    if report == "event" and not arguments.events:
        raise ConfigurationError(
            "no event to report", "--report event", "--event PROTO.ATTR, for example http.method"
        )
    if report != "event" and arguments.events:
        raise ConfigurationError(
            "events are reported by --report event only", f"--report {report}", "leave --report out"
        )
    if FORMATS[form].binary and not arguments.output and is_terminal(sys.stdout):
        raise ConfigurationError(
            f"{form} is not for a terminal", f"-o {form}", "--output PATH, or a pipe"
        )
    if report == "summary" and arguments.fields:
        known = [field.name for field in fields_of(Summary)]
        for name in arguments.fields:
            if name not in known:
                raise ConfigurationError(
                    f"a summary has no field {name!r}", "--fields", "one of " + ", ".join(known)
                )


def _open(
    arguments: Namespace, report: Report, form: str, empty: Any, stack: ExitStack
) -> Writer:
    """The writer, on a file or on standard output; closed with the stack."""
    out: IO[bytes] = sys.stdout.buffer
    text: IO[str] = sys.stdout
    if arguments.output:
        out = stack.enter_context(Path(arguments.output).open("wb"))
        text = open(out.fileno(), "w", encoding="utf-8", closefd=False)  # noqa: SIM115, PTH123
        stack.callback(text.close)
    elif form == "table":
        # A name in a packet may have letters that the terminal's encoding lacks.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    order = Order(
        out=out,
        text=text,
        style=style_for(text),
        files=arguments.files,
        kind=report,
        fields=arguments.fields,
        empty=empty,
    )
    writer = FORMATS[form](order)
    stack.callback(writer.close)
    return writer


def _pump(arguments: Namespace, reading: Reading[Any], writer: Writer) -> int:
    """Carries batches from the reading to the writer."""
    progress = Progress(sys.stderr)
    with interruptible(reading) as interrupted:
        try:
            for batches in reading.polls(PATIENCE_SECONDS):
                if batches:
                    progress.clear()
                for batch in batches:
                    writer.rows(batch)
                if batches:
                    writer.pause()
                if not arguments.no_progress:
                    progress.show(*reading.progress())
        finally:
            progress.clear()
        stats = reading.stats
        writer.end(stats)
    if arguments.stats:
        _print_stats(stats, arguments.stats)
    if interrupted:
        return exits.INTERRUPTED
    if stats.ended_early is not None:
        lines = ("nf: " + safe(stats.ended_early), "  at: the end of what could be read")
        print(*lines, "  try: rows until there were printed; record it again", sep="\n", file=sys.stderr)
        return exits.PARTIAL
    return exits.OK


def _print_stats(stats: Stats, form: str) -> None:
    if form == "json":
        print(account.as_json(stats), file=sys.stderr)
    else:
        account.write(stats, sys.stderr)


@contextmanager
def interruptible(reading: Reading[Any]) -> Iterator[list[bool]]:
    """Makes the first Ctrl-C end the reading, so that what is there is printed; the next one kills.

    Yields a list that is empty until that happened.
    """
    interrupted: list[bool] = []

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        if interrupted:
            raise KeyboardInterrupt
        interrupted.append(True)
        reading.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _on_command_line(error: ConfigurationError, report: Report) -> ConfigurationError:
    """The same error with the option in place of the setting, and with what was perhaps meant."""
    setting = error.place.split("[")[0].split(".")[0]
    place = OPTIONS.get(setting, error.place)
    if place == error.place:
        return error
    hint = error.hint
    if setting == "fields":
        hint = _nearest_field(error.what, report, hint)
    return ConfigurationError(error.what, place, hint)


def _nearest_field(what: str, report: Report, otherwise: str) -> str:
    if report not in {"session", "transaction", "event"}:
        return otherwise
    from nf.catalog import filter_words, session_fields  # noqa: PLC0415

    known = [field.name for field in session_fields()]
    if report == "transaction":
        known += [word.name for word in filter_words() if "." in word.name]
    unknown = what.split('"')[1] if '"' in what else ""
    return nearest(unknown, known, otherwise)

