"""`nf read`: captures in, rows out."""

import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields as fields_of
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import IO, Any

from nf._native.engine import Batch
from nf.catalog import filter_words, protocols, session_fields
from nf.cli import exits
from nf.cli.complaint import nearest, tell_of
from nf.cli.read_options import configure, settings_of
from nf.cli.show import account
from nf.cli.show.progress import Progress
from nf.cli.show.terminal import is_terminal, safe, style_for
from nf.cli.writers import FORMATS, Order, Writer
from nf.datapath.config import Report
from nf.datapath.description import Description
from nf.errors import ConfigurationError
from nf.plugins.loading import load_plugins
from nf.reading import Reading
from nf.records import Stats, Summary

__all__ = [
    "check",
    "configure",
    "format_of",
    "interruptible",
    "on_command_line",
    "print_stats",
    "run",
    "writer_for",
]

PATIENCE_SECONDS = 0.1
"""How long reading may go on before the progress bar moves and Ctrl-C is heard."""
SUFFIXES = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".arrow": "arrow",
    ".parquet": "parquet",
    ".ipfix": "ipfix",
}
OPTIONS = {
    "filter": "--where",
    "bpf": "--bpf",
    "fields": "--fields",
    "root": "--root",
    "timeouts": "--timeout",
    "events": "--event",
    "disabled_protocols": "--disable",
    "applications": "--apps",
    "plugins": "--plugin",
    "risk_files": "--risks",
    "interfaces": "-i",
    "report_interval": "--interval",
}
"""Where a setting comes from on the command line."""


def run(arguments: Namespace) -> int:
    """Reads and writes; the exit code tells whether a capture ended early."""
    report: Report = arguments.report or ("event" if arguments.events else "session")
    form = format_of(arguments)
    try:
        check(arguments, report, form)
        plugins = load_plugins(*arguments.plugins)
        tell_of(plugins)
        settings = settings_of(arguments, report, form, plugins)
        reading: Reading[Any] = Reading(settings, plugins.handlers, plugins.classifier)
        with reading, ExitStack() as stack:
            empty = None if report == "summary" else reading.empty(report)
            if empty is not None:
                empty.columns(arguments.fields)
            writer = writer_for(arguments, report, form, empty, stack)
            return _pump(arguments, reading, writer)
    except ConfigurationError as error:
        raise on_command_line(error, report, arguments.plugins) from error


def format_of(arguments: Namespace) -> str:
    """The output format: as asked for, else by where the output goes."""
    if arguments.format:
        return str(arguments.format)
    if arguments.output:
        return SUFFIXES.get(Path(arguments.output).suffix.lower(), "jsonl")
    return "table" if is_terminal(sys.stdout) else "jsonl"


def check(arguments: Namespace, report: Report, form: str) -> None:
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
    # Before a file is begun that nothing could be written into.
    FORMATS[form].check(report, arguments.fields)
    if report == "summary" and arguments.fields:
        known = [field.name for field in fields_of(Summary)]
        for name in arguments.fields:
            if name not in known:
                raise ConfigurationError(
                    f"a summary has no field {name!r}", "--fields", "one of " + ", ".join(known)
                )


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Says of a failed write which file it was."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = path
        raise


def writer_for(
    arguments: Namespace, report: Report, form: str, empty: Batch | None, stack: ExitStack
) -> Writer:
    """The writer, on a file or on standard output; closed with the stack."""
    out: IO[bytes] = sys.stdout.buffer
    text: IO[str] = sys.stdout
    if arguments.output:
        stack.enter_context(_naming(arguments.output))
        out = stack.enter_context(Path(arguments.output).open("wb"))  # noqa: SIM115
        text = TextIOWrapper(out, encoding="utf-8", newline="")
        stack.callback(text.flush)
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
        print_stats(stats, arguments.stats)
    if interrupted:
        return exits.INTERRUPTED
    if stats.ended_early is not None:
        lines = ("nf: " + safe(stats.ended_early), "  at: the end of what could be read")
        print(
            *lines,
            "  try: rows until there were printed; record it again",
            sep="\n",
            file=sys.stderr,
        )
        return exits.PARTIAL
    return exits.OK


def print_stats(stats: Stats, form: str) -> None:
    """Prints all counters on standard error."""
    if form == "json":
        print(account.as_json(stats), file=sys.stderr)
    else:
        account.write(stats, sys.stderr)


@contextmanager
def interruptible(reading: Reading[Any], *more: signal.Signals) -> Iterator[list[bool]]:
    """Makes the first Ctrl-C end the reading, so that what is there is printed; the next one kills.

    So does every other signal that is named. Yields a list that is empty until that happened.
    """
    interrupted: list[bool] = []
    signals = (signal.SIGINT, *more)

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        if interrupted:
            raise KeyboardInterrupt
        interrupted.append(True)
        reading.stop()

    before = [signal.signal(one, stop) for one in signals]
    try:
        yield interrupted
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)


def on_command_line(
    error: ConfigurationError, report: Report, sources: list[str]
) -> ConfigurationError:
    """The same error with the option in place of the setting, and with what was perhaps meant."""
    setting = error.place.split("[")[0].split(".")[0]
    place = OPTIONS.get(setting, error.place)
    unknown = error.what.split('"')[1] if error.what.count('"') == 2 else ""
    hint = error.hint
    if unknown and setting in OPTIONS:
        plugins = load_plugins(*sources).descriptions
        hint = nearest(unknown, _known(setting, unknown, report, plugins), error.hint)
    return ConfigurationError(error.what, place, hint)


def _known(
    setting: str, unknown: str, report: Report, plugins: tuple[Description, ...]
) -> list[str]:
    """The names of which one was perhaps meant."""
    if setting == "fields" and report in {"session", "transaction", "event"}:
        known = [field.name for field in session_fields()]
        if report == "transaction":
            known += [word.name for word in filter_words(plugins) if "." in word.name]
        return known
    if setting in {"root", "disabled_protocols"} or (setting == "events" and "." not in unknown):
        return [protocol.name for protocol in protocols(plugins)]
    if setting == "events":
        return [
            f"{protocol.name}.{attribute.name}"
            for protocol in protocols(plugins)
            for attribute in protocol.attributes
        ]
    return []
