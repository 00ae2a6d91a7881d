"""Notifications written straight as octets of protobuf.

A message is the concatenation of its fields, and a path that of its elements. So the octets of an
element are made once per schema node or list entry, those of a path are joined, and nothing is
built that is thrown away at once: what a sample costs is the formatting of its values.
Field numbers are those of gnmi.proto; a test reads everything back with the compiled messages.
"""

import struct
from collections.abc import Iterable
from typing import Any

from gnmi_pb.gnmi_pb2 import Encoding, Path, PathElem, SubscribeResponse

from nf.mgmt.schema_nodes import SchemaNode
from nf.mgmt.subscriptions.patterns import Place
from nf.telemetry.gnmi.paths import key_map, name_of
from nf.telemetry.gnmi.values import json_bytes, scalar, structure

__all__ = ["MAX_UPDATES", "SYNC", "WireEncoder", "varint"]

SYNC: bytes = SubscribeResponse(sync_response=True).SerializeToString()

MAX_UPDATES = 1000
"""Updates in one Notification at most; 100 and more cost next to nothing each."""

MAX_OCTETS = 1 << 20
"""Octets of one Notification at most, about; clients accept 4 MiB unless told otherwise."""

MAX_PATHS = 200_000
"""Paths whose octets an encoder remembers, and as many containers and entries."""

_UNSIGNED = frozenset({"uint8", "uint16", "uint32", "uint64"})
_SIGNED = frozenset({"int8", "int16", "int32", "int64"})
_MASK = (1 << 64) - 1


def varint(number: int) -> bytes:
    """An integer of protobuf; a negative one as 64-bit two's complement."""
    number &= _MASK
    if number < 0x80:
        return _ONE[number]
    made = _PAIRS[number & 0x3FFF]
    number >>= 14
    while number >= 0x80:
        made += _PAIRS[number & 0x3FFF]
        number >>= 14
    # What a pair says beyond the number's end is taken back.
    if number:
        return made + _ONE[number]
    last = made[-1] & 0x7F
    return made[:-1] + _ONE[last] if last else made[:-2] + _ONE[made[-2] & 0x7F]


_ONE = tuple(bytes((number,)) for number in range(0x80))
_PAIRS = tuple(bytes((low & 0x7F | 0x80, low >> 7 | 0x80)) for low in range(0x4000))
"""Seven bits each of fourteen, the least first, both with more to come."""

_COUNTS = tuple(b"\x1a" + bytes((length + 1,)) + b"\x18" for length in range(11))
"""Field and length before an unsigned number of so many octets."""


def _sized(tag: bytes, content: bytes) -> bytes:
    length = len(content)
    return tag + (_ONE[length] if length < 0x80 else varint(length)) + content


class WireEncoder:
    """How one group of subscribers gets its notifications; compares by what it would write.

    Attributes:
        encoding: JSON, JSON_IETF or PROTO.
        prefix: Serialised path that every notification begins with.
        skip: Elements of a place that the prefix has.
        qualified: Whether names have their module before them.
    """

    def __init__(self, encoding: int, prefix: Path, skip: int, *, qualified: bool) -> None:
        self.encoding = encoding
        self.prefix: bytes = prefix.SerializeToString(deterministic=True)
        self.skip = skip
        self.qualified = qualified
        self._prefix_field = _sized(b"\x12", self.prefix) if self.prefix else b""
        self._paths: dict[Place, bytes] = {}
        self._heads: dict[Place, bytes] = {}
        self._names: dict[SchemaNode, bytes] = {}
        # What a name of the protocol means is looked up once, not for every value.
        self._scalars = encoding == Encoding.PROTO
        self._ietf = encoding == Encoding.JSON_IETF
        self._counters: dict[SchemaNode, bool] = {}
        self._path_fields: dict[bytes, bytes] = {}

    @property
    def identity(self) -> tuple[int, bytes, int, bool]:
        """Equal for encoders that write the same."""
        return self.encoding, self.prefix, self.skip, self.qualified

    def path(self, place: Place) -> bytes:
        """Octets of a path without the prefix's elements."""
        found = self._paths.get(place)
        if found is None:
            if len(self._paths) >= MAX_PATHS:
                self._paths.clear()
            found = self._paths[place] = self._head(place)
        return found

    def _head(self, place: Place) -> bytes:
        if len(place) <= self.skip:
            return b""
        node, keys = place[-1]
        own = self._entry(node, keys) if keys else self._name(node)
        above = place[:-1]
        found = self._heads.get(above)
        if found is None:
            if len(self._heads) >= MAX_PATHS:
                self._heads.clear()
            found = self._heads[above] = self._head(above)
        return found + own

    def _entry(self, node: SchemaNode, keys: tuple[str, ...]) -> bytes:
        made = PathElem(name=name_of(node, qualified=self.qualified), key=key_map(node, keys))
        return _sized(b"\x1a", made.SerializeToString(deterministic=True))

    def _name(self, node: SchemaNode) -> bytes:
        found = self._names.get(node)
        if found is None:
            found = _sized(
                b"\x1a", PathElem(name=name_of(node, qualified=self.qualified)).SerializeToString()
            )
            self._names[node] = found
        return found

    def value(self, node: SchemaNode, value: Any) -> bytes:
        """Octets of the field `val` of an Update."""
        if self._scalars:
            counts = self._counters.get(node)
            if counts is None:
                counts = self._counters[node] = node.kind == "leaf" and node.type in _UNSIGNED
            if counts:
                number = varint(value)
                return _COUNTS[len(number)] + number
            return self._scalar(node, value)
        ietf = self._ietf
        text = json_bytes(structure(node, value, ietf=ietf, keep=_all))
        return _sized(b"\x1a", _sized(b"\x5a" if ietf else b"\x52", text))

    def _scalar(self, node: SchemaNode, value: Any) -> bytes:
        kind = node.type
        if node.kind == "leaf":
            if kind in _SIGNED:
                content = b"\x10" + varint(value)
                return b"\x1a" + _ONE[len(content)] + content
            if kind == "boolean":
                return b"\x1a\x02\x20\x01" if value else b"\x1a\x02\x20\x00"
            if kind == "decimal64":
                return b"\x1a\x09\x71" + struct.pack("<d", float(value))
            if kind in ("string", "enumeration", "identityref"):
                return _sized(b"\x1a", _sized(b"\x0a", value.encode()))
        return _sized(b"\x1a", scalar(node, value).SerializeToString())

    def notifications(
        self,
        timestamp: int,
        updates: Iterable[tuple[bytes, bytes]],
        deletes: Iterable[bytes] = (),
        duplicates: dict[bytes, int] | None = None,
    ) -> list[bytes]:
        """SubscribeResponses: the deletes in the first, the updates in as many as are needed.

        Args:
            timestamp: Nanoseconds since 1970.
            updates: Path and value.
            deletes: Paths.
            duplicates: How many values of a path were left out before this one.
        """
        made: list[bytes] = []
        parts = [_sized(b"\x2a", path) for path in deletes]
        octets, count = sum(map(len, parts)), len(parts)
        fields = self._path_fields
        for path, value in updates:
            field = fields.get(path)
            if field is None:
                if len(fields) >= MAX_PATHS:
                    fields.clear()
                field = fields[path] = _sized(b"\x0a", path)
            content = field + value
            if duplicates and (left_out := duplicates.get(path)):
                content += b"\x20" + varint(left_out)
            parts.append(_sized(b"\x22", content))
            octets += len(parts[-1])
            count += 1
            if count >= MAX_UPDATES or octets >= MAX_OCTETS:
                made.append(self._response(timestamp, parts))
                parts, octets, count = [], 0, 0
        if parts:
            made.append(self._response(timestamp, parts))
        return made

    def _response(self, timestamp: int, parts: list[bytes]) -> bytes:
        body = b"".join((b"\x08", varint(timestamp), self._prefix_field, *parts))
        return _sized(b"\x0a", body)

    def atomic(self, timestamp: int, place: Place, updates: Iterable[tuple[Place, bytes]]) -> bytes:
        """A whole container as one Notification: it replaces all that was known below it.

        Args:
            timestamp: Nanoseconds since 1970.
            place: The container; its path becomes the notification's prefix.
            updates: Place and value of every leaf.
        """
        prefix = self.prefix + self.path(place)
        depth = len(place)
        parts = [b"\x08", varint(timestamp), _sized(b"\x12", prefix)]
        for at, value in updates:
            path = b"".join(
                self._entry(node, keys) if keys else self._name(node) for node, keys in at[depth:]
            )
            parts.append(_sized(b"\x22", _sized(b"\x0a", path) + value))
        parts.append(b"\x30\x01")
        return _sized(b"\x0a", b"".join(parts))


def _all(node: SchemaNode) -> bool:
    del node
    return True
