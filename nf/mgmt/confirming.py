"""Commits that go back unless they are confirmed (RFC 6241 section 8.4)."""

import logging
import threading
from dataclasses import dataclass
from time import monotonic

from nf.mgmt.commits import Commits, Publisher, Running, who
from nf.mgmt.history import History
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import INTERNAL, Session

__all__ = ["Confirming"]

log = logging.getLogger(__name__)

RETRY = 5.0
"""Seconds until a roll-back is tried again that a provider refused."""


@dataclass(slots=True)
class _Waiting:
    rollback: Running
    session: Session
    persist: str | None
    timer: threading.Timer
    deadline: float


class Confirming:
    """At most one commit that waits for its confirmation; callers hold `Commits.writing`."""

    def __init__(self, commits: Commits, history: History, events: Publisher) -> None:
        """Nothing waits."""
        self._commits = commits
        self._history = history
        self._events = events
        self._waiting: _Waiting | None = None

    @property
    def remaining(self) -> float | None:
        """Seconds until the roll-back; None when nothing waits."""
        waiting = self._waiting
        return None if waiting is None else max(0.0, waiting.deadline - monotonic())

    def waits_for(self, session: Session) -> bool:
        """Whether the commit that waits is the session's own, and ends with it."""
        waiting = self._waiting
        return waiting is not None and waiting.persist is None and waiting.session.id == session.id

    def persist_id(self, revision: int | None) -> str:
        """By which the commit that waits is named, if it made that revision; empty for none.

        Args:
            revision: Of the running configuration; None for whichever commit waits.
        """
        waiting = self._waiting
        if waiting is None or revision not in (None, waiting.rollback.revision + 1):
            return ""
        return waiting.persist or ""

    def may_change(self, session: Session, persist_id: str | None = None) -> None:
        """Refuses a change that a roll-back would take back from somebody else.

        Raises:
            RpcErrors: Another session's commit waits, or the persist-id is not its.
        """
        waiting = self._waiting
        if persist_id is not None and (waiting is None or waiting.persist != persist_id):
            raise RpcErrors.of(
                type="protocol",
                tag="invalid-value",
                message="no commit with this persist-id waits for its confirmation",
                info=(("bad-element", "persist-id"),),
            )
        if waiting is None or persist_id is not None or session.id == 0:
            return
        if waiting.persist is not None or waiting.session.id != session.id:
            raise RpcErrors.of(
                type="protocol",
                tag="in-use",
                message="a commit of session"
                f" {waiting.session.id} ({waiting.session.user}) waits for its confirmation",
                info=(("session-id", str(waiting.session.id)),),
            )

    def note(self) -> Running:
        """Before a confirmed commit is applied: notes, on disk too, what to go back to.

        Raises:
            RpcErrors: It cannot be noted.
        """
        if self._waiting is not None:
            return self._waiting.rollback
        running = self._commits.running
        try:
            self._history.set_unconfirmed(running.number)
        except OSError as error:
            raise _not_noted("what to go back to", error) from error
        return running

    def drop_note(self) -> None:
        """The commit was refused: nothing more waits than before."""
        if self._waiting is None:
            self._remove_note()

    def _remove_note(self) -> None:
        try:
            self._history.set_unconfirmed(None)
        except OSError as error:
            # What is in force is right; a start would go back to what it was made from.
            log.critical("what to go back to at a start cannot be removed: %s", error)

    def wait(
        self, session: Session, rollback: Running, timeout: float, persist: str | None
    ) -> None:
        """The commit has been applied: its time runs, anew if one was waiting."""
        extended = self._waiting is not None
        if self._waiting is not None:
            self._waiting.timer.cancel()
        timer = threading.Timer(timeout, self._expire)
        timer.daemon = True
        self._waiting = _Waiting(rollback, session, persist, timer, monotonic() + timeout)
        timer.start()
        self._tell(session, "extend" if extended else "start", int(timeout))

    def confirm(self, session: Session) -> None:
        """What waited stays.

        Raises:
            RpcErrors: That cannot be noted: it goes on waiting.
        """
        if self._waiting is None:
            return
        try:
            self._history.set_unconfirmed(None)
        except OSError as error:
            raise _not_noted("that the commit is confirmed", error) from error
        self._waiting.timer.cancel()
        self._waiting = None
        self._tell(session, "complete")

    def cancel(self, session: Session, persist_id: str | None) -> None:
        """Goes back at once.

        Raises:
            RpcErrors: Nothing waits, it is another's, or it cannot go back now and tries again.
        """
        with self._commits.writing:
            if self._waiting is None:
                raise RpcErrors.of(
                    type="protocol",
                    tag="operation-failed",
                    message="no commit waits for its confirmation",
                )
            self.may_change(session, persist_id)
            if (why := self._go_back(session, "cancel")) is not None:
                raise RpcErrors.of(
                    tag="operation-failed",
                    message=f"the commit cannot be rolled back; it is tried again: {why}",
                    app_tag="roll-back",
                )

    def session_ended(self, session: Session) -> None:
        """Goes back if the commit was the session's and does not persist."""
        with self._commits.writing:
            if self.waits_for(session):
                self._go_back(session, "cancel")

    def _expire(self) -> None:
        with self._commits.writing:
            waiting = self._waiting
            if waiting is None or waiting.deadline > monotonic():
                return
            self._go_back(waiting.session, "timeout")

    def _go_back(self, session: Session, event: str) -> Exception | None:
        """Rolls back what waits; why that cannot be done now: then it is tried again."""
        waiting = self._waiting
        if waiting is None:
            return None
        waiting.timer.cancel()
        try:
            self._commits.replace(INTERNAL, waiting.rollback.tree.copy())
        except Exception as error:  # whatever it is, nobody else would go back
            log.critical("the commit cannot be rolled back, trying again: %s", error)
            log.debug("where it failed", exc_info=error)
            waiting.timer = threading.Timer(RETRY, self._expire)
            waiting.timer.daemon = True
            waiting.deadline = monotonic() + RETRY / 2
            waiting.timer.start()
            return error
        self._waiting = None
        self._remove_note()
        self._tell(session, event)
        return None

    def stop(self) -> None:
        """The process ends: the next start goes back."""
        if self._waiting is not None:
            self._waiting.timer.cancel()

    def _tell(self, session: Session, event: str, timeout: int | None = None) -> None:
        self._events.publish(
            {
                "ietf-netconf-notifications:netconf-confirmed-commit": {
                    **who(session),
                    "confirm-event": event,
                    **({} if timeout is None else {"timeout": timeout}),
                }
            }
        )


def _not_noted(what: str, error: OSError) -> RpcErrors:
    return RpcErrors.of(
        tag="resource-denied",
        message=f"{what} cannot be noted: {error.strerror}",
        app_tag="persist",
    )
