"""`@nf.protocol`: a protocol described by a Python class."""

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from nf._native import engine as _engine
from nf.datapath.description import (
    Case,
    Description,
    Field,
    Frame,
    Next,
    Number,
    Octets,
    Parent,
    to_json,
)
from nf.errors import ConfigurationError
from nf.plugins.diagnostics import Diagnostics
from nf.plugins.handlers import Classifier, Handler
from nf.plugins.parser import parse_parents

__all__ = ["AttributeOf", "Examined", "UserProtocol", "attribute", "protocol"]

Kind = Literal["uint", "float", "text", "binary", "mac", "ip"]
Target = str | tuple[str, int]
Pattern = Mapping[int, bytes | tuple[bytes, bytes]]
HANDLERS: tuple[tuple[str, Literal["session", "transaction"]], ...] = (
    ("on_sessions", "session"),
    ("on_transactions", "transaction"),
)
EACH_PACKET = "meta.packet_index"
"""What every packet has: its event is that of packets."""


@dataclass(frozen=True, slots=True)
class AttributeOf:
    """An attribute of a class on its way to a protocol; see `attribute`."""

    offset: int
    length: int | None
    kind: Kind
    mask: int
    order: Literal["network", "host"]
    scope: str
    doc: str


def attribute(  # noqa: PLR0913  # what can be said of an attribute
    offset: int,
    length: int | None = None,
    kind: Kind = "uint",
    *,
    mask: int = 0,
    order: Literal["network", "host"] = "network",
    scope: Literal["packet", "session", "session-changing", "event"] = "packet",
    doc: str = "",
) -> Any:
    """Describes an attribute of the protocol that the class is.

    Args:
        offset: Octets from the start of the header.
        length: Octets; None means one for a number, and to the end of the message for the rest.
        kind: `uint`, `float`, `text`, `binary`, `mac` or `ip`.
        mask: Bits of a number that belong to it; the value is shifted to the right of them.
        order: Order of a number's octets: `host` has the least first.
        scope: How long a value stays true.
        doc: One sentence for `nf protocols`.
    """
    return AttributeOf(offset, length, kind, mask, order, scope, doc)


@dataclass(frozen=True, slots=True)
class Examined:
    """What a protocol makes of one packet.

    Attributes:
        path: Protocols above the transport; empty when the packet is not recognised.
        headers: Every header read, as its protocol and its values.
    """

    path: tuple[str, ...]
    headers: tuple[tuple[str, Mapping[str, Any]], ...]


@dataclass(frozen=True, slots=True)
class UserProtocol:
    """A protocol that `@nf.protocol` made of a class, or that a plugin file describes.

    Attributes:
        description: What the engine executes.
        handlers: What runs in Python, on batches.
        classifier: What says of sessions that they are another protocol's.
    """

    description: Description
    handlers: tuple[Handler, ...] = ()
    classifier: Classifier | None = None

    @property
    def name(self) -> str:
        """Its word in paths and filters."""
        return self.description.name

    @property
    def id(self) -> int:
        """Its number."""
        return self.description.id

    def examine(self, octets: bytes, carrier: str, port: int, *others: "UserProtocol") -> Examined:
        """What the engine makes of the first packet of a session; for tests.

        Args:
            octets: What the carrier carries.
            carrier: `tcp`, `udp`, `sctp`, `ip` or `ethernet`.
            port: Port of the responder; over `ip` the protocol number, over `ethernet` the type.
            *others: Protocols of yours that may come next.
        """
        all_of_them = [self.description, *(one.description for one in others)]
        path, said = _engine.examine(to_json(all_of_them) or "[]", carrier, port, octets)
        headers = tuple((name, json.loads(text)) for name, text in said)
        return Examined(tuple(path), headers)


def protocol(  # noqa: PLR0913  # what can be said of a protocol
    *,
    id: int,  # noqa: A002  # the word of MMT, of plugin files and of nf protocols
    name: str = "",
    parents: Iterable[str] = (),
    patterns: Iterable[Pattern] = (),
    header: int | None = None,
    length: str | tuple[str, int] | None = None,
    switch: str = "",
    cases: Mapping[int, Target] | None = None,
    default: Target | None = None,
) -> Callable[[type], UserProtocol]:
    """Makes a protocol of a class whose members are `nf.attribute(…)`.

    The first line of the class's documentation is the protocol's title. Functions of the class
    (static methods) get lists of records: `on_sessions` and `on_transactions` those of the
    protocol; `on_NAME` the moments when the attribute NAME had a value, with all attributes of the
    message; `on_packets` every packet; `classify` sessions that it may name otherwise.

    Args:
        id: 1 to 999. That of a built-in protocol takes its place.
        name: Its word in paths and filters; the class's name in small letters unless given.
        parents: What carries it: `"udp port 7001, 7002 weight 50"`, `"tcp"`, `"ip protocol 253"`.
        patterns: Octets by their offsets, all of which a first message has; of several patterns one
            is enough. A pair is octets and the bits of them that count.
        header: Octets that a message has at least; where the attributes end unless given.
        length: The attribute that tells how long a message is, and what to add to it.
        switch: The attribute that tells which protocol comes next.
        cases: What its values mean: a protocol, with the octets before it unless these are the
            header.
        default: What any other value means.

    Raises:
        ConfigurationError: The description contradicts itself; its place is the class.
    """
    caller = inspect.currentframe()
    caller = caller.f_back if caller is not None else None
    place = f"{caller.f_code.co_filename}:{caller.f_lineno}" if caller is not None else "protocol"

    def make(described: type) -> UserProtocol:
        fields = tuple(_fields(described))
        reach = max((one.offset + one.length for one in fields), default=0)
        size = reach if header is None else header
        word = name or described.__name__.lower()
        find = _Finder(fields, place)
        made = Description(
            name=word,
            id=id,
            title=(inspect.getdoc(described) or word).splitlines()[0],
            place=place,
            header=size,
            frame=None if length is None else _frame(find, length),
            parents=tuple(parent for text in parents for parent in _parents(text, place)),
            patterns=tuple(_pattern(one) for one in patterns),
            attributes=fields,
            next=_next(find, switch, cases or {}, default, size),
        )
        # What comes next may be another plugin's, which is not known here.
        _engine.protocols(to_json([replace(made, next=None)]))
        return UserProtocol(
            made, tuple(_handlers(described, made)), getattr(described, "classify", None)
        )

    return make


def _handlers(described: type, made: Description) -> Iterable[Handler]:
    """The functions of a class that hear rows."""
    for function, kind in HANDLERS:
        if hasattr(described, function):
            yield Handler(kind, made.name, getattr(described, function))
    own = tuple(f"{made.name}.{one.name}" for one in made.attributes)
    if hasattr(described, "on_packets"):
        yield Handler("event", EACH_PACKET, described.on_packets, (EACH_PACKET, *own))
    taken = {"on_packets", *(function for function, _ in HANDLERS)}
    for one in made.attributes:
        function = f"on_{one.name}"
        if function not in taken and hasattr(described, function):
            yield Handler("event", f"{made.name}.{one.name}", getattr(described, function), own)


def _fields(described: type) -> Iterable[Field]:
    members = [
        (name, value) for name, value in vars(described).items() if isinstance(value, AttributeOf)
    ]
    for number, (name, one) in enumerate(members, 1):
        length = one.length
        if length is None:
            length = {"uint": 1, "float": 4, "mac": 6, "ip": 4}.get(one.kind, 0)
        yield Field(
            name,
            number,
            one.kind,
            one.offset,
            length,
            one.mask,
            one.order == "host",
            one.scope,
            one.doc,
        )


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds numbers by the attributes' names."""

    fields: tuple[Field, ...]
    place: str

    def number(self, name: str, argument: str) -> Number:
        for one in self.fields:
            if one.name == name and one.kind == "uint":
                return Number(one.offset, one.length, one.mask, one.little)
        known = ", ".join(one.name for one in self.fields if one.kind == "uint")
        raise ConfigurationError(
            f"{argument}: no attribute {name!r} is a number", self.place, f"one of {known}"
        )


def _frame(find: _Finder, length: str | tuple[str, int]) -> Frame:
    name, add = (length, 0) if isinstance(length, str) else length
    return Frame(find.number(name, "length"), add)


def _parents(text: str, place: str) -> tuple[Parent, ...]:
    said = Diagnostics(place, text)
    found = parse_parents(text, said)
    if said.errors:
        first = said.errors[0]
        raise ConfigurationError(f"parents: {first.what}", place, first.hint)
    return tuple(
        Parent(
            node.carrier.text.lower(),
            tuple(number.value for number in node.numbers),
            node.weight.value if node.weight is not None else 50,
        )
        for node in found
    )


def _pattern(pattern: Pattern) -> tuple[Octets, ...]:
    def one(offset: int, octets: bytes | tuple[bytes, bytes]) -> Octets:
        value, mask = (octets, b"") if isinstance(octets, bytes) else octets
        return Octets(offset, tuple(value), tuple(mask))

    return tuple(one(*part) for part in pattern.items())


def _next(
    find: _Finder,
    switch: str,
    cases: Mapping[int, Target],
    default: Target | None,
    size: int,
) -> Next | None:
    if not switch:
        if cases or default is not None:
            what = "cases without the attribute that they are values of"
            raise ConfigurationError(what, find.place, 'switch="kind"')
        return None

    def case(target: Target, value: int = 0) -> Case:
        word, offset = (target, size) if isinstance(target, str) else target
        return Case(word, offset, value)

    return Next(
        find.number(switch, "switch"),
        tuple(case(target, value) for value, target in cases.items()),
        None if default is None else case(default),
    )
