"""The outputs: one line each."""

from collections.abc import Callable
from typing import Any

from nf.datapath.settings import Settings
from nf.outputs.base import Output
from nf.outputs.file import Files
from nf.outputs.stdout import Stdout

__all__ = ["OUTPUTS", "make"]

OUTPUTS: dict[str, Callable[[Any], Output]] = {"file": Files, "stdout": Stdout}
"""Field of the settings, and what it makes."""


def make(settings: Settings) -> dict[str, tuple[Any, Output]]:
    """The outputs that are asked for: by name, what was asked, and the output, checked.

    Raises:
        ConfigurationError: One cannot work here; its place is the setting.
    """
    wanted = {name: getattr(settings, name) for name in OUTPUTS}
    made = {name: (asked, OUTPUTS[name](asked)) for name, asked in wanted.items() if asked}
    for _, output in made.values():
        output.check()
    return made
