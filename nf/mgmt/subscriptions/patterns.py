"""Which nodes of data are meant: paths with wildcards, walked over data beside the schema.

Data are RFC 7951 objects as `Tree.to_data()` makes them. A pattern is a sequence of elements; an
element names a node, `*` any node, `...` any number of nodes. A key that an element leaves out
stands for all its values, as `*` does (gNMI specification section 2.2.2).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nf.mgmt.schema_nodes import SchemaNode

__all__ = [
    "ANY",
    "DEEP",
    "Element",
    "Instance",
    "Keep",
    "Pattern",
    "Place",
    "everything",
    "keys_of",
    "leaves",
    "nodes_of",
    "select",
]

ANY = "*"
DEEP = "..."

Keep = Callable[[SchemaNode], bool]
"""Whether a leaf or leaf-list is asked for."""


def everything(node: SchemaNode) -> bool:
    """Keeps every leaf."""
    del node
    return True


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a pattern.

    Attributes:
        name: Of the node, `*` or `...`.
        module: Of the node where the path says it.
        keys: Name and value, sorted; the value `*` matches all.
    """

    name: str
    module: str | None = None
    keys: tuple[tuple[str, str], ...] = ()

    @property
    def wild(self) -> bool:
        """Whether it can match several names."""
        return self.name in (ANY, DEEP)

    def takes(self, node: SchemaNode) -> bool:
        """Whether a schema node is meant."""
        return (self.name == node.name or self.wild) and self.module in (None, node.module)

    def takes_keys(self, keys: Mapping[str, str]) -> bool:
        """Whether a list entry is meant."""
        return all(
            value == ANY or keys.get(name.rpartition(":")[2]) == value for name, value in self.keys
        )


Pattern = tuple[Element, ...]

Place = tuple[tuple[SchemaNode, tuple[str, ...]], ...]
"""Where an instance is: schema nodes from the top, each with the values of its keys."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A node of data that a pattern selects.

    Attributes:
        place: Where it is; empty for the root.
        node: Its schema; the schema's root for the root.
        value: As `Tree.to_data()` has it: an object, for a leaf-list a list.
    """

    place: Place
    node: SchemaNode
    value: Any


def nodes_of(root: SchemaNode, pattern: Pattern) -> list[SchemaNode]:
    """Schema nodes that a pattern can select, whether or not there is data."""
    found = [root]
    for at, element in enumerate(pattern):
        if element.name == DEEP:
            rest = pattern[at + 1 :]
            below = [node for start in found for node in start.below()]
            if not rest:
                return _unique(below)
            return _unique([node for start in below for node in nodes_of(start, rest)])
        found = [child for node in found for child in node.children if element.takes(child)]
    return found


def _unique(nodes: Sequence[SchemaNode]) -> list[SchemaNode]:
    return list({id(node): node for node in nodes}.values())


def select(root: SchemaNode, data: Any, pattern: Pattern) -> Iterator[Instance]:
    """Every node of data that a pattern selects, each once, in the schema's order.

    Of two instances, one inside the other, which only `...` can select, both are given.
    """
    if any(element.name == DEEP for element in pattern):
        seen: set[Place] = set()
        for one in _walk((), root, data, pattern):
            if one.place not in seen:
                seen.add(one.place)
                yield one
    else:
        yield from _walk((), root, data, pattern)


def _walk(place: Place, node: SchemaNode, value: Any, pattern: Pattern) -> Iterator[Instance]:
    if not pattern:
        yield Instance(place, node, value)
        return
    first, rest = pattern[0], pattern[1:]
    if first.name == DEEP:
        yield from _walk(place, node, value, rest)
        for child_place, child, inner in _children(place, node, value, None):
            yield from _walk(child_place, child, inner, pattern)
        return
    for child_place, child, inner in _children(place, node, value, first):
        yield from _walk(child_place, child, inner, rest)


def _children(
    place: Place, node: SchemaNode, value: Any, element: Element | None
) -> Iterator[tuple[Place, SchemaNode, Any]]:
    if node.terminal or not isinstance(value, dict):
        return
    for child in node.children:
        if element is not None and not element.takes(child):
            continue
        inner = value.get(child.member)
        if inner is None:
            continue
        if child.kind != "list":
            if element is None or not element.keys:
                yield (*place, (child, ())), child, inner
            continue
        for number, entry in enumerate(inner):
            keys = keys_of(child, entry, number)
            if element is None or element.takes_keys(dict(zip(child.keys, keys, strict=False))):
                yield (*place, (child, keys)), child, entry


def keys_of(node: SchemaNode, entry: Mapping[str, Any], number: int) -> tuple[str, ...]:
    """Values of an entry's keys as text; of a list without keys the entry's number, from 1."""
    if not node.keys:
        return (str(number + 1),)
    if len(node.keys) == 1:
        only = entry.get(node.keys[0])
        return (only if type(only) is str else key_text(only),)
    return tuple(key_text(entry.get(name)) for name in node.keys)


def key_text(value: Any) -> str:
    """A key's value as it stands in a path."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def leaves(
    instance: Instance, keep: Keep, depth: int = 0, whole: Keep | None = None
) -> Iterator[Instance]:
    """Every leaf and leaf-list at or below an instance; keys are leaves, too.

    Args:
        instance: Where to begin.
        keep: Which are wanted.
        depth: Levels below the instance whose leaves are wanted; 0 for all.
        whole: Containers and entries that are given as they are, in the place of their leaves.
    """
    node, place = instance.node, instance.place
    if node.terminal:
        if keep(node):
            yield instance
        return
    if whole is not None and whole(node):
        yield instance
        return
    for child in node.children:
        value = instance.value.get(child.member)
        if value is None:
            continue
        if child.terminal:
            if keep(child):
                yield Instance((*place, (child, ())), child, value)
        elif depth != 1:
            for one in _inner(place, child, value):
                yield from leaves(one, keep, max(0, depth - 1), whole)


def _inner(place: Place, child: SchemaNode, value: Any) -> Iterator[Instance]:
    """A container, or each entry of a list."""
    if child.kind != "list":
        yield Instance((*place, (child, ())), child, value)
        return
    for number, entry in enumerate(value):
        yield Instance((*place, (child, keys_of(child, entry, number))), child, entry)
