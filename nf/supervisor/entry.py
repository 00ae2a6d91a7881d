"""How a child of nf-monitor begins, whichever it is."""

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from nf.process.lifetime import end_with_parent, take_name
from nf.process.logs import parse_levels, set_up
from nf.process.places import Places

__all__ = ["begun", "parser_of"]


def parser_of(name: str) -> ArgumentParser:
    """The parser of the arguments that all children have."""
    parser = ArgumentParser(prog=name)
    parser.add_argument("--state-dir", type=Path)
    parser.add_argument("--run-dir", type=Path)
    parser.add_argument("--log-level", action="append", default=[])
    parser.add_argument("--log-format", choices=["logfmt", "json"])
    return parser


def begun(name: str, given: Namespace) -> Places:
    """Has this process log, have its name, and end with the monitor; where its things are.

    Raises:
        NfError: It cannot be.
    """
    set_up(name, parse_levels(given.log_level), given.log_format)
    take_name(name)
    if parent := os.environ.pop("NF_PARENT", ""):
        end_with_parent(int(parent))
    places = Places.of(given.state_dir, given.run_dir)
    places.make()
    return places
