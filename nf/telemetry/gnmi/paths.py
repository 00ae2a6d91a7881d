"""gNMI paths and patterns of data (specification section 2.2.2, gnmi-path-conventions).

A path is taken with its prefix: the origin may stand in one of them only, the target in the prefix.
Names may be qualified with their module (`nf-probe:probe`, RFC 7951) or not; an answer writes names
as the request did.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from gnmi_pb.gnmi_pb2 import Path, PathElem
from grpc import StatusCode

from nf.mgmt.schema_nodes import SchemaNode, SchemaTree
from nf.mgmt.subscriptions.patterns import ANY, DEEP, Element, Pattern, Place, nodes_of
from nf.telemetry.gnmi.errors import Refused, invalid, unimplemented

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CLI", "NATIVE", "Query", "elem", "path_of", "query", "text_of"]

NATIVE = frozenset({"", "rfc7951"})
"""Origins of the modules that the target implements."""

CLI = "cli"
TRANSLATED = "openconfig"

MAX_ELEMENTS = 64
MAX_TEXT = 4096
MAX_DEEP = 3
"""Elements `...` of one path: with each, the ways to walk the tree are multiplied."""

_NAME = re.compile(r"(?:([A-Za-z_][A-Za-z0-9_.-]*):)?([A-Za-z_][A-Za-z0-9_.-]*)")


@dataclass(frozen=True)
class Query:
    """A path of a request, with its prefix.

    Attributes:
        origin: "" for the native modules, or `cli`.
        target: Of the prefix; echoed.
        pattern: What is meant.
        base: How many elements of the pattern are the prefix's.
        qualified: Whether the request writes modules before names.
        stated: The path as the request has it, for error messages and results.
    """

    origin: str
    target: str
    pattern: Pattern
    base: int
    qualified: bool
    stated: Path

    @cached_property
    def text(self) -> str:
        """The whole path for people."""
        return text_of(self.pattern)

    @property
    def wild(self) -> bool:
        """Whether it can select more than one node by a name."""
        return any(element.wild for element in self.pattern)

    def resolve(self, schema: SchemaTree) -> list[SchemaNode]:
        """The schema nodes it can select; none where the model has no such node.

        Raises:
            Refused: INVALID_ARGUMENT for a name that several modules have, or for a key that the
                list does not have.
        """
        found = nodes_of(schema.root, self.pattern)
        self._check_ambiguous(found)
        self._check_keys(schema)
        return found

    def _check_ambiguous(self, found: "Sequence[SchemaNode]") -> None:
        if self.wild or len(found) < 2:
            return
        names = sorted({node.top.qualified for node in found} if self.pattern else set())
        if len(names) < 2:
            names = sorted(node.qualified for node in found)
        raise invalid(
            f"several modules have this name: {', '.join(names)}",
            place=self.text,
            hint="write the module before the name",
        )

    def _check_keys(self, schema: SchemaTree) -> None:
        for at, element in enumerate(self.pattern):
            if not element.keys or element.name == DEEP:
                continue
            names = {name.rpartition(":")[2] for name, _ in element.keys}
            nodes = nodes_of(schema.root, self.pattern[: at + 1])
            if nodes and not any(names <= set(node.keys) for node in nodes):
                kinds = nodes[0]
                known = ", ".join(kinds.keys) or "none"
                raise invalid(
                    f"{element.name} has no key {', '.join(sorted(names - set(kinds.keys)))}",
                    place=self.text,
                    hint=f"keys of {kinds.name}: {known}",
                )


def query(path: Path, prefix: Path | None = None) -> Query:
    """A request's path with its prefix.

    Raises:
        Refused: INVALID_ARGUMENT for what is no path, UNIMPLEMENTED for an unknown origin.
    """
    prefix = Path() if prefix is None else prefix
    if path.target and prefix.target:
        raise invalid("the target stands in the path and in the prefix", place=_shown(path))
    origin = _origin(path, prefix)
    before = list(_elements(prefix))
    elements = _collapsed((*before, *_elements(path)))
    if sum(element.name == DEEP for element in elements) > MAX_DEEP:
        raise invalid(f"a path has {MAX_DEEP} elements `...` at most", place=_shown(path)[:200])
    if len(elements) > MAX_ELEMENTS:
        raise invalid(f"a path has {MAX_ELEMENTS} elements at most", place=_shown(path)[:200])
    if origin == CLI and elements:
        raise invalid(
            "origin cli is text as a whole, its path is empty",
            place=_shown(path),
            hint="leave the elements out",
        )
    return Query(
        origin=CLI if origin == CLI else "",
        target=prefix.target or path.target,
        pattern=elements,
        base=len(before),
        qualified=any(element.module is not None for element in elements),
        stated=path,
    )


def _collapsed(elements: Pattern) -> Pattern:
    """Without a `...` that follows another one: together they mean the same."""
    return tuple(
        element
        for at, element in enumerate(elements)
        if element.name != DEEP or at == 0 or elements[at - 1].name != DEEP
    )


def _origin(path: Path, prefix: Path) -> str:
    if path.origin and prefix.origin:
        raise invalid(
            "the origin stands in the path and in the prefix",
            place=_shown(path),
            hint="give it in one of them",
        )
    origin: str = path.origin or prefix.origin
    if origin not in NATIVE and origin != CLI:
        what = "there is no translated view for it" if origin == TRANSLATED else "it is unknown"
        raise unimplemented(
            f"origin {origin!r} is not supported: {what}",
            place=_shown(path),
            hint="leave the origin out, or use rfc7951 or cli",
        )
    return origin


def _elements(path: Path) -> Iterator[Element]:
    # OpenConfig's own client still sends both.
    if path.element and not path.elem:
        raise invalid(
            "the field `element` was taken out of use with gNMI 0.4",
            place="/" + "/".join(path.element),
            hint="use `elem`",
        )
    for one in path.elem:
        if len(one.name) > MAX_TEXT or any(
            len(name) + len(value) > MAX_TEXT for name, value in one.key.items()
        ):
            raise invalid(f"an element of a path has {MAX_TEXT} characters at most")
        keys = tuple(sorted(one.key.items()))
        if one.name in (ANY, DEEP):
            if one.name == DEEP and keys:
                raise invalid("`...` takes no keys", place=_shown(path))
            yield Element(one.name, None, keys)
            continue
        matched = _NAME.fullmatch(one.name)
        if matched is None:
            raise invalid(f"{one.name!r} is no name of a node", place=_shown(path))
        yield Element(matched.group(2), matched.group(1), keys)


def _shown(path: Path) -> str:
    return text_of(
        tuple(Element(one.name, None, tuple(sorted(one.key.items()))) for one in path.elem)
    )


def text_of(pattern: Pattern) -> str:
    """A pattern for people: `/box/port[name=eth0]`."""
    return "/" + "/".join(
        (f"{one.module}:" if one.module else "")
        + one.name
        + "".join(f"[{name}={value}]" for name, value in one.keys)
        for one in pattern
    )


def elem(node: SchemaNode, keys: tuple[str, ...], *, qualified: bool) -> PathElem:
    """One element of an answer's path."""
    return PathElem(name=name_of(node, qualified=qualified), key=key_map(node, keys))


def name_of(node: SchemaNode, *, qualified: bool) -> str:
    """A node's name in an answer: with its module where the request does so and it changes."""
    return node.member if qualified else node.name


def key_map(node: SchemaNode, keys: tuple[str, ...]) -> dict[str, str]:
    """Keys by name; a list without keys has its entry's number as `index`."""
    return dict(zip(node.keys or ("index",), keys, strict=True)) if keys else {}


def path_of(place: Place, *, qualified: bool, skip: int = 0) -> Path:
    """An answer's path, without the first `skip` elements, which its prefix has."""
    return Path(elem=[elem(node, keys, qualified=qualified) for node, keys in place[skip:]])


def not_found(asked: Query) -> Refused:
    """NOT_FOUND: a path that leads nowhere."""
    return Refused(
        StatusCode.NOT_FOUND,
        "there is nothing at this path",
        place=asked.text,
        hint="look at the models that Capabilities lists, or at what is configured",
    )
