"""Tables that fit their columns to the width of the terminal and go on as rows come."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Any

from nf.cli.show.terminal import Style, fitted, safe, width_of

__all__ = ["GAP", "Column", "Row", "Table", "layout"]

GAP = "  "

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: what stands in it, and how it gives way when there is little room.

    Attributes:
        heading: Its heading.
        cell: The text of a row's cell.
        draw: In place of that, what is drawn of a row in a given width; takes up to `most`.
        least: Narrowest useful width. Numbers are never cut: their columns have at least it.
        most: Widest useful width; 0 for no bound.
        right: Numbers stand at the right.
        middle: What does not fit is cut in the middle, because both ends tell something.
        rank: Where there is no room for all columns, those of the highest rank are left out; those
            of rank 0 never.
        colour: Colour of its cells.
    """

    heading: str
    cell: Callable[[Row], str] = lambda _: ""
    draw: Callable[[Row, int], str] | None = None
    least: int = 4
    most: int = 0
    right: bool = False
    middle: bool = False
    rank: int = 0
    colour: str = ""


def layout(columns: Sequence[Column], widths: Sequence[int], room: int) -> list[tuple[int, int]]:
    """Which columns are shown, by their places, and how wide.

    Args:
        columns: All columns.
        widths: What each would take at best.
        room: Width of the whole.
    """
    wanted = {n: max(width, 1) for n, width in enumerate(widths)}
    shown = list(wanted)

    def least(n: int) -> int:
        return wanted[n] if columns[n].right else min(columns[n].least, wanted[n])

    def total(width: Callable[[int], int]) -> int:
        return sum(map(width, shown)) + len(GAP) * (len(shown) - 1)

    while total(least) > room:
        out = max(shown, key=lambda n: (columns[n].rank, n))
        if columns[out].rank == 0:
            break
        shown.remove(out)
    granted = {n: least(n) for n in shown}
    spare = room - total(granted.__getitem__)
    # The columns that lack least are filled first, so that short ones are whole.
    hungry = sorted(shown, key=lambda n: wanted[n] - granted[n])
    for place, n in enumerate(hungry):
        share = max(spare, 0) // (len(hungry) - place)
        more = min(wanted[n] - granted[n], share)
        granted[n] += more
        spare -= more
    return [(n, granted[n]) for n in shown]


class Table:
    """A table on a stream. The first rows decide the widths; later ones are cut to them."""

    def __init__(
        self, columns: Sequence[Column], style: Style, out: IO[str], *, whole: bool = False
    ) -> None:
        """Starts a table; `whole` keeps columns in which nothing stands."""
        self._columns = columns
        self._whole = whole
        self._style = style
        self._out = out
        self._places: list[tuple[int, int]] | None = None

    def add(self, rows: Iterable[Row]) -> None:
        """Prints rows; below the headings, if they are the first."""
        rows = list(rows)
        if not rows:
            return
        lines = [[safe(column.cell(row)) for column in self._columns] for row in rows]
        if self._places is None:
            self._places = self._measure(lines)
            headings = [column.heading for column in self._columns]
            self._out.write(self._style.paint(self._line(headings, None), "bold") + "\n")
        self._out.writelines(
            self._line(line, row) + "\n" for line, row in zip(lines, rows, strict=True)
        )

    def _measure(self, lines: list[list[str]]) -> list[tuple[int, int]]:
        widths = []
        for n, column in enumerate(self._columns):
            width = max(width_of(column.heading), *(width_of(line[n]) for line in lines))
            if column.draw is not None:
                width = column.most
            elif column.right:
                width = max(width, column.least)
            widths.append(min(width, column.most) if column.most else width)
        # A column in which nothing stands takes no room.
        used = [
            n
            for n, column in enumerate(self._columns)
            if self._whole or column.draw is not None or any(line[n] for line in lines)
        ]
        columns = [self._columns[n] for n in used]
        places = layout(columns, [widths[n] for n in used], self._style.width)
        return [(used[n], width) for n, width in places]

    def _line(self, cells: Sequence[str], row: Row | None) -> str:
        """One line; that of the headings has no row."""
        parts = []
        for n, width in self._places or ():
            column = self._columns[n]
            text = cells[n]
            if column.draw is not None and row is not None:
                text = column.draw(row, width)
            text = fitted(text, width, right=column.right, middle=column.middle)
            paint = column.colour and row is not None
            parts.append(self._style.paint(text, column.colour) if paint else text)
        return GAP.join(parts).rstrip()
