"""What both kinds of subscription share: their life, and a receiver that does not keep up."""

import asyncio
import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from nf.mgmt.netconf.names import SUBSCRIBED
from nf.mgmt.netconf.reply import notification
from nf.mgmt.netconf.subscribed.register import Register, State
from nf.mgmt.netconf.subscribed.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nf.mgmt.netconf.reply import Channel
    from nf.mgmt.session import Session

__all__ = ["MAX_WAITING", "Ending", "Holding", "Surroundings"]

log = logging.getLogger(__name__)

MAX_WAITING = 4 * 1024 * 1024
"""Octets that wait for a receiver when its subscriptions are suspended."""
AGAIN = 0.1
"""Seconds between two looks at whether a receiver has caught up."""


Ending = Literal["completed", "terminated", "stopped"]
"""Its stop time has come; its receiver was told that it ends; or nobody is there to be told."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all subscriptions of a publisher have.

    Attributes:
        register: Where they are kept.
        namespaces: By module name, for filters that are told.
    """

    register: Register
    namespaces: "Mapping[str, str]"


class Holding(ABC):
    """A subscription of one session; see `Subscription`. All of it runs in the event loop.

    Attributes:
        over: Told once when a configured subscription ends; None for one that a session has made.
    """

    def __init__(
        self, surroundings: Surroundings, number: int, session: "Session", terms: Terms
    ) -> None:
        """Not begun."""
        self._register = surroundings.register
        self._namespaces = surroundings.namespaces
        self.id = number
        self.session = session
        self.terms = terms
        self.over: Callable[[Ending], None] | None = None
        self.state: State = "active"
        self.sent = 0
        self.excluded = 0
        self._over = False
        self._channel: Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_timer: asyncio.TimerHandle | None = None
        self._again: asyncio.TimerHandle | None = None
        # Of what is under way between threads, only the newest counts.
        self._generation = 0

    # For the two kinds --------------------------------------------------------------------------

    @abstractmethod
    def _begin(self) -> None:
        """Joins the source."""

    @abstractmethod
    def _leave(self) -> None:
        """Leaves it; may be called twice."""

    @abstractmethod
    def _go_on(self) -> None:
        """Joins again after a suspension."""

    @abstractmethod
    def _renew(self, before: Terms) -> None:
        """Goes on with the terms that are new."""

    @abstractmethod
    def describe(self) -> bytes:
        """The terms as XML, for `subscription-started` and `subscription-modified`."""

    # The life of one ----------------------------------------------------------------------------

    @property
    def configured(self) -> bool:
        """Whether the configuration has made it, and not the session."""
        return self.over is not None

    def start(self, channel: "Channel") -> None:
        """Begins to send; called in the event loop."""
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._register.add(self)
        self._begin()
        self._plan_stop()

    def start_configured(
        self, channel: "Channel", more: bytes, over: "Callable[[Ending], None]"
    ) -> None:
        """Begins what the receiver has not asked for: it is told what, and then `more`."""
        self.over = over
        # Before the word, so that nothing is missed that happens once it is heard; what is
        # delivered comes through the event loop, so after it.
        self.start(channel)
        self._tell("subscription-started", self.describe() + more)

    def _plan_stop(self) -> None:
        if self._stop_timer is not None:
            self._stop_timer.cancel()
            self._stop_timer = None
        if self.terms.until is not None and self._loop is not None and self._may_plan_stop():
            left = (self.terms.until - datetime.now(UTC)).total_seconds()
            self._stop_timer = self._loop.call_later(max(0.0, left), self._complete)

    def _complete(self) -> None:
        """Its stop time has come."""
        if self.configured and not self._over:
            self._tell("subscription-completed", b"")
        self._end("completed")

    def _may_plan_stop(self) -> bool:
        return True

    def modify(self, terms: Terms) -> None:
        """Goes on with other terms; a suspended one is active again (RFC 8639 section 2.4.3)."""
        if self._over:
            return
        before, self.terms = self.terms, terms
        if self.state == "suspended":
            self._resume(tell=False)
        else:
            self._renew(before)
        self._plan_stop()

    def terms_changed(self, terms: Terms) -> None:
        """A filter that it names is another one."""
        self.modify(terms)
        self._tell("subscription-modified", self.describe())

    def stop(self) -> None:
        """Sends nothing more."""
        self._end("stopped")

    def _end(self, how: Ending) -> None:
        if self._over:
            return
        self._over = True
        self._generation += 1
        for timer in (self._stop_timer, self._again):
            if timer is not None:
                timer.cancel()
        self._leave()
        self._register.remove(self)
        if self.over is not None:
            self.over(how)

    def terminate(self, reason: str) -> None:
        """Tells the receiver why it ends, and stops."""
        if not self._over:
            self._tell("subscription-terminated", _reason(reason))
        self._end("terminated")

    # A receiver that does not keep up -----------------------------------------------------------

    def _takes(self) -> bool:
        """Whether there is room for one more; without it the subscription is suspended."""
        if self._over or self.state == "suspended" or self._channel is None:
            return False
        if self._channel.queued <= MAX_WAITING:
            return True
        log.warning(
            "subscription %s of session %s is suspended: its receiver is too slow",
            self.id,
            self.session.id,
        )
        self.state = "suspended"
        self._generation += 1
        self._leave()
        self._tell("subscription-suspended", _reason("unsupportable-volume"))
        self._look_again()
        return False

    def _look_again(self) -> None:
        if self._loop is not None:
            self._again = self._loop.call_later(AGAIN, self._try_again)

    def _try_again(self) -> None:
        if self._over or self._channel is None:
            return
        if self._channel.queued > MAX_WAITING // 8:
            self._look_again()
        else:
            self._resume(tell=True)

    def _resume(self, *, tell: bool) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None
        self.state = "active"
        if tell:
            self._tell("subscription-resumed", b"")
        self._go_on()

    # Sending ------------------------------------------------------------------------------------

    def _tell(self, name: str, content: bytes) -> None:
        """Sends a notification about the subscription itself."""
        if self._channel is not None:
            body = b'<%b xmlns="%b"><id>%d</id>%b</%b>' % (
                name.encode(),
                SUBSCRIBED.encode(),
                self.id,
                content,
                name.encode(),
            )
            self._channel.notify(notification(datetime.now(UTC), body), counted=False)

    def _send(self, message: bytes) -> None:
        if self._channel is not None:
            self._channel.notify(message)
            self.sent += 1

    def _in_loop(self, call: "Callable[..., None]", *arguments: object) -> None:
        """From any thread; when the loop has ended, there is nobody to tell."""
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            self._over = True


def _reason(identity: str) -> bytes:
    # The default namespace is that of RFC 8639, which has all reasons that we give.
    return b"<reason>%b</reason>" % identity.encode()
