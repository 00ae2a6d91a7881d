"""The outputs: one line each."""

from collections.abc import Callable
from typing import Any

from nf.datapath.settings import FileOutput, IpfixOutput, Settings, StdoutOutput, TelemetryOutput
from nf.outputs.base import Output
from nf.outputs.file import Files
from nf.outputs.ipfix import Ipfix
from nf.outputs.stdout import Stdout
from nf.outputs.telemetry import HandOver, Telemetry

__all__ = ["OUTPUTS", "Asked", "asked_of"]

Asked = FileOutput | IpfixOutput | StdoutOutput | TelemetryOutput

OUTPUTS: dict[str, Callable[[Any, HandOver], Output]] = {
    "file": lambda asked, _: Files(asked),
    "stdout": lambda asked, _: Stdout(asked),
    "ipfix": lambda asked, _: Ipfix(asked),
    "telemetry": Telemetry,
}
"""What is made of a setting, by its name; the second argument takes rows to management."""


def asked_of(settings: Settings) -> dict[str, Asked]:
    """The outputs that are asked for, with what is asked of them."""
    wanted = {name: getattr(settings, name) for name in OUTPUTS}
    return {name: asked for name, asked in wanted.items() if asked is not None}
