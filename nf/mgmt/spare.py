"""A tree like the running one for the next edit, because a copy of a large tree takes long."""

import logging
import sys
from typing import TYPE_CHECKING

from nf.errors import YangError

if TYPE_CHECKING:
    from nf._native.yang import Diff, Tree

__all__ = ["Spare"]

log = logging.getLogger(__name__)


class Spare:
    """The tree that was in force before, with what has changed since; used by one at a time.

    Attributes:
        tree: What is running once more, and nobody else's; None when there is none.
    """

    def __init__(self) -> None:
        """There is none."""
        self.tree: Tree | None = None
        self._behind: tuple[Tree, Diff, Diff] | None = None

    def take(self) -> "Tree | None":
        """Gives it away."""
        self.catch_up()
        tree, self.tree = self.tree, None
        return tree

    def keep(self, tree: "Tree | None") -> None:
        """Somebody gives a tree that is like the running one; or there is none any more."""
        self.tree, self._behind = tree, None

    def follow(self, before: "Tree", diff: "Diff", implied: "Diff") -> None:
        """What was in force is `before`; these changes made what is, and wait for `catch_up`."""
        self.tree, self._behind = None, (before, diff, implied)

    def catch_up(self) -> None:
        """Brings the tree up to date, unless somebody reads what was in force before."""
        if self._behind is None:
            return
        tree, diff, implied = self._behind
        self._behind = None
        # Its references: this function's, and that of the question.
        if sys.getrefcount(tree) > 2:
            return
        try:
            tree.apply(diff)
            tree.apply(implied)
        except YangError:
            log.exception("changes did not fit the tree that they were made for")
            return
        self.tree = tree
