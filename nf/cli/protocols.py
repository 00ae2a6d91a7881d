"""`nf protocols`: what the engine knows of protocols."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import asdict

from nf.catalog import protocols
from nf.cli import exits
from nf.cli.complaint import nearest, tell_of
from nf.cli.listing import add_format, print_json, print_table
from nf.cli.show.terminal import style_for
from nf.errors import ConfigurationError
from nf.plugins.loading import load_plugins
from nf.records import Protocol

__all__ = ["configure", "run"]

DESCRIPTION = """\
Lists the protocols, or with a NAME the attributes and anomalies of one.

Told by says how: header, dpi and plugin are read, pattern and port are only recognised, name is
not.
"""
EXAMPLES = """\
examples:
  nf protocols
  nf protocols http
  nf protocols tls -o json
"""


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("name", nargs="?", metavar="NAME", help="name or alias of a protocol")
    parser.add_argument(
        "--plugin",
        action="append",
        dest="plugins",
        default=[],
        metavar="FILE|DIR",
        help="with the protocols of a plugin; may be repeated",
    )
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Prints the list, or one protocol."""
    plugins = load_plugins(*arguments.plugins)
    tell_of(plugins)
    known = protocols(plugins.descriptions)
    if arguments.name is not None:
        return _one(_find(arguments.name, known), arguments.format)
    if arguments.format == "json":
        names = ("id", "name", "aliases", "title", "spec", "parser", "told")
        return print_json([{name: getattr(one, name) for name in names} for one in known])
    rows = [
        {"id": one.id, "name": one.name, "told": one.told, "title": one.title}
        for one in sorted(known, key=lambda one: one.name)
    ]
    print_table(rows, "id", "name", "told", last="title")
    return exits.OK


def _find(name: str, protocols: Iterable[Protocol]) -> Protocol:
    for protocol in protocols:
        if name == protocol.name or name in protocol.aliases:
            return protocol
    known = [name for one in protocols for name in (one.name, *one.aliases)]
    hint = nearest(name, known, "nf protocols lists them")
    raise ConfigurationError(f"no protocol {name!r}", "NAME", hint)


def _one(protocol: Protocol, form: str) -> int:
    if form == "json":
        return print_json(asdict(protocol))
    paint = style_for(sys.stdout).paint
    print(f"{paint(protocol.name, 'bold')}  {protocol.title}")
    print(f"{'id':<10}{protocol.id}")
    if protocol.aliases:
        print(f"{'aliases':<10}{' '.join(protocol.aliases)}")
    print(f"{'standard':<10}{protocol.spec}")
    print(f"{'parser':<10}{'yes' if protocol.parser else 'no'}")
    print(f"{'told by':<10}{protocol.told}")
    if not protocol.attributes:
        return exits.OK
    rows = [
        {
            "id": one.id,
            "attribute": f"{protocol.name}.{one.name}",
            "type": one.type,
            "scope": one.scope,
            "source": one.source,
            "meaning": one.doc + (f" Also {', '.join(one.aliases)}." if one.aliases else ""),
        }
        for one in protocol.attributes
    ]
    print()
    print_table(rows, "id", "attribute", "type", "scope", "source", last="meaning")
    if protocol.anomalies:
        print()
        anomalies = [{"anomaly": name, "meaning": doc} for name, doc in protocol.anomalies.items()]
        print_table(anomalies, "anomaly", last="meaning")
    return exits.OK
