"""Metric families out of the schema: name, type, unit, labels.

A family is one leaf of state. Its name is `nf` and the nodes from the top to the leaf, without the
top container and without those named `state`, then the unit unless the name ends with it. Keys of
the lists on the way are labels, `list_key`. Counters of ietf-yang-types are counters, other numbers
and booleans are gauges, an enumeration is a state set. Values are those of the leaf, not converted,
so that every view of the state shows the same number.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from nf.mgmt.schema_nodes import SchemaNode, SchemaTree

__all__ = ["Family", "families"]

Kind = Literal["counter", "gauge", "stateset"]

_COUNTERS = frozenset({"counter32", "counter64", "zero-based-counter32", "zero-based-counter64"})
_NO_NAME = re.compile(r"[^a-zA-Z0-9_]+")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family.

    Attributes:
        name: Without the suffix `_total` of a counter.
        kind: Type.
        unit: Suffix of the name; empty where the model has none.
        help: First sentence of the leaf's description.
        labels: Names, in the order of the lists' keys.
        node: The leaf.
    """

    name: str
    kind: Kind
    unit: str
    help: str
    labels: tuple[str, ...]
    node: SchemaNode

    @property
    def sample(self) -> str:
        """Name of its samples."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


def families(schema: SchemaTree) -> dict[SchemaNode, Family]:
    """Every family of a schema, by its leaf.

    Raises:
        ValueError: Two leaves have the same name; the model has to be changed.
    """
    found = dict(_families(schema.root))
    names: dict[str, SchemaNode] = {}
    for node, family in found.items():
        other = names.setdefault(family.name, node)
        if other is not node:
            raise ValueError(f"{node.path} and {other.path} are both called {family.name}")
    return found


def _families(root: SchemaNode) -> Iterator[tuple[SchemaNode, Family]]:
    for node in root.below():
        if node.kind != "leaf" or node.config or node.parent is None or not node.current:
            continue
        kind = _kind(node)
        chain = _chain(node)
        without_keys = any(one.kind == "list" and not one.keys for one in chain)
        if kind is not None and not without_keys and node.name not in node.parent.keys:
            yield node, _family(node, chain, kind)


def _kind(node: SchemaNode) -> Kind | None:
    if node.typedef in _COUNTERS:
        return "counter"
    if node.numeric or node.type == "boolean":
        return "gauge"
    return "stateset" if node.type == "enumeration" else None


def _chain(node: SchemaNode) -> list[SchemaNode]:
    """From the top to the node."""
    above = [] if node.parent is None else _chain(node.parent)
    return [*above, node]


def _family(node: SchemaNode, chain: list[SchemaNode], kind: Kind) -> Family:
    words = [one.name for one in chain if one.name != "state"]
    if chain[0].qualified == "nf-probe:probe":
        words = words[1:]
    name = _word("_".join(["nf", *words]))
    unit = _word(node.units.lower()).strip("_")
    if unit and not name.endswith(f"_{unit}"):
        name = f"{name}_{unit}"
    return Family(
        name=name.removesuffix("_total"),
        kind=kind,
        unit=unit,
        help=_sentence(node.description),
        labels=tuple(
            _word(f"{one.name}_{key}") for one in chain if one.kind == "list" for key in one.keys
        ),
        node=node,
    )


def _word(text: str) -> str:
    return _NO_NAME.sub("_", text)


def _sentence(text: str) -> str:
    words = " ".join(text.split())
    first, dot, _ = words.partition(". ")
    return first + dot.strip() if dot else words


def value_text(value: Any) -> str | None:
    """A number as a sample shows it; None for what is none."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    # decimal64 is text in its canonical form already.
    return value if isinstance(value, str) else None
