"""Configuration and state for subscriptions, read once for all who may see the same."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nf.mgmt.schema_nodes import SchemaTree

if TYPE_CHECKING:
    from nf._native.yang import Tree
    from nf.mgmt.core import Core
    from nf.mgmt.session import Session

__all__ = ["Reader", "Rights", "Snapshot", "rights_of"]

Rights = tuple[str, bool]
"""Whose reading looks the same: access control decides by user and recovery only."""


def rights_of(session: "Session") -> Rights:
    """What a session sees, as a key."""
    return session.user, session.recovery


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Data as they were at one moment.

    Attributes:
        timestamp: Nanoseconds since 1970.
        tree: Has at least what was asked for; never modified, and kept no longer than needed.
    """

    timestamp: int
    tree: "Tree"


class Reader:
    """Reads the operational datastore: configuration in use, and state.

    Attributes:
        schema: Of the data.
    """

    def __init__(self, core: "Core", schema: SchemaTree, *, state: bool = True) -> None:
        """Of a core; without `state` the configuration only, which nobody has to be asked for."""
        self._core = core
        self._state = state
        self.schema = schema
        self._tops = {node.qualified: node for node in schema.root.children}

    def read(self, session: "Session", tops: Collection[str]) -> Snapshot:
        """Top-level nodes as the session may see them.

        Args:
            session: Who reads.
            tops: Qualified names.
        """
        timestamp = self._core.state.timestamp() if self._state else time.time_ns()
        tree = (
            self._core.get_data(session, "operational", wanted=frozenset(tops))
            if self._state
            else self._core.get_config(session, "running")
        )
        return Snapshot(timestamp, tree)

    def data(self, tree: "Tree", tops: Collection[str]) -> dict[str, Any]:
        """Top-level nodes of a tree as an RFC 7951 object."""
        nodes = [self._tops[name] for name in tops]
        if any(node.kind not in ("container", "presence-container") for node in nodes):
            return {name: value for name, value in tree.to_data().items() if name in tops}
        data: dict[str, Any] = {}
        for node in nodes:
            # Below a path, names are qualified as at the top; inside the tree they are not.
            own = f"{node.module}:"
            members = tree.to_data(f"/{node.qualified}")
            if members or tree.exists(f"/{node.qualified}"):
                data[node.qualified] = {
                    name.removeprefix(own): value for name, value in members.items()
                }
        return data
