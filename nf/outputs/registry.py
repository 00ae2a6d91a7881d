"""The outputs: one line each."""

from collections.abc import Callable

from nf.datapath import settings
from nf.outputs.base import Output
from nf.outputs.file import Files
from nf.outputs.stdout import Stdout

__all__ = ["OUTPUTS", "asked"]

OUTPUTS: dict[settings.Channel, Callable[[settings.Outputs], Output | None]] = {
    "file": lambda asked: Files(asked.file, asked.flush_seconds) if asked.file else None,
    "stdout": lambda asked: Stdout(asked.flush_seconds) if asked.stdout else None,
}
"""What makes an output, if the settings ask for it."""


def asked(channel: settings.Channel, outputs: settings.Outputs) -> object:
    """What is asked of an output: while this stays equal, the output can stay."""
    return getattr(outputs, channel), outputs.flush_seconds
