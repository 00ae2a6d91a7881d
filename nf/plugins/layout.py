"""Structs of plugin files: where each field lies."""

from dataclasses import dataclass

from nf.datapath.description import Number
from nf.plugins.diagnostics import Diagnostics
from nf.plugins.kinds import KINDS
from nf.plugins.lexer import Token
from nf.plugins.syntax import Member, Struct

__all__ = ["Place", "StructLayout", "layout_of"]

LARGEST = 65_535
"""Farthest octet of a header that can be asked for."""


@dataclass(frozen=True, slots=True)
class Place:
    """A field of a struct.

    Attributes:
        token: Its name in the file.
        type: Its type's name.
        offset: Octets before it.
        length: Octets it has.
        mask: Its bits within these octets; 0 means all.
    """

    token: Token
    type: str
    offset: int
    length: int
    mask: int = 0

    @property
    def bits(self) -> int:
        """How many bits it has."""
        return self.mask.bit_count() if self.mask else 8 * self.length

    def number(self, *, little: bool) -> Number:
        """How it is read as a number."""
        return Number(self.offset, self.length, self.mask, little)


@dataclass(frozen=True, slots=True)
class StructLayout:
    """A struct: its fields, and how many octets it has."""

    name: str
    fields: dict[str, Place]
    size: int


def layout_of(struct: Struct, said: Diagnostics, *, little: bool) -> StructLayout:
    """Lays the fields out one after another, without gaps, as on the wire."""
    fields: dict[str, Place] = {}
    at = 0
    unit: tuple[int, int] | None = None
    used = 0
    """Octets of the unit that bit fields share, and bits of it that are taken."""
    for member in struct.members:
        kind = KINDS.get(member.kind.text)
        size = kind.size if kind is not None else 0
        if size == 0:
            known = ", ".join(name for name, kind in KINDS.items() if kind.size)
            why = kind.why if kind is not None and kind.why else "is no type of a struct's field"
            said.error(member.kind.at, f"{member.kind.text} {why}", f"one of {known}")
            size = 1
        if member.bits is not None:
            bits = member.bits.value
            if unit is None or unit[1] != size or used + bits > 8 * size:
                _finished(struct, unit, used, said)
                unit, used = (at, size), 0
                at += size
            if not 1 <= bits <= 8 * size:
                what = f"{bits} bits in a {member.kind.text}"
                said.error(member.bits.at, what, f"1 to {8 * size}")
                bits = 1
            # The first one has the highest bits in network order, the lowest otherwise.
            shift = used if little else 8 * size - used - bits
            place = Place(
                member.name, member.kind.text, unit[0], size, ((1 << bits) - 1) << max(shift, 0)
            )
            used += bits
        else:
            _finished(struct, unit, used, said)
            unit, used = None, 0
            count = _count(member, said)
            place = Place(member.name, member.kind.text, at, size * count)
            at += size * count
        if member.name.text in fields:
            what = f"struct {struct.name.text} has two fields {member.name.text!r}"
            said.error(member.name.at, what, "give each a name of its own")
        fields.setdefault(member.name.text, place)
        if at > LARGEST:
            said.error(member.name.at, "the struct is too large", f"at most {LARGEST} octets")
            break
    _finished(struct, unit, used, said)
    if not struct.members:
        said.error(struct.name.at, f"struct {struct.name.text} is empty", "uint8_t kind;")
    return StructLayout(struct.name.text, fields, min(at, LARGEST))


def _count(member: Member, said: Diagnostics) -> int:
    if member.count is None:
        return 1
    if not 1 <= member.count.value <= LARGEST:
        said.error(member.count.at, f"an array of {member.count.value}", f"1 to {LARGEST}")
        return 1
    return member.count.value


def _finished(struct: Struct, unit: tuple[int, int] | None, used: int, said: Diagnostics) -> None:
    """Bit fields must fill their octets, or what follows would lie elsewhere than it seems."""
    if unit is not None and used < 8 * unit[1]:
        missing = 8 * unit[1] - used
        said.warn(
            struct.name.at,
            f"bit fields of struct {struct.name.text} leave {missing} bits of their octets open",
            f"say so: a field of {missing} bits, for example reserved",
        )
