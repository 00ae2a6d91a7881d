"""The datastores' names, and the candidate."""

from dataclasses import dataclass
from typing import Literal

from nf._native.yang import Diff, Tree

__all__ = ["Candidate", "Store", "is_implied"]

Store = Literal["running", "candidate", "startup", "operational"]


@dataclass(slots=True)
class Candidate:
    """A configuration being edited.

    Attributes:
        tree: Not validated.
        base: Revision of the running configuration that it was copied from.
        begun: That configuration; None while it is committed.
        pending: What edits have changed since.
        editor: Session that changed it last.
        is_exact: `pending` says all that has changed.
    """

    tree: Tree
    base: int
    begun: Tree | None
    pending: Diff | None = None
    editor: int = 0
    is_exact: bool = True

    @property
    def modified(self) -> bool:
        """Whether edits wait to be committed."""
        return self.pending is not None and not self.pending.is_empty()

    def add(self, diff: Diff, editor: int) -> None:
        """Notes what an edit has changed."""
        pending = self.pending
        if pending is None:
            pending = diff
        else:
            pending.merge(diff)
        self.pending = None if _deletes(diff) and self._is_as_begun(pending) else pending
        self.editor = editor

    def _is_as_begun(self, pending: Diff) -> bool:
        """Whether all that is left are deletions of values that nobody had set.

        A leaf with a default that is set and deleted again leaves such a deletion behind.
        """
        begun = self.begun
        return begun is not None and all(
            operation == "delete" and is_implied(begun, path)
            for operation, path, _, _ in pending.changes()
        )


def is_implied(tree: Tree, path: str) -> bool:
    """Whether a leaf has its value by default only."""
    found = tree.select_xpath(path)
    return found.to_xml(defaults="explicit") != found.to_xml(defaults="report-all")


def _deletes(diff: Diff) -> bool:
    return any(operation == "delete" for operation, *_ in diff.changes())
