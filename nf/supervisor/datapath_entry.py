"""Where nf-datapath begins: brings the engine's process, its outputs and its plugins together.

    python -m nf.supervisor.datapath_entry --run-dir DIR

The datapath knows no output and no plugin language; this file is where they meet.
"""

import asyncio
import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nf.catalog import application_files, risk_files
from nf.datapath.config import EngineConfig
from nf.datapath.process import DatapathProcess
from nf.datapath.settings import Settings
from nf.errors import NfError
from nf.outputs.fanout import Fanout
from nf.plugins.loading import load_plugins
from nf.process.lifetime import end_with_parent, take_name
from nf.process.logs import parse_levels, set_up
from nf.process.notify import Notifier
from nf.process.places import Places

__all__ = ["complete", "main"]

NAME = "nf-datapath"


def complete(settings: Settings) -> EngineConfig:
    """The engine's configuration, with what stands in the files that settings name.

    Raises:
        NfError: A file cannot be read, or what is in it is wrong.
    """
    plugins = load_plugins(*settings.plugin_paths)
    if plugins.refused:
        raise plugins.refused[0]
    return replace(
        settings.engine,
        applications=application_files(settings.application_files),
        risk_files=risk_files(settings.risk_files),
        plugins=plugins.descriptions,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the process; returns its exit code."""
    parser = ArgumentParser(prog=NAME)
    parser.add_argument("--state-dir", type=Path)
    parser.add_argument("--run-dir", type=Path)
    parser.add_argument("--ends-with-capture", action="store_true")
    parser.add_argument("--log-level", action="append", default=[])
    parser.add_argument("--log-format", choices=["logfmt", "json"])
    given = parser.parse_args(arguments)
    try:
        set_up(NAME, parse_levels(given.log_level), given.log_format)
        take_name(NAME)
        if parent := os.environ.pop("NF_PARENT", ""):
            end_with_parent(int(parent))
        places = Places.of(given.state_dir, given.run_dir)
        places.make()
        process = DatapathProcess(
            places,
            Notifier.from_environment(),
            complete,
            Fanout,
            ends_with_capture=given.ends_with_capture,
        )
        return asyncio.run(process.run())
    except NfError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
