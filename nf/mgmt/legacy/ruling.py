"""Codecs of numbers of security rules: ranges, and which thread judges them."""

import re

from nf.mgmt.legacy.codecs import OMIT, BadValue, Reading, Values, Writing, text_of
from nf.mgmt.legacy.joint import once
from nf.mgmt.legacy.settings import Setting
from nf.mgmt.legacy.tokens import quoted

__all__ = ["Pins", "Ranges"]

_RANGE = re.compile(r"[0-9]{1,10}(?:-[0-9]{1,10})?")
_PIN = re.compile(r"\(\s*([0-9]{1,3})\s*:([^()]*)\)\s*")


class Ranges:
    """Numbers of rules: `1,3-5`."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The ranges one by one."""
        return (ranges_of(text_of(settings[0]), reading) or OMIT,)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The ranges with commas between."""
        del writing
        return (None if values[0] is OMIT else quoted(",".join(values[0])),)


def ranges_of(text: str, reading: Reading) -> list[str]:
    """The ranges of a text."""
    words = [one.strip() for one in text.split(",") if one.strip()]
    for word in words:
        low, dash, high = word.partition("-")
        if not _RANGE.fullmatch(word) or (dash and int(low) > int(high)):
            raise BadValue(f"{word!r} is no range of rules", 'write it as in "1,3-5,50-100"')
    return once(words, reading)


class Pins:
    """Rules by thread: `(1:1-3)(2:4)`."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """Entries of the list pin."""
        text = text_of(settings[0]).strip()
        pins: dict[int, list[str]] = {}
        at = 0
        while at < len(text):
            found = _PIN.match(text, at)
            if found is None or not 1 <= int(found[1]) <= 255 or int(found[1]) in pins:
                raise BadValue(
                    f"{text!r} is no mask of rules", 'write each thread once, as in "(1:1-3)(2:4)"'
                )
            rules = ranges_of(found[2], reading)
            if not rules:
                raise BadValue(f"thread {found[1]} has no rules", "name some, or leave it out")
            pins[int(found[1])] = rules
            at = found.end()
        return ([{"thread": one, "rule": rules} for one, rules in pins.items()] or OMIT,)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The mask."""
        del writing
        if values[0] is OMIT:
            return (None,)
        return (quoted("".join(f"({one['thread']}:{','.join(one['rule'])})" for one in values[0])),)
