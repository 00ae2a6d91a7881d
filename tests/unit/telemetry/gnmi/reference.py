"""What a selection is in gNMI's words: a second, slow and plain way, to compare the writer with.

Values are told by the compiled messages of the protocol; paths come from `patterns`, which Get's
neighbours use for other things.
"""

import base64
import json
from decimal import Decimal
from typing import Any

from gnmi_pb.gnmi_pb2 import Notification, Path, ScalarArray, SubscribeResponse, TypedValue

from nf.mgmt.schema_nodes import SchemaNode
from nf.mgmt.subscriptions.patterns import Keep, Pattern, Place, leaves, select
from nf.telemetry.gnmi.paths import path_of

SIGNED = {"int8", "int16", "int32", "int64"}
WIDE = {"int64", "uint64"}

Known = dict[bytes, Any]
"""Values by the octets of their whole path."""


def values(
    root: SchemaNode, data: Any, pattern: Pattern, keep: Keep, depth: int = 0
) -> dict[Place, tuple[SchemaNode, Any]]:
    """Every leaf of a selection."""
    return {
        leaf.place: (leaf.node, leaf.value)
        for start in select(root, data, pattern)
        for leaf in leaves(start, keep, depth)
    }


def known(found: dict[Place, tuple[SchemaNode, Any]], encoding: str, *, qualified: bool) -> Known:
    """What a client knows that was told a selection."""
    return {
        _octets(path_of(place, qualified=qualified)): plain(told(node, value, encoding))
        for place, (node, value) in found.items()
    }


def _octets(path: Path) -> bytes:
    made: bytes = path.SerializeToString(deterministic=True)
    return made


def told(node: SchemaNode, value: Any, encoding: str) -> TypedValue:
    """A leaf in an encoding."""
    if encoding == "proto":
        return _scalar(node, value)
    text = json.dumps(_json(node, value, ietf=encoding == "json-ietf")).encode()
    return TypedValue(json_ietf_val=text) if encoding == "json-ietf" else TypedValue(json_val=text)


def _json(node: SchemaNode, value: Any, *, ietf: bool) -> Any:
    if node.kind == "leaf-list":
        return [_json_one(node, one, ietf=ietf) for one in value]
    return _json_one(node, value, ietf=ietf)


def _json_one(node: SchemaNode, value: Any, *, ietf: bool) -> Any:
    if ietf and node.type in WIDE:
        return str(value)
    if not ietf and node.type == "decimal64":
        return float(value)
    return value


def _scalar(node: SchemaNode, value: Any) -> TypedValue:
    if node.kind == "leaf-list":
        return TypedValue(
            leaflist_val=ScalarArray(element=[_scalar_one(node.type, one) for one in value])
        )
    return _scalar_one(node.type, value)


def _scalar_one(kind: str, value: Any) -> TypedValue:
    if isinstance(value, bool):
        return TypedValue(bool_val=value)
    if isinstance(value, int):
        signed = kind in SIGNED or (kind == "union" and value < 0)
        return TypedValue(int_val=value) if signed else TypedValue(uint_val=value)
    if kind == "decimal64":
        return TypedValue(double_val=float(value))
    if kind == "binary":
        return TypedValue(bytes_val=base64.b64decode(value))
    if value == [None]:
        return TypedValue(bool_val=True)
    return TypedValue(string_val=value)


def plain(value: TypedValue) -> Any:
    """A value to compare: JSON by what it says, the rest as it stands."""
    kind = value.WhichOneof("value")
    if kind in ("json_val", "json_ietf_val"):
        return kind, json.loads(getattr(value, kind), parse_float=Decimal)
    return value.SerializeToString(deterministic=True)


class Collector:
    """A client that does with notifications what the specification says."""

    def __init__(self) -> None:
        self.known: Known = {}
        self.messages: list[Notification] = []

    def take(self, messages: list[bytes]) -> None:
        for octets in messages:
            self._note(SubscribeResponse.FromString(octets).update)

    def _note(self, message: Notification) -> None:
        self.messages.append(message)
        prefix = list(message.prefix.elem)
        if message.atomic:
            self._forget(_octets(Path(elem=prefix)))
        for path in message.delete:
            self._forget(_octets(Path(elem=[*prefix, *path.elem])))
        for update in message.update:
            whole = _octets(Path(elem=[*prefix, *update.path.elem]))
            self.known[whole] = plain(update.val)

    def _forget(self, head: bytes) -> None:
        for path in [one for one in self.known if one.startswith(head)]:
            del self.known[path]
