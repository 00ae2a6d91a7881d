"""`nf version`."""

import platform
from argparse import ArgumentParser, Namespace

from nf._native.engine import version
from nf.cli import exits
from nf.cli.listing import add_format, print_json

__all__ = ["configure", "run"]

DESCRIPTION = "Prints the version; package and engine have the same."


def configure(parser: ArgumentParser) -> None:
    """Adds description and arguments."""
    parser.description = DESCRIPTION
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Prints it."""
    if arguments.format == "json":
        return print_json({"nf": version(), "python": platform.python_version()})
    print(f"nf {version()}")
    return exits.OK
