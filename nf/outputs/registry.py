"""The outputs: one line each."""

from collections.abc import Callable
from typing import Any

from nf.datapath.settings import FileOutput, IpfixOutput, Settings, StdoutOutput
from nf.outputs.base import Output
from nf.outputs.file import Files
from nf.outputs.ipfix import Ipfix
from nf.outputs.stdout import Stdout

__all__ = ["OUTPUTS", "Asked", "asked_of"]

Asked = FileOutput | IpfixOutput | StdoutOutput
OUTPUTS: dict[str, Callable[[Any], Output]] = {"file": Files, "stdout": Stdout, "ipfix": Ipfix}
"""What is made of a setting, by its name."""


def asked_of(settings: Settings) -> dict[str, Asked]:
    """The outputs that are asked for, with what is asked of them."""
    wanted = {name: getattr(settings, name) for name in OUTPUTS}
    return {name: asked for name, asked in wanted.items() if asked is not None}
