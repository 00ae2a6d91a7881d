"""Differences of two trees as a YANG patch (RFC 8072), in the profile of RFC 8641 section 3.7."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.sax.saxutils import escape

from lxml import etree

from nf.mgmt.paths import Step, parse

if TYPE_CHECKING:
    from nf._native.yang import Context, Tree

__all__ = [
    "Edit",
    "UserOrdered",
    "edits",
    "patch",
    "resource",
    "told",
    "user_ordered",
    "with_source",
]

UserOrdered = frozenset[tuple[tuple[str, str], ...]]
"""Places in the schema, as module and name of every step."""

_POSITION = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Edit:
    """One `<edit>`.

    Attributes:
        operation: In the words of `change-type`.
        target: Data path.
        value: The node, for all but deletions and moves.
        point: Data path of the entry before it, where order matters; empty for the first place.
        source: The node as it was before, where that is told.
    """

    operation: str
    target: str
    value: bytes = b""
    point: str | None = None
    source: bytes = b""


def user_ordered(context: "Context") -> UserOrdered:
    """Lists and leaf-lists of configuration whose order users choose."""
    found = set()
    between: set[str] = set()
    for node in context.nodes():
        path: str = node["path"]
        if node["kind"] in ("choice", "case"):
            between.add(path)
        if node["kind"] in ("list", "leaf-list") and node["ordered_by"] == "user":
            if not node["config"]:
                continue
            steps = parse(path)
            text = ""
            place = []
            for raw, step in zip(path.strip("/").split("/"), steps, strict=True):
                text += f"/{raw}"
                if text not in between:
                    place.append((step.module, step.name))
            found.add(tuple(place))
    return frozenset(found)


def edits(
    before: "Tree", after: "Tree", ordered: UserOrdered, excluded: Collection[str] = ()
) -> list[Edit]:
    """What has changed, each subtree once; of the kinds that are not excluded."""
    found: list[Edit] = []
    replaced: set[str] = set()
    for operation, path in _topmost(before, after):
        if (unnamed := _POSITION.search(path)) is not None:
            # Entries without keys have no address: what they stand in is told as a whole.
            parent = path[: unnamed.start()].rpartition("/")[0]
            if parent and parent not in replaced:
                replaced.add(parent)
                found += _with_value("replace", parent, after)
            continue
        in_order = operation in ("create", "move") and _place(parse(path)) in ordered
        point = _point(path, after) if in_order else None
        if operation in ("delete", "move"):
            found.append(Edit(operation, path, point=point))
        else:
            kind = "insert" if in_order else operation
            found += _with_value(kind, path, after, point)
    return [one for one in found if one.operation not in excluded]


def _topmost(before: "Tree", after: "Tree") -> Iterator[tuple[str, str]]:
    """Operation and path of every change, without those below what is new or gone."""
    covered = "\0"
    for operation, path, value, old in before.diff(after).changes():
        # A value that was the default and is now set, or the other way round, is replaced by
        # itself.
        if path.startswith(covered) or (operation == "replace" and value == old):
            continue
        if operation in ("create", "delete"):
            covered = f"{path}/"
        yield operation, path


def _with_value(kind: str, path: str, after: "Tree", point: str | None = None) -> Iterator[Edit]:
    value = _node(after, path)
    if value:
        yield Edit(kind, path, value, point)


def _place(steps: tuple[Step, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((step.module, step.name) for step in steps)


def _node(tree: "Tree", path: str) -> bytes:
    """One node as XML, without what is above it."""
    text = tree.select_xpath(path).to_xml(defaults="report-all")
    if not text:
        return b""
    node = etree.fromstring(text)
    for step in parse(path)[1:]:
        # Above the node there are its ancestors and their keys only.
        node = [one for one in node if etree.QName(one).localname == step.name][-1]
    return etree.tostring(node, with_tail=False)


def _point(path: str, tree: "Tree") -> str:
    """The entry before one; empty when it is the first."""
    entries = [one for one, _ in tree.find(_PREDICATES.sub("", path))]
    at = entries.index(path)
    return entries[at - 1] if at else ""


_PREDICATE = re.compile(r"\[(?:[^=\[\]'\"]+)=(?:'([^']*)'|\"([^\"]*)\")\]")


_PREDICATES = re.compile(r"(?:\[[^=\[\]'\"]+=(?:'[^']*'|\"[^\"]*\")\])+$")


def resource(path: str) -> str:
    """A data path in the form of RFC 8040 section 3.5.3."""
    text, end = "", 0
    inside = False
    for found in _PREDICATE.finditer(path):
        between = path[end : found.start()]
        inside = inside and not between
        value = found.group(1) if found.group(1) is not None else found.group(2)
        text += f"{between}{',' if inside else '='}{quote(value, safe='')}"
        end, inside = found.end(), True
    return text + path[end:]


def with_source(changes: Collection[Edit], before: "Tree") -> list[Edit]:
    """Changes with what was there before, of all that was."""
    return [
        one
        if one.operation in ("create", "insert")
        else replace(one, source=_node(before, one.target))
        for one in changes
    ]


def told(changes: Collection[Edit]) -> str:
    """`<edit>` of each, in the default namespace of whoever uses them."""
    return "".join(
        f"<edit><edit-id>{at}</edit-id><operation>{one.operation}</operation>"
        f"<target>{escape(resource(one.target))}</target>{_where(one)}"
        f"{_value('value', one.value)}{_value('source-value', one.source)}</edit>"
        for at, one in enumerate(changes, 1)
    )


def _value(name: str, value: bytes) -> str:
    return f"<{name}>{value.decode()}</{name}>" if value else ""


def patch(changes: Collection[Edit], number: int) -> bytes:
    """`<datastore-changes>`, in the default namespace of yang-push."""
    return (
        f"<datastore-changes><yang-patch><patch-id>{number}</patch-id>{told(changes)}"
        "</yang-patch></datastore-changes>"
    ).encode()


def _where(edit: Edit) -> str:
    if edit.point is None:
        return ""
    if not edit.point:
        return "<where>first</where>"
    return f"<point>{escape(resource(edit.point))}</point><where>after</where>"
