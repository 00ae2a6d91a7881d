"""What is wrong with a plugin file, where, and what to try."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Diagnostic", "Diagnostics", "Severity", "Span"]

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a file: line and column from 1, and how many characters are meant."""

    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One remark.

    Attributes:
        severity: An `error` refuses the plugin; a `warning` is perhaps one; a `note` informs.
        what: What is wrong.
        hint: What to try.
        file: Name of the file.
        line: Line, from 1.
        column: Column, from 1.
        length: Characters that are meant.
        source: Text of the line.
    """

    severity: Severity
    what: str
    hint: str
    file: str
    line: int
    column: int
    length: int
    source: str

    @property
    def place(self) -> str:
        """`file:line:column`."""
        return f"{self.file}:{self.line}:{self.column}"

    def excerpt(self) -> str:
        """The line with a mark under what is meant; nothing of an empty line."""
        if not self.source.strip():
            return ""
        indent = len(self.source) - len(self.source.lstrip())
        text = self.source[indent:].replace("\t", " ").rstrip()
        at = max(0, self.column - 1 - indent)
        mark = "^" * max(1, min(self.length, len(text) - at))
        return f"{text}\n{' ' * at}{mark}"

    def text(self) -> str:
        """The three parts: what, with the line it is in; where; what to try."""
        excerpt = "".join(f"\n    {line}" for line in self.excerpt().splitlines())
        return f"{self.severity}: {self.what}{excerpt}\n  at: {self.place}\n  try: {self.hint}"


class Diagnostics:
    """Collects the remarks on one file, in the order of their places."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._lines = text.split("\n")
        self._all: list[Diagnostic] = []

    def add(self, severity: Severity, at: Span, what: str, hint: str) -> None:
        """Adds a remark."""
        source = self._lines[at.line - 1] if 0 < at.line <= len(self._lines) else ""
        one = Diagnostic(severity, what, hint, self.file, at.line, at.column, at.length, source)
        if one not in self._all:
            self._all.append(one)

    def error(self, at: Span, what: str, hint: str) -> None:
        """What refuses the plugin."""
        self.add("error", at, what, hint)

    def warn(self, at: Span, what: str, hint: str) -> None:
        """What is perhaps a mistake."""
        self.add("warning", at, what, hint)

    def note(self, at: Span, what: str, hint: str) -> None:
        """What is good to know."""
        self.add("note", at, what, hint)

    @property
    def all(self) -> Sequence[Diagnostic]:
        """All of them, by place."""
        return sorted(self._all, key=lambda one: (one.line, one.column))

    @property
    def errors(self) -> Sequence[Diagnostic]:
        """Those that refuse the plugin."""
        return [one for one in self.all if one.severity == "error"]
