"""The form of the table: an option of MMT-Probe, and a row that says where options are."""

from dataclasses import dataclass
from typing import Any, Literal

from nf.mgmt.legacy.codecs import OMIT, Codec, Flag, Folder, Values
from nf.mgmt.legacy.joint import Channels

__all__ = [
    "CAPTURE",
    "DIRECTORY",
    "ENGINE",
    "FLAG",
    "OUTPUTS",
    "REPORTS",
    "UINT32",
    "Option",
    "Row",
    "Type",
    "channels",
    "none",
    "one",
]

Type = Literal["bool", "int", "str", "enum", "list"]
Implied = Literal["", "section", "always"]

CAPTURE, ENGINE = "nf-capture:capture", "nf-dpi:engine"
OUTPUTS, REPORTS = "nf-outputs:outputs", "nf-reports:reports"
UINT32 = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Option:
    """An option of MMT-Probe.

    Attributes:
        name: Full name.
        type: What its value is.
        default: MMT-Probe's, as it is written in a file; `-` where there is none.
        shipped: What the delivered file says where that differs.
    """

    name: str
    type: Type
    default: str = "-"
    shipped: str = ""

    @property
    def section(self) -> str:
        """The section, empty at the top."""
        for titles in ("reconstruct-data.http", "reconstruct-data.ftp"):
            if self.name.startswith(f"{titles}."):
                return titles
        return self.name.partition(".")[0] if "." in self.name else ""

    @property
    def within(self) -> str:
        """The name within the section."""
        return self.name.removeprefix(f"{self.section}.") if self.section else self.name


@dataclass(frozen=True, slots=True)
class Row:
    """Options that go together, and the nodes that they are in the model.

    Attributes:
        options: The options.
        paths: The nodes; none for options that are not taken over.
        codec: The way there and back; None for options that are not taken over.
        feature: `module:feature` that the nodes need.
        implied: When MMT-Probe's default is stated although nobody wrote it, because nf's is
            another: where the section is there, or always.
        ours: nf's defaults, by path, where they are not MMT-Probe's.
        instead: For options that are not taken over: what to do; else a remark for the manual.
        inside: What of a node with children the codec reads, where that is not all.
    """

    options: tuple[Option, ...]
    paths: tuple[str, ...] = ()
    codec: Codec | None = None
    feature: str = ""
    implied: Implied = ""
    ours: Values = ()
    instead: str = ""
    inside: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        """The section of its options."""
        return self.options[0].section


def one(  # noqa: PLR0913, PLR0917 - they are the columns of the table
    name: str,
    type: Type,  # noqa: A002 - the column's name
    default: str,
    shipped: str,
    path: str,
    codec: Codec,
    feature: str = "",
    *,
    implied: Implied = "",
    ours: Any = None,
    note: str = "",
) -> Row:
    """A row of one option and one node, in the order of the manual's columns."""
    return Row(
        (Option(name, type, default, shipped),),
        (path,),
        codec,
        feature,
        implied,
        () if ours is None else (ours,),
        note,
    )


def none(name: str, type: Type, default: str, shipped: str, instead: str) -> Row:  # noqa: A002
    """A row of an option that is not taken over."""
    return Row((Option(name, type, default, shipped),), instead=instead)


def channels(section: str, path: str, feature: str = "", implied: Implied = "section") -> Row:
    """A row of an `output-channel`."""
    return one(
        f"{section}.output-channel",
        "list",
        "{}",
        "",
        path,
        Channels(),
        feature,
        implied=implied,
        ours=OMIT,
        note="an empty set is file; nf's empty set is every channel",
    )


FLAG = Flag()
DIRECTORY = Folder()
