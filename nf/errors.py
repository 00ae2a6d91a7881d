"""Every exception of `nf`, in one tree.

    NfError
    ├── ConfigurationError     a setting is wrong; nothing has changed
    ├── CaptureError           a source cannot be opened or read
    ├── EngineError            the engine itself failed
    ├── YangError              data, a path or a module is against the YANG model
    ├── OutputUnavailable      an output needs a library that is not installed
    ├── ChannelError           another process of nf cannot be reached, or does not answer
    └── Refused                another process of nf has refused; nothing has changed

Each says what is wrong, where, and what to try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nf._native.yang import Diff, Problem

__all__ = [
    "CaptureError",
    "ChannelError",
    "ConfigurationError",
    "EngineError",
    "NfError",
    "OutputUnavailable",
    "Refused",
    "YangError",
]


class NfError(Exception):
    """What is wrong, where it is, and what to try.

    Attributes:
        what: One sentence; may span lines when it points into a text.
        place: A setting, a file with an offset, a YANG path.
        hint: What to try.
    """

    def __init__(self, what: str, place: str, hint: str) -> None:
        super().__init__(what, place, hint)
        self.what = what
        self.place = place
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n  at: {self.place}\n  try: {self.hint}"


class ConfigurationError(NfError):
    """A setting is wrong; nothing has changed."""


class CaptureError(NfError):
    """A source cannot be opened or read."""


class EngineError(NfError):
    """The engine itself failed."""


class YangError(NfError):
    """Data, a path, an edit or a module is against the YANG model; nothing has changed.

    Attributes:
        errors: Every single problem, with NETCONF's error-tag, its data path and app-tag.
        diff: What an edit with stop-on-error or continue-on-error has done all the same.
    """

    def __init__(self, what: str, errors: Sequence[Problem] = ()) -> None:
        place = next((one.path for one in errors if one.path), None) or "the YANG model"
        super().__init__(what, place, "correct what is named; `nf yang tree` shows the model")
        self.errors: list[Problem] = list(errors)
        self.diff: Diff | None = None


class OutputUnavailable(NfError):
    """An output needs a library that is not installed."""


class ChannelError(NfError):
    """Another process of nf cannot be reached, or does not answer."""


class Refused(NfError):
    """Another process of nf has refused; nothing has changed.

    Attributes:
        app_tag: The model's or NETCONF's word for the reason; empty for none.
    """

    app_tag: str = ""
