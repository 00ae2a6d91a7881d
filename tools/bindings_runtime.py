"""What the classes of `make bindings` are made of; the generated module begins with this text.

It needs Python and lxml only, so that the module can be copied to where an orchestrator runs.
Values are checked by the function: its errors say where and why. A value of None is one that nobody
has set; state is read, and never sent.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from lxml import etree

NETCONF = "urn:ietf:params:xml:ns:netconf:base:1.0"
NAMESPACES: dict[str, str] = {}
"""Namespace of each module, by its name."""

N = TypeVar("N", bound="Node")


class BindingError(ValueError):
    """Data and classes are not of the same model."""


@dataclass(kw_only=True)
class Node:
    """A container, or an entry of a list."""


def leaf(kind: str, module: str, name: str, *, config: bool = True, key: bool = False) -> Any:
    """A leaf; `kind` says how its text becomes a value."""
    about = {"as": "leaf", "kind": kind, "module": module, "name": name, "config": config}
    # A key has to be given: an entry without it is none.
    return field(metadata=about) if key else field(default=None, metadata=about)


def leaves(kind: str, module: str, name: str, *, config: bool = True) -> Any:
    """A leaf-list."""
    about = {"as": "leaves", "kind": kind, "module": module, "name": name, "config": config}
    return field(default_factory=list, metadata=about)


def inner(of: type[Node], module: str, name: str, *, config: bool, presence: bool = False) -> Any:
    """A container; one whose presence says something is None until it is set."""
    about = {"as": "inner", "of": of, "module": module, "name": name, "config": config}
    if presence:
        return field(default=None, metadata=about)
    return field(default_factory=of, metadata=about)


def entries(of: type[Node], module: str, name: str, *, config: bool = True) -> Any:
    """A list."""
    about = {"as": "entries", "of": of, "module": module, "name": name, "config": config}
    return field(default_factory=list, metadata=about)


def to_xml(node: Node, module: str, name: str, operation: str | None = None) -> str:
    """A node as XML.

    Args:
        node: What to write.
        module: Of the node.
        name: Of the node.
        operation: merge, replace, create, delete or remove (RFC 6241 section 7.2); None for none.
    """
    namespace = NAMESPACES[module]
    # The stubs of lxml know no default namespace.
    spaces: Any = {None: namespace, "nc": NETCONF}
    root = etree.Element(f"{{{namespace}}}{name}", nsmap=spaces)
    if operation is not None:
        root.set(f"{{{NETCONF}}}operation", operation)
    _fill(root, node)
    return etree.tostring(root, encoding="unicode")


def _fill(parent: "etree._Element", node: Node) -> None:
    for member in dataclasses.fields(node):
        about, value = member.metadata, getattr(node, member.name)
        if not about["config"] or value is None:
            continue
        for one in value if isinstance(value, list) else [value]:
            if about["as"] in {"inner", "entries"}:
                made = _element(parent, about, {})
                _fill(made, one)
                if not len(made) and member.default is not None:
                    # Nothing is said in it; one of presence has said something by being there.
                    parent.remove(made)
            else:
                text = _text(one, about["kind"])
                prefix = text.partition(":")[0] if about["kind"] == "identity" else ""
                _element(parent, about, {prefix: NAMESPACES[prefix]} if prefix else {}).text = text


def _element(
    parent: "etree._Element", about: Mapping[str, Any], prefixes: dict[str, str]
) -> "etree._Element":
    namespace = NAMESPACES[about["module"]]
    spaces: Any = {None: namespace, **prefixes}
    return etree.SubElement(parent, f"{{{namespace}}}{about['name']}", nsmap=spaces)


def _text(value: Any, kind: str) -> str:
    if kind == "empty":
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind == "identity" and str(value).partition(":")[0] not in NAMESPACES:
        raise BindingError(f"{value!r} is no identity: it has to begin with its module")
    return str(value)


def from_xml(of: type[N], element: "etree._Element | str | bytes") -> N:
    """A node out of XML; the element is the node itself.

    Raises:
        BindingError: It has something that the classes do not know.
    """
    root = etree.fromstring(element) if isinstance(element, str | bytes) else element
    return _read(of, root)


def _read(of: type[N], element: "etree._Element") -> N:
    known = {
        (NAMESPACES[member.metadata["module"]], member.metadata["name"]): member
        for member in dataclasses.fields(of)
    }
    given: dict[str, Any] = {}
    for child in _children(element):
        name = etree.QName(child)
        member = known.get((name.namespace or "", name.localname))
        if member is None:
            raise BindingError(
                f"{of.__name__} has no {name.localname}: the function has another model; make the"
                " bindings anew from its release"
            )
        about = member.metadata
        if about["as"] in {"inner", "entries"}:
            value: Any = _read(about["of"], child)
        else:
            value = _value(child, about["kind"])
        if about["as"] in {"leaves", "entries"}:
            given.setdefault(member.name, []).append(value)
        else:
            given[member.name] = value
    try:
        return of(**given)
    except TypeError as error:
        raise BindingError(f"an entry of {of.__name__} without its key: {error}") from error


def _children(element: "etree._Element") -> Iterator["etree._Element"]:
    # Comments and instructions are children, too; the stubs of lxml do not say so.
    return element.iterchildren("{*}*")


def _value(element: "etree._Element", kind: str) -> Any:
    text = element.text or ""
    match kind:
        case "bool":
            return text == "true"
        case "int":
            return int(text)
        case "decimal":
            return Decimal(text)
        case "empty":
            return True
        case "identity":
            prefix, colon, name = text.rpartition(":")
            namespace = element.nsmap.get(prefix if colon else None)
            modules: Sequence[str] = [
                module for module, one in NAMESPACES.items() if one == namespace
            ]
            return f"{modules[0]}:{name}" if modules else text
        case _:
            return text
