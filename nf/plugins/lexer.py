"""Plugin files as words: names, numbers, texts, signs, each with its place."""

import re
from dataclasses import dataclass
from typing import Literal

from nf.plugins.diagnostics import Diagnostics, Span

__all__ = ["Token", "tokens"]

Kind = Literal["name", "number", "text", "sign", "end"]

PATTERN = re.compile(
    r"(?P<blank>\s+|//[^\n]*|/\*.*?\*/)"
    r"|(?P<comment>/\*)"
    r"|(?P<text>\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<quote>\"[^\n]*)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<number>0[xX][0-9A-Fa-f]+|[0-9]+)(?P<tail>\w*)"
    r"|(?P<sign>[{}()\[\]=;:,+\-/.])",
    re.DOTALL | re.ASCII,
)
ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", '"': '"', "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the file.

    Attributes:
        kind: What it is.
        text: Its characters; of a text those between the quotes, escapes resolved.
        at: Its place.
        value: Value of a number.
    """

    kind: Kind
    text: str
    at: Span
    value: int = 0

    def shown(self) -> str:
        """How a message calls it."""
        if self.kind == "end":
            return "the end of the file"
        return f'"{self.text}"' if self.kind != "text" else f"the text {self.text!r}"


def tokens(text: str, said: Diagnostics) -> list[Token]:
    """All words of a file; what is none is said and left out. The last one is the end."""
    found: list[Token] = []
    position, line, start = 0, 1, 0
    while position < len(text):
        match = PATTERN.match(text, position)
        at = Span(line, position - start + 1, len(match[0]) if match else 1)
        if match is None:
            said.error(at, f"{text[position]!r} has no meaning here", "take it away")
            position += 1
            continue
        if match["comment"] is not None:
            said.error(at, "a comment that never ends", "close it with */")
            position = len(text)
            line += text.count("\n", match.start())
            start = text.rfind("\n") + 1
            continue
        token = _token(match, at, said)
        if token is not None:
            found.append(token)
        position = match.end()
        if "\n" in match[0]:
            line += match[0].count("\n")
            start = match.start() + match[0].rfind("\n") + 1
    found.append(Token("end", "", Span(line, len(text) - start + 1)))
    return found


def _token(match: re.Match[str], at: Span, said: Diagnostics) -> Token | None:
    if match["text"] is not None:
        return Token("text", _resolved(match["text"][1:-1], at, said), at)
    if match["quote"] is not None:
        said.error(at, "a text without its closing quote", 'close it with " on the same line')
        return Token("text", match["quote"][1:], at)
    if match["name"] is not None:
        return Token("name", match["name"], at)
    if match["number"] is not None:
        if match["tail"]:
            what = f"{match[0]!r} is no number"
            said.error(at, what, "decimal as 14, or hexadecimal as 0x0800")
        digits = match["number"]
        # Longer numbers than any field has would take long to convert.
        value = int(digits[:20], 16 if digits[:2] in {"0x", "0X"} else 10)
        if len(digits) > 20 or value >= 2**64:
            said.error(at, f"{digits[:20]} is too large", "at most 64 bits")
            value = 0
        return Token("number", digits, at, value)
    return Token("sign", match["sign"], at) if match["sign"] is not None else None


def _resolved(text: str, at: Span, said: Diagnostics) -> str:
    def one(match: re.Match[str]) -> str:
        word = match[1]
        if len(word) == 3:
            return chr(int(word[1:], 16))
        if word not in ESCAPES:
            said.error(at, f"\\{word} is no escape", r"\n \r \t \0 \" \\ or \x41")
        return ESCAPES.get(word, word)

    return ESCAPE.sub(one, text)
