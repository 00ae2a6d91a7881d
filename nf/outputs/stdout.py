"""Rows to standard output, as JSON Lines."""

import os
import select
from typing import Any

from nf.datapath.settings import StdoutOutput
from nf.errors import ConfigurationError
from nf.outputs.base import Output, Rows

__all__ = ["Stdout"]

AT_ONCE = select.PIPE_BUF
"""A pipe that can be written to has room for so much: a longer write might wait for the reader."""
PATIENCE_MILLISECONDS = 250


class Stdout(Output):
    """Writes to a descriptor; a reader that does not read stalls nobody but this output."""

    def __init__(self, settings: StdoutOutput, descriptor: int = 1) -> None:
        super().__init__("stdout", settings)
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def state(self) -> dict[str, Any]:
        """See `Output`."""
        return {"connection": "standard output"}

    def check(self) -> None:
        """Looks whether the descriptor is open.

        Raises:
            ConfigurationError: It is not.
        """
        try:
            os.fstat(self._descriptor)
        except OSError as error:
            raise ConfigurationError(
                "standard output is closed",
                "stdout",
                "start nf with one, or turn this output off",
            ) from error

    def write(self, kind: str, octets: memoryview) -> int:
        """See `Output`; takes nothing while the reader does not read."""
        del kind
        if not self._poll.poll(PATIENCE_MILLISECONDS):
            return 0
        return os.write(self._descriptor, octets[:AT_ONCE])

    def written(self, rows: Rows) -> None:
        """Nothing is left to do."""

    def tend(self) -> None:
        """Nothing happens with time."""

    def close(self) -> None:
        """Standard output is the process's and stays open."""
