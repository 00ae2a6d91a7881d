"""Plugin files: words to trees. Goes on behind a mistake, so that all are told at once."""

from collections.abc import Callable
from dataclasses import dataclass

from nf.plugins import syntax
from nf.plugins.diagnostics import Diagnostics, Span
from nf.plugins.lexer import Token, tokens

__all__ = ["parse", "parse_parents"]

BLOCKS = ("Properties", "Attributes", "classifynext", "parents", "patterns", "frame", "tests")
MOST_ENTRIES = 10_000


class _Wrong(Exception):
    """A mistake that was told already: the block at hand is left."""


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


class _Parser:
    def __init__(self, words: list[Token], said: Diagnostics) -> None:
        self._words = words
        self._place = 0
        self._said = said

    # Words

    @property
    def _next(self) -> Token:
        return self._words[self._place]

    @property
    def _last(self) -> Token:
        return self._words[max(self._place - 1, 0)]

    @property
    def _ended(self) -> bool:
        return self._next.kind == "end"

    def _take(self) -> Token:
        token = self._next
        if self._place + 1 < len(self._words):
            self._place += 1
        return token

    def _is(self, text: str) -> bool:
        return self._next.kind in {"sign", "name"} and self._next.text == text

    def _skip(self, text: str) -> bool:
        found = self._is(text)
        if found:
            self._take()
        return found

    def _wrong(self, wanted: str, hint: str) -> _Wrong:
        self._said.error(self._next.at, f"{self._next.shown()} stands where {wanted} must", hint)
        return _Wrong()

    def _expect(self, text: str) -> Token:
        if self._is(text):
            return self._take()
        token = self._next
        if token.kind == "name" and token.text.lower() == text.lower():
            self._said.error(token.at, f"{token.text} is not {text}", f"write {text}")
            return self._take()
        raise self._wrong(f'"{text}"', f"write {text}")

    def _kind(self, kind: str, wanted: str, hint: str) -> Token:
        if self._next.kind == kind:
            return self._take()
        raise self._wrong(wanted, hint)

    def _name(self, wanted: str) -> Token:
        return self._kind("name", wanted, "letters, digits and _, with a letter first")

    def _number(self, wanted: str) -> Token:
        return self._kind("number", wanted, "decimal as 14, or hexadecimal as 0x0e")

    # Blocks

    def _block(self, entry: Callable[[], None]) -> None:
        """`{ entry… }`; behind a mistake it goes on after the block."""
        try:
            self._expect("{")
        except _Wrong:
            self._recover(0)
            return
        depth = 1
        count = 0
        while not self._is("}") and not self._ended:
            before = self._place
            count += 1
            if count > MOST_ENTRIES:
                self._said.error(self._next.at, "too many entries", f"at most {MOST_ENTRIES}")
                self._recover(depth)
                return
            try:
                entry()
            except _Wrong:
                self._recover_entry(before)
        self._close()

    def _close(self) -> None:
        if not self._skip("}"):
            self._said.error(self._next.at, "a block is not closed", "add }")

    def _recover_entry(self, before: int) -> None:
        """Skips to where an entry may begin: behind `;` or a nested block, or the block's end."""
        # What the entry opened before its mistake is skipped as well.
        depth = sum(
            {"{": 1, "}": -1}.get(word.text, 0) if word.kind == "sign" else 0
            for word in self._words[before : self._place]
        )
        while not self._ended:
            if self._is("}") and depth <= 0:
                return
            token = self._take()
            if token.kind == "sign":
                depth += {"{": 1, "}": -1}.get(token.text, 0)
                if depth <= 0 and token.text in ";}":
                    return

    def _recover(self, depth: int) -> None:
        """Skips to the end of the block at this depth, or to the next one that is known."""
        while not self._ended:
            if depth <= 0 and (self._is("}") or self._next.text in BLOCKS):
                return
            token = self._take()
            if token.kind == "sign":
                depth += {"{": 1, "}": -1}.get(token.text, 0)
                if depth == 0 and token.text == "}":
                    return

    # The file

    def file(self) -> syntax.File | None:
        made = syntax.File(self._next.at)
        if self._ended:
            self._said.error(self._next.at, "the file is empty", "nf plugin new NAME --file")
            return None
        try:
            self._expect("Protocol")
        except _Wrong:
            return None
        self._block(lambda: self._part(made))
        if not self._ended:
            what = f"{self._next.shown()} stands behind the end of the protocol"
            self._said.error(self._next.at, what, "one protocol per file; a } may be too early")
        return made

    def _part(self, made: syntax.File) -> None:
        parts: dict[str, Callable[[syntax.File], None]] = {
            "define": self._define,
            "Properties": self._properties,
            "Attributes": lambda made: self._block(lambda: self._attribute(made)),
            "classifynext": self._switch,
            "parents": lambda made: self._block(lambda: self._parent(made)),
            "patterns": lambda made: self._block(lambda: self._pattern(made)),
            "frame": self._frame,
            "tests": lambda made: self._block(lambda: self._test(made)),
        }
        token = self._next
        found = parts.get(token.text) if token.kind == "name" else None
        if found is None:
            same = [name for name in parts if name.lower() == token.text.lower()]
            raise self._wrong("a part of a protocol", f"{' or '.join(same or parts)}")
        self._take()
        found(made)
        self._skip(";")

    def _define(self, made: syntax.File) -> None:
        name = self._name("the name of a constant")
        self._expect("=")
        made.defines.append((name, self._number("its number")))

    def _properties(self, made: syntax.File) -> None:
        block = syntax.Block(self._last.at, [])
        if made.properties is not None:
            self._said.error(block.at, "Properties stand here twice", "join the two blocks")
        made.properties = made.properties or block
        self._block(lambda: self._property(block))

    def _property(self, block: syntax.Block) -> None:
        if self._skip(";"):
            return
        key = self._name("a property")
        self._expect("=")
        value = self._next
        terms = None
        if value.kind == "text":
            self._take()
            terms = self._sum_in(value)
        else:
            terms = self._sum(OFFSET)
        block.properties.append(syntax.Property(key, value, terms))
        self._skip(";")

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
        except _Wrong:
            return None
        return found if reader._ended and not quiet.errors else None

    def _attribute(self, made: syntax.File) -> None:
        if self._skip(";"):
            return
        if self._skip("struct"):
            made.structs.append(self._struct())
            return
        at = self._next.at
        self._expect("attribute")
        block = syntax.Block(at, [])
        made.attributes.append(block)
        self._block(lambda: self._property(block))

    def _struct(self) -> syntax.Struct:
        made = syntax.Struct(self._name("the name of a struct"), [])
        self._block(lambda: self._member(made))
        self._skip(";")
        return made

    def _member(self, made: syntax.Struct) -> None:
        kind = self._name("a type")
        name = self._name("the name of a field")
        count = bits = None
        if self._skip("["):
            count = self._number("how many there are")
            self._expect("]")
        if self._skip(":"):
            bits = self._number("how many bits it has")
        self._expect(";")
        made.members.append(syntax.Member(kind, name, count, bits))

    def _switch(self, made: syntax.File) -> None:
        switch = syntax.Switch(self._last.at, None)
        if made.switch is not None:
            self._said.error(switch.at, "classifynext stands here twice", "join the two tables")
        made.switch = made.switch or switch
        self._block(lambda: self._switch_body(switch))

    def _switch_body(self, switch: syntax.Switch) -> None:
        if switch.tested is not None:
            self._said.error(self._next.at, "one switch is all there can be", "leave one out")
        self._expect("switch")
        for word in ("(", "val", "("):
            self._expect(word)
        switch.tested = self._name("a field of the struct")
        self._expect(")")
        self._expect(")")
        self._block(lambda: self._case(switch))

    def _case(self, switch: syntax.Switch) -> None:
        at = self._next.at
        value: Token | None = None
        if self._skip("case"):
            if self._next.kind not in {"name", "number"}:
                raise self._wrong("the value of a case", "a number, or a name that was defined")
            value = self._take()
            at = value.at
        elif not self._skip("default"):
            raise self._wrong('"case" or "default"', "case VALUE: nextencaps = NAME … break")
        self._expect(":")
        case = syntax.CaseNode(at, value, [], ended=False)
        switch.cases.append(case)
        while not self._is("}") and not self._ended:
            if self._skip(";"):
                continue
            if self._skip("break"):
                case.ended = True
                self._skip(";")
                return
            if self._is("case") or self._is("default"):
                return
            case.assigns.append(self._assign())

    def _assign(self) -> syntax.Assign:
        key = self._name('"nextencaps", "nextoffset" or "break"')
        if key.text not in {"nextencaps", "nextoffset"}:
            self._place -= 1
            raise self._wrong('"nextencaps", "nextoffset" or "break"', "write one of these")
        self._expect("=")
        if key.text == "nextencaps":
            if self._next.kind == "text":
                return syntax.Assign(key, name=self._take())
            return syntax.Assign(key, name=self._name("a protocol"))
        return syntax.Assign(key, offset=self._sum(OFFSET))

    def _sum(self, kind: _Sum) -> syntax.Offset:
        made = syntax.Offset(self._next.at)
        sign = 1
        while True:
            made.terms.append(self._term(sign, kind))
            if self._skip("+"):
                sign = 1
            elif self._skip("-"):
                sign = -1
            else:
                return made

    def _term(self, sign: int, kind: _Sum) -> syntax.Term:
        if self._next.kind == "number":
            return syntax.Term(sign, self._take())
        if self._next.kind == "name" and self._words[self._place + 1].text != "(":
            # A word without quotes, as a value of a property.
            return syntax.Term(sign, self._take())
        if self._next.kind == "name" and self._next.text in kind.functions:
            function = self._take().text
            self._expect("(")
            self._skip("struct")
            token = self._name("a name")
            self._expect(")")
            return syntax.Term(sign, token, function)
        raise self._wrong("a number", kind.example)

    # What MMT's language does not have

    def _parent(self, made: syntax.File) -> None:
        if self._skip(";"):
            return
        node = syntax.ParentNode(self._name("a carrier"))
        if self._skip("port") or self._skip("ports") or self._skip("protocol"):
            node.numbers.append(self._number("a number"))
            while self._skip(","):
                node.numbers.append(self._number("a number"))
        if self._skip("weight"):
            node.weight = self._number("a weight")
        self._skip(";")
        made.parents.append(node)

    def parents(self) -> list[syntax.ParentNode]:
        made = syntax.File(self._next.at)
        while not self._ended:
            before = self._place
            try:
                self._parent(made)
            except _Wrong:
                return made.parents
            if self._place == before:
                break
        return made.parents

    def _pattern(self, made: syntax.File) -> None:
        if self._skip(";"):
            return
        node = syntax.PatternNode(self._next.at)
        while True:
            self._expect("at")
            offset = self._number("an offset")
            if self._next.kind not in {"text", "number"}:
                raise self._wrong("octets", 'a text as "GA", or digits as 0x4741')
            value, mask = self._take(), None
            if self._skip("mask"):
                mask = self._number("a mask")
            node.parts.append((offset, value, mask))
            if not self._skip("and"):
                break
        self._skip(";")
        made.patterns.append(node)

    def _frame(self, made: syntax.File) -> None:
        def body() -> None:
            self._expect("length")
            self._expect("=")
            if made.frame is not None:
                self._said.error(self._next.at, "a message has two lengths", "leave one out")
            made.frame = self._sum(LENGTH)
            self._skip(";")

        self._block(body)

    def _test(self, made: syntax.File) -> None:
        if self._skip(";"):
            return
        carrier = self._name("a carrier")
        if not (self._skip("port") or self._skip("protocol")):
            raise self._wrong('"port"', 'udp port 7001 "01 02" expect kind = 1')
        port = self._number("a port")
        octets = self._kind("text", "octets", 'in hexadecimal, as "01 02 ff"')
        node = syntax.TestNode(carrier, port, octets)
        self._expect("expect")
        if not self._skip("none"):
            while True:
                name = self._name("an attribute, or path")
                self._expect("=")
                if self._next.kind not in {"text", "number"}:
                    raise self._wrong("a value", 'a number, or a text as "on"')
                node.expected.append((name, self._take()))
                if not self._skip(","):
                    break
        self._skip(";")
        made.tests.append(node)


def parse_parents(text: str, said: Diagnostics) -> list[syntax.ParentNode]:
    """Parents alone, as they stand in a `parents` block."""
    return _Parser(tokens(text, said), said).parents()
