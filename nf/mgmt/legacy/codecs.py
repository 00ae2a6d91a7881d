"""How a value of MMT-Probe becomes one of the model, and back.

A codec belongs to one row of the table (`mapping.py`). It gets the settings of the row's options
and gives a value for each of the row's paths, or `OMIT`; back, it gets the values and gives the
text of each option, or None.
"""

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from nf.mgmt.legacy.settings import Setting
from nf.mgmt.legacy.tokens import quoted
from nf.mgmt.legacy.vocabulary import Vocabulary

__all__ = [
    "OMIT",
    "BadValue",
    "Choice",
    "Codec",
    "Flag",
    "Folder",
    "Number",
    "Reading",
    "Text",
    "Unsayable",
    "Values",
    "Writing",
    "text_of",
]

OMIT: Final = object()
"""No value: the leaf is not there."""

Values = tuple[Any, ...]
"""One for each path of a row."""

TRUE, FALSE = ("true", "yes", "on"), ("false", "no", "off")


class BadValue(Exception):
    """A value is not one of the option's."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class Unsayable(Exception):
    """MMT-Probe has no word for a value."""


@dataclass(slots=True)
class Reading:
    """What a codec may look at and say while it reads.

    Attributes:
        vocabulary: What this build has.
        folder: Absolute folder that relative paths start from.
        changes: Remarks: the value is taken over, but not as it is.
        losses: Remarks: part of the value is not taken over.
        standard_output: Whether somebody wants reports on standard output.
    """

    vocabulary: Vocabulary
    folder: str
    changes: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    standard_output: bool = False


@dataclass(slots=True)
class Writing:
    """What a codec may look at and say while it writes.

    Attributes:
        vocabulary: What this build has.
        enabled: Channels that are enabled.
        remarks: What the option cannot say of the value.
        named: Channels that were written in some set.
    """

    vocabulary: Vocabulary
    enabled: tuple[str, ...] = ()
    remarks: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)


class Codec(Protocol):
    """Both ways of a row."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """Values for the row's paths.

        Raises:
            BadValue: A setting cannot be read.
        """

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """Text of each of the row's options as it stands in a file; None to leave it out.

        Raises:
            Unsayable: The file cannot say these values.
        """


def text_of(setting: Setting) -> str:
    """The one scalar of a setting."""
    if setting.braced or len(setting.values) != 1:
        raise BadValue("a list stands where one value must be", "write it without { }")
    return setting.values[0]


class Flag:
    """true or false."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """A boolean."""
        del reading
        return (self.value(settings[0]),)

    @staticmethod
    def value(setting: Setting) -> bool:
        """The boolean of a setting."""
        word = text_of(setting).lower()
        if word not in TRUE + FALSE:
            raise BadValue(f"{word!r} is neither true nor false", "write true or false")
        return word in TRUE

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """`true` or `false`."""
        del writing
        return (None if values[0] is OMIT else str(bool(values[0])).lower(),)


@dataclass(frozen=True)
class Number:
    """A whole number.

    Attributes:
        low: Least that the model takes.
        high: Largest that the model takes.
        zero: What 0 stands for: `OMIT` leaves the choice to nf; None: itself.
        raises: A smaller value becomes the least one, with a remark, and is not refused.
        lowers: The same for a larger one.
        most: Largest that MMT-Probe takes.
        copies: For how many paths the value is.
        absent: How the option says that there is no value, where leaving it out means another.
    """

    low: int
    high: int
    zero: Any = None
    raises: bool = False
    lowers: bool = False
    most: int | None = None
    copies: int = 1
    absent: str | None = None

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The number, for each path."""
        return (self.value(settings[0], reading),) * self.copies

    def value(self, setting: Setting, reading: Reading) -> Any:
        """The number of a setting, or what its 0 stands for."""
        number = whole(text_of(setting))
        if number == 0 and self.zero is not None:
            return self.zero
        if number < self.low and self.raises and number > 0:
            reading.changes.append(f"{number} is less than nf works with: {self.low}")
            return self.low
        if number > self.high and self.lowers:
            reading.changes.append(f"{number} is more than nf works with: {self.high}")
            return self.high
        if self.most is not None and self.most < number <= self.high:
            reading.changes.append(f"{number} is more than MMT-Probe can store: {self.most}")
            return self.most
        if not self.low <= number <= self.high:
            default = ", or 0 for the default" if self.zero is not None else ""
            raise BadValue(f"{number} is out of range", f"write {self.low} to {self.high}{default}")
        return number

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The number; of several values the first, with a remark where the others differ."""
        first, *others = values
        if first is OMIT:
            if any(one is not OMIT for one in others):
                raise Unsayable("it goes with another value in MMT-Probe")
            return (self.absent,)
        if any(one is not OMIT and one != first for one in others):
            writing.remarks.append(f"MMT-Probe has one value for all; these differ: {others}")
        if self.most is not None and first > self.most:
            writing.remarks.append(f"MMT-Probe takes {self.most} at most, not {first}")
            first = self.most
        return (str(first),)


def whole(word: str) -> int:
    """A number as C reads it: decimal, 0x hexadecimal, 0 octal."""
    digits = word.removeprefix("-").removeprefix("+")
    try:
        if len(digits) > 20 or not digits[:1].isdigit() or "_" in digits:
            raise ValueError(word)  # noqa: TRY301 - one message for all that is no number
        octal = len(digits) > 1 and digits.isdecimal() and digits[0] == "0"
        number = int(digits, 8) if octal else int(digits, 0)
    except ValueError:
        raise BadValue(f"{word!r} is no number", "write digits, or 0x and digits") from None
    return -number if word.startswith("-") else number


@dataclass(frozen=True)
class Text:
    """Text that the model takes as it is; `""` leaves the leaf out where `empty` is False."""

    empty: bool = False

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The text."""
        del reading
        text = text_of(settings[0])
        return (text if text or self.empty else OMIT,)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The text in quotes."""
        del writing
        return (None if values[0] is OMIT else quoted(values[0]),)


class Folder:
    """A place in the file system, which the model wants absolute."""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The absolute path."""
        return (absolute(text_of(settings[0]), reading),)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The path in quotes."""
        del writing
        return (None if values[0] is OMIT else quoted(values[0]),)


def absolute(text: str, reading: Reading) -> Any:
    """A path without `..` and the like; a relative one begins at the folder."""
    if not text:
        return OMIT
    path = "/" + posixpath.normpath(posixpath.join(reading.folder, text)).lstrip("/")
    if not text.startswith("/"):
        reading.changes.append(f"relative to {reading.folder}: {path}")
    return path


@dataclass(frozen=True)
class Choice:
    """One of several words.

    Attributes:
        words: What each word of MMT-Probe is in the model, the one to write first.
        features: Features that words of the model need.
        fallback: Remark for a word whose feature is off.
    """

    words: dict[str, Any]
    features: Callable[[Any], str] = lambda _: ""
    fallback: str = ""

    def read(self, settings: tuple[Setting, ...], reading: Reading) -> Values:
        """The word of the model."""
        word = text_of(settings[0])
        known = {one.upper(): value for one, value in self.words.items()}
        if word.upper() not in known:
            raise BadValue(f"{word!r} is not known", f"write {one_of(self.words)}")
        value = known[word.upper()]
        lacking = reading.vocabulary.lacks(self.features(value))
        if lacking:
            reading.losses.append(f"{lacking}; {self.fallback}")
            return (OMIT,)
        return (value,)

    def write(self, values: Values, writing: Writing) -> tuple[str | None, ...]:
        """The word of MMT-Probe."""
        del writing
        if values[0] is OMIT:
            return (None,)
        for word, value in self.words.items():
            if value == values[0]:
                return (word,)
        raise Unsayable(f"MMT-Probe has no word for {values[0]}")


def one_of(words: Iterable[str]) -> str:
    """`A, B or C`."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
