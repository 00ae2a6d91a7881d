"""Remote desktops by hand."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.dialogue import stream, write
from built.packet import ethernet
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def _unit(body: bytes) -> bytes:
    return struct.pack("!BBH", 3, 0, len(body) + 4) + body


def _request(line: bytes = b"", protocols: int | None = None) -> bytes:
    more = line
    if protocols is not None:
        more += struct.pack("<BBHI", 1, 0, 8, protocols)
    return _unit(struct.pack("!BBHHB", 6 + len(more), 0xE0, 0, 0, 0) + more)


def _confirm(kind: int = 0, value: int = 0) -> bytes:
    more = struct.pack("<BBHI", kind, 0, 8, value) if kind else b""
    return _unit(struct.pack("!BBHHB", 6 + len(more), 0xD0, 0, 0x1234, 0) + more)


def _block(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content) + 4) + content


def _ber(tag: bytes, content: bytes) -> bytes:
    return tag + struct.pack("!BH", 0x82, len(content)) + content


_DOMAIN = b"\x30\x19" + b"\x02\x01\x22\x02\x01\x02\x02\x01\x00" + b"\x02\x01\x01\x02\x01\x00"
_DOMAIN += b"\x02\x01\x01" + b"\x02\x02\xff\xff" + b"\x02\x01\x02"


def _per(length: int) -> bytes:
    return struct.pack("!H", 0x8000 | length)


def _connect(blocks: Sequence[bytes]) -> bytes:
    data = b"".join(blocks)
    request = b"\x00\x08\x00\x10\x00\x01\xc0\x00Duca" + _per(len(data)) + data
    conference = b"\x00\x05\x00\x14\x7c\x00\x01" + _per(len(request)) + request
    body = b"\x04\x01\x01\x04\x01\x01\x01\x01\xff" + _DOMAIN * 3 + _ber(b"\x04", conference)
    return _unit(b"\x02\xf0\x80" + _ber(b"\x7f\x65", body))


def _connected(blocks: Sequence[bytes]) -> bytes:
    data = b"".join(blocks)
    response = b"\x14\x76\x0a\x01\x01\x00\x01\xc0\x00McDn" + _per(len(data)) + data
    conference = b"\x00\x05\x00\x14\x7c\x00\x01" + _per(len(response)) + response
    body = b"\x0a\x01\x00\x02\x01\x00" + _DOMAIN + _ber(b"\x04", conference)
    return _unit(b"\x02\xf0\x80" + _ber(b"\x7f\x66", body))


def _wide(text: str, length: int) -> bytes:
    return text.encode("utf-16-le").ljust(length, b"\0")


def _core() -> bytes:
    core = struct.pack("<IHHHHII", 0x00080004, 1280, 864, 0xCA01, 0xAA03, 0x0409, 2600)
    core += _wide("HERON", 32) + struct.pack("<III", 4, 0, 12) + bytes(64)
    core += struct.pack("<HHIHHH", 0xCA01, 1, 0, 16, 7, 1)
    return core + _wide("55274-640-1", 64)


@built(
    "rdp.pcap",
    expect={
        "rdp": 6,
        'rdp.client.name == "HERON"': 1,
        'tcp.port == 3390 && frame contains "mstshash"': 1,
        "ipv6 && rdp": 2,
    },
)
def rdp(target: Path) -> None:
    """Remote desktops: one that turns to TLS, one on port 3390 that is refused, one over IPv6 with
    a token that leads to a server, and one with RDP's own security and all that a client says of
    itself."""
    hello = (
        bytes.fromhex("16030100310100002d0303")
        + bytes(range(32))
        + bytes.fromhex("00000613011302c02f0100")
    )
    channels = struct.pack("<I8sI8sI", 2, b"rdpdr", 0x80800000, b"cliprdr", 0xC0A00000)
    core = _block(0xC001, _core())
    security = _block(0xC002, struct.pack("<II", 3, 0))
    connect = _connect(
        [core, _block(0xC004, struct.pack("<II", 9, 0)), security, _block(0xC003, channels)]
    )
    server = [
        _block(0x0C01, struct.pack("<II", 0x00080004, 0)),
        _block(0x0C02, struct.pack("<II", 0, 0)),
        _block(0x0C03, struct.pack("<HHHH", 1003, 2, 1004, 1005)),
    ]
    user = b"Cookie: mstshash=keeper\r\n"
    token = b"Cookie: msts=3640205228.15629.0000\r\n"
    visits = [
        (
            (NEAR, 40800),
            (FAR, 3389),
            [(True, _request(user, 11)), (False, _confirm(2, 1)), (True, hello)],
        ),
        ((NEAR, 40801), (FAR, 3390), [(True, _request(user, 0)), (False, _confirm(3, 5))]),
        ((NEAR6, 40802), (FAR6, 3389), [(True, _request(token, 3)), (False, _confirm(2, 2))]),
        (
            (NEAR, 40803),
            (FAR, 3389),
            [(True, _request()), (False, _confirm()), (True, connect), (False, _connected(server))],
        ),
    ]
    frames = []
    for client, host, said in visits:
        frames += [ethernet(turn.packet) for turn in stream(client, host, said)]
    write(target, frames)
