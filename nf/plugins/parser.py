"""Plugin files: words to trees. Goes on behind a mistake, so that all are told at once."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nf.plugins import syntax
from nf.plugins.cursor import BLOCKS, Cursor, Wrong
from nf.plugins.diagnostics import Diagnostics, Span
from nf.plugins.lexer import Token, tokens

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BLOCKS", "parse", "parse_parents"]


@dataclass(slots=True)
class _Sum:
    """What a sum may consist of, for messages."""

    functions: tuple[str, ...]
    example: str


OFFSET = _Sum(("sizeof",), "14 or sizeof(struct header)")
LENGTH = _Sum(("sizeof", "val"), "val(length) + 4")


def parse(text: str, said: Diagnostics) -> syntax.File | None:
    """The tree of a file; what is wrong goes to `said`. None when it does not even begin."""
    return _Parser(tokens(text, said), said).file()


class _Parser(Cursor):
    # The file

    def file(self) -> syntax.File | None:
        made = syntax.File(self.next.at)
        if self.ended:
            self.said.error(self.next.at, "the file is empty", "nf plugin new NAME --file")
            return None
        try:
            self.expect("Protocol")
        except Wrong:
            return None
        self.block(lambda: self._part(made))
        if not self.ended:
            what = f"{self.next.shown()} stands behind the end of the protocol"
            self.said.error(self.next.at, what, "one protocol per file; a } may be too early")
        return made

    def _part(self, made: syntax.File) -> None:
        parts: dict[str, Callable[[syntax.File], None]] = {
            "define": self._define,
            "Properties": self._properties,
            "Attributes": lambda made: self.block(lambda: self._attribute(made)),
            "classifynext": self._switch,
            "parents": lambda made: self.block(lambda: self._parent(made)),
            "patterns": lambda made: self.block(lambda: self._pattern(made)),
            "frame": self._frame,
            "tests": lambda made: self.block(lambda: self._test(made)),
        }
        token = self.next
        found = parts.get(token.text) if token.kind == "name" else None
        if found is None:
            same = [name for name in parts if name.lower() == token.text.lower()]
            raise self.wrong("a part of a protocol", f"{' or '.join(same or parts)}")
        self.take()
        found(made)
        self.skip(";")

    def _define(self, made: syntax.File) -> None:
        name = self.name("the name of a constant")
        self.expect("=")
        made.defines.append((name, self.number("its number")))

    def _properties(self, made: syntax.File) -> None:
        block = syntax.Block(self.last.at, [])
        if made.properties is not None:
            self.said.error(block.at, "Properties stand here twice", "join the two blocks")
        made.properties = made.properties or block
        self.block(lambda: self._property(block))

    def _property(self, block: syntax.Block) -> None:
        if self.skip(";"):
            return
        key = self.name("a property")
        self.expect("=")
        value = self.next
        terms = None
        if value.kind == "text":
            self.take()
            terms = self._sum_in(value)
        else:
            terms = self._sum(OFFSET)
        block.properties.append(syntax.Property(key, value, terms))
        self.skip(";")

    def _sum_in(self, value: Token) -> syntax.Offset | None:
        """The text between quotes read as a sum: `"sizeof(uint8_t)"`."""
        quiet = Diagnostics("", "")
        line, column = value.at.line, value.at.column + 1
        inner = [
            Token(w.kind, w.text, Span(line, column + w.at.column - 1, w.at.length), w.value)
            for w in tokens(value.text, quiet)
        ]
        reader = _Parser(inner, quiet)
        try:
            found = reader._sum(OFFSET)
        except Wrong:
            return None
        return found if reader.ended and not quiet.errors else None

    def _attribute(self, made: syntax.File) -> None:
        if self.skip(";"):
            return
        if self.skip("struct"):
            made.structs.append(self._struct())
            return
        at = self.next.at
        self.expect("attribute")
        block = syntax.Block(at, [])
        made.attributes.append(block)
        self.block(lambda: self._property(block))

    def _struct(self) -> syntax.Struct:
        made = syntax.Struct(self.name("the name of a struct"), [])
        self.block(lambda: self._member(made))
        self.skip(";")
        return made

    def _member(self, made: syntax.Struct) -> None:
        kind = self.name("a type")
        name = self.name("the name of a field")
        count = bits = None
        if self.skip("["):
            count = self.number("how many there are")
            self.expect("]")
        if self.skip(":"):
            bits = self.number("how many bits it has")
        self.expect(";")
        made.members.append(syntax.Member(kind, name, count, bits))

    def _switch(self, made: syntax.File) -> None:
        switch = syntax.Switch(self.last.at, None)
        if made.switch is not None:
            self.said.error(switch.at, "classifynext stands here twice", "join the two tables")
        made.switch = made.switch or switch
        self.block(lambda: self._switch_body(switch))

    def _switch_body(self, switch: syntax.Switch) -> None:
        if switch.tested is not None:
            self.said.error(self.next.at, "one switch is all there can be", "leave one out")
        self.expect("switch")
        for word in ("(", "val", "("):
            self.expect(word)
        switch.tested = self.name("a field of the struct")
        self.expect(")")
        self.expect(")")
        self.block(lambda: self._case(switch))

    def _case(self, switch: syntax.Switch) -> None:
        at = self.next.at
        value: Token | None = None
        if self.skip("case"):
            if self.next.kind not in {"name", "number"}:
                raise self.wrong("the value of a case", "a number, or a name that was defined")
            value = self.take()
            at = value.at
        elif not self.skip("default"):
            raise self.wrong('"case" or "default"', "case VALUE: nextencaps = NAME … break")
        self.expect(":")
        case = syntax.CaseNode(at, value, [], ended=False)
        switch.cases.append(case)
        while not self.is_at("}") and not self.ended:
            if self.skip(";"):
                continue
            if self.skip("break"):
                case.ended = True
                self.skip(";")
                return
            if self.is_at("case") or self.is_at("default"):
                return
            case.assigns.append(self._assign())

    def _assign(self) -> syntax.Assign:
        key = self.name('"nextencaps", "nextoffset" or "break"')
        if key.text not in {"nextencaps", "nextoffset"}:
            self.place -= 1
            raise self.wrong('"nextencaps", "nextoffset" or "break"', "write one of these")
        self.expect("=")
        if key.text == "nextencaps":
            if self.next.kind == "text":
                return syntax.Assign(key, name=self.take())
            return syntax.Assign(key, name=self.name("a protocol"))
        return syntax.Assign(key, offset=self._sum(OFFSET))

    def _sum(self, kind: _Sum) -> syntax.Offset:
        made = syntax.Offset(self.next.at)
        sign = 1
        while True:
            made.terms.append(self._term(sign, kind))
            if self.skip("+"):
                sign = 1
            elif self.skip("-"):
                sign = -1
            else:
                return made

    def _term(self, sign: int, kind: _Sum) -> syntax.Term:
        if self.next.kind == "number":
            return syntax.Term(sign, self.take())
        if self.next.kind == "name" and self.words[self.place + 1].text != "(":
            # A word without quotes, as a value of a property.
            return syntax.Term(sign, self.take())
        if self.next.kind == "name" and self.next.text in kind.functions:
            function = self.take().text
            self.expect("(")
            self.skip("struct")
            token = self.name("a name")
            self.expect(")")
            return syntax.Term(sign, token, function)
        raise self.wrong("a number", kind.example)

    # What MMT's language does not have

    def _parent(self, made: syntax.File) -> None:
        if self.skip(";"):
            return
        node = syntax.ParentNode(self.name("a carrier"))
        if any(self.skip(word) for word in ("port", "ports", "protocol", "type")):
            node.numbers.append(self.number("a number"))
            while self.skip(","):
                node.numbers.append(self.number("a number"))
        if self.skip("weight"):
            node.weight = self.number("a weight")
        self.skip(";")
        made.parents.append(node)

    def parents(self) -> list[syntax.ParentNode]:
        made = syntax.File(self.next.at)
        while not self.ended:
            before = self.place
            try:
                self._parent(made)
            except Wrong:
                return made.parents
            if self.place == before:
                break
        return made.parents

    def _pattern(self, made: syntax.File) -> None:
        if self.skip(";"):
            return
        node = syntax.PatternNode(self.next.at)
        while True:
            self.expect("at")
            offset = self.number("an offset")
            if self.next.kind not in {"text", "number"}:
                raise self.wrong("octets", 'a text as "GA", or digits as 0x4741')
            value, mask = self.take(), None
            if self.skip("mask"):
                mask = self.number("a mask")
            node.parts.append((offset, value, mask))
            if not self.skip("and"):
                break
        self.skip(";")
        made.patterns.append(node)

    def _frame(self, made: syntax.File) -> None:
        def body() -> None:
            self.expect("length")
            self.expect("=")
            if made.frame is not None:
                self.said.error(self.next.at, "a message has two lengths", "leave one out")
            made.frame = self._sum(LENGTH)
            self.skip(";")

        self.block(body)

    def _test(self, made: syntax.File) -> None:
        if self.skip(";"):
            return
        carrier = self.name("a carrier")
        if not any(self.skip(word) for word in ("port", "protocol", "type")):
            raise self.wrong('"port"', 'udp port 7001 "01 02" expect kind = 1')
        port = self.number("a port")
        octets = self.of_kind("text", "octets", 'in hexadecimal, as "01 02 ff"')
        while self.next.kind == "text":
            # Texts one after another are one, as in C.
            octets = replace(octets, text=octets.text + " " + self.take().text)
        node = syntax.TestNode(carrier, port, octets)
        self.expect("expect")
        if not self.skip("none"):
            while True:
                name = self.name("an attribute, or path")
                self.expect("=")
                if self.next.kind not in {"text", "number"}:
                    raise self.wrong("a value", 'a number, or a text as "on"')
                node.expected.append((name, self.take()))
                if not self.skip(","):
                    break
        self.skip(";")
        made.tests.append(node)


def parse_parents(text: str, said: Diagnostics) -> list[syntax.ParentNode]:
    """Parents alone, as they stand in a `parents` block."""
    return _Parser(tokens(text, said), said).parents()
