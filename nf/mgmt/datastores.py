"""The datastores' names, and the candidate."""

from dataclasses import dataclass
from typing import Literal

from nf._native.yang import Diff, Tree

__all__ = ["Candidate", "Store"]

Store = Literal["running", "candidate", "startup", "operational"]


@dataclass(slots=True)
class Candidate:
    """A configuration being edited.

    Attributes:
        tree: Not validated.
        base: Revision of the running configuration that it was copied from.
        pending: What edits have changed since.
        editor: Session that changed it last.
        is_exact: `pending` says all that has changed.
    """

    tree: Tree
    base: int
    pending: Diff | None = None
    editor: int = 0
    is_exact: bool = True

    @property
    def modified(self) -> bool:
        """Whether edits wait to be committed."""
        return self.pending is not None and not self.pending.is_empty()

    def add(self, diff: Diff, editor: int) -> None:
        """Notes what an edit has changed."""
        if self.pending is None:
            self.pending = diff
        else:
            self.pending.merge(diff)
        self.editor = editor
