"""What of a plugin runs in Python: functions that get rows in batches, never packets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nf.records import Session

__all__ = ["Classifier", "Handler", "HandlerKind"]

HandlerKind = Literal["session", "transaction", "event"]

Classifier = Callable[[Sequence[Session]], Mapping[int, str] | None]
"""Gets sessions that it has not seen yet; says the protocol of some of them, by `session_id`."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A function for rows of one kind.

    Attributes:
        kind: Of which kind.
        of: Protocol whose sessions or transactions, or event whose rows it gets; empty: all.
        function: Gets a list of records, in order.
    """

    kind: HandlerKind
    of: str
    function: Callable[[Sequence[Any]], object]
