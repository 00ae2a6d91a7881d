"""Values of nodes in the encodings of gNMI (specification section 2.3).

Out: an RFC 7951 object of the core becomes JSON, JSON_IETF or a scalar of PROTO. In: a TypedValue
becomes a JSON value, whatever its encoding was; `editing` writes the edit from it.
"""

import base64
import json
import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from gnmi_pb.gnmi_pb2 import Encoding, ScalarArray, TypedValue

from nf.mgmt.schema_nodes import SchemaNode
from nf.mgmt.subscriptions.patterns import Keep
from nf.telemetry.gnmi.errors import invalid, unimplemented

__all__ = [
    "ENCODINGS",
    "NOTHING",
    "STRUCTURED",
    "encoding_name",
    "json_bytes",
    "scalar",
    "stated",
    "structure",
]

ENCODINGS = (Encoding.JSON, Encoding.JSON_IETF, Encoding.PROTO, Encoding.ASCII)
"""What Capabilities lists; ASCII is for origin `cli` only."""

NOTHING: Any = object()
"""A container has nothing of what is asked for."""

STRUCTURED = frozenset({Encoding.JSON, Encoding.JSON_IETF})
"""Encodings that have objects."""

_WIDE = frozenset({"int64", "uint64"})
_UNSIGNED = frozenset({"uint8", "uint16", "uint32", "uint64"})
_SIGNED = frozenset({"int8", "int16", "int32", "int64"})

MAX_NESTING = 128


def encoding_name(number: int) -> str:
    """The name of an encoding, also of one that the protocol does not know."""
    try:
        return str(Encoding.Name(number))
    except ValueError:
        return str(number)


def structure(node: SchemaNode, value: Any, *, ietf: bool, keep: Keep, depth: int = 0) -> Any:
    """A node's value for JSON or JSON_IETF; NOTHING if nothing of it is to be kept.

    The members of the outermost object are qualified with their module in JSON_IETF, as those of a
    document are (RFC 7951 section 4).

    Args:
        node: Schema of the value.
        value: As `Tree.to_data()` has it.
        ietf: Names and 64-bit integers as RFC 7951 asks.
        keep: Leaves that are wanted; keys come along with what else an entry has.
        depth: Levels below the node, see gnmi-depth; 0 for all.
    """
    if node.terminal:
        return _leaf(node, value, ietf=ietf) if keep(node) else NOTHING
    return _object(node, value, ietf, keep, depth, outermost=True)


def _object(  # noqa: PLR0913 - the recursion carries them
    node: SchemaNode, value: Any, ietf: bool, keep: Keep, depth: int, *, outermost: bool
) -> Any:
    made: dict[str, Any] = {}
    kept = False
    for child in node.children:
        inner = value.get(child.member)
        if inner is None:
            continue
        if child.terminal:
            if child.name in node.keys:
                kept = kept or keep(child)
            elif not keep(child):
                continue
            else:
                kept = True
            result = _leaf(child, inner, ietf=ietf)
        elif depth == 1:
            continue
        else:
            result = _inner(child, inner, ietf, keep, max(0, depth - 1))
            if result is NOTHING:
                continue
            kept = True
        made[_member(child, ietf=ietf, outermost=outermost)] = result
    if kept or (not value and node.kind != "list"):
        return made
    return NOTHING


def _inner(child: SchemaNode, value: Any, ietf: bool, keep: Keep, depth: int) -> Any:
    if child.kind != "list":
        result = _object(child, value, ietf, keep, depth, outermost=False)
        # An empty container says something only where its presence does.
        if result == {} and child.kind == "container":
            return NOTHING
        return result
    entries = [_object(child, entry, ietf, keep, depth, outermost=False) for entry in value]
    entries = [entry for entry in entries if entry is not NOTHING]
    return entries or NOTHING


def _member(node: SchemaNode, *, ietf: bool, outermost: bool) -> str:
    if not ietf:
        return node.name
    return node.qualified if outermost else node.member


def _leaf(node: SchemaNode, value: Any, *, ietf: bool) -> Any:
    if node.kind == "leaf-list":
        return [_plain(node, one, ietf=ietf) for one in value]
    return _plain(node, value, ietf=ietf)


def _plain(node: SchemaNode, value: Any, *, ietf: bool) -> Any:
    if ietf:
        if node.type in _WIDE and isinstance(value, int):
            return str(value)
    elif node.type == "decimal64" and isinstance(value, str):
        return float(value)
    return value


def json_bytes(value: Any) -> bytes:
    """JSON without spaces, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def scalar(node: SchemaNode, value: Any) -> TypedValue:
    """A leaf or leaf-list for PROTO."""
    if node.kind == "leaf-list":
        return TypedValue(
            leaflist_val=ScalarArray(element=[_scalar(node.type, one) for one in value])
        )
    if node.kind in ("anydata", "anyxml"):
        return TypedValue(json_ietf_val=json_bytes(value))
    return _scalar(node.type, value)


def _scalar(kind: str, value: Any) -> TypedValue:
    if isinstance(value, bool):
        return TypedValue(bool_val=value)
    if isinstance(value, int):
        signed = kind in _SIGNED or (kind not in _UNSIGNED and value < 0)
        return TypedValue(int_val=value) if signed else TypedValue(uint_val=value)
    if kind == "decimal64":
        return TypedValue(double_val=float(value))
    if kind == "binary":
        return TypedValue(bytes_val=base64.b64decode(value))
    if kind == "empty" or value == [None]:
        return TypedValue(bool_val=True)
    return TypedValue(string_val=str(value))


# In --------------------------------------------------------------------------------------------


def stated(value: TypedValue, node: SchemaNode | None, place: str) -> Any:
    """What a request wants a node to be, as a JSON value.

    Args:
        value: Of the request.
        node: Schema of the node; None for the root.
        place: For error messages.

    Raises:
        Refused: INVALID_ARGUMENT for a value that cannot be, UNIMPLEMENTED for an encoding that is
            not supported.
    """
    kind = value.WhichOneof("value")
    if kind in ("json_val", "json_ietf_val"):
        return _parsed(getattr(value, kind), place)
    if kind is None:
        raise invalid("the update has no value", place=place)
    if kind in ("any_val", "proto_bytes", "ascii_val"):
        raise unimplemented(
            f"{kind} is not supported here",
            place=place,
            hint="use json_ietf_val, json_val or a scalar; ascii_val is for origin cli",
        )
    if node is None or not node.terminal:
        raise invalid(
            f"{kind} is the value of a leaf, but this is none", place=place, hint="use JSON"
        )
    if kind == "leaflist_val":
        if node.kind != "leaf-list":
            raise invalid("leaflist_val is for a leaf-list", place=place)
        return [_one(one, node, place) for one in value.leaflist_val.element]
    one = _one(value, node, place)
    return [one] if node.kind == "leaf-list" else one


def _one(value: TypedValue, node: SchemaNode, place: str) -> Any:
    kind = value.WhichOneof("value")
    if kind in ("string_val", "int_val", "uint_val"):
        return getattr(value, kind)
    if kind == "bool_val":
        if node.type == "empty":
            if not value.bool_val:
                raise invalid("an empty leaf is there or deleted, never false", place=place)
            return [None]
        return value.bool_val
    if kind == "bytes_val":
        return base64.b64encode(value.bytes_val).decode()
    if kind in ("double_val", "float_val"):
        return _decimal(getattr(value, kind), place, single=kind == "float_val")
    if kind == "decimal_val":
        if not 0 <= value.decimal_val.precision <= 18:
            raise invalid("decimal_val has a precision of 0 to 18", place=place)
        return Decimal(value.decimal_val.digits).scaleb(-value.decimal_val.precision)
    raise invalid(f"{kind} is no scalar", place=place)


def _decimal(number: float, place: str, *, single: bool) -> Decimal:
    if not math.isfinite(number):
        raise invalid(f"{number} is no decimal64", place=place)
    return Decimal(f"{number:.7g}" if single else repr(number))


def _parsed(text: bytes, place: str) -> Any:
    try:
        return json.loads(
            text,
            parse_float=Decimal,
            parse_constant=_no_constant,
            object_pairs_hook=_object_of,
        )
    except (ValueError, RecursionError) as error:
        what = "too deep" if isinstance(error, RecursionError) else str(error)
        raise invalid(f"the value is no JSON: {what}", place=place) from error


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _object_of(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise ValueError(f"the member {name!r} is there twice")
        made[name] = value
    return made
