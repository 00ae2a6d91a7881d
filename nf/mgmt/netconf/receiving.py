"""A subscription of one session: what it lets through, and when it ends (RFC 5277)."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from nf.mgmt.netconf.reply import complete, notification
from nf.mgmt.netconf.service import Service

if TYPE_CHECKING:
    from nf.mgmt.events import Event
    from nf.mgmt.session import Session

__all__ = ["MAX_WAITING", "Receiver", "Receiving"]

MAX_WAITING = 64 * 1024 * 1024
"""Octets of notifications and replies that may wait for a slow peer; a whole log fits in."""


class Receiver(Protocol):
    """The session, as its subscription sees it."""

    def notify(self, message: bytes, *, counted: bool = True) -> None:
        """Sends a notification."""

    def receiving_ended(self) -> None:
        """It is over."""

    def overflowed(self) -> None:
        """Too much waits."""

    @property
    def queued(self) -> int:
        """Octets that wait."""


class Receiving:
    """Hands events to a session, from the thread of the hub into the event loop."""

    def __init__(  # noqa: PLR0913 - they are the operation's parameters
        self,
        service: Service,
        session: "Session",
        receiver: Receiver,
        matches: "Callable[[Event], bool] | None",
        *,
        since: datetime | None,
        until: datetime | None,
    ) -> None:
        """Subscribes; called in the event loop."""
        self._service = service
        self._session = session
        self._receiver = receiver
        self._matches = matches
        self._until = until
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._over = False
        self._subscription = service.events.subscribe(
            self._deliver, since=since, replayed=self._replayed
        )

    def stop(self) -> None:
        """Nothing more is sent."""
        self._over = True
        self._service.events.unsubscribe(self._subscription)
        if self._timer is not None:
            self._timer.cancel()

    # In the thread of the hub -------------------------------------------------------------------

    def _deliver(self, event: "Event") -> None:
        if self._until is not None and event.when > self._until:
            return
        if self._matches is not None and not self._matches(event):
            return
        access = self._service.core.commits.access
        if not access.may_receive(self._session, event.module, event.name):
            access.count_withheld()
            return
        self._in_loop(self._send, notification(event.when, event.xml))

    def _replayed(self) -> None:
        self._in_loop(self._end_replay)

    def _in_loop(self, call: Callable[..., None], *arguments: bytes) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            # The server has stopped and its event loop with it: there is nobody to tell.
            self._over = True
            self._service.events.unsubscribe(self._subscription)

    # In the event loop --------------------------------------------------------------------------

    def _send(self, message: bytes) -> None:
        if self._over:
            return
        if self._receiver.queued > MAX_WAITING:
            self.stop()
            self._receiver.overflowed()
            return
        self._receiver.notify(message)

    def _end_replay(self) -> None:
        if self._over:
            return
        now = datetime.now(UTC)
        self._receiver.notify(notification(now, complete("replayComplete")), counted=False)
        if self._until is not None:
            left = (self._until - now).total_seconds()
            # Events of that very moment may still be on their way through the hub.
            self._timer = self._loop.call_later(max(0.0, left), self._complete)

    def _complete(self) -> None:
        if self._over:
            return
        self.stop()
        self._receiver.notify(
            notification(datetime.now(UTC), complete("notificationComplete")), counted=False
        )
        self._receiver.receiving_ended()
