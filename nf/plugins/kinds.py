"""The types of plugin files: C's integers and MMT-DPI's constants."""

from dataclasses import dataclass

__all__ = ["KINDS", "SCOPES", "Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type.

    Attributes:
        kind: What the engine reads: `uint`, `float`, `text`, `binary`, `mac`, `ip`; none where the
            type is no part of a header.
        size: Octets; 0 where `data_len` tells.
        why: Why it cannot be read from a header.
    """

    kind: str
    size: int
    why: str = ""


def _none(why: str) -> Kind:
    return Kind("", 0, why)


_COMPUTED = "is something that MMT computes, not octets of a header"

KINDS: dict[str, Kind] = {
    "uint8_t": Kind("uint", 1),
    "uint16_t": Kind("uint", 2),
    "uint32_t": Kind("uint", 4),
    "uint64_t": Kind("uint", 8),
    "int8_t": _none("has a sign, which nf does not read; take the unsigned type"),
    "int16_t": _none("has a sign, which nf does not read; take the unsigned type"),
    "int32_t": _none("has a sign, which nf does not read; take the unsigned type"),
    "int64_t": _none("has a sign, which nf does not read; take the unsigned type"),
    "char": Kind("text", 1),
    "MMT_U8_DATA": Kind("uint", 1),
    "MMT_U16_DATA": Kind("uint", 2),
    "MMT_U32_DATA": Kind("uint", 4),
    "MMT_U64_DATA": Kind("uint", 8),
    "MMT_DATA_POINTER": Kind("binary", 0),
    "MMT_DATA_MAC_ADDR": Kind("mac", 6),
    "MMT_DATA_IP_NET": _none(_COMPUTED),
    "MMT_DATA_IP_ADDR": Kind("ip", 4),
    "MMT_DATA_IP6_ADDR": Kind("ip", 16),
    "MMT_DATA_PATH": _none(_COMPUTED),
    "MMT_DATA_TIMEVAL": _none(_COMPUTED),
    "MMT_DATA_BUFFER": Kind("binary", 0),
    "MMT_DATA_CHAR": Kind("text", 1),
    "MMT_DATA_PORT": Kind("uint", 2),
    "MMT_DATA_POINT": _none(_COMPUTED),
    "MMT_DATA_PORT_RANGE": _none(_COMPUTED),
    "MMT_DATA_DATE": _none(_COMPUTED),
    "MMT_DATA_TIMEARG": _none(_COMPUTED),
    "MMT_DATA_STRING_INDEX": _none(_COMPUTED),
    "MMT_DATA_FLOAT": Kind("float", 4),
    "MMT_DATA_LAYERID": _none(_COMPUTED),
    "MMT_DATA_FILTER_STATE": _none(_COMPUTED),
    "MMT_DATA_PARENT": _none(_COMPUTED),
    "MMT_STATS": _none(_COMPUTED),
    "MMT_BINARY_DATA": Kind("binary", 0),
    "MMT_BINARY_VAR_DATA": Kind("binary", 0),
    "MMT_STRING_DATA": Kind("text", 0),
    "MMT_STRING_LONG_DATA": Kind("text", 0),
    "MMT_HEADER_LINE": _none(_COMPUTED),
    "MMT_GENERIC_HEADER_LINE": _none(_COMPUTED),
    "MMT_STRING_DATA_POINTER": Kind("text", 0),
    "MMT_U16_ARRAY": _none("is a list, which nf does not read from a plugin; take MMT_BINARY_DATA"),
    "MMT_U32_ARRAY": _none("is a list, which nf does not read from a plugin; take MMT_BINARY_DATA"),
    "MMT_U64_ARRAY": _none("is a list, which nf does not read from a plugin; take MMT_BINARY_DATA"),
}
"""By name, those of MMT-DPI's table included that no header has: they are refused with a reason."""

SCOPES = {
    "SCOPE_PACKET": "packet",
    "SCOPE_SESSION": "session",
    "SCOPE_SESSION_CHANGING": "session-changing",
    "SCOPE_EVENT": "event",
    "SCOPE_ON_DEMAND": "packet",
}
"""MMT's scopes and ours."""
