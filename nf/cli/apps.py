"""`nf apps`: the applications that sessions are recognised as."""

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from nf.catalog import applications
from nf.cli import exits
from nf.cli.complaint import nearest
from nf.cli.listing import add_format, print_json, print_table
from nf.cli.show.terminal import style_for
from nf.errors import ConfigurationError
from nf.records import Application

__all__ = ["configure", "run"]

DESCRIPTION = """\
Lists the applications, or with a NAME the names of the servers of one.

A session belongs to an application when the name of its server does: the name it asked for, the one
in a certificate, or one that led to the server's address. Some applications are told by other
things as well: a protocol of their own, a certificate's organisation, an ALPN value, addresses.
"""
EXAMPLES = """\
examples:
  nf apps
  nf apps youtube
  nf apps --apps ours.conf
"""


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("name", nargs="?", metavar="NAME", help="name or alias of an application")
    parser.add_argument(
        "--apps",
        action="append",
        default=[],
        metavar="FILE",
        help="extend the built-in applications; may be repeated",
    )
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Prints the list, or one application."""
    known = applications(arguments.apps)
    if arguments.name is not None:
        return _one(_find(arguments.name, known), arguments.format)
    if arguments.format == "json":
        return print_json([asdict(one) for one in known])
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "category": one.category,
            "servers": " ".join((*one.suffixes, *one.shared, *one.hosts)),
        }
        for one in sorted(known, key=lambda one: one.name)
    ]
    print_table(rows, "id", "name", "category", last="servers")
    return exits.OK


def _find(name: str, known: tuple[Application, ...]) -> Application:
    for one in known:
        if name == one.name or name in one.aliases:
            return one
    names = [name for one in known for name in (one.name, *one.aliases)]
    hint = nearest(name, names, "nf apps lists them")
    raise ConfigurationError(f"no application {name!r}", "NAME", hint)


def _one(app: Application, form: str) -> int:
    if form == "json":
        return print_json(asdict(app))
    print(f"{style_for(sys.stdout).paint(app.name, 'bold')}  {app.category}")
    print(f"{'id':<10}{app.id}")
    if app.aliases:
        print(f"{'aliases':<10}{' '.join(app.aliases)}")
    if app.ambiguous:
        print(f"{'weak':<10}its servers serve other applications too, so that a name says little")
    rows = [{"server": f"*.{name}, {name}"} for name in app.suffixes]
    rows += [{"server": f"*.{name}, shared with others"} for name in app.shared]
    rows += [{"server": name} for name in app.hosts]
    if rows:
        print()
        print_table(rows, last="server")
    if app.clues:
        print()
        print_table([{"by": key, "clue": text} for key, text in app.clues], "by", last="clue")
    return exits.OK
