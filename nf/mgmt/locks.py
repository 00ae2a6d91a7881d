"""Locks on datastores (RFC 6241 section 7.5)."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime

from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import Session

__all__ = ["Lock", "Locks"]


@dataclass(frozen=True, slots=True)
class Lock:
    """Who holds a datastore, since when."""

    session: Session
    since: datetime


class Locks:
    """At most one holder per datastore; thread-safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held: dict[str, Lock] = {}

    def take(self, session: Session, store: str) -> None:
        """Locks.

        Raises:
            RpcErrors: Somebody holds it, the session itself included.
        """
        with self._guard:
            if held := self._held.get(store):
                raise RpcErrors.of(
                    type="protocol",
                    tag="lock-denied",
                    message=f"session {held.session.id} of {held.session.user} holds {store}",
                    info=(("session-id", str(held.session.id)),),
                )
            self._held[store] = Lock(session, datetime.now(UTC))

    def release(self, session: Session, store: str) -> None:
        """Unlocks.

        Raises:
            RpcErrors: The session does not hold it.
        """
        with self._guard:
            held = self._held.get(store)
            if held is None or held.session.id != session.id:
                raise RpcErrors.of(
                    type="protocol",
                    tag="operation-failed",
                    message=f"this session holds no lock on {store}",
                )
            del self._held[store]

    def release_all(self, session: Session) -> list[str]:
        """Gives back what a session held that has ended."""
        with self._guard:
            held = [store for store, lock in self._held.items() if lock.session.id == session.id]
            for store in held:
                del self._held[store]
            return held

    def may_write(self, session: Session, store: str) -> None:
        """Refuses a write to what another session has locked.

        Raises:
            RpcErrors: `in-use`, with the holder's session-id.
        """
        with self._guard:
            held = self._held.get(store)
        if held is not None and session.id not in (0, held.session.id):
            raise RpcErrors.of(
                type="protocol",
                tag="in-use",
                message=f"{store} is locked by session {held.session.id} of {held.session.user}",
                info=(("session-id", str(held.session.id)),),
            )

    def holder(self, store: str) -> Lock | None:
        """The lock on a datastore."""
        with self._guard:
            return self._held.get(store)
