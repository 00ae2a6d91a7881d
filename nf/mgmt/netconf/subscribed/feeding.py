"""Datastores as feeds of the subscription engine: read, compared and encoded once for all."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from nf.mgmt.netconf.subscribed.changes import UserOrdered, edits, patch
from nf.mgmt.netconf.subscribed.terms import OnChange, Periodic, PushTerms
from nf.mgmt.subscriptions.reading import rights_of

if TYPE_CHECKING:
    from nf._native.yang import Tree
    from nf.mgmt.core import Core
    from nf.mgmt.netconf.filters import Filter
    from nf.mgmt.session import Session

__all__ = ["LOOK", "DatastoreFeed", "DatastoreSource", "Moment", "Update", "feed_key"]

LOOK = 500_000_000
"""Nanoseconds between two looks at state, which nobody announces; configuration is announced."""
_CENTISECOND = 10_000_000


@dataclass(frozen=True, slots=True)
class Moment:
    """A datastore as it was.

    Attributes:
        when: In UTC.
        tree: Never modified; kept no longer than needed, so that commits may reuse it.
        version: Equal for readings of the same; None where nobody knows.
    """

    when: datetime
    tree: "Tree"
    version: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """What subscribers are told, but for their subscription's id.

    Attributes:
        kind: Name of the notification.
        when: In UTC.
        body: What comes behind the id.
    """

    kind: Literal["push-update", "push-change-update"]
    when: datetime
    body: bytes


class DatastoreSource:
    """Reads one datastore for the engine."""

    def __init__(self, core: "Core", store: Literal["running", "operational"]) -> None:
        """Of a core."""
        self._core = core
        self._store = store

    def read(self, session: "Session", tops: Collection[str]) -> Moment:
        """See `Source`."""
        when = datetime.now(UTC)
        if self._store == "running":
            # Before the tree: one that is newer than its version is compared once more, no harm.
            commits = self._core.commits
            version = commits.running.revision, id(commits.access)
            return Moment(when, self._core.get_config(session, "running"), version)
        wanted = frozenset(tops)
        return Moment(when, self._core.get_data(session, "operational", wanted=wanted))


def feed_key(terms: PushTerms, session: "Session", token: object) -> tuple[Any, ...]:
    """Equal for subscriptions that are told the same; `token` is the subscription's own."""
    chosen = (terms.chosen.kind, terms.chosen.text)
    if isinstance(terms.trigger, OnChange):
        # How long to be quiet depends on what one receiver has been told.
        alone = token if terms.trigger.dampening else None
        return (rights_of(session), chosen, terms.trigger.dampening, terms.trigger.excluded, alone)
    return (rights_of(session), chosen, terms.trigger)


class DatastoreFeed:
    """Part of a datastore, for the engine; see `nf.mgmt.subscriptions.engine.Feed`."""

    heartbeat = 0

    def __init__(
        self, terms: PushTerms, session: "Session", tops: frozenset[str], ordered: UserOrdered
    ) -> None:
        """Has no subscriber yet.

        Args:
            terms: What is wanted.
            session: Whose rights it reads with.
            tops: Every top-level node of the model.
            ordered: Where order matters.
        """
        self.session = session
        wanted = terms.chosen.wanted
        self.tops = tops if wanted is None else frozenset(wanted)
        self.phase = 0
        self.quiet_until = 0
        self.subscribers: dict[object, Callable[[Any], None]] = {}
        self._chosen: Filter = terms.chosen
        self._ordered = ordered
        self._dampening = 0
        self._excluded: Collection[str] = ()
        self._anchored = False
        self._patches = 0
        self._seen: tuple[int, int] | None = None
        self._last: Tree | None = None
        self._written: tuple[tuple[int, int] | None, bytes] = (None, b"")
        if isinstance(terms.trigger, Periodic):
            self.mode = "sample"
            self.interval = terms.trigger.period * _CENTISECOND
            if terms.trigger.anchor is not None:
                self._anchored = True
                self.phase = _phase(terms.trigger.anchor)
        else:
            self.mode = "on-change"
            self.interval = LOOK if terms.store == "operational" else 0
            self._dampening = terms.trigger.dampening * _CENTISECOND
            self._excluded = terms.trigger.excluded

    @property
    def differs(self) -> bool:
        """Whether it compares with what it told before."""
        return self.mode == "on-change"

    def prime(self, moment: Moment) -> None:
        """Takes note of what there is."""
        if self.differs:
            self._seen, self._last = moment.version, self._chosen.select(moment.tree)

    def begin(self, moment: Moment) -> list[Update]:
        """All there is; nothing where the subscriber has named the moments that it wants."""
        if self.differs:
            self.look(moment)
        if self._anchored:
            return []
        return [self._whole(moment)]

    def look(self, moment: Moment) -> None:
        """Tells what has changed."""
        if moment.version is not None and moment.version == self._seen:
            return
        now = self._chosen.select(moment.tree)
        before, self._last, self._seen = self._last, now, moment.version
        if before is None:
            return
        changed = edits(before, now, self._ordered, self._excluded)
        if not changed:
            return
        self._patches += 1
        self.quiet_until = time.monotonic_ns() + self._dampening
        self._tell(Update("push-change-update", moment.when, patch(changed, self._patches)))

    def sample(self, moment: Moment) -> None:
        """Tells everything."""
        self._tell(self._whole(moment))

    def beat(self, moment: Moment) -> None:
        """Has no heartbeat."""
        self.sample(moment)

    def _whole(self, moment: Moment) -> Update:
        # What nobody has changed is written once.
        if moment.version is None or self._written[0] != moment.version:
            part = self._last if self.differs and self._last else self._chosen.select(moment.tree)
            contents = part.to_xml(defaults="report-all")
            body = b"<datastore-contents>%b</datastore-contents>" % contents
            self._written = moment.version, body
        return Update("push-update", moment.when, self._written[1])

    def _tell(self, update: Update) -> None:
        for deliver in list(self.subscribers.values()):
            deliver(update)


def _phase(anchor: datetime) -> int:
    """The moment of the monotonic clock that a time of the day is; may be negative."""
    return time.monotonic_ns() + int((anchor.timestamp() - time.time()) * 1e9)
