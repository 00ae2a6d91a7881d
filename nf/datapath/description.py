"""A protocol of the user's as plain data: what a plugin file and the decorator both become.

The engine executes it; see docs/plugins.md. Places are octets from the start of the header.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

__all__ = [
    "Case",
    "Description",
    "Field",
    "Frame",
    "Next",
    "Number",
    "Octets",
    "Parent",
    "to_json",
]


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a header.

    Attributes:
        offset: Where it starts.
        length: Octets, 1 to 8.
        mask: Bits that belong to it; 0 means all.
        little: The least octet comes first.
    """

    offset: int
    length: int
    mask: int = 0
    little: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """The length of a message in a stream: a number in it, and what is added to it."""

    number: Number
    add: int = 0


@dataclass(frozen=True, slots=True)
class Parent:
    """What carries the protocol.

    Attributes:
        carrier: `tcp`, `udp`, `sctp`, `ip` or `ethernet`.
        numbers: Ports of either side; of `ip` protocol numbers, of `ethernet` types.
        weight: Lower goes first; equal to a built-in protocol's, the user's goes first.
    """

    carrier: str
    numbers: tuple[int, ...] = ()
    weight: int = 50


@dataclass(frozen=True, slots=True)
class Octets:
    """Octets at a place, with the bits that count; an empty mask means all."""

    offset: int
    value: tuple[int, ...]
    mask: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """What can be asked of a message.

    Attributes:
        name: Its word.
        id: Its number within the protocol.
        kind: `uint`, `float`, `text`, `binary`, `mac` or `ip`.
        offset: Where it starts.
        length: Octets; 0 means to the end of the message.
        mask: Bits of a number that belong to it; 0 means all.
        little: The least octet of a number comes first.
        scope: `packet`, `session`, `session-changing` or `event`.
        doc: One sentence.
    """

    name: str
    id: int
    kind: str
    offset: int
    length: int
    mask: int = 0
    little: bool = False
    scope: str = "packet"
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A protocol that comes next, where it starts, and the number that says so."""

    protocol: str
    offset: int
    value: int = 0


@dataclass(frozen=True, slots=True)
class Next:
    """What comes after the header, by a number in it."""

    number: Number
    cases: tuple[Case, ...] = ()
    otherwise: Case | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """See the module.

    Attributes:
        name: Word in paths and filters.
        id: Its number, 1 to 999.
        title: One line for people.
        place: Where it was written, for messages.
        header: Octets that a message has at least.
        frame: How a stream falls into messages; without it every segment is one.
        parents: What carries it.
        patterns: Shapes of a first message, of which one is enough; all octets of it must be there.
        attributes: What can be asked.
        next: What comes after the header.
    """

    name: str
    id: int
    title: str = ""
    place: str = ""
    header: int = 0
    frame: Frame | None = None
    parents: tuple[Parent, ...] = ()
    patterns: tuple[tuple[Octets, ...], ...] = ()
    attributes: tuple[Field, ...] = ()
    next: Next | None = None


def to_json(descriptions: Sequence[Description]) -> str | None:
    """The text that the engine takes; nothing of no plugins."""
    return json.dumps([asdict(one) for one in descriptions]) if descriptions else None
