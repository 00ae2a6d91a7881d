"""Statements of an mmt-probe.conf: options and sections, with places, nothing lost.

    file    = { option | section }
    option  = name [ "+" ] "=" value [ ";" ]
    section = name [ title ] "{" { option | section } "}"
    value   = scalar | "{" [ scalar { "," scalar } [ "," ] ] "}"

What the names mean is not known here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nf.errors import ConfigurationError
from nf.mgmt.legacy.tokens import Place, Token, tokens

__all__ = ["Document", "Option", "Section", "parse"]

MAX_DEPTH = 8
"""Sections inside each other; MMT-Probe has one level."""
MAX_STATEMENTS = 20_000
"""Options and sections of a file."""

_NAME = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Option:
    """`name = value`.

    Attributes:
        name: As written.
        values: The scalars; one that is not in braces is alone.
        braced: Whether the value is a list in braces.
        adds: Whether `+=` was written.
        place: Where the name stands.
        value_place: Where the value begins.
        unset: Variables of the environment that it names and that do not exist.
    """

    name: str
    values: tuple[str, ...]
    braced: bool
    adds: bool
    place: Place
    value_place: Place
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """`name title { … }`; the title is None where there is none."""

    name: str
    title: str | None
    statements: "tuple[Option | Section, ...]"
    place: Place


@dataclass(frozen=True, slots=True)
class Document:
    """A file.

    Attributes:
        file: Its name.
        statements: What it says, in order.
        tokens: All of it; their texts, one behind the other, are the file.
    """

    file: str
    statements: tuple[Option | Section, ...]
    tokens: tuple[Token, ...]

    def source(self) -> bytes:
        """The file as it was."""
        text = "".join(token.text for token in self.tokens)
        return text.encode("utf-8", "surrogateescape")


def parse(data: bytes, file: str, environ: Mapping[str, str] | None = None) -> Document:
    """Reads a file.

    Args:
        data: Its octets.
        file: Its name, for places.
        environ: Variables that strings may name; None for none.

    Raises:
        ConfigurationError: It is not in the language, or exceeds a bound; says file:line:column.
    """
    every = tuple(tokens(data, file, environ or {}))
    reader = _Reader(every, file)
    return Document(file, reader.statements(0), every)


class _Reader:
    """Takes one token after the other; blanks and comments do not count."""

    def __init__(self, every: tuple[Token, ...], file: str) -> None:
        self._tokens = [one for one in every if one.kind not in ("blank", "comment")]
        self._at = 0
        self._count = 0
        last = every[-1] if every else None
        self._end = Place(file, _last_line(last), 1) if last else Place(file, 1, 1)

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _sign(self, *signs: str) -> Token | None:
        """Takes the next token if it is one of the signs."""
        found = self._peek()
        if found is not None and found.kind == "sign" and found.value in signs:
            return self._take()
        return None

    def statements(self, depth: int) -> tuple[Option | Section, ...]:
        """What stands until the section's end, or the file's."""
        found: list[Option | Section] = []
        while (token := self._peek()) is not None:
            if self._sign(";"):
                continue
            if token.kind == "sign" and token.value == "}" and depth:
                break
            self._count += 1
            if self._count > MAX_STATEMENTS:
                raise ConfigurationError(
                    f"more than {MAX_STATEMENTS} options",
                    str(token.place),
                    "is it the right file?",
                )
            found.append(self._statement(depth))
        return tuple(found)

    def _statement(self, depth: int) -> Option | Section:
        name = self._take()
        if name.kind != "word" or not _NAME.fullmatch(name.value):
            extra = "there is one } too many" if name.value == "}" else "begin with a name"
            raise ConfigurationError(
                f"{_shown(name)} stands where an option or section begins", str(name.place), extra
            )
        sign = self._sign("=", "+=")
        return self._option(name, sign) if sign else self._section(name, depth)

    def _option(self, name: Token, sign: Token) -> Option:
        first = self._peek()
        place = first.place if first else self._end
        unset: list[str] = []
        braced = self._sign("{") is not None
        values = self._list(place, unset) if braced else [self._scalar(unset)]
        self._sign(";")
        return Option(
            name.value, tuple(values), braced, sign.value == "+=", name.place, place, tuple(unset)
        )

    def _list(self, begin: Place, unset: list[str]) -> list[str]:
        values: list[str] = []
        while not self._sign("}"):
            if self._peek() is None:
                raise ConfigurationError("a list has no end", str(begin), "close it with }")
            values.append(self._scalar(unset))
            if not self._sign(",") and not _is(self._peek(), "}"):
                found = self._peek()
                raise ConfigurationError(
                    f"{_shown(found)} stands where a list goes on",
                    str(found.place if found else self._end),
                    "write a comma between values and } behind the last",
                )
        return values

    def _scalar(self, unset: list[str]) -> str:
        found = self._peek()
        if found is None or found.kind == "sign":
            raise ConfigurationError(
                f"{_shown(found)} stands where a value must be",
                str(found.place if found else self._end),
                'write a value behind the =, "" for none',
            )
        unset += found.unset
        return self._take().value

    def _section(self, name: Token, depth: int) -> Section:
        title = self._peek()
        title = self._take() if title is not None and title.kind in ("word", "string") else None
        found = self._peek()
        if not self._sign("{"):
            raise ConfigurationError(
                f"{_shown(found)} stands behind {name.value}",
                str(found.place if found else self._end),
                f"write `{name.value} = value`, or `{name.value} {{ … }}` for a section",
            )
        if depth >= MAX_DEPTH:
            raise ConfigurationError(
                f"more than {MAX_DEPTH} sections inside each other",
                str(name.place),
                "MMT-Probe has one level",
            )
        inner = self.statements(depth + 1)
        if not self._sign("}"):
            raise ConfigurationError(
                f"the section {name.value} has no end", str(name.place), "close it with }"
            )
        return Section(name.value, title.value if title else None, inner, name.place)


def _is(token: Token | None, sign: str) -> bool:
    return token is not None and token.kind == "sign" and token.value == sign


def _shown(token: Token | None) -> str:
    if token is None:
        return "the end of the file"
    return token.text if len(token.text) <= 40 else token.text[:37] + "…"


def _last_line(token: Token) -> int:
    return token.place.line + token.text.count("\n")
