"""A feed: one selection of data, watched or sampled once for all its subscribers.

Data are selected, compared and encoded by the compiled writer; here is who hears of it, and when.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gnmi_pb.gnmi_pb2 import Encoding, SubscribeResponse

from nf._native import gnmi
from nf.mgmt.subscriptions.outbox import Frame
from nf.mgmt.subscriptions.patterns import Pattern, nodes_of

if TYPE_CHECKING:
    from nf.mgmt.session import Session
    from nf.mgmt.subscriptions.reading import Snapshot
    from nf.telemetry.gnmi.model import Model, Wanted

__all__ = ["ENCODED", "SYNC", "Feed", "Form", "Mode", "Selection"]

SYNC: bytes = SubscribeResponse(sync_response=True).SerializeToString()

ENCODED: dict[int, Literal["json", "json-ietf", "proto"]] = {
    Encoding.JSON: "json",
    Encoding.JSON_IETF: "json-ietf",
    Encoding.PROTO: "proto",
}
"""What the compiled writer calls the encodings that it has."""

Mode = Literal["on-change", "sample"]

Deliver = Callable[[Frame], None]


@dataclass(frozen=True, slots=True)
class Selection:
    """What of the data a feed is about.

    Attributes:
        pattern: Paths.
        wanted: Leaves among them.
        depth: Levels below the paths; 0 for all.
        aggregate: Whether containers that the schema marks may be one value.
    """

    pattern: Pattern
    wanted: "Wanted"
    depth: int = 0
    aggregate: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """How a group of subscribers gets its notifications.

    Attributes:
        encoding: JSON, JSON_IETF or PROTO.
        prefix: Serialised path that every notification begins with.
        skip: Elements of a path that the prefix has.
        qualified: Whether names have their module before them.
    """

    encoding: int
    prefix: bytes
    skip: int
    qualified: bool


class Feed:
    """One selection with one way of telling it; used by the engine's thread only.

    Attributes:
        session: Whose rights it reads with.
        tops: Qualified names of the top-level nodes it needs.
        mode: Told when it changes, or every interval.
        interval: Nanoseconds between two samples; between two looks at state for `on-change`, 0
            for configuration, which says itself when it changes.
        suppress: Whether a sample tells only what has changed.
        heartbeat: Nanoseconds after which everything is told anyway; 0 for never.
    """

    def __init__(  # noqa: PLR0913 - they make the feed
        self,
        model: "Model",
        selection: Selection,
        session: "Session",
        form: Form,
        *,
        mode: Mode,
        interval: int,
        suppress: bool = False,
        heartbeat: int = 0,
    ) -> None:
        """Has no subscriber yet."""
        self.session = session
        self.mode = mode
        self.interval = interval
        self.suppress = suppress
        self.heartbeat = heartbeat
        self.phase = 0
        self.quiet_until = 0
        root = model.tree.root
        self.tops = frozenset(
            node.top.qualified for node in nodes_of(root, selection.pattern) if node is not root
        ) or frozenset(
            node.qualified for node in (root.children if selection.pattern == () else ())
        )
        self.subscribers: dict[object, Deliver] = {}
        shown = model.shown(
            selection.pattern,
            selection.wanted,
            ENCODED[form.encoding],
            skip=form.skip,
            qualified=form.qualified,
            depth=selection.depth,
            aggregate=selection.aggregate,
        )
        self._writer = gnmi.Feed(shown, form.prefix)

    @property
    def differs(self) -> bool:
        """Whether it compares with what it told before."""
        return self.mode == "on-change" or self.suppress

    def begin(self, snapshot: "Snapshot") -> list[Frame]:
        """What a new subscriber is told first: everything.

        Where changes are told, those before hear of what is new as well, so that all know the same.
        """
        if self.differs:
            self.look(snapshot)
            return self._frames(snapshot, self._writer.noted(snapshot.timestamp))
        return self._frames(snapshot, self._writer.now(snapshot.tree, snapshot.timestamp))

    def prime(self, snapshot: "Snapshot") -> None:
        """Takes note of what there is, before anybody subscribes."""
        self._writer.note(snapshot.tree)

    def look(self, snapshot: "Snapshot") -> None:
        """Tells what has changed since the last look."""
        self._tell(self._frames(snapshot, self._writer.look(snapshot.tree, snapshot.timestamp)))

    def sample(self, snapshot: "Snapshot") -> None:
        """Tells everything; of what is gone, that it is."""
        self._tell(self._frames(snapshot, self._writer.sample(snapshot.tree, snapshot.timestamp)))

    def beat(self, snapshot: "Snapshot") -> None:
        """The heartbeat: everything, changed or not."""
        self.sample(snapshot)

    def _frames(self, snapshot: "Snapshot", told: Sequence[gnmi.Told]) -> list[Frame]:
        write = self._writer.newest
        return [
            Frame(snapshot.timestamp, one.messages, one.updates, one.deletes, write, one.atomic)
            for one in told
        ]

    def _tell(self, frames: Sequence[Frame]) -> None:
        for deliver in list(self.subscribers.values()):
            for frame in frames:
                deliver(frame)
