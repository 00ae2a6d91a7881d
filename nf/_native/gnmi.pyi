"""gNMI's notifications as octets, see nf/telemetry/writer.

Every object may be used from any thread. What reads a tree locks it and releases the GIL; a tree is
never changed. Paths are octets of `gnmi.Path`, without what a prefix has; values the octets of the
field `val` of `gnmi.Update`.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias, final

from nf._native.yang import Context, Tree

__all__ = [
    "Feed",
    "Leaves",
    "Schema",
    "Shown",
    "Told",
]

_Encoding: TypeAlias = Literal["json", "json-ietf", "proto"]
_Step: TypeAlias = tuple[str, str | None, Sequence[tuple[str, str]]]

@final
class Schema:
    """What is written of each schema node, made once for a context."""

    def __new__(cls, context: Context) -> Schema: ...
    def __len__(self) -> int:
        """How many nodes there are: those of `Context.nodes()`."""

@final
class Leaves:
    """Which leaves are wanted; shared by all that want the same."""

    def __new__(cls, wanted: bytes) -> Leaves:
        """One octet for each schema node in the order of `Context.nodes()`; 0 for unwanted."""

@final
class Shown:
    """What of the data is told, and how it is written."""

    def __new__(
        cls,
        schema: Schema,
        leaves: Leaves,
        pattern: Sequence[_Step],
        encoding: _Encoding,
        *,
        skip: int = 0,
        qualified: bool = False,
        depth: int = 0,
        aggregate: bool = False,
    ) -> Shown:
        """A selection.

        Args:
            schema: Of the data.
            leaves: Wanted ones.
            pattern: Name (`*` for any, `...` for any number of nodes), module or None, and keys of
                each element; a key that is missing or `*` is any.
            encoding: Of values.
            skip: Elements that the prefix of a message has.
            qualified: Whether names have their module before them where it changes.
            depth: Levels below what the pattern selects; 0 for all.
            aggregate: Whether containers that the schema marks may be one value.

        Raises:
            ValueError: The pattern has more than 64 elements, or there is no such encoding.
        """

    def selected(self, tree: Tree, before: bytes) -> tuple[bytes, int, bool]:
        """What a Get is answered with: leaves in PROTO, objects in JSON.

        Args:
            tree: Data.
            before: Fields of `gnmi.Path` that every path begins with.

        Returns:
            The updates as fields of a Notification; how many nodes the pattern selects; whether
            none of them has nodes below it.

        Raises:
            OverflowError: It would take more than 512 MiB.
        """

@final
class Told:
    """One event of a feed."""

    @property
    def messages(self) -> list[bytes]:
        """SubscribeResponses."""

    @property
    def deletes(self) -> list[bytes]:
        """Paths that are gone."""

    @property
    def atomic(self) -> bytes | None:
        """Path of the container that is told as a whole; None for loose leaves."""

    def updates(self) -> list[tuple[bytes, bytes]]:
        """Path and value of every update, for a subscriber who is too slow for the messages."""

@final
class Feed:
    """One selection with one way of telling it; remembers what it told.

    Methods that read a tree raise OverflowError for more than 512 MiB; then nothing is remembered.
    """

    def __new__(cls, shown: Shown, prefix: bytes) -> Feed:
        """`prefix` is the path that every notification begins with."""

    def note(self, tree: Tree) -> None:
        """Takes note of what there is and tells nothing."""

    def noted(self, timestamp: int) -> list[Told]:
        """Everything that was noted last; time in nanoseconds since 1970."""

    def now(self, tree: Tree, timestamp: int) -> list[Told]:
        """Everything there is, without taking note of it."""

    def look(self, tree: Tree, timestamp: int) -> list[Told]:
        """What is new, other or gone since the last time."""

    def sample(self, tree: Tree, timestamp: int) -> list[Told]:
        """Everything there is; of what is gone since the last time, that it is."""

    def newest(
        self,
        timestamp: int,
        updates: Sequence[tuple[bytes, bytes, int]],
        deletes: Sequence[bytes],
    ) -> list[bytes]:
        """Messages out of the parts of several events.

        Args:
            timestamp: Nanoseconds since 1970.
            updates: Path, value, and how many values before it were left out (`duplicates`).
            deletes: Paths.
        """
