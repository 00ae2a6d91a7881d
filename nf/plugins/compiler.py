"""Plugin files: from a tree to a description that the engine executes, or to what is wrong."""

from dataclasses import dataclass, field

from nf.datapath.description import Case, Description, Field, Frame, Next, Number
from nf.plugins import syntax
from nf.plugins.attributes import Attributes, Struct
from nf.plugins.claims import parents_of, patterns_of
from nf.plugins.diagnostics import Diagnostics, Span
from nf.plugins.kinds import KINDS
from nf.plugins.layout import LARGEST, StructLayout, layout_of
from nf.plugins.lexer import Token
from nf.plugins.parser import parse
from nf.plugins.registry import Registry, registry

__all__ = ["Compiled", "compile_text", "identity_of"]

PROPERTIES = ("label", "id", "context", "session", "encapsulation", "encoding", "title")
LARGEST_ID = 999
WITH_PACKETS = frozenset({"ethernet", "8021q", "8021ad", "llc", "mpls", "ppp", "ip", "ipv6"})
"""Headers inside which the engine looks for packets: `may_be_inside` of the crate nf-wire."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A file: its description unless it has errors, what was said, and the tests it brings."""

    description: Description | None
    said: Diagnostics
    tests: tuple[syntax.TestNode, ...] = ()


def compile_text(text: str, file: str, known: Registry | None = None) -> Compiled:
    """Compiles a plugin file.

    Args:
        text: What is in it.
        file: Its name, for messages.
        known: Protocols that exist, those of other plugins included.
    """
    said = Diagnostics(file, text)
    tree = parse(text, said)
    if tree is None:
        return Compiled(None, said)
    description = _Compiler(tree, said, known or registry()).description()
    return Compiled(None if said.errors else description, said, tuple(tree.tests))


def identity_of(text: str) -> tuple[str, int]:
    """Name and id that a file claims, whatever else is wrong with it; empty and 0 if none."""
    tree = parse(text, Diagnostics("", ""))
    if tree is None or tree.properties is None:
        return "", 0
    values = {one.key.text: one.value.text for one in tree.properties.properties}
    number = values.get("id", "")[:6]
    found = int(number) if number.isascii() and number.isdigit() else 0
    return values.get("label", "").lower(), found


@dataclass(slots=True)
class _Compiler:
    tree: syntax.File
    said: Diagnostics
    known: Registry
    constants: dict[str, int] = field(default_factory=dict)
    structs: dict[str, StructLayout] = field(default_factory=dict)
    little: bool = False

    def description(self) -> Description:
        self._constants()
        values = self._properties()
        self.little = self._encoding(values)
        for struct in self.tree.structs:
            if struct.name.text in self.structs:
                what = f"struct {struct.name.text} is there already"
                self.said.error(struct.name.at, what, "give it another name")
            self.structs.setdefault(
                struct.name.text, layout_of(struct, self.said, little=self.little)
            )
        name, number, at = self._identity(values)
        header = next(iter(self.structs.values()), None)
        fields = Attributes(self.said, self.structs, self.sum_of, little=self.little).all(
            self.tree.attributes
        )
        self._flags(values)
        size = header.size if header is not None else _reach(fields)
        made = Description(
            name=name,
            id=number,
            title=values["title"].text if "title" in values else f"{name}, of a plugin",
            place=f"{self.said.file}:{at.line}:{at.column}",
            header=size,
            frame=self._frame(size),
            parents=parents_of(self.tree, self.said),
            patterns=patterns_of(self.tree, self.said),
            attributes=fields,
            next=self._next(values, size),
        )
        if not made.parents and not self.tree.switch and not fields:
            self.said.warn(at, "the protocol says nothing and reads nothing", "add Attributes")
        return made

    # Names

    def _constants(self) -> None:
        for name, number in self.tree.defines:
            if name.text in self.constants:
                what = f"{name.text} is defined twice"
                self.said.error(name.at, what, "leave one of the definitions out")
            self.constants.setdefault(name.text, number.value)

    def _properties(self) -> dict[str, Token]:
        block = self.tree.properties
        if block is None:
            hint = 'Properties { label = "name" id = "950" … }'
            self.said.error(self.tree.at, "the protocol has no Properties", hint)
            return {}
        found: dict[str, Token] = {}
        for one in block.properties:
            key = one.key.text
            if key not in PROPERTIES:
                what = f"there is no property {key!r}"
                self.said.error(one.key.at, what, "one of " + ", ".join(PROPERTIES))
            elif key in found:
                self.said.error(one.key.at, f"{key} stands here twice", "leave one out")
            found.setdefault(key, one.value)
        for key in ("label", "id"):
            if key not in found:
                self.said.error(block.at, f"the protocol has no {key}", f'add {key} = "…"')
        for key in ("context", "session", "encapsulation"):
            if key in found and found[key].text not in {"true", "false"}:
                what = f"{key} is {found[key].text!r}"
                self.said.error(found[key].at, what, '"true" or "false"')
        return found

    def _encoding(self, values: dict[str, Token]) -> bool:
        token = values.get("encoding")
        if token is not None and token.text not in {"network", "host"}:
            what = f"there is no encoding {token.text!r}"
            self.said.error(token.at, what, '"network" or "host"')
        return token is not None and token.text == "host"

    def _identity(self, values: dict[str, Token]) -> tuple[str, int, Span]:
        label, number = values.get("label"), values.get("id")
        at = label.at if label is not None else self.tree.at
        name = label.text.lower() if label is not None else ""
        if label is not None and not (
            0 < len(name) <= 64 and name.isascii() and name.replace("_", "a").isalnum()
        ):
            what = f"{label.text!r} cannot be a name"
            self.said.error(at, what, "letters, digits and _, 64 at most")
        value = self._id(number)
        built_in = registry().ids.get(name)
        if number is not None and value and name in self.known.headers and value != built_in:
            what = f"{name} has the id {built_in} in the registry, not {value}"
            self.said.error(number.at, what, "an id that is free, for example 950")
        if label is not None and name in self.known.headers:
            what = f"{name} ({built_in}) is a header that nf reads to find sessions at all"
            self.said.error(at, f"{what}; it is not replaced", "another label")
        elif number is not None and value:
            self._conflicts(name, value, at, number.at)
        return name, value, at

    def _id(self, token: Token | None) -> int:
        if token is None:
            return 0
        value = self.constants.get(token.text)
        if value is None and token.text[:6].isascii() and token.text[:6].isdigit():
            value = int(token.text[:6])
        if value is None or not 1 <= value <= LARGEST_ID:
            what = f"{token.text!r} is no id"
            self.said.error(token.at, what, f"1 to {LARGEST_ID}; from 1000 up they are nf's own")
            return 0
        return value

    def _conflicts(self, name: str, value: int, label: Span, number: Span) -> None:
        """What else has the name or the id: of what is built in, other plugins are told later."""
        built_in = registry()
        other = built_in.names.get(value)
        named = built_in.ids.get(name)
        if other in self.known.headers:
            what = (
                f"{value} is {other}, a header that nf reads to find sessions; it is not replaced"
            )
            self.said.error(number, what, "another id, for example 950")
        elif other is not None and other != name:
            what = f"{value} is {other} in the registry; this plugin takes its place"
            self.said.warn(number, what, "an id that is free, unless that is meant")
        elif other is None and built_in.apps.get(value, name) != name:
            what = f"{value} is the application {built_in.apps[value]} in the registry"
            self.said.warn(number, what, "an id that is free, so that reports are clear")
        if named is not None and named != value:
            what = f"{name} has the id {named} in the registry; this plugin takes its place"
            self.said.warn(label, what, f'id = "{named}", or another label')
        elif named is not None:
            what = f"{name} is built in; this plugin takes its place and its parser is off"
            self.said.warn(label, what, "another label, unless that is meant")

    def _flags(self, values: dict[str, Token]) -> None:
        for key in ("context", "session"):
            if key in values and values[key].text == "true":
                what = f"{key} has no meaning here: nf keeps what it needs by itself"
                self.said.note(values[key].at, what, "leave it out, or keep it for MMT")
        token = values.get("encapsulation")
        if token is None:
            return
        if token.text == "false" and self.tree.switch is not None:
            what = "encapsulation is false, and classifynext tells what comes next"
            self.said.error(token.at, what, 'encapsulation = "true", or no classifynext')
        if token.text == "true" and self.tree.switch is None:
            what = "encapsulation is true, and nothing tells what comes next"
            self.said.warn(token.at, what, 'add classifynext, or encapsulation = "false"')

    # Sums

    def sum_of(self, offset: syntax.Offset | None, at: Span, what: str) -> int | None:
        """The value of a sum; nothing when it has none, which was said."""
        if offset is None:
            self.said.error(at, f"{what} is no number", "14 or sizeof(struct header)")
            return None
        total = 0
        for term in offset.terms:
            value = self._term(term)
            if value is None:
                return None
            total += term.sign * value
        if not 0 <= total <= LARGEST:
            self.said.error(offset.at, f"{what} is {total}", f"0 to {LARGEST}")
            return None
        return total

    def _term(self, term: syntax.Term) -> int | None:
        token = term.token
        if term.function == "sizeof":
            if token.text in self.structs:
                return self.structs[token.text].size
            kind = KINDS.get(token.text)
            if kind is not None and kind.size:
                return kind.size
            known = ", ".join([*self.structs, "uint16_t and the other types"])
            self.said.error(
                token.at, f"sizeof({token.text}): there is no such struct or type", known
            )
            return None
        if token.kind == "number":
            return token.value
        if token.text in self.constants:
            return self.constants[token.text]
        hint = f"define {token.text} = NUMBER, before Properties"
        self.said.error(token.at, f"{token.text} is not defined", hint)
        return None

    # What a number in the header tells

    def _field(self, token: Token) -> Number | None:
        place: Struct | None = None
        for struct in self.structs.values():
            place = place or struct.fields.get(token.text)
        if place is None:
            names = [name for struct in self.structs.values() for name in struct.fields]
            hint = "one of " + ", ".join(names) if names else "a struct with this field"
            self.said.error(token.at, f"val({token.text}): no struct has such a field", hint)
            return None
        if place.type not in KINDS:
            # Said where the struct is.
            return None
        if KINDS[place.type].kind != "uint" or place.length > 8:
            what = f"val({token.text}): {place.type} is no number of 1 to 8 octets"
            self.said.error(token.at, what, "a field that is an integer")
            return None
        return place.number(little=self.little)

    def _frame(self, size: int) -> Frame | None:
        if self.tree.frame is None:
            return None
        number, add = None, 0
        for term in self.tree.frame.terms:
            if term.function != "val":
                add += term.sign * (self._term(term) or 0)
            elif number is not None or term.sign < 0:
                what = "a length is one field and a constant"
                self.said.error(term.token.at, what, "val(length) + 4")
            else:
                number = self._field(term.token)
                if number is None:
                    return None
        if number is None:
            what = "messages of one fixed length, or a length without val()"
            self.said.error(self.tree.frame.at, what, "val(length) + 4")
            return None
        if add < -LARGEST or add > LARGEST:
            self.said.error(self.tree.frame.at, f"the constant is {add}", "a smaller one")
            add = 0
        if number.offset + number.length > size:
            what = "the length lies behind the header"
            self.said.error(self.tree.frame.at, what, "a field of the first struct")
        return Frame(number, add)

    def _next(self, values: dict[str, Token], size: int) -> Next | None:
        switch = self.tree.switch
        if switch is None:
            return None
        if switch.tested is None:
            return None
        if "encapsulation" not in values:
            what = "encapsulation is not said, and classifynext tells what comes next"
            self.said.warn(switch.at, what, 'encapsulation = "true"')
        number = self._field(switch.tested)
        if number is None:
            return None
        bits = number.mask.bit_count() if number.mask else 8 * number.length
        cases: dict[int, Case] = {}
        otherwise: Case | None = None
        defaults = 0
        seen: dict[str, str] = {}
        for node in switch.cases:
            value = self._case_value(node, bits, cases)
            case = self._case(node, size)
            self._suspicious(node, seen)
            if not node.ended:
                self.said.error(node.at, "the case has no break", "write break behind it")
            if node.value is None:
                defaults += 1
                if defaults > 1:
                    self.said.error(node.at, "there are two defaults", "leave one out")
                otherwise = case
            elif case is not None and value is not None:
                cases.setdefault(value, Case(case.protocol, case.offset, value))
        return Next(number, tuple(cases.values()), otherwise)

    def _case_value(self, node: syntax.CaseNode, bits: int, cases: dict[int, Case]) -> int | None:
        token = node.value
        if token is None:
            return None
        value = token.value if token.kind == "number" else self.constants.get(token.text)
        if value is None:
            hint = f"define {token.text} = NUMBER, before Properties"
            self.said.error(token.at, f"{token.text} is not defined", hint)
        elif value >> bits:
            what = f"the case {value:#x} cannot be: the field has {bits} bits"
            self.said.error(token.at, what, f"0 to {(1 << bits) - 1:#x}")
        elif value in cases:
            what = f"the case {value:#x} is there already, for {cases[value].protocol}"
            self.said.error(token.at, what, "leave one of them out")
        return value

    def _case(self, node: syntax.CaseNode, size: int) -> Case | None:
        names = [one for one in node.assigns if one.name is not None]
        offsets = [one for one in node.assigns if one.offset is not None]
        for same in (names[1:], offsets[1:]):
            for one in same:
                self.said.error(one.key.at, f"{one.key.text} stands here twice", "leave one out")
        offset: int | None = size
        if offsets:
            offset = self.sum_of(offsets[0].offset, offsets[0].key.at, "nextoffset")
        if not names:
            if node.value is not None or offsets:
                self.said.error(
                    node.at, "the case does not say what comes next", "nextencaps = NAME"
                )
            return None
        if not offsets:
            what = f"nextoffset is not said; {size}, the size of the header, is taken"
            self.said.warn(node.at, what, f"nextoffset = {size}")
        elif offset is not None and offset < size:
            what = f"what comes next starts at {offset}, within the header of {size} octets"
            self.said.warn(offsets[0].key.at, what, f"nextoffset = {size}")
        protocol = self._protocol(names[0].name)
        return None if protocol is None or offset is None else Case(protocol, offset)

    def _protocol(self, token: Token | None) -> str | None:
        """A protocol by its name, or by a constant that is its id."""
        if token is None:
            return None
        name = token.text.lower().removeprefix("proto_")
        if token.text in self.constants:
            number = self.constants[token.text]
            found = self.known.names.get(number)
            if found is None:
                known = self.known.ids.get(name)
                hint = f"{known}, the id of {name}" if known else self.known.nearest(name)
                self.said.error(token.at, f"no protocol has the id {number}", hint)
            elif name in self.known.ids and self.known.ids[name] != number:
                what = f"{token.text} is defined as {number}, which is {found} in the registry"
                self.said.error(token.at, what, f"{self.known.ids[name]}, the id of {name}")
                return None
            return found
        if name not in self.known.ids:
            self.said.error(token.at, f"there is no protocol {name!r}", self.known.nearest(name))
            return None
        if name in self.known.headers and name not in WITH_PACKETS:
            what = f"{name} will be in the path; what is inside it is not read from there"
            self.said.note(token.at, what, "one of " + ", ".join(sorted(WITH_PACKETS)))
        return name

    def _suspicious(self, node: syntax.CaseNode, seen: dict[str, str]) -> None:
        """A case called after one protocol that leads to another, or where another case leads."""
        target = next((one.name.text for one in node.assigns if one.name is not None), None)
        if node.value is None or node.value.kind != "name" or target is None:
            return
        case, word = node.value, node.value.text.rpartition("_")[2].lower()
        leads = target.lower().removeprefix("proto_")
        before = seen.setdefault(leads, case.text)
        named = self.known.ids.get(word)
        if named is not None and named != self.known.ids.get(leads):
            what = f"the case is called {case.text} and leads to {leads}"
            self.said.warn(case.at, what, f"nextencaps = {word.upper()}, or another name")
        elif before != case.text:
            what = f"{case.text} leads to {leads}, as {before} does"
            self.said.warn(case.at, what, "nothing, if that is meant")


def _reach(fields: tuple[Field, ...]) -> int:
    return max((one.offset + one.length for one in fields), default=0)
