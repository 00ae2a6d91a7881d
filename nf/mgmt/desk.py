"""What the command line asks of this process's core, see `nf.mgmt.local`."""

import pwd
from collections.abc import Sequence
from typing import Any, Literal

from nf._native.yang import Tree
from nf.mgmt import local
from nf.mgmt.answering import Answering
from nf.mgmt.core import Core
from nf.mgmt.datastores import Store
from nf.mgmt.paths import parse
from nf.mgmt.session import Session
from nf.process.frames import Peer

__all__ = ["Desk", "name_of"]


class Desk:
    """Answers; methods block, and are called off the event loop.

    Args:
        core: What is asked.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._answering = Answering(core.context)

    def answer(self, peer: Peer, body: Any) -> Any:
        """What a call asks for.

        Raises:
            Refused: It cannot be done; nothing has changed.
        """
        asked = getattr(body, "user", "")
        # Root may say for whom it acts (sudo); nobody else may.
        user = asked if asked and peer.uid == 0 else name_of(peer.uid)
        # Whoever else the socket lets in is subject to access control.
        session = self._core.sessions.open(user, "cli", "", recovery=peer.is_trusted)
        try:
            return self._answering.answer(_CoreDoor(self._core, session), body)
        finally:
            self._core.sessions.close(session, "closed")


class _CoreDoor:
    """The core, as a session sees it; see `Door`."""

    def __init__(self, core: Core, session: Session) -> None:
        self._core = core
        self._session = session

    def read(self, store: local.Store, path: str, *, defaults: bool) -> Tree:
        del defaults  # a tree that is in force has them
        if store == "operational":
            wanted = {f"{step.module}:{step.name}" for step in parse(path)[:1]} if path else None
            tree = self._core.get_data(self._session, "operational", wanted=wanted)
        else:
            tree = self._core.get_config(self._session, store)
        return tree.select_xpath(path) if path else tree

    def edit(
        self, target: Store, config: bytes, default: Literal["merge", "replace", "none"]
    ) -> None:
        self._core.edit_config(self._session, target, config, default_operation=default)

    def validate(self, config: bytes) -> None:
        self._core.validate(self._session, config)

    def copy(self, source: Store | bytes, target: Store) -> None:
        self._core.copy_config(self._session, source, target)

    def past(self) -> Sequence[local.HistoryEntry]:
        return [
            local.HistoryEntry(
                note.number,
                note.when,
                note.user,
                note.protocol,
                note.source,
                note.what,
                note.more,
            )
            for note in self._core.history.entries()
        ]

    def past_config(self, number: int) -> Tree:
        return self._core.past_config(self._session, number)

    def rollback(self, number: int) -> None:
        self._core.rollback(self._session, number)

    def operations(self) -> Sequence[str]:
        return [path for path in self._core.operations.paths() if "/" not in path[1:]]

    def operate(self, operation: bytes) -> bytes:
        return self._core.operate(self._session, operation)


def name_of(uid: int) -> str:
    """A user's name; the number of one without."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
