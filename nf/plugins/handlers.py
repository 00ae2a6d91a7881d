"""What of a plugin runs in Python: functions that get rows in batches, never packets."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nf.datapath.config import Event
from nf.records import Session

__all__ = ["Classifier", "Handler", "HandlerKind", "events_of"]

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
        attributes: What the rows of an event are to have.
    """

    kind: HandlerKind
    of: str
    function: Callable[[Sequence[Any]], object]
    attributes: tuple[str, ...] = ()

    def of_its_own(self, records: Sequence[Any]) -> list[Any]:
        """Those of records of its kind that it is to hear."""
        return [one for one in records if self._hears(one)]

    def _hears(self, record: Any) -> bool:
        if not self.of:
            return True
        match self.kind:
            case "session":
                return self.of in record.path.split(".")
            case "transaction":
                return bool(record.transaction_protocol == self.of)
            case "event":
                return bool(record.event == self.of)


def events_of(handlers: Iterable[Handler], known: tuple[Event, ...] = ()) -> tuple[Event, ...]:
    """Events that handlers wait for and that are not among `known`, each once."""
    made = {one.event: one for one in known}
    for handler in handlers:
        if handler.kind == "event" and handler.of not in made:
            made[handler.of] = Event(handler.of, handler.attributes)
    return tuple(made.values())[len(known) :]
