"""Remote calls over HTTP/2 without encryption: gRPC."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.dialogue import Turn, stream, write
from built.link import directed
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS, _RESET = 0, 1, 4, 3
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1


def _frame(kind: int, flags: int, number: int, payload: bytes = b"") -> bytes:
    head = struct.pack("!I", len(payload))[1:] + bytes([kind, flags])
    return head + struct.pack("!I", number) + payload


def _fields(number: int, *fields: tuple[str, str], end: bool = False) -> bytes:
    """A HEADERS frame of literals without indexing."""
    block = b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in fields
    )
    return _frame(_HEADERS, _END_HEADERS | (_END_STREAM if end else 0), number, block)


def _message(octets: bytes, *, packed: bool = False) -> bytes:
    return struct.pack("!BI", packed, len(octets)) + octets


def _ask(number: int, path: str, *, more: tuple[tuple[str, str], ...] = ()) -> bytes:
    return _fields(
        number,
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "api.example.com"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("user-agent", "harbour-grpc/1.2"),
        *more,
    )


_BEGIN = _fields(1, (":status", "200"), ("content-type", "application/grpc"))


def _single() -> list[tuple[bool, bytes]]:
    """A call with one message each way, and one that the server refuses at once."""
    settings = _frame(_SETTINGS, 0, 0, struct.pack("!HI", 3, 100))
    refusal = _fields(
        3,
        (":status", "200"),
        ("content-type", "application/grpc"),
        ("grpc-status", "12"),
        ("grpc-message", "no such method"),
        end=True,
    )
    return [
        (True, _PREFACE + settings),
        (False, settings + _frame(_SETTINGS, _ACK, 0)),
        (
            True,
            _ask(1, "/harbour.Tides/Get") + _frame(_DATA, _END_STREAM, 1, _message(b"\x0a\4noon")),
        ),
        (False, _BEGIN + _frame(_DATA, 0, 1, _message(b"\x0a\4high"))),
        (False, _fields(1, ("grpc-status", "0"), end=True)),
        (True, _ask(3, "/harbour.Tides/Drain") + _frame(_DATA, _END_STREAM, 3, _message(b""))),
        (False, refusal),
    ]


def _streaming() -> list[tuple[bool, bytes]]:
    """A call with several messages both ways, some compressed and cut across frames, which the
    client gives up."""
    row = _message(b"\x0a\4fair") + _message(b"packed", packed=True) + _message(b"\x0a\6squall")
    return [
        (True, _PREFACE + _frame(_SETTINGS, 0, 0)),
        (False, _frame(_SETTINGS, 0, 0)),
        (True, _ask(1, "/harbour.Log/Watch", more=(("grpc-encoding", "gzip"),))),
        (True, _frame(_DATA, 0, 1, row[:17])),
        (True, _frame(_DATA, 0, 1, row[17:])),
        (False, _BEGIN + _frame(_DATA, 0, 1, row[:9])),
        (False, _frame(_DATA, 0, 1, row[9:])),
        (True, _frame(_RESET, 0, 1, struct.pack("!I", 8))),
    ]


@built(
    "grpc.pcap",
    expect={
        "http2.type == 1": 5,
        'http2.header.value == "application/grpc"': 4,
        'http2.header.name == "grpc-status"': 2,
        "ipv6 && tcp.port == 8443 && tcp.len > 0": 8,
    },
)
def grpc(target: Path) -> None:
    """gRPC: a call that succeeds and one that is refused; over IPv6 on port 8443 a stream of
    messages both ways that the client gives up."""
    turns: list[Turn] = stream((NEAR, 40301), (FAR, 80), _single())
    turns += stream((NEAR6, 40302), (FAR6, 8443), _streaming())
    write(target, [directed(turn.up, turn.packet) for turn in turns])
