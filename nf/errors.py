"""Every exception of `nf`, in one tree.

    NfError
    ├── ConfigurationError     a setting is wrong; nothing has changed
    ├── CaptureError           a source cannot be opened or read
    ├── EngineError            the engine itself failed
    ├── OutputUnavailable      an output needs a library that is not installed
    ├── ChannelError           another process of nf cannot be reached, or does not answer
    └── Refused                another process of nf has refused; nothing has changed

Each says what is wrong, where, and what to try.
"""

__all__ = [
    "CaptureError",
    "ChannelError",
    "ConfigurationError",
    "EngineError",
    "NfError",
    "OutputUnavailable",
    "Refused",
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
