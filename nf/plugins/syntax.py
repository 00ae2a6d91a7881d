"""Plugin files as trees: what the parser makes of the words, before anything is looked up."""

from dataclasses import dataclass, field

from nf.plugins.diagnostics import Span
from nf.plugins.lexer import Token

__all__ = [
    "Assign",
    "Block",
    "CaseNode",
    "File",
    "Member",
    "Offset",
    "ParentNode",
    "PatternNode",
    "Property",
    "Struct",
    "Switch",
    "Term",
    "TestNode",
]


@dataclass(slots=True)
class Term:
    """A number, or `sizeof(NAME)`, or `val(NAME)`; subtracted where `sign` is -1."""

    sign: int
    token: Token
    function: str = ""


@dataclass(slots=True)
class Offset:
    """A sum of terms."""

    at: Span
    terms: list[Term] = field(default_factory=list)


@dataclass(slots=True)
class Property:
    """`key = value`; the value is a text, or what may stand without quotes."""

    key: Token
    value: Token
    terms: Offset | None = None
    """What the value says as a sum, if it can be one."""


@dataclass(slots=True)
class Member:
    """`TYPE NAME [ COUNT ] : BITS;` of a struct."""

    kind: Token
    name: Token
    count: Token | None
    bits: Token | None


@dataclass(slots=True)
class Struct:
    """A struct."""

    name: Token
    members: list[Member]


@dataclass(slots=True)
class Block:
    """An `attribute { … }`, or the properties."""

    at: Span
    properties: list[Property]


@dataclass(slots=True)
class Assign:
    """`nextencaps = NAME` or `nextoffset = SUM`."""

    key: Token
    name: Token | None = None
    offset: Offset | None = None


@dataclass(slots=True)
class CaseNode:
    """A case; without a value the default."""

    at: Span
    value: Token | None
    assigns: list[Assign]
    ended: bool
    """There is a `break`."""


@dataclass(slots=True)
class Switch:
    """`classifynext`."""

    at: Span
    tested: Token | None
    cases: list[CaseNode] = field(default_factory=list)


@dataclass(slots=True)
class ParentNode:
    """`udp port 443, 444 weight 50`."""

    carrier: Token
    numbers: list[Token] = field(default_factory=list)
    weight: Token | None = None


@dataclass(slots=True)
class PatternNode:
    """`at 0 "GA" and at 4 0x21`: each an offset, octets and a mask."""

    at: Span
    parts: list[tuple[Token, Token, Token | None]] = field(default_factory=list)


@dataclass(slots=True)
class TestNode:
    """`udp port 7001 "0a0b" expect kind = 1, path = "gauge"`; nothing expected: not recognised."""

    carrier: Token
    port: Token
    octets: Token
    expected: list[tuple[Token, Token]] = field(default_factory=list)


@dataclass(slots=True)
class File:
    """A whole file."""

    at: Span
    defines: list[tuple[Token, Token]] = field(default_factory=list)
    properties: Block | None = None
    structs: list[Struct] = field(default_factory=list)
    attributes: list[Block] = field(default_factory=list)
    switch: Switch | None = None
    parents: list[ParentNode] = field(default_factory=list)
    patterns: list[PatternNode] = field(default_factory=list)
    frame: Offset | None = None
    tests: list[TestNode] = field(default_factory=list)
