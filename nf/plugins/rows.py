"""What functions of the user's make of rows: handlers hear them, a classifier overrules them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, cast

from nf._native import engine as _engine
from nf.datapath.config import Report
from nf.errors import EngineError
from nf.plugins.handlers import Classifier, Handler
from nf.records import Session

__all__ = ["Rows"]

Makers = Mapping[str, Callable[[dict[str, Any]], Any]]
MOST_VERDICTS = 1_000_000
"""Sessions whose verdict is kept; beyond, the oldest may be asked for once more."""


class Rows:
    """Passes batches on, to whoever listens and to whoever reads.

    Args:
        reports: What was asked for.
        handlers: Who listens.
        classifier: Who overrules the engine, once per session.
        makers: How a row becomes a record.
    """

    def __init__(
        self,
        reports: tuple[Report, ...],
        handlers: tuple[Handler, ...],
        classifier: Classifier | None,
        makers: Makers,
    ) -> None:
        self._asked = reports
        self._handlers = handlers
        self._classifier = classifier
        self._makers = makers
        self._verdicts: dict[int, str | None] = {}
        """Of sessions that have not ended; None: the engine's stands."""

    @property
    def reports(self) -> tuple[Report, ...]:
        """What the engine must report, handlers included."""
        heard = {handler.kind for handler in self._handlers}
        # Its end tells that a session's verdict need not be kept any longer.
        heard |= (
            {"session"} if self._classifier is not None and self._asked != ("summary",) else set()
        )
        more = [kind for kind in ("session", "transaction", "event") if kind in heard]
        return (*self._asked, *(cast("Report", kind) for kind in more if kind not in self._asked))

    @property
    def overrules(self) -> bool:
        """Whether the engine is to await verdicts: `Engine.await_verdicts`."""
        return self._classifier is not None

    def wanted(self, batches: list[_engine.Batch], engine: _engine.Engine) -> list[_engine.Batch]:
        """Lets the classifier and handlers hear batches of `engine`; those that were asked for."""
        if self._classifier is not None:
            for batch in batches:
                self.classify(batch)
                engine.conclude(batch)
        if self._handlers:
            for batch in batches:
                self._tell(batch)
        return [batch for batch in batches if batch.kind in self._asked]

    def _tell(self, batch: _engine.Batch) -> None:
        hearing = [handler for handler in self._handlers if handler.kind == batch.kind]
        if not hearing:
            return
        make = self._makers[batch.kind]
        records = [make(row) for row in batch.to_dicts()]
        for handler in hearing:
            if mine := handler.of_its_own(records):
                handler.function(mine)

    def classify(self, batch: _engine.Batch) -> None:
        """Asks the classifier about sessions that are new, and applies what it said of all."""
        classifier = self._classifier
        if classifier is None:
            return
        rows = [row for row in batch.to_dicts([*_SESSION_FIELDS]) if row["session_id"]]
        new: dict[int, Session] = {}
        for row in rows:
            if row["session_id"] not in self._verdicts:
                new.setdefault(row["session_id"], Session(**row))
        if new:
            said = classifier(tuple(new.values())) or {}
            if strange := set(said) - set(new):
                raise EngineError(
                    f"a classifier spoke of session {min(strange)}, which it was not asked about",
                    getattr(classifier, "__qualname__", "classifier"),
                    "give back the ids of the sessions that it got",
                )
            self._verdicts.update({number: said.get(number) for number in new})
            while len(self._verdicts) > MOST_VERDICTS:
                del self._verdicts[next(iter(self._verdicts))]
        known = {row["session_id"]: self._verdicts.get(row["session_id"]) for row in rows}
        batch.reclassify({number: name for number, name in known.items() if name is not None})
        if batch.kind == "session":
            for row in rows:
                if row["end_reason"] != "active":
                    self._verdicts.pop(row["session_id"], None)


_SESSION_FIELDS: Sequence[str] = tuple(field.name for field in fields(Session))
