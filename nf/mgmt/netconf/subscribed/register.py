"""Every subscription that is open, over all sessions."""

import threading
from typing import TYPE_CHECKING, Literal, Protocol

from nf.mgmt.netconf.subscribed.refusing import Structure, refusal
from nf.mgmt.netconf.subscribed.terms import Terms

if TYPE_CHECKING:
    from nf.mgmt.netconf.reply import Channel
    from nf.mgmt.session import Session

__all__ = ["MAX_SUBSCRIPTIONS", "Register", "State", "Subscription"]

MAX_SUBSCRIPTIONS = 4096
"""Over all sessions; one more is refused."""
LEAST_ID = 2**31
"""Below are configured subscriptions (RFC 8639 section 6)."""
MAX_ID = 2**32 - 1

State = Literal["active", "suspended"]


class Subscription(Protocol):
    """One subscription; but for the attributes it is used in the event loop only.

    Attributes:
        id: Unique in this function.
        session: Whose it is.
        terms: What it asks for.
        state: Whether anything is sent.
        sent: Events or updates that were sent.
        excluded: Those that a filter or access control kept back.
        configured: Whether the configuration has made it, and not the session.
    """

    id: int
    session: "Session"
    terms: Terms
    state: State
    sent: int
    excluded: int

    @property
    def configured(self) -> bool:
        """See above."""

    def start(self, channel: "Channel") -> None:
        """Begins to send."""

    def modify(self, terms: Terms) -> None:
        """Goes on with other terms."""

    def stop(self) -> None:
        """Sends nothing more."""

    def terminate(self, reason: str) -> None:
        """Tells the receiver why it ends, and stops."""

    def terms_changed(self, terms: Terms) -> None:
        """A filter that it names is another one: tells the receiver."""


class Register:
    """Subscriptions by id; thread-safe.

    Those that are configured have an entry for each session that is told.
    """

    def __init__(self) -> None:
        """None is open."""
        self._lock = threading.Lock()
        self._open: dict[int, Subscription] = {}
        self._configured: set[Subscription] = set()
        self._last = LEAST_ID - 1

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def new_id(self, structure: Structure) -> int:
        """An id for another one.

        Raises:
            RpcErrors: There are too many.
        """
        with self._lock:
            if len(self._open) >= MAX_SUBSCRIPTIONS:
                raise refusal(
                    structure,
                    "insufficient-resources",
                    f"{MAX_SUBSCRIPTIONS} subscriptions are open: end one",
                )
            self._last = self._after(self._last)
            while self._last in self._open:
                self._last = self._after(self._last)
            return self._last

    @staticmethod
    def _after(number: int) -> int:
        return number + 1 if number < MAX_ID else LEAST_ID

    def add(self, subscription: Subscription) -> None:
        """One has begun."""
        with self._lock:
            if subscription.configured:
                self._configured.add(subscription)
            else:
                self._open[subscription.id] = subscription

    def remove(self, subscription: Subscription) -> None:
        """One is over."""
        with self._lock:
            if subscription.configured:
                self._configured.discard(subscription)
            elif self._open.get(subscription.id) is subscription:
                del self._open[subscription.id]

    def all(self) -> list[Subscription]:
        """Those that sessions have made, by id."""
        with self._lock:
            return [self._open[number] for number in sorted(self._open)]

    def of(self, session_id: int) -> list[Subscription]:
        """Those of one session, configured ones included."""
        with self._lock:
            every = (*self._open.values(), *self._configured)
        return [one for one in every if one.session.id == session_id]

    def find(self, number: int, session_id: int | None = None) -> Subscription | None:
        """One that a session has made; of a session only where one is given."""
        with self._lock:
            found = self._open.get(number)
        if found is None or session_id not in (None, found.session.id):
            return None
        return found

    def session_ended(self, session_id: int) -> None:
        """Stops what a session had; in the event loop."""
        for one in self.of(session_id):
            one.stop()
