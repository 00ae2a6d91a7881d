"""What the nouns that list something share: the format, and the table or JSON it gives."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from nf.cli import exits
from nf.cli.show.table import GAP
from nf.cli.show.terminal import fitted, safe, style_for, width_of

__all__ = ["add_format", "print_json", "print_table"]

NARROWEST = 24
"""Fewest columns for the text that goes on in further lines."""


def add_format(parser: ArgumentParser) -> None:
    """Adds `-o`."""
    parser.add_argument(
        "-o", dest="format", choices=["table", "json"], default="table", help="default: table"
    )


def print_json(value: Any) -> int:
    """Prints one JSON document."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    print()
    return exits.OK


def print_table(rows: Sequence[Mapping[str, Any]], *columns: str, last: str) -> None:
    """Prints rows as a table.

    Args:
        rows: The rows.
        columns: Names of the columns that are never cut.
        last: Name of the last one, which goes on in further lines.
    """
    if not rows:
        return
    style = style_for(sys.stdout)
    table = [[safe(str(row[name])) for name in columns] for row in rows]
    widths = [max(map(width_of, column)) for column in zip(columns, *table, strict=True)]
    indent = sum(widths) + len(GAP) * len(widths)
    room = max(style.width - indent, NARROWEST)
    heads = [fitted(name, width) for name, width in zip(columns, widths, strict=True)]
    print(style.paint(GAP.join([*heads, last]), "bold"))
    for row, plain in zip(rows, table, strict=True):
        cells = [fitted(cell, width) for cell, width in zip(plain, widths, strict=True)]
        text = wrap(safe(str(row[last])), room, break_long_words=False, break_on_hyphens=False)
        first, *others = text or [""]
        print(GAP.join([*cells, first]).rstrip())
        for line in others:
            print(" " * indent + line)
