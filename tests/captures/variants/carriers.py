"""Recorded conversations on another carrier than the one they were recorded on."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.association import Association, data
from built.dialogue import write
from built.tunnels import FAR6, NEAR6
from catalogue import FOLDER, rewritten
from pcapfile import read_pcap

if TYPE_CHECKING:
    from pathlib import Path

CLEAR, DIAMETER, NGAP = 46, 47, 66
"""Payload protocol identifiers: Diameter as it is, and what DTLS protects."""


def _datagrams(name: str, server: int) -> list[tuple[bool, bytes]]:
    """What went to a port of UDP over IPv4, and what came from there."""
    said = []
    for record in read_pcap(FOLDER / name)[1]:
        frame = record.data
        if frame[12:14] == b"\x08\0" and frame[23] == 17:
            source, target, length = struct.unpack_from("!HHH", frame, 34)
            if server in (source, target):
                said.append((target == server, frame[42 : 34 + length]))
    return said


def _carried(talk: Association, said: list[tuple[bool, bytes]], protocol: int) -> None:
    """An association in which each datagram is a message."""
    talk.open()
    sequence = {True: 1000, False: 5000}
    for up, octets in said:
        number = sequence[up] - (1000 if up else 5000)
        talk.send(up, data(sequence[up], 0, number, protocol, octets))
        sequence[up] += 1
    talk.close(sequence[False] - 1)


def _avp(code: int, value: bytes) -> bytes:
    octets = struct.pack("!IB", code, 0x40) + (8 + len(value)).to_bytes(3, "big") + value
    return octets + bytes(-len(octets) % 4)


def _watchdog(name: bytes, *, answer: bool) -> bytes:
    """Diameter's device watchdog (RFC 6733 §5.5)."""
    avps = _avp(268, struct.pack("!I", 2001)) if answer else b""
    avps += _avp(264, name + b".example.com") + _avp(296, b"example.com")
    flags = 0 if answer else 0x80
    head = b"\1" + (20 + len(avps)).to_bytes(3, "big") + bytes([flags]) + (280).to_bytes(3, "big")
    return head + struct.pack("!III", 0, 7, 8) + avps


@rewritten(
    "dtls-sctp.pcap",
    needs=("dtls",),
    expect={
        "sctp.data_payload_proto_id == 47": 10,
        "sctp.data_payload_proto_id == 66": 10,
        "sctp.data_payload_proto_id == 46": 2,
    },
)
def dtls_sctp(target: Path) -> None:
    """The handshake by DTLS with its data in associations of SCTP: for Diameter, and over IPv6 for
    NGAP; and Diameter that nothing protects."""
    said = _datagrams("dtls.pcap", 4433)
    diameter = Association(ports=(40200, 5658))
    _carried(diameter, said, DIAMETER)
    ngap = Association(NEAR6, FAR6, (40201, 38412))
    _carried(ngap, said, NGAP)
    clear = Association(ports=(40202, 3868))
    watched = [(True, _watchdog(b"near", answer=False)), (False, _watchdog(b"far", answer=True))]
    _carried(clear, watched, CLEAR)
    write(target, diameter.frames + ngap.frames + clear.frames)
