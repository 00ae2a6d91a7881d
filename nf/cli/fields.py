"""`nf fields`: the fields of sessions and the words of filters."""

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from nf.catalog import filter_words, session_fields
from nf.cli import exits
from nf.cli.listing import add_format, print_json, print_table
from nf.cli.show.terminal import style_for

__all__ = ["configure", "run"]

DESCRIPTION = """\
Lists the fields of sessions, for --fields and --where, and the other words that --where knows.

Words with a dot are fields of transactions: in a filter on sessions they mean that a transaction of
the session has such a value. `nf protocols NAME` tells their meaning.
"""
EXAMPLES = """\
examples:
  nf fields
  nf fields -o json
"""


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Prints both lists."""
    session, words = session_fields(), filter_words()
    if arguments.format == "json":
        return print_json(
            {
                "session": [asdict(one) for one in session],
                "filter": [{"name": one.name, "type": one.type} for one in words],
            }
        )
    paint = style_for(sys.stdout).paint
    print(paint("Fields of sessions, for --fields and --where", "bold"))
    rows = [{"field": one.name, "type": one.type, "meaning": one.doc} for one in session]
    print_table(rows, "field", "type", last="meaning")
    own = {one.name for one in session}
    others = [{"word": one.name, "type": one.type} for one in words if one.name not in own]
    print("\n" + paint("More words for --where", "bold"))
    print_table(others, "word", last="type")
    return exits.OK
