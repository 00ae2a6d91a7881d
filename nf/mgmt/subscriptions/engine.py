"""The one thread that samples and watches for all subscribers.

Samples fall on a grid: those of one interval at the same moments for everybody. What is due at one
moment is read once per set of rights, selected once per feed, encoded once per feed, and handed as
octets to each subscriber's queue. Configuration is looked at when a transaction has changed it,
state that somebody wants on change at short intervals.
"""

import heapq
import logging
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import count
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Protocol

from nf.mgmt.subscriptions.reading import Rights, rights_of

if TYPE_CHECKING:
    from nf.mgmt.changes import Change
    from nf.mgmt.session import Session

__all__ = ["Feed", "Handle", "Source", "Subscriptions"]

log = logging.getLogger(__name__)

ACCESS = "ietf-netconf-acm:nacm"

PAUSE = 50_000_000
"""Nanoseconds between two looks at state that says itself that it has changed."""

FeedKey = tuple[Any, ...]
Work = Callable[[], None]


class Source(Protocol):
    """Where data are read; what it gives is for its feeds to understand."""

    def read(self, session: "Session", tops: Collection[str]) -> Any:
        """Top-level nodes as the session may see them."""


class Feed(Protocol):
    """One selection of data with one way of telling it; used by the engine's thread only.

    Attributes:
        phase: Nanoseconds by which its moments are off the grid.
        quiet_until: Moment of the monotonic clock before which it must not be looked at.
        subscribers: Who gets what it tells.
    """

    phase: int
    quiet_until: int
    subscribers: dict[object, Callable[[Any], None]]

    @property
    def session(self) -> "Session":
        """Whose rights it reads with."""

    @property
    def tops(self) -> frozenset[str]:
        """Qualified names of the top-level nodes it needs."""

    @property
    def mode(self) -> str:
        """`on-change` or `sample`."""

    @property
    def interval(self) -> int:
        """Nanoseconds between two samples or looks; 0 for none."""

    @property
    def heartbeat(self) -> int:
        """Nanoseconds after which everything is told anyway; 0 for never."""

    @property
    def differs(self) -> bool:
        """Whether it compares with what it told before."""

    def prime(self, snapshot: Any) -> None:
        """Takes note of what there is, before anybody subscribes."""

    def begin(self, snapshot: Any) -> list[Any]:
        """What a new subscriber is told first."""

    def look(self, snapshot: Any) -> None:
        """Tells what has changed since the last look."""

    def sample(self, snapshot: Any) -> None:
        """Tells what there is."""

    def beat(self, snapshot: Any) -> None:
        """The heartbeat."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A subscriber's part in a feed; given back to end it."""

    key: FeedKey
    token: object


@dataclass(slots=True)
class Counters:
    """What the engine has done since it started.

    Attributes:
        reads: Times that data were read.
        ticks: Samples and looks, each of one feed.
        failures: Ticks that failed; each is in the log.
        longest_ns: Longest round of all feeds that were due together.
    """

    reads: int = 0
    ticks: int = 0
    failures: int = 0
    longest_ns: int = 0


@dataclass(order=True, slots=True)
class _Due:
    at: int
    number: int
    key: FeedKey = field(compare=False)
    feed: Feed = field(compare=False)
    beat: bool = field(compare=False)
    once: bool = field(compare=False, default=False)


class Subscriptions:
    """All feeds.

    Attributes:
        counters: What it has done.
    """

    def __init__(self, reader: Source) -> None:
        """Does nothing before `start`."""
        self._reader = reader
        self._feeds: dict[FeedKey, Feed] = {}
        self._due: list[_Due] = []
        self._numbers = count()
        self._work: list[Work] = []
        self._after: list[Work] = []
        self._working = False
        self._changed: set[str] = set()
        self._stirred: dict[str, int] = {}
        self._stirred_at = 0
        self._wake = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.counters = Counters()

    def start(self) -> None:
        """Starts the thread."""
        self._thread = threading.Thread(target=self._run, name="nf-subscriptions", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; subscribers hear nothing any more."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def changed(self, changes: Sequence["Change"]) -> None:
        """A transaction is in force; called by the core."""
        with self._wake:
            if self._has_feeds():
                self._changed.update(change.top for change in changes)
                self._wake.notify()

    def after(self, call: Work) -> None:
        """Calls in the engine's thread, once all that was changed before has been told."""
        with self._wake:
            self._after.append(call)
            self._wake.notify()

    def stirred(self, top: str) -> None:
        """State below a top-level node has changed: its feeds look soon, not only when it is time.

        Called from any thread; however often that is, a look follows the last after some time.
        """
        with self._wake:
            if self._has_feeds():
                self._stirred.setdefault(top, max(monotonic_ns(), self._stirred_at + PAUSE))
                self._wake.notify()

    def _has_feeds(self) -> bool:
        """Whether anybody subscribes, or is about to and may have read what was before already."""
        return bool(self._feeds or self._work or self._working)

    def feeds(self) -> int:
        """How many feeds there are."""
        return len(self._feeds)

    def subscribe(
        self,
        feeds: Sequence[tuple[FeedKey, Callable[[], Feed]]],
        deliver: Callable[[Any], None],
        begun: Callable[[list[Any] | None, list[Handle], BaseException | None], None],
    ) -> None:
        """Joins feeds; each is made by the second member of a pair unless there is an equal one.

        Args:
            feeds: Key and maker of each.
            deliver: Gets every frame from then on, in the engine's thread; must not block.
            begun: Is called once, before the first `deliver`, with all that there is now; or with
                what went wrong.
        """
        with self._wake:
            self._work.append(lambda: self._join(feeds, deliver, begun))
            self._wake.notify()

    def unsubscribe(self, handles: Sequence[Handle]) -> None:
        """Leaves feeds; the last subscriber takes a feed with it."""
        with self._wake:
            self._work.append(lambda: self._leave(handles))
            self._wake.notify()

    def resubscribe(
        self,
        handles: Sequence[Handle],
        feeds: Sequence[tuple[FeedKey, Callable[[], Feed]]],
        deliver: Callable[[Any], None],
        begun: Callable[[list[Any] | None, list[Handle], BaseException | None], None],
    ) -> None:
        """Leaves feeds and joins others in one step, with nothing told twice or not at all."""

        def change() -> None:
            self._leave(handles)
            self._join(feeds, deliver, begun)

        with self._wake:
            self._work.append(change)
            self._wake.notify()

    # The thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._wake:
                self._working = False
                while not (self._stopping or self._is_asked() or self._is_due()):
                    self._wake.wait(self._until_due())
                if self._stopping:
                    return
                work, self._work = self._work, []
                self._working = bool(work)
                changed, self._changed = self._changed, set()
                after, self._after = self._after, []
            for one in work:
                one()
            if changed:
                self._look_at(changed)
            for one in after:
                one()
            self._serve_stirred()
            self._serve_due()

    def _is_asked(self) -> bool:
        return bool(self._work or self._changed or self._after)

    def _next(self) -> int | None:
        """When something is due; None for never."""
        moments = [*self._stirred.values(), *(one.at for one in self._due[:1])]
        return min(moments) if moments else None

    def _is_due(self) -> bool:
        at = self._next()
        return at is not None and at <= monotonic_ns()

    def _until_due(self) -> float | None:
        at = self._next()
        return None if at is None else max(0.0, (at - monotonic_ns()) / 1e9)

    def _serve_stirred(self) -> None:
        now = monotonic_ns()
        with self._wake:
            tops = {top for top, at in self._stirred.items() if at <= now}
            for top in tops:
                del self._stirred[top]
        if tops:
            self._stirred_at = now
            self._serve(
                [
                    (key, feed, False)
                    for key, feed in self._feeds.items()
                    if feed.mode == "on-change" and feed.tops & tops
                ]
            )

    def _join(
        self,
        feeds: Sequence[tuple[FeedKey, Callable[[], Feed]]],
        deliver: Callable[[Any], None],
        begun: Callable[[list[Any] | None, list[Handle], BaseException | None], None],
    ) -> None:
        joined: list[tuple[FeedKey, Feed]] = []
        try:
            fresh: dict[FeedKey, Feed] = {}
            for key, make in feeds:
                feed = self._feeds.get(key) or fresh.get(key)
                if feed is None:
                    feed = fresh[key] = make()
                joined.append((key, feed))
            first: list[Any] = []
            reads = self._read([feed for _, feed in joined])
            for key, feed in joined:
                snapshot = reads[rights_of(feed.session)]
                if key in fresh:
                    feed.prime(snapshot)
                first += feed.begin(snapshot)
        except Exception as error:
            log.exception("a subscription cannot begin")
            begun(None, [], error)
            return
        handles = []
        for key, feed in joined:
            handle = Handle(key, object())
            handles.append(handle)
            if key not in self._feeds:
                self._feeds[key] = feed
                self._plan(key, feed)
        begun(first, handles, None)
        for handle, (_, feed) in zip(handles, joined, strict=True):
            feed.subscribers[handle.token] = deliver

    def _leave(self, handles: Sequence[Handle]) -> None:
        for handle in handles:
            feed = self._feeds.get(handle.key)
            if feed is None:
                continue
            feed.subscribers.pop(handle.token, None)
            if not feed.subscribers:
                del self._feeds[handle.key]

    def _plan(self, key: FeedKey, feed: Feed) -> None:
        now = monotonic_ns()
        if feed.interval:
            self._push(key, feed, now, beat=False)
        if feed.heartbeat and feed.differs:
            self._push(key, feed, now, beat=True)

    def _push(self, key: FeedKey, feed: Feed, after: int, *, beat: bool) -> None:
        interval = feed.heartbeat if beat else feed.interval
        at = ((after - feed.phase) // interval + 1) * interval + feed.phase
        heapq.heappush(self._due, _Due(at, next(self._numbers), key, feed, beat))

    def _serve_due(self) -> None:
        due: dict[FeedKey, bool] = {}
        now = monotonic_ns()
        while self._due and self._due[0].at <= now:
            one = heapq.heappop(self._due)
            if self._feeds.get(one.key) is not one.feed:
                continue
            due[one.key] = due.get(one.key, False) or one.beat
            if one.once:
                continue
            # A round that was missed is not made up for.
            self._push(one.key, one.feed, now, beat=one.beat)
        if due:
            self._serve([(key, self._feeds[key], beat) for key, beat in due.items()])
            self.counters.longest_ns = max(self.counters.longest_ns, monotonic_ns() - now)

    def _look_at(self, tops: Collection[str]) -> None:
        """After a transaction: feeds that compare and are about what it changed."""
        everybody = ACCESS in tops
        concerned = [
            (key, feed, False)
            for key, feed in self._feeds.items()
            if feed.mode == "on-change" and (everybody or feed.tops & set(tops))
        ]
        if concerned:
            self._serve(concerned)

    def _serve(self, due: Sequence[tuple[FeedKey, Feed, bool]]) -> None:
        now = monotonic_ns()
        feeds = []
        for key, feed, beat in due:
            if feed.quiet_until <= now:
                feeds.append((feed, beat))
            else:
                at = feed.quiet_until
                heapq.heappush(self._due, _Due(at, next(self._numbers), key, feed, beat, once=True))
        if not feeds:
            return
        try:
            reads = self._read([feed for feed, _ in feeds])
        except Exception:
            # The next round tries again; nobody else's feed is lost for it.
            self.counters.failures += len(feeds)
            log.exception("data for subscriptions cannot be read")
            return
        for feed, beat in feeds:
            self.counters.ticks += 1
            try:
                snapshot = reads[rights_of(feed.session)]
                if beat:
                    feed.beat(snapshot)
                elif feed.differs:
                    feed.look(snapshot)
                else:
                    feed.sample(snapshot)
            except Exception:
                self.counters.failures += 1
                log.exception("a feed cannot be served")

    def _read(self, feeds: Sequence[Feed]) -> dict[Rights, Any]:
        """One reading per set of rights, of all that their feeds need."""
        wanted: dict[Rights, tuple[Feed, set[str]]] = {}
        for feed in feeds:
            _, tops = wanted.setdefault(rights_of(feed.session), (feed, set()))
            tops |= feed.tops
        self.counters.reads += len(wanted)
        return {
            rights: self._reader.read(feed.session, tops) for rights, (feed, tops) in wanted.items()
        }
