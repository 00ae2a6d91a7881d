"""NetBIOS datagrams and sessions by hand."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.dialogue import network, stream, write
from built.names import _netbios
from built.packet import ethernet, udp
from built.tunnels import FAR, NEAR
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path

    from built.packet import Layer

_ALL = "192.0.2.255"


def _datagram(kind: int, source: str, target: str, suffix: int, content: bytes) -> bytes:
    names = _netbios(source, 0) + _netbios(target, suffix) + content
    return struct.pack("!BBH4sHHH", kind, 2, 7, bytes([192, 0, 2, 1]), 138, len(names), 0) + names


def _mailslot(data: bytes) -> bytes:
    name = b"\\MAILSLOT\\BROWSE\0"
    head = b"\xffSMB\x25" + bytes(27)
    offset = 32 + 1 + 34 + 2 + len(name)
    words = struct.pack(
        "<HHHHBBHIHHHHHBB", 0, len(data), 0, 0, 0, 0, 0, 1000, 0, 0, 0, len(data), offset, 3, 0
    )
    words += struct.pack("<HHH", 1, 1, 2)
    return head + bytes([17]) + words + struct.pack("<H", len(name) + len(data)) + name + data


def _announcement(name: str, remark: str) -> bytes:
    head = struct.pack("<BBI16sBBIBBH", 1, 3, 60000, name.encode(), 6, 1, 0x9A03, 15, 1, 0xAA55)
    return head + remark.encode() + b"\0"


def _by_udp(source: str, target: str, port: int, octets: bytes) -> Layer:
    return ethernet(network(source, target, udp(port, port, octets)))


@built(
    "netbios.pcap",
    expect={
        "nbdgm": 3,
        "browser": 1,
        "nbns.count.answers == 1": 1,
        "nbss.type == 0x81": 2,
        "nbss.type == 0x83": 1,
        "nbss.type == 0x82": 1,
        "smb.cmd == 0x72": 1,
    },
)
def netbios(target: Path) -> None:
    """NetBIOS: the status of a host, a browser announcement and a datagram of another kind, an
    error, a session refused, and one that is accepted and carries SMB version 1."""
    asked = b"\x20CK" + b"A" * 30 + b"\0"
    query = struct.pack("!6H", 9, 0, 1, 0, 0, 0) + asked + struct.pack("!HH", 33, 1)
    listed = b"".join(
        name.ljust(15).encode() + bytes([suffix]) + struct.pack("!H", flags)
        for name, suffix, flags in (
            ("HERON", 0, 0x0400),
            ("HARBOUR", 0, 0x8400),
            ("HERON", 32, 0x0400),
        )
    )
    listed = b"\3" + listed + bytes.fromhex("020000000002") + bytes(40)
    answer = struct.pack("!6H", 9, 0x8400, 0, 1, 0, 0) + asked
    answer += struct.pack("!HHIH", 33, 1, 0, len(listed)) + listed
    announcement = _mailslot(_announcement("HERON", "Tide tables"))
    frames = [
        _by_udp(NEAR, FAR, 137, query),
        _by_udp(FAR, NEAR, 137, answer),
        _by_udp(NEAR, _ALL, 138, _datagram(0x11, "heron", "harbour", 0x1D, announcement)),
        _by_udp(NEAR, FAR, 138, _datagram(0x10, "heron", "quay", 0x00, b"anything at all")),
        _by_udp(
            FAR, NEAR, 138, struct.pack("!BBH4sHB", 0x13, 2, 7, bytes([192, 0, 2, 2]), 138, 0x82)
        ),
    ]
    request = _netbios("quay", 0x20) + _netbios("heron", 0x00)
    request = struct.pack("!BBH", 0x81, 0, len(request)) + request
    dialects = b"\x02NT LM 0.12\0"
    negotiate = b"\xffSMB\x72" + bytes(4) + b"\x08\x01\x40" + bytes(20)
    negotiate += struct.pack("<BH", 0, len(dialects)) + dialects
    negotiate = struct.pack("!I", len(negotiate)) + negotiate
    refused = [(True, request), (False, b"\x83\0\0\x01\x82")]
    taken = [(True, request), (False, b"\x82\0\0\0"), (True, negotiate)]
    for port, said in ((40700, refused), (40701, taken)):
        turns = stream((NEAR, port), (FAR, 139), said)
        frames += [ethernet(turn.packet) for turn in turns]
    write(target, frames)
