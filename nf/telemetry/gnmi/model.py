"""The model as the compiled writer has it, and which of its leaves a request wants."""

from collections.abc import Callable
from typing import Literal

from nf._native import gnmi
from nf._native.yang import Context
from nf.mgmt.schema_nodes import SchemaNode, SchemaTree
from nf.mgmt.subscriptions.patterns import Keep, Pattern

__all__ = ["Kind", "Model", "Wanted"]

Kind = Literal["all", "config", "state", "events", "counters"]
"""`counters` are numbers of state that are no keys, `events` the rest of state."""

Wanted = tuple[Kind, frozenset[str] | None]
"""Leaves of one kind and of some modules; of all modules for None."""

MAX_KNOWN = 64
"""Sets of leaves that are remembered; requests may name any set of modules."""


def is_key(node: SchemaNode) -> bool:
    """Whether a leaf is a key of its list."""
    return node.parent is not None and node.name in node.parent.keys


def _counts(node: SchemaNode) -> bool:
    return node.numeric and not is_key(node)


_KINDS: dict[Kind, Keep] = {
    "all": lambda _: True,
    "config": lambda node: node.config,
    "state": lambda node: not node.config,
    "events": lambda node: not node.config and not _counts(node),
    "counters": lambda node: not node.config and _counts(node),
}


def _test(wanted: Wanted) -> Callable[[SchemaNode], bool]:
    kind, modules = wanted
    test = _KINDS[kind]
    return lambda node: test(node) and (modules is None or node.module in modules)


class Model:
    """One model, for all who write its data; used by any thread.

    Attributes:
        tree: Its nodes.
    """

    def __init__(self, context: Context, tree: SchemaTree) -> None:
        """Reads the schema once."""
        self.tree = tree
        self._schema = gnmi.Schema(context)
        self._known: dict[Wanted, gnmi.Leaves] = {}

    def leaves(self, wanted: Wanted) -> gnmi.Leaves:
        """Which leaves are wanted, for the writer."""
        known = self._known.get(wanted)
        if known is None:
            test = _test(wanted)
            octets = bytearray(len(self._schema))
            for node in self.tree.root.below():
                if node.terminal and test(node):
                    octets[node.number] = 1
            known = gnmi.Leaves(bytes(octets))
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[wanted] = known
        return known

    def has_any(self, wanted: Wanted, below: list[SchemaNode]) -> bool:
        """Whether some nodes have wanted leaves at or below them."""
        test = _test(wanted)
        return any(node.terminal and test(node) for start in below for node in start.below())

    def shown(  # noqa: PLR0913 - they are what can be asked for
        self,
        pattern: Pattern,
        wanted: Wanted,
        encoding: Literal["json", "json-ietf", "proto"],
        *,
        skip: int,
        qualified: bool,
        depth: int = 0,
        aggregate: bool = False,
    ) -> gnmi.Shown:
        """A selection for the writer, see `nf._native.gnmi.Shown`."""
        return gnmi.Shown(
            self._schema,
            self.leaves(wanted),
            [(one.name, one.module, one.keys) for one in pattern],
            encoding,
            skip=skip,
            qualified=qualified,
            depth=depth,
            aggregate=aggregate,
        )
