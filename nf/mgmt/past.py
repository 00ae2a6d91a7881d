"""The configurations that were in force, as RPCs of the model: listed, read, put in force again."""

from typing import Any

from nf.mgmt.core import Core
from nf.mgmt.history import Note
from nf.mgmt.session import Session

__all__ = ["LIST", "READ", "ROLLBACK", "register_past"]

LIST = "/nf-probe:list-configurations"
READ = "/nf-probe:read-configuration"
ROLLBACK = "/nf-probe:rollback"


def register_past(core: Core) -> None:
    """Has a core carry them out."""

    def listed(session: Session, target: str, given: dict[str, Any]) -> dict[str, Any]:
        del session, target, given
        notes = core.history.entries()
        return {"configuration": [_entry(note) for note in notes]} if notes else {}

    def read(session: Session, target: str, given: dict[str, Any]) -> dict[str, Any]:
        del target
        tree = core.past_config(session, given["number"])
        return {"content": tree.to_json().decode()}

    def rollback(session: Session, target: str, given: dict[str, Any]) -> dict[str, Any]:
        del target
        core.rollback(session, given["number"])
        return {}

    for path, work in ((LIST, listed), (READ, read), (ROLLBACK, rollback)):
        core.operations.register(path, work)


def _entry(note: Note) -> dict[str, Any]:
    made: dict[str, Any] = {
        "number": note.number,
        "when": note.when,
        "user": note.user,
        "protocol": note.protocol,
        "changed": list(dict.fromkeys(note.what)),
        "more-changed": note.more,
    }
    if note.source:
        made["source"] = note.source
    return made
