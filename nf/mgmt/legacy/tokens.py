"""The words of an mmt-probe.conf, each with its place; together they are the file, octet by octet.

Written from the grammar of libconfuse's files as MMT-Probe uses them: comments of three kinds,
strings in double quotes (with escapes and variables of the environment) and in single quotes
(without), bare words, and the signs `{ } = += , ;`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from nf.errors import ConfigurationError

__all__ = ["MAX_BYTES", "MAX_LINE", "Kind", "Place", "Token", "quoted", "tokens"]

MAX_BYTES = 1 << 20
"""Octets of a file; MMT-Probe's own have fifteen thousand."""
MAX_LINE = 1 << 16
"""Characters of a line."""
MAX_VALUE = 1 << 16
"""Octets of a string after variables are put in."""

Kind = Literal["blank", "comment", "word", "string", "sign"]

_BLANK = re.compile(r"\s+")
_COMMENT = re.compile(r"#[^\n]*|//[^\n]*|/\*.*?\*/", re.DOTALL)
_SIGN = re.compile(r"\+=|[{}=,;]")
# A comment does not begin inside a word: tcp://host is one.
_WORD = re.compile(r"""(?:[^\s{}=,;#"'()+]|\+(?!=))+""")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_PIECE = re.compile(
    r"\\x(?P<hex>[0-9A-Fa-f]{1,2})|\\(?P<octal>[0-7]{1,3})|\\(?P<letter>.)"
    r"|\$\{(?P<variable>[^}:]*)(?::-(?P<otherwise>[^}]*))?\}|(?P<plain>[^\\$]+|\$)",
    re.DOTALL,
)
_LETTERS = {
    "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b",
    "\n": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands; line and column from 1, line 0 for what no file says."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Token:
    """One word, sign, comment or stretch of blanks.

    Attributes:
        kind: What it is.
        text: As it stands in the file.
        value: What it means: a string without quotes, escapes and variables.
        place: Where it begins.
        unset: Variables in it that the environment does not have; they count as empty.
    """

    kind: Kind
    text: str
    value: str
    place: Place
    unset: tuple[str, ...] = ()


def tokens(data: bytes, file: str, environ: Mapping[str, str]) -> Iterator[Token]:
    """Takes a file apart.

    Args:
        data: The file; what is not UTF-8 may stand in comments only.
        file: Its name, for places.
        environ: Variables for `${NAME}` in double quotes; `${NAME:-text}` says what stands for one
            that is missing.

    Raises:
        ConfigurationError: Something is no word of the language, or exceeds a bound.
    """
    text = _checked(data, file)
    at = line = 0
    start = 0
    while at < len(text):
        place = Place(file, line + 1, at - start + 1)
        token = _token(text, at, place, environ)
        yield token
        at += len(token.text)
        breaks = token.text.count("\n")
        if breaks:
            line += breaks
            start = at - len(token.text) + token.text.rindex("\n") + 1


def _checked(data: bytes, file: str) -> str:
    if len(data) > MAX_BYTES:
        raise ConfigurationError(
            f"a configuration of {len(data)} octets is too large: {MAX_BYTES} are read at most",
            file,
            "is it the right file?",
        )
    # Octets that are not UTF-8 come back unchanged when the text is encoded in the same way.
    text = data.decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE:
            raise ConfigurationError(
                f"a line of {len(line)} characters is too long: {MAX_LINE} are read at most",
                str(Place(file, number, MAX_LINE)),
                "is it the right file?",
            )
    return text


def _token(text: str, at: int, place: Place, environ: Mapping[str, str]) -> Token:
    if found := _BLANK.match(text, at):
        return Token("blank", found[0], "", place)
    if found := _COMMENT.match(text, at):
        return Token("comment", found[0], "", place)
    if text.startswith("/*", at):
        raise _wrong("a comment has no end", place, "close it with */")
    if found := _SIGN.match(text, at):
        return Token("sign", found[0], found[0], place)
    if text[at] == '"':
        if (found := _DOUBLE.match(text, at)) is None:
            raise _wrong("a string has no end", place, 'close it with "')
        value, unset = _meaning(found[1], place, environ)
        return Token("string", found[0], _printable(value, place), place, unset)
    if text[at] == "'":
        if (found := _SINGLE.match(text, at)) is None:
            raise _wrong("a string has no end", place, "close it with '")
        return Token("string", found[0], _printable(found[1], place), place)
    if found := _WORD.match(text, at):
        return Token("word", found[0], _printable(found[0], place), place)
    raise _wrong(
        f"{text[at]!r} has no meaning here",
        place,
        'write `name = value` or `name { … }`, and text with such characters in "quotes"',
    )


def _meaning(text: str, place: Place, environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """What a string in double quotes says, and the variables that are missing for it."""
    made = bytearray()
    unset = []
    for piece in _PIECE.finditer(text):
        kind = piece.lastgroup
        if piece["hex"]:
            made.append(int(piece["hex"], 16))
        elif piece["octal"]:
            number = int(piece["octal"], 8)
            if number > 255:
                raise _wrong(f"\\{piece['octal']} is no octet", place, "write \\000 to \\377")
            made.append(number)
        elif kind in ("variable", "otherwise"):
            name = piece["variable"]
            value = environ.get(name)
            if value is None:
                value = piece["otherwise"]
            if value is None:
                unset.append(name)
                value = ""
            made += value.encode("utf-8", "surrogateescape")
        elif piece["letter"]:
            letter = piece["letter"]
            made += _LETTERS.get(letter, letter).encode("utf-8", "surrogateescape")
        else:
            made += piece[0].encode("utf-8", "surrogateescape")
        if len(made) > MAX_VALUE:
            raise _wrong(
                f"a string of more than {MAX_VALUE} octets is too long", place, "shorten it"
            )
    return made.decode("utf-8", "surrogateescape"), tuple(unset)


def _printable(value: str, place: Place) -> str:
    """The value, unless no option can have such a one."""
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise _wrong("a value is not UTF-8", place, "save the file as UTF-8")
    if "\0" in value:
        raise _wrong("a value has the octet 0 in it", place, "remove it")
    return value


def _wrong(what: str, place: Place, hint: str) -> ConfigurationError:
    return ConfigurationError(what, str(place), hint)


def quoted(text: str) -> str:
    """A string in double quotes that means `text`."""
    made = []
    for letter in text:
        if letter in '"\\$':
            made.append("\\" + letter)
        elif letter == "\n":
            made.append("\\n")
        elif letter < " " or letter == "\x7f":
            made.append(f"\\x{ord(letter):02x}")
        else:
            made.append(letter)
    return f'"{"".join(made)}"'
