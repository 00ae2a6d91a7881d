"""Values that requests bring, in the encodings of gNMI (specification section 2.3).

A TypedValue becomes a JSON value, whatever its encoding was; `editing` writes the edit from it.
What answers say is written by the compiled writer.
"""

import base64
import json
import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from gnmi_pb.gnmi_pb2 import Encoding, TypedValue

from nf.mgmt.schema_nodes import SchemaNode
from nf.telemetry.gnmi.errors import invalid, unimplemented

__all__ = [
    "ENCODINGS",
    "STRUCTURED",
    "encoding_name",
    "stated",
]

ENCODINGS = (Encoding.JSON, Encoding.JSON_IETF, Encoding.PROTO, Encoding.ASCII)
"""What Capabilities lists; ASCII is for origin `cli` only."""

STRUCTURED = frozenset({Encoding.JSON, Encoding.JSON_IETF})
"""Encodings that have objects."""

MAX_NESTING = 128


def encoding_name(number: int) -> str:
    """The name of an encoding, also of one that the protocol does not know."""
    try:
        return str(Encoding.Name(number))
    except ValueError:
        return str(number)


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
