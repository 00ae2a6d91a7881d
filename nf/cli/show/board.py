"""What goes on, on one screen that is drawn over and over."""

import io
import shutil
import time
from dataclasses import replace
from typing import IO, Any

from nf.cli.show.columns import TABLE_FIELDS, columns_for, sums_columns, volume
from nf.cli.show.table import Row, Table
from nf.cli.show.terminal import Style, cut, safe
from nf.cli.show.units import count, octets, rate
from nf.reading import Reading
from nf.records import Stats

__all__ = ["Board"]

HOME = "\x1b[H"
CLEAR_LINE = "\x1b[K"
CLEAR_BELOW = "\x1b[J"
WHOLE = "\x1b[2J"
FEWEST_LINES = 16
PROTOCOLS = 8
"""Lines that protocols may take."""


class Board:
    """Draws sources, rates, protocols and the largest sessions in place."""

    def __init__(self, out: IO[str], where: str = "") -> None:
        """Starts a board that shows the sessions which meet a filter."""
        self._out = out
        self._where = where
        self._begun = time.monotonic()
        self._before: tuple[float, int, int] | None = None

    def draw(self, reading: Reading[Any], style: Style) -> None:
        """Draws how things are now.

        Raises:
            ConfigurationError: The filter asks for transactions.
        """
        height = max(shutil.get_terminal_size((80, 24)).lines, FEWEST_LINES)
        stats = reading.counted()
        lines = [*self._head(stats, style), *_sources(reading.sources(), style), ""]
        protocols = reading.sums("protocol").to_dicts()
        lines += _table("protocol", _leaves(protocols)[:PROTOCOLS], style, protocols)
        lines.append("")
        room = max(height - len(lines) - 2, 3)
        sessions = reading.active(room, "bytes", self._where)
        rows = sessions.to_dicts(TABLE_FIELDS["session"])
        if rows:
            columns = columns_for("session", sessions.columns(None), chosen=False, first=rows[0])
            text = io.StringIO()
            Table(columns, style, text).add(rows)
            lines += text.getvalue().splitlines()
        else:
            lines.append("no session goes on")
        start = WHOLE + HOME if self._before is None else HOME
        ends = f"{CLEAR_LINE}\n"
        self._out.write(start + "".join(line + ends for line in lines[: height - 1]) + CLEAR_BELOW)
        self._out.flush()
        self._before = (time.monotonic(), stats.account.packets, stats.account.bytes)

    def close(self) -> None:
        """Leaves what was drawn last."""
        self._out.flush()

    def _head(self, stats: Stats, style: Style) -> list[str]:
        now, account = time.monotonic(), stats.account
        then, packets, volume_before = self._before or (self._begun, 0, 0)
        seconds = max(now - then, 1e-3)
        alive = sum(worker.get("alive", 0) for worker in stats.workers)
        first = " · ".join(
            (
                f"{count(account.packets)} packets",
                rate((account.packets - packets) / seconds, "packets/s"),
                rate(8 * (account.bytes - volume_before) / seconds, "b/s"),
                f"{count(alive)} sessions go on",
                f"{count(account.sessions)} ended",
            )
        )
        parts = [f"{count(account.kernel_drops)} dropped by the kernel"]
        if account.filtered:
            parts.append(f"{count(account.filtered)} filtered")
        if account.decode_errors:
            parts.append(f"{count(account.decode_errors)} not understood")
        second = cut(" · ".join(parts), style.width)
        if account.kernel_drops:
            second = style.paint(second, "red")
        return [style.paint(cut(first, style.width), "bold"), second]


def _sources(sources: list[dict[str, Any]], style: Style) -> list[str]:
    """A line for each interface."""
    lines = []
    for one in sources:
        text = f"{one['name']}: {one['state']} · {count(one['packets'])} packets"
        text += f" · {octets(one['bytes'])}"
        if one["kernel_drops"]:
            text += f" · {count(one['kernel_drops'])} dropped"
        if one["trouble"]:
            text += f" · {one['trouble']}"
        text = cut(safe(text), style.width)
        good = one["state"] == "capturing"
        lines.append(text if good else style.paint(text, "yellow"))
    return lines


def _leaves(protocols: list[Row]) -> list[Row]:
    """Paths that no longer path goes on from with all of their traffic, the largest first."""
    paths = {row["path"]: row["bytes"] for row in protocols}
    inner = set()
    for path, volume_of in paths.items():
        parent = path.rpartition(".")[0]
        if paths.get(parent) == volume_of:
            inner.add(parent)
    leaves = [row for row in protocols if row["path"] not in inner]
    return sorted(leaves, key=lambda row: (-int(row["bytes"]), str(row["path"])))


def _table(kind: str, rows: list[Row], style: Style, all_rows: list[Row]) -> list[str]:
    if not rows:
        return []
    text = io.StringIO()
    flat = [{**row, "depth": 1} for row in rows]
    narrow = replace(style, width=min(style.width, 100))
    Table(sums_columns(kind, flat, volume(kind, all_rows)), narrow, text).add(flat)
    return text.getvalue().splitlines()
