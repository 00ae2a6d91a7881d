"""Versions of crates, and the ranges that security advisories give."""

import re
from functools import total_ordering

RANGE = re.compile(r"(<=|>=|<|>|=|\^)\s*(\S+)")


@total_ordering
class Version:
    """A semantic version; one with a pre-release tag comes before the same one without."""

    def __init__(self, text: str) -> None:
        self.text = text
        core, _, tag = text.split("+", maxsplit=1)[0].partition("-")
        numbers = core.split(".")
        if not 1 <= len(numbers) <= 3 or not all(part.isdigit() for part in numbers):
            raise ValueError(f"{text!r} is not a version")
        self.numbers = tuple(int(part) for part in numbers) + (0,) * (3 - len(numbers))
        self.tag = tuple((not part.isdigit(), part.zfill(9)) for part in tag.split(".") if part)

    def _key(self) -> tuple[object, ...]:
        return (self.numbers, not self.tag, self.tag)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key() == other._key()

    def __lt__(self, other: "Version") -> bool:
        return self._key() < other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def next_breaking(self) -> "Version":
        """The first later version that cargo's caret does not accept for this one."""
        major, minor, patch = self.numbers
        if major:
            return Version(f"{major + 1}.0.0")
        return Version(f"0.{minor + 1}.0" if minor else f"0.0.{patch + 1}")


def within(version: Version, text: str) -> bool:
    """Tells whether a version meets every part of a range such as `>=0.4.8, <1.0.0`."""
    for part in text.split(","):
        match = RANGE.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{part!r} is not a version range")
        sign, bound = match.group(1), Version(match.group(2))
        met = {
            "<": version < bound,
            "<=": version <= bound,
            ">": version > bound,
            ">=": version >= bound,
            "=": version == bound,
            "^": bound <= version < bound.next_breaking(),
        }[sign]
        if not met:
            return False
    return True
