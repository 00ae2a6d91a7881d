"""A reading's summary on one screen."""

import io
import re
import shutil
from collections.abc import Mapping, Sequence
from typing import IO

from nf.cli.show.columns import sums_columns, volume
from nf.cli.show.table import Row, Table
from nf.cli.show.terminal import Style, safe, width_of
from nf.cli.show.units import clock, count, day, duration, octets, rate
from nf.records import Stats

__all__ = ["MOST_ROWS", "draw"]

MOST_ROWS = 64
"""Rows of each kind that are looked at: no screen shows more."""
SIDE_BY_SIDE = 100
"""From this width on, applications and hosts stand beside each other."""
FIXED_LINES = 10
FEWEST_LINES = 24
DOT = " · "
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def draw(
    out: IO[str], style: Style, names: Sequence[str], stats: Stats, sums: Mapping[str, list[Row]]
) -> None:
    """Draws what was in a capture.

    Args:
        out: Where to.
        style: How.
        names: The files.
        stats: The counters.
        sums: Rows of the reports protocol, app and host, the largest first.
    """
    protocols, apps, hosts = sums["protocol"], sums["app"], sums["host"]
    whole = volume("protocol", protocols)
    for line in (_files(names), *_traffic(stats, protocols), *_remarks(style, stats)):
        out.write(line + "\n")
    room = max(shutil.get_terminal_size((80, 48)).lines, FEWEST_LINES) - FIXED_LINES
    anomalies = sorted(stats.anomalies.items(), key=lambda item: (-item[1], item[0]))
    room -= min(len(anomalies), 4) + 2 if anomalies else 0
    tall = max(room * 3 // 5, 6)
    _section(out, style, "Protocols", _sums("protocol", _largest(protocols, tall), whole, style))
    room -= min(len(protocols), tall)
    if style.width >= SIDE_BY_SIDE:
        half = Style(width=(style.width - 4) // 2, colours=style.colours)
        left = _panel(half, "Applications", "app", apps[: max(room, 4)], whole)
        right = _panel(half, "Hosts", "host", hosts[: max(room, 4)], whole)
        out.write("\n")
        for a, b in _side_by_side(left, right, half.width):
            out.write(f"{a}    {b}".rstrip() + "\n")
    else:
        few = max(room // 2, 3)
        _section(out, style, "Applications", _sums("app", apps[:few], whole, style))
        _section(out, style, "Hosts", _sums("host", hosts[:few], whole, style))
    if anomalies:
        shown = anomalies[:4]
        lines = [f"{style.paint(f'{n:>9,}', 'yellow')}  {safe(name)}" for name, n in shown]
        if len(anomalies) > len(shown):
            lines.append(f"{'':>9}  and {len(anomalies) - len(shown)} other kinds (--stats)")
        _section(out, style, "Anomalies", lines)


def _files(names: Sequence[str]) -> str:
    shown = ["standard input" if name == "-" else safe(name) for name in names]
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return ", ".join(shown[:3]) + more


def _traffic(stats: Stats, protocols: list[Row]) -> list[str]:
    account = stats.account
    counted = [f"{count(account.packets)} packets", octets(account.bytes)]
    sessions = f"{count(account.sessions)} sessions"
    if account.non_session:
        sessions += f" and {count(account.non_session)} packets outside them"
    counted.append(sessions)
    roots = [row for row in protocols if row["depth"] == 1]
    if not roots:
        return [DOT.join(counted)]
    start, end = min(row["start"] for row in roots), max(row["end"] for row in roots)
    seconds = end - start
    span = [f"{day(start)} {clock(start)} to {clock(end, day(start))} UTC", duration(seconds)]
    if seconds > 0:
        span.append(rate(account.packets / seconds, "packets/s"))
        span.append(rate(8 * account.bytes / seconds, "b/s"))
    return [DOT.join(counted), DOT.join(span)]


def _remarks(style: Style, stats: Stats) -> list[str]:
    """What a reader must know before trusting the rest."""
    account = stats.account
    lost = account.kernel_drops + account.dispatch_drops
    remarks = [
        f"{count(number)} packets {what}"
        for number, what in (
            (lost, "lost"),
            (account.decode_errors, "not understood"),
            (account.filtered, "left out by --bpf"),
            (account.light_only, "only counted"),
            (account.truncated, "cut short when recorded"),
        )
        if number
    ]
    lines = [style.paint(DOT.join(remarks), "yellow")] if remarks else []
    if stats.ended_early:
        lines.append(style.paint(safe(stats.ended_early), "red"))
    return lines


def _largest(rows: list[Row], most: int) -> list[Row]:
    """The rows of most octets in the order of the tree: a path is never larger than its parent."""
    if len(rows) <= most:
        return rows
    order = sorted(range(len(rows)), key=lambda n: (-rows[n]["bytes"], n))
    return [rows[n] for n in sorted(order[:most])]


def _sums(kind: str, rows: list[Row], whole: int, style: Style) -> list[str]:
    text = io.StringIO()
    Table(sums_columns(kind, rows, whole), style, text).add(rows)
    return text.getvalue().splitlines()


def _panel(style: Style, title: str, kind: str, rows: list[Row], whole: int) -> list[str]:
    return [style.paint(title, "bold"), *_sums(kind, rows, whole, style)] if rows else []


def _section(out: IO[str], style: Style, title: str, lines: list[str]) -> None:
    if lines:
        out.write("\n" + style.paint(title, "bold") + "\n")
        out.writelines(line + "\n" for line in lines)


def _side_by_side(left: list[str], right: list[str], width: int) -> list[tuple[str, str]]:
    rows = max(len(left), len(right))
    left = left + [""] * (rows - len(left))
    right = right + [""] * (rows - len(right))
    return [
        (line + " " * (width - _shown(line)), other)
        for line, other in zip(left, right, strict=True)
    ]


def _shown(line: str) -> int:
    return width_of(ESCAPES.sub("", line))
