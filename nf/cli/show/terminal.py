"""The terminal: its width, its colours, and text that is safe to print on it."""

import os
import shutil
import unicodedata
from dataclasses import dataclass
from typing import IO

__all__ = ["Style", "cut", "fitted", "is_terminal", "safe", "style_for", "width_of"]

WIDTH_ELSEWHERE = 120
"""Columns of a table that does not go to a terminal, unless COLUMNS says otherwise."""
ELLIPSIS = "…"
RESET = "\x1b[0m"
CODES = {
    "bold": "\x1b[1m",
    "dim": "\x1b[2m",
    "red": "\x1b[31m",
    "green": "\x1b[32m",
    "yellow": "\x1b[33m",
    "blue": "\x1b[34m",
    "magenta": "\x1b[35m",
    "cyan": "\x1b[36m",
}


@dataclass(frozen=True)
class Style:
    """How to write: how many columns, and whether in colours."""

    width: int
    colours: bool

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour or weight, if colours are wanted."""
        return f"{CODES[colour]}{text}{RESET}" if self.colours and text else text


def is_terminal(stream: IO[str]) -> bool:
    """Whether a stream goes to a terminal; one that is closed does not."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def style_for(stream: IO[str]) -> Style:
    """The style for a stream: colours on a terminal only, and never against NO_COLOR."""
    terminal = is_terminal(stream)
    dumb = os.environ.get("TERM") == "dumb" or bool(os.environ.get("NO_COLOR"))
    width = shutil.get_terminal_size((WIDTH_ELSEWHERE, 40)).columns
    return Style(width=max(width, 40), colours=terminal and not dumb)


def safe(text: str) -> str:
    """Text in which nothing can steer a terminal: what is not printable is written as an escape.

    Names in packets are written by whoever sent them.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"


def width_of(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def cut(text: str, width: int, *, middle: bool = False) -> str:
    """The text if it fits, else its start (and its end) with an ellipsis."""
    if width_of(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    if middle:
        tail = (width - 1) // 2
        return _head(text, width - 1 - tail) + ELLIPSIS + _head(text[::-1], tail)[::-1]
    return _head(text, width - 1) + ELLIPSIS


def _head(text: str, width: int) -> str:
    if text.isascii():
        return text[:width]
    taken = 0
    for place, letter in enumerate(text):
        taken += _columns(letter)
        if taken > width:
            return text[:place]
    return text


def fitted(text: str, width: int, *, right: bool = False, middle: bool = False) -> str:
    """The text cut and padded to a width."""
    text = cut(text, width, middle=middle)
    padding = " " * (width - width_of(text))
    return padding + text if right else text + padding
