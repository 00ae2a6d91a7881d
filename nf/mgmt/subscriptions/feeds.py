"""A feed: one selection of data, watched or sampled once for all its subscribers."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from nf.mgmt.schema_nodes import SchemaNode
from nf.mgmt.subscriptions.outbox import Frame
from nf.mgmt.subscriptions.patterns import (
    Keep,
    Pattern,
    Place,
    keys_of,
    leaves,
    nodes_of,
    select,
)
from nf.mgmt.subscriptions.reading import Snapshot

if TYPE_CHECKING:
    from nf.mgmt.session import Session

__all__ = ["Encoder", "Feed", "Mode", "Selection"]

Mode = Literal["on-change", "sample"]

Deliver = Callable[[Frame], None]


class Encoder(Protocol):
    """How values become octets; see `nf.telemetry.gnmi.wire`."""

    @property
    def identity(self) -> Any:
        """Equal for encoders that write the same."""

    def path(self, place: Place) -> bytes:
        """Octets of a path."""

    def value(self, node: SchemaNode, value: Any) -> bytes:
        """Octets of a value."""

    def notifications(
        self,
        timestamp: int,
        updates: Iterable[tuple[bytes, bytes]],
        deletes: Iterable[bytes] = (),
        duplicates: dict[bytes, int] | None = None,
    ) -> list[bytes]:
        """Messages."""

    def atomic(self, timestamp: int, place: Place, updates: Iterable[tuple[Place, bytes]]) -> bytes:
        """A message that tells a container as a whole."""


@dataclass(frozen=True)
class Selection:
    """What of the data a feed is about.

    Attributes:
        pattern: Paths.
        keep: Leaves among them.
        kept: Names the test `keep`: selections with equal names, patterns and depth are equal.
        depth: Levels below the paths; 0 for all.
        aggregate: Whether containers that the schema marks may be one value.
        members: What is wanted below a node, found out once.
    """

    pattern: Pattern
    keep: Keep = field(compare=False)
    kept: Any = ()
    depth: int = 0
    aggregate: bool = False
    members: dict[SchemaNode, list[tuple[str, SchemaNode, tuple[SchemaNode, tuple[str, ...]]]]] = (
        field(default_factory=dict, compare=False, repr=False)
    )

    def schema(self, root: SchemaNode) -> list[SchemaNode]:
        """Leaves that it can select."""
        found: dict[int, SchemaNode] = {}
        for start in nodes_of(root, self.pattern):
            for node in start.below():
                if node.terminal and self.keep(node):
                    found[id(node)] = node
        return list(found.values())

    def values(self, root: SchemaNode, data: Any) -> dict[Place, Any]:
        """What there is: leaves, and containers that are told as one value."""
        whole = self._whole if self.aggregate else None
        found: dict[Place, Any] = {}
        for start in select(root, data, self.pattern):
            if self.depth or whole is not None or start.node.terminal:
                found |= {
                    one.place: one.value for one in leaves(start, self.keep, self.depth, whole)
                }
            else:
                self._gather(start.place, start.node, start.value, found)
        return found

    def _gather(self, place: Place, node: SchemaNode, value: Any, found: dict[Place, Any]) -> None:
        """What `leaves` gives, without an object for each: samples are made of this."""
        known = self.members.get(node)
        if known is None:
            known = self.members[node] = [
                (child.member, child, (child, ()))
                for child in node.children
                if not child.terminal or self.keep(child)
            ]
        for member, child, step in known:
            inner = value.get(member)
            if inner is None:
                continue
            if child.terminal:
                found[(*place, step)] = inner
            elif child.kind != "list":
                self._gather((*place, step), child, inner, found)
            else:
                for number, entry in enumerate(inner):
                    keys = keys_of(child, entry, number)
                    self._gather((*place, (child, keys)), child, entry, found)

    def _whole(self, node: SchemaNode) -> bool:
        """Whether a container is marked, and all that it has is asked for."""
        return node.tagged("aggregate") and all(
            self.keep(one) for one in node.below() if one.terminal
        )


class Feed:
    """One selection with one way of telling it; used by the engine's thread only.

    Attributes:
        selection: What it is about.
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
        root: SchemaNode,
        selection: Selection,
        session: "Session",
        encoder: Encoder,
        *,
        mode: Mode,
        interval: int,
        suppress: bool = False,
        heartbeat: int = 0,
    ) -> None:
        """Has no subscriber yet."""
        self._root = root
        self.selection = selection
        self.session = session
        self._encoder = encoder
        self.mode = mode
        self.interval = interval
        self.suppress = suppress
        self.heartbeat = heartbeat
        self.phase = 0
        self.quiet_until = 0
        self.tops = frozenset(
            node.top.qualified for node in nodes_of(root, selection.pattern) if node is not root
        ) or frozenset(
            node.qualified for node in (root.children if selection.pattern == () else ())
        )
        self.subscribers: dict[object, Deliver] = {}
        self._last: dict[Place, Any] = {}
        # How deep the container is that a leaf is told together with; 0 for none.
        self._whole_at: dict[SchemaNode, int] = {}
        self._timestamp = 0

    @property
    def differs(self) -> bool:
        """Whether it compares with what it told before."""
        return self.mode == "on-change" or self.suppress

    def begin(self, snapshot: Snapshot) -> list[Frame]:
        """What a new subscriber is told first: everything.

        Where changes are told, those before hear of what is new as well, so that all know the same.
        """
        if self.differs:
            self.look(snapshot)
            return self.frames(self._last, snapshot.timestamp)
        return self.frames(self._values(snapshot), snapshot.timestamp)

    def prime(self, snapshot: Snapshot) -> None:
        """Takes note of what there is, before anybody subscribes."""
        self._last = self._values(snapshot)
        self._timestamp = snapshot.timestamp

    def _values(self, snapshot: Snapshot) -> dict[Place, Any]:
        return self.selection.values(self._root, snapshot.data)

    def look(self, snapshot: Snapshot) -> None:
        """Tells what has changed since the last look."""
        now = self._values(snapshot)
        changed = {
            place: value for place, value in now.items() if self._last.get(place, _NONE) != value
        }
        gone = _gone(self._last, now)
        self._last = now
        self._timestamp = snapshot.timestamp
        if changed or gone:
            deletes = self._removed(gone, now)
            self._tell(self.frames(changed, snapshot.timestamp, deletes, now))

    def sample(self, snapshot: Snapshot) -> None:
        """Tells everything; of what is gone, that it is."""
        now = self._values(snapshot)
        gone = _gone(self._last, now)
        self._last = now
        self._timestamp = snapshot.timestamp
        self._tell(self.frames(now, snapshot.timestamp, self._removed(gone, now)))

    def beat(self, snapshot: Snapshot) -> None:
        """The heartbeat: everything, changed or not."""
        self.sample(snapshot)

    def frames(
        self,
        values: dict[Place, Any],
        timestamp: int,
        deletes: Sequence[Place] = (),
        known: dict[Place, Any] | None = None,
    ) -> list[Frame]:
        """Encodes, once for everybody.

        Args:
            values: To be told.
            timestamp: Nanoseconds since 1970.
            deletes: What is gone.
            known: All there is, for containers that are told as a whole; `values` for None.
        """
        encoder = self._encoder
        loose: list[tuple[bytes, bytes]] = []
        groups: dict[Place, None] = {}
        for place, value in values.items():
            node = place[-1][0]
            depth = self._whole_at.get(node)
            if depth is None:
                depth = self._whole_at[node] = _whole_depth(place)
            if depth:
                groups[place[:depth]] = None
            else:
                loose.append((encoder.path(place), encoder.value(node, value)))
        gone = [encoder.path(place) for place in deletes]
        made = []
        if loose or gone:
            messages = encoder.notifications(timestamp, loose, gone)
            made.append(Frame(timestamp, messages, loose, gone, self._write))
        all_known = values if known is None else known
        made += [self._atomic(whole, timestamp, all_known) for whole in groups]
        return made

    def _atomic(self, whole: Place, timestamp: int, known: dict[Place, Any]) -> Frame:
        """A container that is told as a whole: with the values that have not changed, too."""
        depth = len(whole)
        encoder = self._encoder
        updates = [
            (place, encoder.value(place[-1][0], value))
            for place, value in known.items()
            if place[:depth] == whole
        ]
        message = encoder.atomic(timestamp, whole, updates)
        parts = [(encoder.path(place), value) for place, value in updates]
        return Frame(timestamp, [message], parts, (), self._write, encoder.path(whole))

    def _write(
        self,
        timestamp: int,
        updates: Sequence[tuple[bytes, bytes]],
        deletes: Sequence[bytes],
        left_out: dict[bytes, int],
    ) -> list[bytes]:
        return self._encoder.notifications(timestamp, updates, deletes, left_out)

    def _removed(self, gone: Sequence[Place], now: dict[Place, Any]) -> list[Place]:
        """Paths to delete: an entry rather than each of its leaves, if its key is gone as well.

        A key that another feed tells of may still be there, and so may what lies above the pattern.
        """
        if not gone:
            return []
        deep = any(element.name == "..." for element in self.selection.pattern)
        alive = {place[:length] for place in now for length in range(1, len(place) + 1)}
        dead = {
            place[:-1]
            for place in gone
            if len(place) > 1 and place[-1][0].name in place[-2][0].keys
        }
        found: dict[Place, None] = {}
        for place in gone:
            least = len(place) if deep else max(1, len(self.selection.pattern))
            entries = (place[:length] for length in range(least, len(place)))
            found[next((one for one in entries if one in dead and one not in alive), place)] = None
        return list(found)

    def _tell(self, frames: Sequence[Frame]) -> None:
        for deliver in list(self.subscribers.values()):
            for frame in frames:
                deliver(frame)


def _gone(before: dict[Place, Any], now: dict[Place, Any]) -> list[Place]:
    """What there was and is not any more, in order."""
    # Sets take the hashes that dictionaries have; to look each place up would make them anew.
    if set(before) <= set(now):
        return []
    return [place for place in before if place not in now]


_NONE = object()


def _whole_depth(place: Place) -> int:
    """Length of the place of the outermost container that the schema wants told as a whole."""
    for length in range(1, len(place)):
        if place[length - 1][0].tagged("atomic"):
            return length
    return 0
