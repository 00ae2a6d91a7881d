"""What became of each option of a file, and where it stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from nf.mgmt.legacy.tokens import Place

__all__ = ["KINDS", "Finding", "Kind", "errors_of"]

Kind = Literal["mapped", "changed", "implied", "idle", "dropped", "error"]

KINDS: dict[Kind, str] = {
    "mapped": "taken over as it is",
    "changed": "taken over with another value",
    "implied": "stated because MMT-Probe's default differs",
    "idle": "belongs to something that is off, and needs nothing",
    "dropped": "not taken over",
    "error": "wrong",
}
"""Every kind of finding, and what it says of an option."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark on one option.

    Attributes:
        kind: What became of it.
        option: Its full name, such as `file-output.enable`.
        place: Where it stands.
        what: One sentence.
        hint: What to use instead, or to try; may be empty where nothing is to be done.
        path: Data path that it went to, or would go to.
    """

    kind: Kind
    option: str
    place: Place
    what: str
    hint: str = ""
    path: str = ""

    def text(self) -> str:
        """The remark as a command prints it: what, where, what to try."""
        lines = [f"{self.kind}: {self.option}: {self.what}", f"  at: {self.place}"]
        if self.path:
            lines.append(f"  path: {self.path}")
        if self.hint:
            lines.append(f"  try: {self.hint}")
        return "\n".join(lines)


def errors_of(findings: Iterable[Finding]) -> list[Finding]:
    """Those because of which a file cannot be used."""
    return [one for one in findings if one.kind == "error"]
