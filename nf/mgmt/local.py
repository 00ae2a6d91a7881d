"""The local channel: what the command line asks nf-mgmt.

Its socket lets root and the user of the service in; both act as a recovery session (RFC 8341
section 3.3), to which access control does not apply: who may read the probe's memory and files
needs no rules.
"""

from pathlib import Path
from typing import Literal

from msgspec import Struct

from nf.process.client import Client, Hearing

__all__ = [
    "CHANNEL",
    "Call",
    "ChangeRow",
    "Changes",
    "CopyStore",
    "Difference",
    "Edit",
    "Entries",
    "HistoryEntry",
    "Load",
    "LocalClient",
    "Read",
    "ReadHistory",
    "RemoveNode",
    "Rollback",
    "Run",
    "SetNode",
    "Text",
]

CHANNEL = "management"

Store = Literal["running", "candidate", "startup", "operational"]
Form = Literal["json", "xml"]


class Message(Struct, frozen=True, forbid_unknown_fields=True, tag_field="is"):
    """One body of a frame."""


class Read(Message, frozen=True, tag="read"):
    """Asks for a datastore, or what lies at a path of it.

    Attributes:
        store: `operational` has the state, too.
        path: As `nf.mgmt.naming` takes it; empty for all.
        form: Of the text.
        defaults: Values that nobody has set are there, too.
    """

    store: Store = "running"
    path: str = ""
    form: Form = "json"
    defaults: bool = False


class SetNode(Message, frozen=True, tag="set"):
    """Sets leaves, or creates entries and containers, in one transaction."""

    values: tuple[tuple[str, str | None], ...]
    target: Literal["running", "candidate"] = "running"
    user: str = ""


class RemoveNode(Message, frozen=True, tag="remove"):
    """Deletes nodes, in one transaction; one that is not there is an error."""

    paths: tuple[str, ...]
    target: Literal["running", "candidate"] = "running"
    user: str = ""


class Edit(Message, frozen=True, tag="edit"):
    """Applies the content of a `<config>`, see RFC 6241 section 7.2."""

    config: str
    default_operation: Literal["merge", "replace", "none"] = "merge"
    target: Literal["running", "candidate"] = "running"
    user: str = ""


class Load(Message, frozen=True, tag="load"):
    """Takes a whole configuration.

    Attributes:
        config: JSON (RFC 7951) or XML.
        mode: `merge` adds it, `replace` puts it in the place of what is there, `check` changes
            nothing and tells whether it could replace.
        user: Who does that, for the history.
    """

    config: str
    mode: Literal["merge", "replace", "check"]
    user: str = ""


class Difference(Message, frozen=True, tag="difference"):
    """Asks what makes one datastore, or an entry of the history, into another."""

    before: str = "startup"
    after: str = "running"


class CopyStore(Message, frozen=True, tag="copy"):
    """Copies a datastore: `running` to `startup` keeps it over a restart."""

    source: Store
    target: Store
    user: str = ""


class ReadHistory(Message, frozen=True, tag="history"):
    """Asks for the configurations that were in force."""


class Rollback(Message, frozen=True, tag="rollback"):
    """Puts one of them in force again."""

    number: int
    user: str = ""


class Run(Message, frozen=True, tag="run"):
    """Carries out an operation of the model.

    Attributes:
        name: `list-sessions`, or with its module.
        given: Its input: leaf and value each.
        user: Who does that.
    """

    name: str
    given: tuple[tuple[str, str], ...] = ()
    user: str = ""


Call = (
    Read
    | SetNode
    | RemoveNode
    | Edit
    | Load
    | Difference
    | CopyStore
    | ReadHistory
    | Rollback
    | Run
)


class Text(Message, frozen=True, tag="text"):
    """What was asked for; empty where something was done."""

    text: str = ""


class ChangeRow(Struct, frozen=True, forbid_unknown_fields=True):
    """One change of a node."""

    operation: str
    path: str
    value: str | None = None
    old: str | None = None


class Changes(Message, frozen=True, tag="changes"):
    """Changes, in the order of the tree."""

    changes: tuple[ChangeRow, ...]


class HistoryEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A configuration that was in force."""

    number: int
    when: str
    user: str
    protocol: str
    source: str
    what: tuple[str, ...]
    more: int


class Entries(Message, frozen=True, tag="entries"):
    """The history, newest first."""

    entries: tuple[HistoryEntry, ...]


Answer = Text | Changes | Entries


class LocalClient(Client):
    """The command line's end.

    Raises:
        ChannelError: nf-mgmt cannot be reached.
    """

    def __init__(self, path: Path, seconds: float = 5.0) -> None:
        super().__init__(path, CHANNEL, Answer, Hearing(), seconds)
