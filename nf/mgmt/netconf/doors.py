"""Everybody who is connected, whatever the transport."""

import asyncio
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nf.mgmt.netconf.service import Service
    from nf.mgmt.netconf.session import NetconfSession
    from nf.mgmt.users import Users

__all__ = ["Connection", "Doors"]

WAITING = 128
"""Connections that may be about to log in."""


class Connection(Protocol):
    """A connection, as the doors see it."""

    def abort(self) -> None:
        """Ends it at once."""


class Doors:
    """Everybody who is connected.

    Attributes:
        connections: All of them.
        anonymous: Those whose user is not known yet.
        talking: Sessions under way, with their tasks.
    """

    def __init__(self, service: "Service", users: "Users") -> None:
        """Nobody is."""
        self.service = service
        self.users = users
        self.connections: set[Connection] = set()
        self.anonymous: set[Connection] = set()
        self.talking: dict[NetconfSession, asyncio.Task[None]] = {}

    @property
    def full(self) -> bool:
        """Whether a further session is refused."""
        return len(self.talking) >= self.service.settings.max_sessions

    def admits(self) -> bool:
        """Whether a further connection is taken."""
        most = self.service.settings.max_sessions
        return len(self.connections) < most + WAITING and len(self.anonymous) < WAITING

    async def shut_down(self) -> None:
        """Ends all sessions and connections."""
        for session in list(self.talking):
            session.shut_down()
        if self.talking:
            await asyncio.wait(list(self.talking.values()))
        for connection in list(self.connections):
            connection.abort()
