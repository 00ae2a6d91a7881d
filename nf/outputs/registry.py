"""The outputs: one line each."""

from collections.abc import Callable
from typing import Any

from nf.datapath.settings import FileOutput, Settings, StdoutOutput
from nf.outputs.base import Output
from nf.outputs.file import Files
from nf.outputs.stdout import Stdout

__all__ = ["OUTPUTS", "asked_of"]

OUTPUTS: dict[str, Callable[[Any], Output]] = {"file": Files, "stdout": Stdout}
"""What is made of a setting, by its name."""


def asked_of(settings: Settings) -> dict[str, FileOutput | StdoutOutput]:
    """The outputs that are asked for, with what is asked of them."""
    wanted = {name: getattr(settings, name) for name in OUTPUTS}
    return {name: asked for name, asked in wanted.items() if asked is not None}
