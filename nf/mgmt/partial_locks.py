"""Locks on parts of the running configuration (RFC 5717)."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nf.mgmt.paths import Step, covers, parse
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from nf.mgmt.changes import Change
    from nf.mgmt.session import Session

__all__ = ["PartialLock", "PartialLocks", "denied"]

MAX_NODES = 4096
"""Nodes of one lock: every change is compared with each."""
MAX_ID = 2**32 - 1


@dataclass(frozen=True, slots=True)
class PartialLock:
    """One lock.

    Attributes:
        id: Unique in this function.
        session: Who holds it.
        selects: Expressions that it was asked for with.
        nodes: Data paths that they selected; what lies below is locked as well.
        since: When.
    """

    id: int
    session: "Session"
    selects: tuple[str, ...]
    nodes: tuple[str, ...]
    since: datetime = field(default_factory=lambda: datetime.now(UTC))


class PartialLocks:
    """Those that are held; thread-safe."""

    def __init__(self) -> None:
        """None is held."""
        self._guard = threading.Lock()
        self._held: dict[int, tuple[PartialLock, tuple[tuple[Step, ...], ...]]] = {}
        self._last = 0

    def take(self, session: "Session", selects: Sequence[str], nodes: Sequence[str]) -> PartialLock:
        """Locks nodes.

        Raises:
            RpcErrors: Another session has locked one of them, or what is above or below it; or
                there are too many.
        """
        if len(nodes) > MAX_NODES:
            raise RpcErrors.of(
                type="protocol",
                tag="too-big",
                message=f"a lock has at most {MAX_NODES} nodes, this one {len(nodes)}: lock what"
                " is above them",
            )
        places = tuple(parse(node) for node in nodes)
        with self._guard:
            for held, others in self._held.values():
                if held.session.id == session.id:
                    continue
                for place in places:
                    if any(covers(one, place) or covers(place, one) for one in others):
                        raise denied(held.session)
            self._last = self._last % MAX_ID + 1
            while self._last in self._held:
                self._last = self._last % MAX_ID + 1
            lock = PartialLock(self._last, session, tuple(selects), tuple(nodes))
            self._held[lock.id] = lock, places
        return lock

    def release(self, session: "Session", number: int) -> None:
        """Unlocks.

        Raises:
            RpcErrors: The session holds no such lock.
        """
        with self._guard:
            held = self._held.get(number)
            if held is None or held[0].session.id != session.id:
                raise RpcErrors.of(
                    type="protocol",
                    tag="invalid-value",
                    message=f"this session holds no partial lock {number}",
                    info=(("bad-element", "lock-id"),),
                )
            del self._held[number]

    def release_all(self, session: "Session") -> None:
        """Gives back what a session held that has ended."""
        with self._guard:
            for held, _ in list(self._held.values()):
                if held.session.id == session.id:
                    del self._held[held.id]

    def all(self) -> list[PartialLock]:
        """Those that are held, by id."""
        with self._guard:
            return [held for _, (held, _) in sorted(self._held.items())]

    def may_lock_all(self, session: "Session") -> None:
        """Refuses a lock on everything while another session has locked a part.

        Raises:
            RpcErrors: `lock-denied`, with the holder's session-id.
        """
        for held in self.all():
            if held.session.id != session.id:
                raise denied(held.session)

    def may_change(self, session: "Session", changes: Sequence["Change"]) -> None:
        """Refuses changes of what another session has locked; the function's own are free.

        Raises:
            RpcErrors: `in-use`, with the holder's session-id.
        """
        with self._guard:
            foreign = [
                (held, places)
                for held, places in self._held.values()
                if session.id not in (0, held.session.id)
            ]
        for held, places in foreign:
            for change in changes:
                if any(covers(place, change.steps) for place in places):
                    raise RpcErrors.of(
                        type="protocol",
                        tag="in-use",
                        message=f"session {held.session.id} of {held.session.user} has locked it",
                        path=change.path,
                        info=(("session-id", str(held.session.id)),),
                    )


def denied(holder: "Session") -> RpcErrors:
    """Somebody else holds what a session wants to lock."""
    return RpcErrors.of(
        type="protocol",
        tag="lock-denied",
        message=f"session {holder.id} of {holder.user} holds a part of running",
        info=(("session-id", str(holder.id)),),
    )
