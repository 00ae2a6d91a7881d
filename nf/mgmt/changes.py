"""What a transaction changes, as providers and access control see it."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from nf.mgmt.paths import Step, parse

if TYPE_CHECKING:
    from nf._native.yang import Diff

__all__ = ["Change", "Operation", "changes_of"]

Operation = Literal["create", "delete", "update"]


@dataclass(frozen=True)
class Change:
    """One node created, deleted, or given another value or place.

    Attributes:
        operation: In the words of RFC 8341's access operations.
        path: Data path.
        value: New value of a leaf; None for inner nodes and what is deleted.
        old: Old value of a leaf.
    """

    operation: Operation
    path: str
    value: str | None = None
    old: str | None = None

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The path taken apart."""
        return parse(self.path)

    @property
    def top(self) -> str:
        """Qualified name of the top-level node."""
        return self.path[1:].partition("/")[0].partition("[")[0]


_WORDS: dict[str, Operation] = {
    "create": "create",
    "delete": "delete",
    "replace": "update",
    "none": "update",
}


def changes_of(diff: "Diff") -> tuple[Change, ...]:
    """Every change of a diff, in the diff's order."""
    return tuple(
        Change(_WORDS.get(operation, "update"), path, value, old)
        for operation, path, value, old in diff.changes()
    )
