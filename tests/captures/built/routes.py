"""Routes in forms that the laboratory's routers do not speak: EIGRP with wide metrics."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import TYPE_CHECKING

from built.dialogue import write
from built.packet import ethernet, internet_checksum, ipv4, raw
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path

    from built.packet import Layer

HERE, ALL_ROUTERS = "192.0.2.10", "224.0.0.10"
PICOSECONDS = 1_000_000_000


def _packet(opcode: int, sequence: int, *parts: bytes, flags: int = 0) -> Layer:
    body = b"".join(parts)
    octets = struct.pack("!BBHIIIHH", 2, opcode, 0, flags, sequence, 0, 0, 100) + body
    octets = octets[:2] + struct.pack("!H", internet_checksum(octets)) + octets[4:]
    return ethernet(ipv4(HERE, ALL_ROUTERS, raw(octets, ip_protocol=88), ttl=2))


def _part(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, 4 + len(value)) + value


def _wide(delay: int, bandwidth: int, attributes: bytes = b"") -> bytes:
    head = struct.pack("!BBBB", len(attributes) // 2, 0, 255, 1) + b"\0\x05\xdc\x02"
    return head + delay.to_bytes(6) + bandwidth.to_bytes(6) + bytes(4) + attributes


def _destination(prefix: str) -> bytes:
    address, _, length = prefix.partition("/")
    octets = (int(length) + 7) // 8
    return bytes((int(length),)) + ip_address(address).packed[:octets]


def _family(number: int, router: str) -> bytes:
    return struct.pack("!HH", 0, number) + ip_address(router).packed


@built(
    "eigrp-wide.pcap",
    expect={
        "eigrp.tlv_type == 0x0602": 2,
        "eigrp.tlv_type == 0x0603": 1,
    },
)
def eigrp_wide(target: Path) -> None:
    """EIGRP with wide metrics: a greeting; routes of IPv4 and IPv6, with an attribute and without;
    one from another protocol, by way of somebody else; one that cannot be reached any more."""
    external = struct.pack("!4sIIIHBB", ip_address("10.9.9.9").packed, 65001, 7, 1000, 0, 9, 0)
    here, there = bytes(4), ip_address("2001:db8::1").packed
    near = _destination("203.0.113.128/25")
    frames = [
        _packet(5, 0, _part(0x0001, b"\x01\0\x01\0\0\0\0\x0f"), _part(0x0004, b"\x08\0\x02\0")),
        _packet(
            1,
            7,
            _part(0x0602, _family(1, "10.0.0.1") + _wide(PICOSECONDS, 10_000_000) + here + near),
            _part(
                0x0602,
                _family(2, "10.0.0.1")
                + _wide(5 * PICOSECONDS, 1_000_000, b"\x04\x02\0\0\0\x09")
                + bytes(16)
                + _destination("2001:db8:a::/48"),
            ),
            flags=9,
        ),
        _packet(
            1,
            8,
            _part(
                0x0603,
                _family(2, "10.0.0.1")
                + _wide(2 * PICOSECONDS, 100_000)
                + there
                + external
                + _destination("::/0"),
            ),
        ),
        _packet(
            3,
            9,
            _part(
                0x0602,
                _family(1, "10.0.0.1")
                + _wide(0xFFFF_FFFF_FFFF, 0)
                + here
                + _destination("198.51.100.0/24"),
            ),
        ),
    ]
    write(target, frames)
