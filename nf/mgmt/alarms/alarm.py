"""One alarm, and what became of it."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from nf.mgmt.moments import rfc3339

__all__ = ["KINDS", "SEVERITIES", "Alarm", "Key", "Kind", "Severity", "sayable"]

Severity = Literal["indeterminate", "warning", "minor", "major", "critical"]
SEVERITIES: tuple[Severity, ...] = ("indeterminate", "warning", "minor", "major", "critical")
"""From the least."""

Kind = Literal[
    "capture-loss",
    "table-full",
    "output-down",
    "process-restarted",
    "certificate-expiring",
    "configuration-not-applied",
]


@dataclass(frozen=True, slots=True)
class _Type:
    clears: bool
    severities: tuple[Severity, ...]
    text: str


KINDS = MappingProxyType(
    {
        "capture-loss": _Type(True, ("major",), "Packets are lost before they are read."),
        "table-full": _Type(True, ("minor", "major"), "A table of the engine has no room."),
        "output-down": _Type(True, ("critical",), "An output cannot be written."),
        "process-restarted": _Type(False, ("major",), "A process was started again."),
        "certificate-expiring": _Type(True, ("warning", "major"), "A certificate expires."),
        "configuration-not-applied": _Type(
            True, ("critical",), "Something does not follow the configuration in force."
        ),
    }
)
"""What there can be: the inventory."""

_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Key = tuple[str, str]
"""Kind and resource."""


def sayable(text: str, most: int) -> str:
    """A text without what XML has no way to say, and no longer than `most` characters."""
    return _UNSAYABLE.sub("\ufffd", text[:most])


@dataclass(slots=True)
class Alarm:
    """An entry of the list; changed by the list only.

    Attributes:
        kind: Which state it is.
        resource: What is in it.
        created: When it was first raised.
        raised: When it was last raised.
        changed: When anything about it last changed.
        severity: The last one while it was not cleared.
        text: For people.
        cleared: Whether it is over.
        shelf: Name of the shelf that it lies in; empty for none.
        history: Time, severity (or `cleared`) and text of each change, newest first.
        operator: Time, user, state and text of what people said of it, newest first.
    """

    kind: str
    resource: str
    created: datetime
    raised: datetime
    changed: datetime
    severity: Severity
    text: str
    cleared: bool = False
    shelf: str = ""
    history: list[tuple[datetime, str, str]] = field(default_factory=list)
    operator: list[tuple[datetime, str, str, str]] = field(default_factory=list)

    def copy(self) -> "Alarm":
        """The same, which nobody changes."""
        return replace(self, history=self.history.copy(), operator=self.operator.copy())

    @property
    def key(self) -> Key:
        """What makes it the same alarm."""
        return self.kind, self.resource

    @property
    def closed(self) -> bool:
        """Whether the last word of an operator is that it is done."""
        said = [one[2] for one in self.operator if one[2] not in ("shelved", "un-shelved")]
        return bool(said) and said[0] == "closed"

    def names(self) -> dict[str, Any]:
        """The leaves that say which alarm it is."""
        return {
            "resource": self.resource,
            "alarm-type-id": f"nf-alarms:{self.kind}",
            "alarm-type-qualifier": "",
        }

    def entry(self) -> dict[str, Any]:
        """As the model has it."""
        said: dict[str, Any] = {**self.names()}
        if self.shelf:
            said["shelf-name"] = self.shelf
        else:
            said["time-created"] = rfc3339(self.created)
        return {
            **said,
            "is-cleared": self.cleared,
            "last-raised": rfc3339(self.raised),
            "last-changed": rfc3339(self.changed),
            "perceived-severity": self.severity,
            "alarm-text": self.text,
            "status-change": [
                {"time": rfc3339(when), "perceived-severity": severity, "alarm-text": text}
                for when, severity, text in self.history
            ],
            "operator-state-change": [
                {"time": rfc3339(when), "operator": who, "state": state, "text": text}
                for when, who, state, text in self.operator
            ],
        }
