"""The RPCs and actions of our model: who carries them out."""

from collections.abc import Callable
from typing import Any

from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import Session

__all__ = ["Operations", "Run"]

Run = Callable[[Session, str, dict[str, Any]], dict[str, Any]]
"""Gets the session, the data path of the node that an action belongs to (empty for an RPC) and the
input, gives the output; input and output as RFC 7951 objects,
the names at their top without module. Raises RpcErrors."""


class Operations:
    """Registry by schema path (`/nf-probe:clear-counters`)."""

    def __init__(self) -> None:
        self._run: dict[str, Run] = {}

    def register(self, path: str, run: Run) -> None:
        """Adds who carries an operation out.

        Raises:
            ValueError: Somebody does so already.
        """
        if path in self._run:
            raise ValueError(f"operation {path} is registered twice")
        self._run[path] = run

    def find(self, path: str) -> Run:
        """Who carries it out.

        Raises:
            RpcErrors: `operation-not-supported`.
        """
        if (run := self._run.get(path)) is None:
            raise RpcErrors.of(
                tag="operation-not-supported",
                message=f"this function does not carry out {path}",
                path=path,
            )
        return run

    def paths(self) -> list[str]:
        """Every operation that is carried out."""
        return sorted(self._run)
