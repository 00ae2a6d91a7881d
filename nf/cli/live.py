"""`nf live`: network interfaces in, rows out, in one process."""

import signal
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from nf.cli import exits
from nf.cli.complaint import tell_of
from nf.cli.read import (
    check,
    format_of,
    interruptible,
    on_command_line,
    print_stats,
    writer_for,
)
from nf.cli.read_options import (
    configure_output,
    configure_reading,
    configure_rows,
    configure_sessions,
    number,
    settings_of,
)
from nf.cli.show.board import Board
from nf.cli.show.terminal import is_terminal, safe, style_for
from nf.cli.writers import Writer
from nf.datapath.config import EngineConfig, Interface, Report
from nf.errors import ConfigurationError
from nf.plugins.loading import Plugins, load_plugins
from nf.reading import Reading
from nf.records import Stats

__all__ = ["configure", "run"]

PATIENCE_SECONDS = 0.1
"""How long polling may take until a deadline is looked at."""
BOARD_SECONDS = 1.0
"""How often the board is drawn anew."""
USUAL = Interface("usual")

DESCRIPTION = (
    "Captures from network interfaces. On a terminal it shows what goes on, renewed every second; "
    "elsewhere, or with -o or --report, one row per session that ends."
)
EXAMPLES = """\
Ctrl-C, or SIGTERM, ends the capture: sessions that go on are reported, and the counters
balance. A second one ends at once, without.

examples:
  nf live -i eth0                                       what goes on, on a terminal
  nf live -i eth0 -i eth1 -o jsonl --where 'bytes > 1M' sessions that end, as JSON Lines
  nf live -i 'veth*' --report transaction               of every interface so named, now or later
  nf live -i any --bpf 'port 53' --duration 60          for a minute
  nf live -i eth0 --interval 10 -o jsonl                sessions that go on, too, every 10 s

exit codes:
  0 done, 1 failed, 2 wrong usage, 7 a filter or a name is wrong

Capturing takes CAP_NET_RAW (and CAP_NET_ADMIN for promiscuous mode), as root has.
"""


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no number of seconds") from None
    if not 0 < seconds <= 1e9:
        raise ArgumentTypeError(f"{text} is not within 0 to 1000000000 seconds")
    return seconds


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.usage = "nf live -i INTERFACE… [options]"
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.set_defaults(files=[], follow=False)
    capture = parser.add_argument_group("capture")
    capture.add_argument(
        "-i",
        "--interface",
        action="append",
        dest="interfaces",
        required=True,
        metavar="NAME",
        help="interface, pattern ('eth*'), or any; may be repeated",
    )
    capture.add_argument(
        "-w",
        dest="where_short",
        metavar="EXPR",
        help="the same as --where",
    )
    capture.add_argument("--duration", type=_seconds, metavar="SECONDS", help="end after so long")
    capture.add_argument(
        "--count", type=number(1, 2**63), metavar="N", help="end after so many rows"
    )
    capture.add_argument(
        "--interval",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="report sessions that go on every so many seconds, with their sums until then",
    )
    capture.add_argument(
        "--no-promiscuous",
        dest="promiscuous",
        action="store_false",
        help="only frames that are for this host, and what it sends",
    )
    capture.add_argument(
        "--snap-length",
        type=number(1, USUAL.snap_length),
        default=USUAL.snap_length,
        metavar="N",
        help="octets kept of a packet",
    )
    capture.add_argument(
        "--buffer",
        type=number(128 << 10, 4 << 30),
        default=USUAL.buffer_bytes,
        metavar="N",
        help="octets of the buffer of each interface, or socket",
    )
    capture.add_argument(
        "--source",
        choices=("af-packet", "libpcap"),
        default=USUAL.source,
        help="how packets come: Linux' packet sockets (af-packet), or libpcap",
    )
    capture.add_argument(
        "--sockets",
        type=number(1, 64),
        default=USUAL.sockets,
        metavar="N",
        help="packet sockets that share an interface by session, each with a buffer",
    )
    capture.add_argument(
        "--wait", action="store_true", help="wait for interfaces that are not there yet"
    )
    configure_rows(parser)
    configure_output(parser)
    configure_reading(parser)
    configure_sessions(parser)


def run(arguments: Namespace) -> int:
    """Captures and writes until it is told to stop."""
    if arguments.where_short is not None:
        arguments.where = arguments.where_short
    report: Report = arguments.report or ("event" if arguments.events else "session")
    on_board = not (
        arguments.report or arguments.events or arguments.format or arguments.output
    ) and is_terminal(sys.stdout)
    form = format_of(arguments)
    try:
        check(arguments, report, form)
        plugins = load_plugins(*arguments.plugins)
        tell_of(plugins)
        settings = _settings(arguments, report, form, plugins)
        if on_board:
            settings = replace(settings, reports=("protocol", "app"))
            with Reading[Any](settings, plugins.handlers, plugins.classifier) as reading:
                return _show(arguments, reading)
        reading = Reading[Any](settings, plugins.handlers, plugins.classifier)
        with reading, ExitStack() as stack:
            empty = None if report == "summary" else reading.empty(report)
            if empty is not None:
                empty.columns(arguments.fields)
            writer = writer_for(arguments, report, form, empty, stack)
            return _pump(arguments, reading, writer)
    except ConfigurationError as error:
        raise on_command_line(error, report, arguments.plugins) from error


def _settings(arguments: Namespace, report: Report, form: str, plugins: Plugins) -> EngineConfig:
    interfaces = tuple(
        Interface(
            name=name,
            source=arguments.source,
            sockets=arguments.sockets,
            promiscuous=arguments.promiscuous,
            snap_length=arguments.snap_length,
            buffer_bytes=arguments.buffer,
            wait=arguments.wait,
        )
        for name in arguments.interfaces
    )
    return replace(
        settings_of(arguments, report, form, plugins),
        interfaces=interfaces,
        report_interval=arguments.interval,
    )


def _deadline(arguments: Namespace) -> float:
    return time.monotonic() + (arguments.duration or float("inf"))


def _pump(arguments: Namespace, reading: Reading[Any], writer: Writer) -> int:
    """Carries batches to the writer until time, count or a signal ends the capture."""
    deadline = _deadline(arguments)
    left = arguments.count or sys.maxsize
    with interruptible(reading, signal.SIGTERM):
        for batches in reading.polls(PATIENCE_SECONDS):
            for batch in batches:
                writer.rows(batch)
                left -= len(batch)
            if batches:
                writer.pause()
            if left <= 0 or time.monotonic() >= deadline:
                reading.stop()
        stats = reading.stats
        writer.end(stats)
    if arguments.stats:
        print_stats(stats, arguments.stats)
    _tell_of_losses(stats)
    return exits.OK


def _show(arguments: Namespace, reading: Reading[Any]) -> int:
    """Shows what goes on until time or a signal ends the capture."""
    deadline = _deadline(arguments)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    board = Board(sys.stdout, arguments.where)
    drawn = float("-inf")
    with interruptible(reading, signal.SIGTERM) as interrupted:
        for _ in reading.polls(PATIENCE_SECONDS):
            now = time.monotonic()
            if now >= drawn + BOARD_SECONDS and not interrupted:
                drawn = now
                board.draw(reading, style_for(sys.stdout))
            if now >= deadline:
                reading.stop()
    stats = reading.stats
    board.close()
    if arguments.stats:
        print_stats(stats, arguments.stats)
    _tell_of_losses(stats)
    return exits.OK


def _tell_of_losses(stats: Stats) -> None:
    """What was dropped is not to be found among counters only."""
    drops, packets = stats.account.kernel_drops, stats.account.packets
    if drops:
        what = f"nf: {drops:,} of {packets:,} packets were dropped before they could be looked at"
        print(
            safe(what),
            "  at: the buffers of the kernel",
            "  try: --buffer 256Mi, a narrower --bpf, or more --threads",
            sep="\n",
            file=sys.stderr,
        )
