"""`nf risks`: what sessions are judged by."""

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from textwrap import fill

from nf.catalog import risks
from nf.cli import exits
from nf.cli.complaint import nearest
from nf.cli.listing import add_format, print_json, print_table
from nf.cli.show.terminal import style_for
from nf.errors import ConfigurationError
from nf.records import Risk

__all__ = ["configure", "run"]

DESCRIPTION = """\
Lists the risks, or with a NAME the rule of one.

A risk is something that a session shows by itself and that somebody should look at. None proves an
attack. `nf read --risks` says which each session shows. A file of rules of yours extends those of
nf, or replaces them by name: --file checks and lists it, `nf read --risks=FILE` judges by it.
"""
EXAMPLES = """\
examples:
  nf risks
  nf risks clear_text_credentials
  nf risks --file ours.conf
  nf read some.pcap --risks
  nf read some.pcap --risks=ours.conf
  nf read some.pcap --where 'risks == "obsolete_tls"'
"""


def configure(parser: ArgumentParser) -> None:
    """Adds description, arguments and examples."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("name", nargs="?", metavar="NAME", help="name of a risk")
    parser.add_argument(
        "--file",
        action="append",
        default=[],
        dest="risk_files",
        metavar="FILE",
        help="rules of yours; may be repeated",
    )
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Prints the list, or one risk."""
    known = risks(arguments.risk_files)
    if arguments.name is not None:
        return _one(_find(arguments.name, known), arguments.format)
    if arguments.format == "json":
        return print_json([asdict(one) for one in known])
    rows = [asdict(one) for one in sorted(known, key=lambda one: one.name)]
    print_table(rows, "name", "severity", last="title")
    return exits.OK


def _find(name: str, known: tuple[Risk, ...]) -> Risk:
    for one in known:
        if name == one.name:
            return one
    hint = nearest(name, [one.name for one in known], "nf risks lists them")
    raise ConfigurationError(f"no risk {name!r}", "NAME", hint)


def _one(risk: Risk, form: str) -> int:
    if form == "json":
        return print_json(asdict(risk))
    style = style_for(sys.stdout)
    print(f"{style.paint(risk.name, 'bold')}  {risk.severity}")
    print(risk.title)
    print()
    print(fill(risk.rule, style.width))
    if risk.when:
        print()
        print_table([{"condition": condition} for condition in risk.when], last="condition")
    return exits.OK
