"""Where a parser of plugin files stands, and how it goes on behind a mistake."""

from collections.abc import Callable

from nf.plugins.diagnostics import Diagnostics
from nf.plugins.lexer import Token

__all__ = ["BLOCKS", "Cursor", "Wrong"]

BLOCKS = ("Properties", "Attributes", "classifynext", "parents", "patterns", "frame", "tests")
MOST_ENTRIES = 10_000


class Wrong(Exception):
    """A mistake that was told already: the block at hand is left."""


class Cursor:
    """A place among the words of a file."""

    def __init__(self, words: list[Token], said: Diagnostics) -> None:
        self.words = words
        self.place = 0
        self.said = said

    @property
    def next(self) -> Token:
        """The word at the cursor."""
        return self.words[self.place]

    @property
    def last(self) -> Token:
        """The word before it."""
        return self.words[max(self.place - 1, 0)]

    @property
    def ended(self) -> bool:
        """Whether no word is left."""
        return self.next.kind == "end"

    def take(self) -> Token:
        """Goes past the word at the cursor, and gives it."""
        token = self.next
        if self.place + 1 < len(self.words):
            self.place += 1
        return token

    def is_at(self, text: str) -> bool:
        """Whether this word is next."""
        return self.next.kind in {"sign", "name"} and self.next.text == text

    def skip(self, text: str) -> bool:
        """Goes past this word if it is next."""
        found = self.is_at(text)
        if found:
            self.take()
        return found

    def wrong(self, wanted: str, hint: str) -> Wrong:
        """Says that something else must stand here."""
        self.said.error(self.next.at, f"{self.next.shown()} stands where {wanted} must", hint)
        return Wrong()

    def expect(self, text: str) -> Token:
        """Goes past this word, or says that it is missing."""
        if self.is_at(text):
            return self.take()
        token = self.next
        if token.kind == "name" and token.text.lower() == text.lower():
            self.said.error(token.at, f"{token.text} is not {text}", f"write {text}")
            return self.take()
        raise self.wrong(f'"{text}"', f"write {text}")

    def of_kind(self, kind: str, wanted: str, hint: str) -> Token:
        """Goes past a word of this kind, or says that it is missing."""
        if self.next.kind == kind:
            return self.take()
        raise self.wrong(wanted, hint)

    def name(self, wanted: str) -> Token:
        """Goes past a name."""
        return self.of_kind("name", wanted, "letters, digits and _, with a letter first")

    def number(self, wanted: str) -> Token:
        """Goes past a number."""
        return self.of_kind("number", wanted, "decimal as 14, or hexadecimal as 0x0e")

    def block(self, entry: Callable[[], None]) -> None:
        """`{ entry… }`; behind a mistake it goes on after the block."""
        try:
            self.expect("{")
        except Wrong:
            self._recover(0)
            return
        depth = 1
        count = 0
        while not self.is_at("}") and not self.ended:
            before = self.place
            count += 1
            if count > MOST_ENTRIES:
                self.said.error(self.next.at, "too many entries", f"at most {MOST_ENTRIES}")
                self._recover(depth)
                return
            try:
                entry()
            except Wrong:
                self._recover_entry(before)
        self._close()

    def _close(self) -> None:
        if not self.skip("}"):
            self.said.error(self.next.at, "a block is not closed", "add }")

    def _recover_entry(self, before: int) -> None:
        """Skips to where an entry may begin: behind `;` or a nested block, or the block's end."""
        # What the entry opened before its mistake is skipped as well.
        depth = sum(
            {"{": 1, "}": -1}.get(word.text, 0) if word.kind == "sign" else 0
            for word in self.words[before : self.place]
        )
        while not self.ended:
            if self.is_at("}") and depth <= 0:
                return
            token = self.take()
            if token.kind == "sign":
                depth += {"{": 1, "}": -1}.get(token.text, 0)
                if depth <= 0 and token.text in ";}":
                    return

    def _recover(self, depth: int) -> None:
        """Skips to the end of the block at this depth, or to the next one that is known."""
        while not self.ended:
            if depth <= 0 and (self.is_at("}") or self.next.text in BLOCKS):
                return
            token = self.take()
            if token.kind == "sign":
                depth += {"{": 1, "}": -1}.get(token.text, 0)
                if depth == 0 and token.text == "}":
                    return
