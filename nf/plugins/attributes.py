"""The attributes of a plugin file: types, places, and whether they agree with the structs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nf.datapath.description import Field
from nf.plugins.diagnostics import Diagnostics, Span
from nf.plugins.kinds import KINDS, SCOPES, Kind
from nf.plugins.layout import Place, StructLayout
from nf.plugins.lexer import Token
from nf.plugins.syntax import Block, Offset, Property

__all__ = ["Attributes", "Struct"]

Struct = Place
SumOf = Callable[[Offset | None, Span, str], int | None]

KEYS = ("alias", "data_type", "data_len", "offset", "scope", "mask", "doc")
LONGEST = 4096
"""Most octets of one value."""
REST = "rest"
"""`data_len` of what goes on to the end of the message."""


@dataclass(slots=True)
class _Found:
    """An attribute on its way: its field, and where the parts of it stand."""

    field: Field
    alias: Token
    offset: Span


class Attributes:
    """Compiles the `attribute` blocks of a file."""

    def __init__(
        self,
        said: Diagnostics,
        structs: dict[str, StructLayout],
        sum_of: SumOf,
        *,
        little: bool,
    ) -> None:
        self._said = said
        self._structs = structs
        self._sum_of = sum_of
        self._little = little
        self._places: dict[str, Place] = {}
        for struct in reversed(structs.values()):
            self._places.update(struct.fields)

    def all(self, blocks: Sequence[Block]) -> tuple[Field, ...]:
        """All attributes, in the order of the file; their ids count from 1."""
        found: list[_Found] = []
        for number, block in enumerate(blocks, 1):
            one = self._one(block, number)
            if one is None:
                continue
            if any(one.field.name == other.field.name for other in found):
                what = f"there are two attributes {one.field.name!r}"
                self._said.error(one.alias.at, what, "give each an alias of its own")
                continue
            found.append(one)
        self._overlaps(found)
        said = (one for block in blocks for one in block.properties)
        self._silent({one.value.text for one in said if one.key.text == "alias"})
        return tuple(one.field for one in found)

    def _one(self, block: Block, number: int) -> _Found | None:
        keys: dict[str, Property] = {}
        for one in block.properties:
            if one.key.text not in KEYS:
                what = f"an attribute has no {one.key.text!r}"
                self._said.error(one.key.at, what, "one of " + ", ".join(KEYS))
            elif one.key.text in keys:
                self._said.error(one.key.at, f"{one.key.text} stands here twice", "leave one out")
            keys.setdefault(one.key.text, one)
        alias = keys.get("alias")
        if alias is None:
            self._said.error(block.at, "the attribute has no alias", 'alias = "name"')
            return None
        name = alias.value.text
        plain = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()
        if not plain or len(name) > 64:
            what = f"{name!r} cannot be a name"
            self._said.error(alias.value.at, what, "small letters, digits and _, 64 at most")
            return None
        place = self._places.get(name)
        kind, size = self._type(block, keys.get("data_type"), place)
        length = self._length(block, keys, kind, size, place)
        offset = self._offset(block, keys.get("offset"), place)
        scope = self._scope(keys.get("scope"))
        if kind is None or length is None or offset is None:
            return None
        mask = self._mask(keys.get("mask"), kind, length)
        if mask == 0 and place is not None and (offset, length) == (place.offset, place.length):
            mask = place.mask
        doc = keys["doc"].value.text if "doc" in keys else ""
        at = keys["offset"].value.at if "offset" in keys else alias.value.at
        field = Field(name, number, kind.kind, offset, length, mask, self._little, scope, doc)
        self._agrees(field, alias.value, keys, place)
        return _Found(field, alias.value, at)

    def _type(
        self, block: Block, said: Property | None, place: Place | None
    ) -> tuple[Kind | None, int]:
        if said is None:
            if place is None:
                hint = 'data_type = "uint16_t", or the alias of a field of the struct'
                self._said.error(block.at, "the attribute has no data_type", hint)
                return None, 0
            kind = KINDS.get(place.type)
            if kind is not None and kind.size and place.length != kind.size and not place.mask:
                # An array: octets, or a text of char.
                kind = Kind("text" if kind.kind == "text" else "binary", 0)
            return kind, place.length
        kind = KINDS.get(said.value.text)
        if kind is None:
            known = ", ".join(name for name, kind in KINDS.items() if kind.kind)
            what = f"there is no type {said.value.text!r}"
            self._said.error(said.value.at, what, f"one of {known}")
            return None, 0
        if not kind.kind:
            self._said.error(said.value.at, f"{said.value.text} {kind.why}", "MMT_BINARY_DATA")
            return None, 0
        return kind, kind.size

    def _length(
        self,
        block: Block,
        keys: dict[str, Property],
        kind: Kind | None,
        size: int,
        place: Place | None,
    ) -> int | None:
        said = keys.get("data_len")
        if said is None:
            own = size or (place.length if place is not None else 0)
            if kind is not None and own == 0:
                hint = f'data_len = "16", or "{REST}" for what goes on to the end'
                self._said.error(block.at, "the attribute has no data_len", hint)
                return None
            return own
        if said.value.text == REST:
            if kind is not None and kind.kind not in {"text", "binary"}:
                what = "a number cannot go on to the end"
                self._said.error(said.value.at, what, "MMT_STRING_DATA or MMT_BINARY_DATA")
            return 0
        length = self._sum_of(said.terms, said.value.at, "data_len")
        if length is not None and not 1 <= length <= LONGEST:
            self._said.error(said.value.at, f"data_len is {length}", f"1 to {LONGEST}")
        elif length is not None and kind is not None and not _fits(kind, size, length):
            name = keys["data_type"].value.text if "data_type" in keys else kind.kind
            what = f"{name} has {size} octets, and data_len is {length}"
            self._said.error(said.value.at, what, f'data_len = "{size}", or another type')
        return length

    def _offset(self, block: Block, said: Property | None, place: Place | None) -> int | None:
        if said is not None:
            return self._sum_of(said.terms, said.value.at, "offset")
        if place is None:
            hint = 'offset = "14", or the alias of a field of the struct'
            self._said.error(block.at, "the attribute has no offset", hint)
            return None
        return place.offset

    def _scope(self, said: Property | None) -> str:
        if said is None:
            return "packet"
        if said.value.text not in SCOPES:
            what = f"there is no scope {said.value.text!r}"
            self._said.error(said.value.at, what, "one of " + ", ".join(SCOPES))
        return SCOPES.get(said.value.text, "packet")

    def _mask(self, said: Property | None, kind: Kind, length: int) -> int:
        if said is None:
            return 0
        text = said.value.text
        try:
            mask = int(text[:20], 0)
        except ValueError:
            mask = 0
        if kind.kind != "uint" or not 0 < mask < 1 << (8 * min(length, 8)):
            what = f"{text!r} is no mask of {length} octets"
            self._said.error(said.value.at, what, 'of an integer, for example "0x0f"')
            return 0
        return mask

    def _agrees(
        self, field: Field, alias: Token, keys: dict[str, Property], place: Place | None
    ) -> None:
        """Against the struct's field of the same name, and against the struct's end."""
        if place is not None:
            if field.offset != place.offset:
                at = keys["offset"].value.at
                what = f"{field.name} is said to be at {field.offset}; the struct has it at "
                self._said.error(at, f"{what}{place.offset}", f'offset = "{place.offset}"')
            if field.length != place.length and not field.mask:
                at = keys["data_len"].value.at if "data_len" in keys else alias.at
                if "data_len" not in keys and "data_type" in keys:
                    at = keys["data_type"].value.at
                what = f"{field.name} is said to have {field.length} octets; the struct gives it "
                self._said.error(at, f"{what}{place.length}", f'data_len = "{place.length}"')
        header = next(iter(self._structs.values()), None)
        if header is not None and field.length and field.offset + field.length > header.size:
            at = keys["offset"].value.at if "offset" in keys else alias.at
            what = f"{field.name} ends at octet {field.offset + field.length}; struct "
            what += f"{header.name} has {header.size}"
            self._said.error(at, what, "lengthen the struct, or look at the offset")

    def _overlaps(self, found: Sequence[_Found]) -> None:
        """Octets that two attributes share, unless these are bits of the same."""
        for number, one in enumerate(found):
            for other in found[:number]:
                a, b = one.field, other.field
                if not (a.length and b.length) or (a.mask and b.mask):
                    continue
                if a.offset < b.offset + b.length and b.offset < a.offset + a.length:
                    what = f"{a.name} (octets {_range(a)}) and {b.name} ({_range(b)}) overlap"
                    hint = "look at the offsets; bits of one octet need a mask each"
                    self._said.error(one.offset, what, hint)
                    break

    def _silent(self, names: set[str]) -> None:
        """Fields of the header that nobody can ask for."""
        header = next(iter(self._structs.values()), None)
        if header is None or not names:
            return
        hidden = [
            (name, place)
            for name, place in header.fields.items()
            if name not in names and not name.startswith(("reserved", "pad", "unused"))
        ]
        if not hidden:
            return
        (first, place), *others = hidden
        what = f"the field {first} has no attribute, so that nobody can ask for it"
        if others:
            words = ", ".join(name for name, _ in hidden)
            what = (
                f"{len(hidden)} fields have no attribute, so that nobody can ask for them: {words}"
            )
        self._said.note(place.token.at, what, f'attribute {{ alias = "{first}" }}')


def _fits(kind: Kind, size: int, length: int) -> bool:
    """Whether a value of this type may have so many octets."""
    match kind.kind:
        case "uint":
            return length <= size
        case "mac":
            return length == 6
        case "ip":
            return length in {4, 16}
        case "float":
            return length in {4, 8}
        case _:
            return True


def _range(field: Field) -> str:
    last = field.offset + field.length - 1
    return str(field.offset) if last == field.offset else f"{field.offset} to {last}"
