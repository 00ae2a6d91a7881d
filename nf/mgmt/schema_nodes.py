"""The schema as a tree of Python objects, for whoever walks data beside it or asks what it says.

`Context.nodes()` tells every node in a flat list; here each knows its children, and the member
name under which its value stands in an RFC 7951 object. `Core.schema` is read once and serves every
front end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nf._native.yang import Context

__all__ = ["SchemaNode", "SchemaTree"]

DATA = frozenset(
    {"container", "presence-container", "list", "leaf", "leaf-list", "anydata", "anyxml"}
)
TERMINAL = frozenset({"leaf", "leaf-list", "anydata", "anyxml"})
_ORGANIZATION = re.compile(r"""^\s*organization\s+(?:"([^"]*)"|'([^']*)')""", re.MULTILINE)
_BETWEEN = frozenset({"choice", "case"})
_OPERATIONS = frozenset({"rpc", "action", "notification"})
_INTEGERS = frozenset(
    {"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "decimal64"}
)


@dataclass(slots=True, eq=False)
class SchemaNode:
    """One node of the data model, or an operation or notification.

    Attributes:
        name: Without module.
        module: That defines it.
        kind: `container`, `presence-container`, `list`, `leaf`, `leaf-list`, `anydata`, `anyxml`;
            `rpc`, `action`, `notification`.
        config: Whether it is configuration.
        keys: Of a list, in order.
        type: Base type of a leaf; of a leafref that of its target.
        members: Base types of a union's members.
        typedef: Name of the type as the model writes it, without prefix; empty for a built-in one.
        enums: Names of an enumeration.
        units: Units.
        description: Of the model.
        current: Whether it is neither deprecated nor obsolete.
        extensions: Names of its extension statements, `module:name` or `prefix:name`.
        parent: None at the top.
        children: In the schema's order.
        member: Name in its parent's RFC 7951 object.
        number: Place in `Context.nodes()`; -1 for the root.
        terminal: Whether it has a value rather than children.
    """

    name: str
    module: str
    kind: str
    config: bool
    keys: tuple[str, ...] = ()
    type: str = ""
    members: tuple[str, ...] = ()
    typedef: str = ""
    enums: tuple[str, ...] = ()
    units: str = ""
    description: str = ""
    current: bool = True
    extensions: tuple[str, ...] = ()
    parent: "SchemaNode | None" = None
    children: list["SchemaNode"] = field(default_factory=list)
    member: str = ""
    number: int = -1
    terminal: bool = field(init=False)

    def __post_init__(self) -> None:
        self.terminal = self.kind in TERMINAL

    @property
    def qualified(self) -> str:
        """`module:name`."""
        return f"{self.module}:{self.name}"

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.type in _INTEGERS

    @property
    def top(self) -> "SchemaNode":
        """The top-level node above it, or itself."""
        return self if self.parent is None else self.parent.top

    @property
    def path(self) -> str:
        """Schema path with the module wherever it changes."""
        above = "" if self.parent is None else self.parent.path
        return f"{above}/{self.member}"

    def tagged(self, extension: str) -> bool:
        """Whether it carries an extension of that local name."""
        return any(one.rpartition(":")[2] == extension for one in self.extensions)

    def named(self, module: str | None, name: str) -> list["SchemaNode"]:
        """Children of that name; of any module for None."""
        return [
            child
            for child in self.children
            if child.name == name and module in (None, child.module)
        ]

    def below(self) -> Iterator["SchemaNode"]:
        """Itself and everything below it."""
        yield self
        for child in self.children:
            yield from child.below()


class SchemaTree:
    """All data nodes of a context.

    Attributes:
        root: Has the top-level nodes as children; no node itself.
        operations: RPCs, actions and notifications, which are children of nothing; an action knows
            its parent. What they carry is not told.
        modules: Name to revision of every implemented module.
        namespaces: Name to namespace of every module that is known.
        organizations: Name to organization, as the module's own statement has it.
    """

    def __init__(self, context: "Context") -> None:
        """Reads the schema once."""
        self.root = SchemaNode("", "", "container", config=True)
        self.operations: list[SchemaNode] = []
        listed = context.modules()
        self.modules: dict[str, str] = {
            module["name"]: module["revision"] or "" for module in listed if module["implemented"]
        }
        self.namespaces: dict[str, str] = {module["name"]: module["namespace"] for module in listed}
        self.organizations: dict[str, str] = {
            module["name"]: " ".join(_organization(context, module)) for module in listed
        }
        # By the paths of `Context.nodes()`; a choice or case stands for the node around it, None
        # for what operations and notifications carry.
        places: dict[str, SchemaNode | None] = {"": self.root}
        for number, node in enumerate(context.nodes()):
            self._add(number, node, places)

    def _add(self, number: int, node: dict[str, Any], places: dict[str, SchemaNode | None]) -> None:
        path: str = node["path"]
        parent = places.get(path.rpartition("/")[0], self.root)
        kind: str = node["kind"]
        if parent is None:
            places[path] = None
            return
        if kind in _BETWEEN:
            places[path] = parent
            return
        # A leafref has its target's type as its only member.
        told = node["members"][0] if node["type"] == "leafref" and node["members"] else node
        module: str = node["module"]
        above = None if parent is self.root else parent
        name: str = node["name"]
        made = SchemaNode(
            name=name,
            module=module,
            kind=kind,
            config=node["config"],
            keys=tuple(node["keys"] or ()),
            type=str(told["type"] or ""),
            members=tuple(str(member["type"]) for member in told["members"]),
            typedef=str(node["typedef"] or "").rpartition(":")[2],
            enums=tuple(_enum(one) for one in told["enums"] or ()),
            units=node["units"] or "",
            description=node["description"] or "",
            current=node["status"] == "current",
            extensions=tuple(str(one["name"]) for one in node["extensions"]),
            parent=above,
            member=name if above is not None and above.module == module else f"{module}:{name}",
            number=number,
        )
        if kind in _OPERATIONS:
            self.operations.append(made)
            places[path] = None
        else:
            parent.children.append(made)
            places[path] = made

    def find(self, path: str) -> SchemaNode | None:
        """The node of a schema path without keys, `/module:name/…`."""
        at = self.root
        for step in path.strip("/").split("/"):
            module, _, name = step.rpartition(":")
            found = at.named(module or at.module or None, name)
            if not found:
                return None
            at = found[0]
        return at


def _organization(context: "Context", module: dict[str, Any]) -> list[str]:
    """Words of a module's `organization`; none where it has none."""
    text = context.schema_text(module["name"], module["revision"], "yang")
    found = _ORGANIZATION.search(text)
    return (found.group(1) or found.group(2)).split() if found else []


def _enum(one: Any) -> str:
    """An enumeration lists names, or names with values."""
    return str(one[0]) if isinstance(one, tuple | list) else str(one)
