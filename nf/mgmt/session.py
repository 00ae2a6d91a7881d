"""Who acts on the function, over every front end."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from nf.mgmt.rpc_error import RpcErrors

__all__ = ["INTERNAL", "EndReason", "Session", "Sessions"]

log = logging.getLogger(__name__)

EndReason = Literal["closed", "killed", "dropped", "timeout", "other"]
"""As `termination-reason` of RFC 6470."""

MAX_ID = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Session:
    """One session of management.

    Attributes:
        id: Unique over all front ends; 0 is the function itself.
        user: Name after authentication.
        protocol: `netconf-ssh`, `netconf-tls`, `cli`, `gnmi` or `internal`.
        source: Where it comes from.
        recovery: Access control does not apply to it (RFC 8341 section 3.3).
        login: When it began.
    """

    id: int
    user: str
    protocol: str
    source: str
    recovery: bool = False
    login: datetime = field(default_factory=lambda: datetime.now(UTC))


INTERNAL = Session(0, "nf", "internal", "nf", recovery=True)
"""The function itself: start, roll-back of a commit that nobody confirmed."""


@dataclass(slots=True)
class _Open:
    session: Session
    kill: Callable[[], None] | None
    ending: bool = False


class Sessions:
    """The sessions that are open; thread-safe."""

    def __init__(
        self,
        started: Callable[[Session], None],
        ended: Callable[[Session, EndReason, int | None], None],
    ) -> None:
        """`started` and `ended` are told; the last argument of `ended` is the killer's id."""
        self._started = started
        self._ended = ended
        self._lock = threading.Lock()
        self._open: dict[int, _Open] = {}
        self._last = 0

    def open(
        self,
        user: str,
        protocol: str,
        source: str,
        *,
        recovery: bool = False,
        kill: Callable[[], None] | None = None,
    ) -> Session:
        """Begins a session; `kill` ends its transport and may be called from any thread."""
        with self._lock:
            self._last = self._last % MAX_ID + 1
            while self._last in self._open:
                self._last = self._last % MAX_ID + 1
            session = Session(self._last, user, protocol, source, recovery)
            self._open[session.id] = _Open(session, kill)
        self._started(session)
        return session

    def close(self, session: Session, reason: EndReason) -> None:
        """Ends a session: what it holds is given back. A second call does nothing."""
        self._end(session, reason, None)

    def kill(self, by: Session, session_id: int) -> None:
        """Ends another session (RFC 6241 section 7.9).

        Raises:
            RpcErrors: There is no such session, or it is the caller's own.
        """
        with self._lock:
            found = self._open.get(session_id)
            if found is not None and found.ending:
                found = None
        if found is None or session_id == by.id:
            what = "the session's own id" if found else f"no session {session_id}"
            raise RpcErrors.of(
                tag="invalid-value", message=f"cannot kill: {what}", type="application"
            )
        # First what it holds, so that the killer may lock as soon as the reply is there.
        self._end(found.session, "killed", by.id)
        if found.kill is not None:
            found.kill()

    def _end(self, session: Session, reason: EndReason, killer: int | None) -> None:
        with self._lock:
            found = self._open.get(session.id)
            if found is None or found.ending:
                return
            found.ending = True
        try:
            self._ended(session, reason, killer)
        finally:
            # Not before: whoever sees that a session is gone may take what it held.
            with self._lock:
                self._open.pop(session.id, None)

    def is_open(self, session: Session) -> bool:
        """Whether it has not begun to end."""
        with self._lock:
            found = self._open.get(session.id)
            return found is not None and not found.ending

    def all(self) -> list[Session]:
        """Every session that is open or holds something still, oldest first."""
        with self._lock:
            return [entry.session for entry in self._open.values()]
