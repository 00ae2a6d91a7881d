"""Codecs of names: attributes, columns of queries, protocols."""

import re

from nf.mgmt.identities import identity_of, protocol_of
from nf.mgmt.legacy.codecs import OMIT, BadValue, Reading, Values, Writing, one_of, text_of
from nf.mgmt.legacy.joint import listed, once, words_of
from nf.mgmt.legacy.settings import Setting
from nf.mgmt.legacy.tokens import quoted

__all__ = ["Attributes", "Columns", "Dumped", "Event"]

OPERATORS = ("sum", "diff", "count", "avg", "var", "first", "last")
MAX_OPERATORS = 10


class Dumped:
    """Protocols whose packets are written; `unknown` is one of them."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """Identities of the protocols, and whether packets of none are written."""
        words = once(words_of(settings[0]), reading)
        identities: list[str] = []
        for word in words:
            if word == "unknown":
                continue
            name = reading.vocabulary.protocol(word)
            if name is None:
                reading.losses.append(f"no protocol {word!r}: see nf protocols")
            elif (identity := f"nf-protocols:{identity_of(name)}") not in identities:
                identities.append(identity)
        return identities or OMIT, "unknown" in words

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The list."""
        del writing
        words = [] if values[0] is OMIT else [protocol_of(one) for one in values[0]]
        if values[1] is True:
            words.append("unknown")
        return (listed(words),)


class Event:
    """The attribute that a report waits for."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The attribute in the engine's spelling."""
        word = text_of(settings[0])
        found, remark = reading.vocabulary.attribute(word)
        if found is None:
            raise BadValue(remark, "see nf protocols NAME")
        if found != word:
            reading.changes.append(f"{found}{f': {remark}' if remark else ''}")
        return (found,)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The attribute in quotes."""
        del writing
        return (None if values[0] is OMIT else quoted(values[0]),)


class Attributes:
    """A list of attributes; those that the engine does not have are left out with a remark."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The attributes that there are."""
        kept = []
        for word in words_of(settings[0]):
            found, remark = reading.vocabulary.attribute(word)
            if found is None:
                reading.losses.append(remark)
                continue
            if found != word:
                reading.changes.append(f"{word} is {found}")
            kept.append(found)
        return (once(kept, reading) or OMIT,)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The list."""
        del writing
        return (None if values[0] is OMIT else listed(values[0]),)


class Columns:
    """Attributes with operators around them: `sum(ip.tot_len)`."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The columns that there are."""
        kept = []
        for word in words_of(settings[0]):
            *operators, attribute = re.sub(r"\s", "", word).rstrip(")").split("(")
            closing = word.count(")")
            if closing != len(operators) or len(operators) > MAX_OPERATORS:
                raise BadValue(
                    f"{word!r} is no column",
                    f"write op(attribute), {MAX_OPERATORS} operators deep at most",
                )
            unknown = [one for one in operators if one not in OPERATORS]
            if unknown:
                raise BadValue(f"no operator {unknown[0]!r}", f"write {one_of(OPERATORS)}")
            found, remark = reading.vocabulary.attribute(attribute)
            if found is None:
                reading.losses.append(remark)
                continue
            text = "".join(f"{one}(" for one in operators) + found + ")" * len(operators)
            if text != word:
                reading.changes.append(f"{word} is {text}")
            kept.append(text)
        return (once(kept, reading) or OMIT,)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The list."""
        del writing
        return (None if values[0] is OMIT else listed(values[0]),)
