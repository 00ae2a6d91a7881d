"""Locks on parts of the running configuration (RFC 5717)."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nf.mgmt.paths import Step, parse
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from nf.mgmt.changes import Change
    from nf.mgmt.session import Session

__all__ = ["PartialLock", "PartialLocks", "denied"]

MAX_NODES = 4096
"""Nodes that one session may lock, with all of its locks."""
MAX_ID = 2**32 - 1
Place = tuple[Step, ...]
"""A node of the data; all keys are there, in the order of the model."""


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


@dataclass(frozen=True, slots=True)
class _Held:
    """A lock that can be compared with many nodes at once.

    Attributes:
        lock: It.
        places: What it locks; what lies below is locked as well.
        above: All nodes above one of them.
    """

    lock: PartialLock
    places: frozenset[Place]
    above: frozenset[Place]

    @classmethod
    def of(cls, lock: PartialLock, places: Sequence[Place]) -> "_Held":
        above = frozenset(each for place in places for each in _above(place))
        return cls(lock, frozenset(places), above)

    def has(self, place: Place) -> bool:
        """Whether a node is locked."""
        return place in self.places or any(each in self.places for each in _above(place))

    def touches(self, place: Place) -> bool:
        """Whether a node is locked, or one below it."""
        return place in self.above or self.has(place)


def _above(place: Place) -> Iterator[Place]:
    return (place[:length] for length in range(len(place)))


class PartialLocks:
    """Those that are held; thread-safe."""

    def __init__(self) -> None:
        """None is held."""
        self._guard = threading.Lock()
        self._held: dict[int, _Held] = {}
        self._last = 0

    def take(self, session: "Session", selects: Sequence[str], nodes: Sequence[str]) -> PartialLock:
        """Locks nodes.

        Raises:
            RpcErrors: Another session has locked one of them, or what is above or below it; or
                there are too many.
        """
        places = tuple(parse(node) for node in nodes)
        with self._guard:
            others = [one for one in self._held.values() if one.lock.session.id != session.id]
            own = [one for one in self._held.values() if one.lock.session.id == session.id]
            count = len(nodes) + sum(len(one.places) for one in own)
            if count > MAX_NODES:
                raise RpcErrors.of(
                    type="protocol",
                    tag="too-big",
                    message=f"a session locks at most {MAX_NODES} nodes, these would make {count}:"
                    " lock what is above them, or give locks back",
                )
            for one in others:
                if any(one.touches(place) for place in places):
                    raise denied(one.lock.session)
            self._last = self._last % MAX_ID + 1
            while self._last in self._held:
                self._last = self._last % MAX_ID + 1
            lock = PartialLock(self._last, session, tuple(selects), tuple(nodes))
            self._held[lock.id] = _Held.of(lock, places)
        return lock

    def release(self, session: "Session", number: int) -> None:
        """Unlocks.

        Raises:
            RpcErrors: The session holds no such lock.
        """
        with self._guard:
            held = self._held.get(number)
            if held is None or held.lock.session.id != session.id:
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
            for number, held in list(self._held.items()):
                if held.lock.session.id == session.id:
                    del self._held[number]

    def all(self) -> list[PartialLock]:
        """Those that are held, by id."""
        with self._guard:
            return [held.lock for _, held in sorted(self._held.items())]

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
                one for one in self._held.values() if session.id not in (0, one.lock.session.id)
            ]
        for one in foreign:
            for change in changes:
                if one.has(change.steps):
                    holder = one.lock.session
                    raise RpcErrors.of(
                        type="protocol",
                        tag="in-use",
                        message=f"session {holder.id} of {holder.user} has locked it",
                        path=change.path,
                        info=(("session-id", str(holder.id)),),
                    )


def denied(holder: "Session") -> RpcErrors:
    """Somebody else holds what a session wants to lock."""
    return RpcErrors.of(
        type="protocol",
        tag="lock-denied",
        message=f"session {holder.id} of {holder.user} holds a part of running",
        info=(("session-id", str(holder.id)),),
    )
