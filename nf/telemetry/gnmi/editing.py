"""The operations of a Set as edits of NETCONF (RFC 6241 section 7.2)."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from nf.mgmt.paths import spelled_out
from nf.mgmt.schema_nodes import SchemaNode, SchemaTree
from nf.mgmt.subscriptions.patterns import Instance, Place, key_text
from nf.telemetry.gnmi.errors import invalid, unimplemented

__all__ = ["Editor", "data_path"]

_BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that neither XML nor a YANG string can carry (RFC 7950 section 14)."""


def data_path(place: Place) -> str:
    """A data path of the core: `/nf-test:box/port[name='a']/mtu`."""
    made = []
    for node, keys in place:
        made.append(f"/{node.member}")
        for name, value in zip(node.keys, keys, strict=False):
            quote = '"' if "'" in value else "'"
            made.append(f"[{name}={quote}{value}{quote}]")
    return "".join(made)


class Editor:
    """Writes `<config>` elements for a schema."""

    def __init__(self, schema: SchemaTree) -> None:
        """Every module's name is a prefix, so that identities can be written as JSON has them."""
        self._schema = schema
        prefixes = "".join(
            f' xmlns:{name}="{html.escape(uri)}"' for name, uri in sorted(schema.namespaces.items())
        )
        self._head = f'<config xmlns="{_BASE}" xmlns:nc="{_BASE}"{prefixes}>'

    def remove(self, found: Iterable[Instance]) -> bytes | None:
        """Removes what is there; None if that is nothing."""
        parts = [self._removal(one) for one in found]
        return self._config("".join(parts)) if parts else None

    def _removal(self, one: Instance) -> str:
        node = one.node
        attribute = ' nc:operation="remove"'
        if node.kind == "leaf-list":
            content = "".join(
                self._element(node, self._text(node, value, ""), attribute) for value in one.value
            )
        else:
            content = self._element(node, self._keys(one.place[-1]), attribute)
        return self._inside(one.place[:-1], content)

    def put(self, place: Place, value: Any, *, replace: bool) -> bytes:
        """Merges a value into a node, or puts it in the place of the node.

        Args:
            place: Of a node that is no list as a whole and no leaf-list to be replaced.
            value: JSON value.
            replace: Whether what the value does not have goes.

        Raises:
            Refused: The value does not fit the schema.
        """
        text = data_path(place)
        node, keys = place[-1]
        attribute = ' nc:operation="replace"' if replace else ""
        content = self._keys(place[-1]) if keys else ""
        if node.kind == "leaf-list":
            content = "".join(
                self._element(node, self._text(node, one, text), attribute)
                for one in _list(value, node, text)
            )
            return self._config(self._inside(place[:-1], content))
        if node.terminal:
            content = self._text(node, value, text)
        else:
            content += self._members(node, _object(value, text), text, dict(_stated(node, keys)))
        return self._config(self._inside(place[:-1], self._element(node, content, attribute)))

    def entries(self, place: Place, node: SchemaNode, value: Any) -> bytes:
        """Merges entries into a list that a path names as a whole."""
        text = f"{data_path(place)}/{node.member}"
        return self._config(self._inside(place, self._list(node, value, text)))

    def root(self, value: Any) -> bytes:
        """Merges a whole configuration."""
        return self._config(self._members(self._schema.root, _object(value, "/"), "", {}))

    # Parts --------------------------------------------------------------------------------------

    def _config(self, content: str) -> bytes:
        return f"{self._head}{content}</config>".encode()

    def _inside(self, place: Place, content: str) -> str:
        for step in reversed(place):
            content = self._element(step[0], self._keys(step) + content)
        return content

    def _element(self, node: SchemaNode, content: str, attributes: str = "") -> str:
        uri = html.escape(self._schema.namespaces[node.module])
        return f'<{node.name} xmlns="{uri}"{attributes}>{content}</{node.name}>'

    def _keys(self, step: tuple[SchemaNode, tuple[str, ...]]) -> str:
        node, keys = step
        return "".join(
            self._element(_child(node, name), _escaped(value, node.path))
            for name, value in zip(node.keys, keys, strict=False)
        )

    def _members(
        self, node: SchemaNode, value: Mapping[str, Any], place: str, known: Mapping[str, str]
    ) -> str:
        """Elements of an object; `known` are keys that the path has said already."""
        made = []
        seen: set[int] = set()
        for member, inner in value.items():
            child = self._find(node, member, place)
            if id(child) in seen:
                raise invalid(f"{child.name} is there twice", place=place or "/")
            seen.add(id(child))
            at = f"{place}/{child.member}"
            if child.name in known and child.name in node.keys:
                if key_text(inner) != known[child.name]:
                    raise invalid(
                        f"the path says {child.name}={known[child.name]},"
                        f" the value {key_text(inner)}",
                        place=at,
                        hint="leave the key out of the value",
                    )
                continue
            made.append(self._member(child, inner, at))
        return "".join(made)

    def _member(self, child: SchemaNode, value: Any, at: str) -> str:
        if child.kind == "list":
            return self._list(child, value, at)
        if child.kind == "leaf-list":
            return "".join(
                self._element(child, self._text(child, one, at)) for one in _list(value, child, at)
            )
        if child.terminal:
            return self._element(child, self._text(child, value, at))
        return self._element(child, self._members(child, _object(value, at), at, {}))

    def _list(self, node: SchemaNode, value: Any, at: str) -> str:
        made = []
        for one in _list(value, node, at):
            entry = _object(one, at)
            keys = {
                name: inner
                for name in node.keys
                for member, inner in entry.items()
                if member in (name, f"{node.module}:{name}")
            }
            missing = [name for name in node.keys if name not in keys]
            if missing:
                raise invalid(
                    f"an entry has no key {', '.join(missing)}",
                    place=at,
                    hint="give every key of the list",
                )
            texts = {name: key_text(inner) for name, inner in keys.items()}
            content = self._keys((node, tuple(texts[name] for name in node.keys)))
            made.append(self._element(node, content + self._members(node, entry, at, texts)))
        return "".join(made)

    def _find(self, node: SchemaNode, member: str, place: str) -> SchemaNode:
        module, _, name = member.rpartition(":")
        found = node.named(module or None, name)
        if len(found) > 1:
            # RFC 7951: a name without a module is of its parent's.
            found = [one for one in found if one.module == node.module] or found
        if len(found) == 1:
            return found[0]
        if found:
            modules = ", ".join(sorted(one.module for one in found))
            raise invalid(
                f"several modules have a node {name}: {modules}",
                place=f"{place}/{member}",
                hint="write the module before the name",
            )
        raise invalid(
            f"the model has no node {member} here",
            place=f"{place}/{member}",
            hint="see the models that Capabilities lists",
        )

    def _text(self, node: SchemaNode, value: Any, place: str) -> str:
        if node.kind in ("anydata", "anyxml"):
            raise unimplemented(
                "anydata cannot be set by gNMI", place=place, hint="use NETCONF for it"
            )
        if node.type == "empty":
            if value != [None]:
                raise invalid("the value of an empty leaf is [null]", place=place)
            return ""
        if isinstance(value, dict | list) or value is None:
            if value == [None] and "empty" in node.members:
                return ""
            raise invalid(f"{_kind(value)} is no value of a leaf", place=place)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, Decimal):
            return format(value, "f") if value.is_finite() and abs(value.adjusted()) < 64 else "?"
        text = str(value)
        if node.typedef == "node-instance-identifier":
            try:
                text = spelled_out(text)
            except ValueError as error:
                raise invalid(str(error), place=place, hint="begin with /module:name") from error
        return _escaped(text, place)


def _child(node: SchemaNode, name: str) -> SchemaNode:
    return node.named(node.module, name)[0]


def _stated(node: SchemaNode, keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip(node.keys, keys, strict=False)


def _escaped(text: str, place: str) -> str:
    if bad := _NO_XML.search(text):
        raise invalid(
            f"the character {bad.group()!r} cannot be in a string of YANG",
            place=place or "the path",
            hint="leave it out",
        )
    # A carriage return as such would come out of the XML parser as a line feed.
    return html.escape(text, quote=False).replace("\r", "&#13;")


def _object(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise invalid(f"{_kind(value)} is given where an object is needed", place=place or "/")
    return value


def _list(value: Any, node: SchemaNode, place: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise invalid(f"{_kind(value)} is given for the {node.kind} {node.name}", place=place)
    return value


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")
