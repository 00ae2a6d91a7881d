"""What the nouns that list something share: the format, and the table or JSON it gives."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from nf.cli import exits
from nf.cli.show.table import Column, Row, Table
from nf.cli.show.terminal import style_for

__all__ = ["add_format", "print_json", "print_table"]


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


def print_table(rows: Sequence[Row], *columns: str, last: str) -> None:
    """Prints rows as a table.

    Args:
        rows: The rows.
        columns: Names of the columns that are short.
        last: Name of the last one, which gives way.
    """
    shown = [Column(heading=name, cell=_text(name), least=40) for name in columns]
    shown.append(Column(heading=last, cell=_text(last), least=10))
    Table(shown, style_for(sys.stdout), sys.stdout).add(rows)


def _text(name: str) -> Any:
    return lambda row: str(row[name])
