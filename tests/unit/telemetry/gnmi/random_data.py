"""Random data of any model, from a seed: what libyang takes, and nothing by hand for a leaf."""

import random
import re
from typing import Any

from nf._native.yang import Context, Tree
from nf.errors import YangError
from nf.mgmt.schema_nodes import SchemaNode, SchemaTree

__all__ = ["RandomData"]

TEXTS = (
    "a",
    "eth0",
    'ä/]["=\\ \n\t☃𐍈',
    "x" * 200,
    "",
    "192.0.2.7",
    "2001:db8::7",
    "192.0.2.0/24",
    "2001:db8::/32",
    "2026-11-28T22:49:42.5Z",
    "2026-11-28",
    "00:1b:44:11:3a:b7",
    "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "1.3.6.1.4.1",
    "host.example",
    "1-65535",
    "/nf-probe:probe",
    "/nf-lab:lab/port[name='x']",
    "deadbeef",
    "0123456789abcdef0123456789abcdef",
    "http://host.example/",
    "*",
    "1",
    "tcp",
    "nf-probe",
    "1:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "$0$secret",
    "read",
    "2026.1",
)
BINARIES = ("", "AA==", "AAH/", "////", "/+8AAQ==")
DECIMALS = ("0.0", "-0.125", "1.5", "12.25", "3.0", "99.99", "1", "0.000001")


class RandomData:
    """Makes trees of one model.

    Attributes:
        without: Leaves for which nothing was found that libyang takes.
    """

    def __init__(self, context: Context, schema: SchemaTree, seed: int) -> None:
        self._context = context
        self._random = random.Random(seed)  # noqa: S311 - a test repeats itself
        self._told = dict(enumerate(context.nodes()))
        self._pools: dict[SchemaNode, list[Any]] = {}
        self.schema = schema
        self.without: list[SchemaNode] = []

    def tree(self, share: float = 0.5, entries: int = 3) -> Tree:
        """A tree that has about so much of what there could be."""
        tree = self._context.empty()
        for top in self.schema.root.children:
            if top.module == "ietf-yang-library":
                continue
            member = self._node(top, share, entries)
            if member is not None:
                tree.merge_data({top.qualified: member})
        return tree

    def _node(self, node: SchemaNode, share: float, entries: int) -> Any:
        if node.terminal:
            return self._leaf(node)
        if node.kind == "list":
            made = []
            for _ in range(self._random.randint(0, entries)):
                keys = self._keys(node)
                if keys is None:
                    return None
                made.append(self._members(node, share, entries) | keys)
            unique = {tuple(str(one.get(key)) for key in node.keys): one for one in made}
            kept = list(unique.values()) if node.keys else made
            return kept or None
        members = self._members(node, share, entries)
        return members if members or node.kind == "presence-container" else None

    def _members(self, node: SchemaNode, share: float, entries: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for child in node.children:
            if self._random.random() < share and child.name not in node.keys:
                value = self._node(child, share, entries)
                if value is not None:
                    made[child.member] = value
        return made

    def _keys(self, node: SchemaNode) -> dict[str, Any] | None:
        found = {}
        for child in node.children:
            if child.name in node.keys:
                value = self._leaf(child)
                if value is None:
                    return None
                found[child.member] = value
        return found

    def _leaf(self, node: SchemaNode) -> Any:
        pool = self._pool(node)
        if not pool:
            return None
        if node.kind == "leaf-list":
            number = self._random.randint(1, min(3, len(pool)))
            return self._random.sample(pool, number)
        return self._random.choice(pool)

    def _pool(self, node: SchemaNode) -> list[Any]:
        """Values that libyang takes for a leaf."""
        if node not in self._pools:
            # Keys of the entries above have pools of their own; a key beside others has to be
            # tried with theirs, so it goes in with values that are taken as they are.
            self._pools[node] = []
            self._pools[node] = [one for one in self._candidates(node) if self._takes(node, one)]
            if not self._pools[node]:
                self.without.append(node)
        return self._pools[node]

    def _candidates(self, node: SchemaNode) -> list[Any]:
        told = self._told[node.number]
        if told["type"] == "leafref":
            told = told["members"][0]
        return _of_type(told)

    def _takes(self, node: SchemaNode, value: Any) -> bool:
        given: Any = [value] if node.kind == "leaf-list" else value
        at: SchemaNode | None = node
        member: Any = {node.member: given}
        while at is not None and at.parent is not None:
            at = at.parent
            if at.kind == "list":
                keys = {
                    child.member: pool[0]
                    for child in at.children
                    if child.name in at.keys
                    and child.member not in member
                    and (pool := self._pool_of_key(child))
                }
                member = {at.member: [member | keys]}
            else:
                member = {at.member: member}
        try:
            self._context.empty().merge_data(member)
        except YangError:
            return False
        return True

    def _pool_of_key(self, node: SchemaNode) -> list[Any]:
        """While keys of one entry are looked for, the others are what their types say first."""
        known = self._pools.get(node)
        if known is None:
            return self._pool(node)
        return known or self._candidates(node)


FIXED: dict[str, list[Any]] = {
    "boolean": [True, False],
    "empty": [[None]],
    "binary": list(BINARIES),
    "decimal64": list(DECIMALS),
}
INTEGERS = re.compile(r"(u?)int(\d+)")


def _of_type(told: dict[str, Any]) -> list[Any]:
    kind = str(told["type"])
    if matched := INTEGERS.fullmatch(kind):
        return _integers(told, int(matched[2]), signed=not matched[1])
    if kind == "enumeration":
        return [one[0] if isinstance(one, tuple | list) else one for one in told["enums"]]
    if kind == "identityref":
        return list(told["identities"])
    if kind == "bits":
        return [" ".join(told["bits"]), told["bits"][0], ""]
    if kind == "union":
        return [value for member in told["members"] for value in _of_type(member)]
    return FIXED.get(kind, list(TEXTS))


def _integers(told: dict[str, Any], bits: int, *, signed: bool) -> list[int]:
    """Both ends of the type and of its ranges, and some between."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    found = {low, high, 0, 1, 5, 64, 100, 1500}
    for part in (told["range"] or "").split("|"):
        found |= {int(one) for one in part.split("..") if one.strip().lstrip("-").isdigit()}
    return sorted(one for one in found if low <= one <= high)
