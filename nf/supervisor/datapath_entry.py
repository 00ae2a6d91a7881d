"""Where nf-datapath begins: brings the engine's process, its outputs and its plugins together.

    python -m nf.supervisor.datapath_entry --run-dir DIR

The datapath knows no output and no plugin language; this file is where they meet.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from nf.catalog import application_files, risk_files, transaction_has
from nf.datapath.datapath import Completed
from nf.datapath.process import DatapathProcess
from nf.datapath.settings import Settings
from nf.errors import ConfigurationError, NfError
from nf.outputs.fanout import Fanout
from nf.plugins.calling import Caller, Overdue
from nf.plugins.live import Listeners, Shelf, notes_of
from nf.plugins.loading import Plugins
from nf.plugins.made import makers_of
from nf.process.notify import Notifier
from nf.supervisor.entry import begun, parser_of

__all__ = ["Completer", "main"]

NAME = "nf-datapath"
READ_SECONDS = 30.0
"""For the files of a setting: reading a pipe, or running a Python file, may have no end."""
Read = TypeVar("Read")


class Completer:
    """Reads the files that settings name: applications, and plugins with their functions."""

    def __init__(self) -> None:
        self._shelf = Shelf()
        self._reading = Caller("settings-files")
        self._last: tuple[Plugins, Listeners | None] = (Plugins(), None)

    def __call__(self, settings: Settings) -> Completed:
        """The engine's configuration, and who hears what it finds.

        Raises:
            NfError: A file cannot be read, or what is in it is wrong.
        """
        plugins = self._of("plugin_paths", self._shelf.load, settings.plugin_paths)
        if self._last[0] is not plugins:
            knows = partial(transaction_has, plugins.descriptions)
            # Those of plugins that stay go on, with what they have counted.
            self._last = plugins, Listeners(plugins, makers_of(knows)) or None
        listeners = self._last[1]
        config = replace(
            settings.engine,
            applications=self._of(
                "application_files", application_files, settings.application_files
            ),
            risk_files=self._of("risk_files", risk_files, settings.risk_files),
            plugins=plugins.descriptions,
        )
        own: frozenset[str] = frozenset()
        if listeners is not None:
            own = frozenset(one.event for one in listeners.events(config.events))
            config = listeners.completed(config)
        names = tuple(one.name for one in plugins.protocols)
        return Completed(config, listeners, own, names, notes_of(plugins))

    def _of(
        self, setting: str, read: Callable[[tuple[str, ...]], Read], paths: tuple[str, ...]
    ) -> Read:
        """What stands in the files of a setting; errors name the setting, and the file in words."""
        try:
            return self._reading.call(partial(read, paths), READ_SECONDS)
        except Overdue as error:
            what = f"{', '.join(paths)} cannot be read: {error}"
            hint = "name files, no pipes; plugins must not wait for anything when they are loaded"
            raise ConfigurationError(what, setting, hint) from error
        except NfError as error:
            what = f"{error.what}, at {error.place}"
            raise ConfigurationError(what, setting, error.hint) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the process; returns its exit code."""
    parser = parser_of(NAME)
    parser.add_argument("--ends-with-capture", action="store_true")
    given = parser.parse_args(arguments)
    try:
        places = begun(NAME, given)
        process = DatapathProcess(
            places,
            Notifier.from_environment(),
            Completer(),
            Fanout,
            ends_with_capture=given.ends_with_capture,
        )
        return asyncio.run(process.run())
    except NfError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
