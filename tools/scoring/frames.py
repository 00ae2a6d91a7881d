"""Capture files as frames, and frames as a capture file: as much as the measurements need."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ETHERNET, RAW_IP, COOKED = 1, 101, 113
# Where the first EtherType stands, by link type.
ETHERTYPE_AT = {ETHERNET: 12, COOKED: 14}
VLAN_TAGS = frozenset((0x8100, 0x88A8))
IPV4, IPV6 = 0x0800, 0x86DD
TCP, UDP = 6, 17
PCAP = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}
SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6


@dataclass(frozen=True)
class Frame:
    """A frame as it was captured."""

    link: int
    data: bytes


def read(path: Path) -> Iterator[Frame]:
    """The frames of a pcap or pcapng file; of another file, or behind a mistake, none."""
    data = path.read_bytes()
    if data[:4] in PCAP:
        yield from _pcap(data, PCAP[data[:4]])
    elif data[:4] == SECTION.to_bytes(4, "big"):
        yield from _pcapng(data)


def _pcap(data: bytes, order: str) -> Iterator[Frame]:
    if len(data) < 24:
        return
    (link,) = struct.unpack_from(order + "I", data, 20)
    at = 24
    while at + 16 <= len(data):
        (length,) = struct.unpack_from(order + "I", data, at + 8)
        yield Frame(link & 0xFFFF, data[at + 16 : at + 16 + length])
        at += 16 + length


def _pcapng(data: bytes) -> Iterator[Frame]:
    at, order = 0, "<"
    links: list[int] = []
    while at + 12 <= len(data):
        if data[at : at + 4] == SECTION.to_bytes(4, "big"):
            order = "<" if data[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            links = []
        kind, length = struct.unpack_from(order + "II", data, at)
        if length < 12:
            return
        if kind == INTERFACE:
            links.append(struct.unpack_from(order + "H", data, at + 8)[0])
        elif kind == PACKET and at + 28 <= len(data):
            interface, _, _, captured = struct.unpack_from(order + "IIII", data, at + 8)
            if interface < len(links):
                yield Frame(links[interface], data[at + 28 : at + 28 + captured])
        at += length


def payload_at(frame: Frame) -> int | None:
    """Where the payload of TCP or UDP starts in a whole IP packet; None where there is none."""
    data = frame.data
    at = ip_at(frame)
    if at is None or len(data) < at + 20:
        return None
    if data[at] >> 4 == 4:
        fragment = int.from_bytes(data[at + 6 : at + 8], "big") & 0x3FFF
        protocol, start = data[at + 9], at + (data[at] & 15) * 4
        if fragment:
            return None
    else:
        protocol, start = data[at + 6], at + 40
    if protocol == UDP and len(data) >= start + 8:
        return start + 8
    if protocol == TCP and len(data) >= start + 20:
        return start + (data[start + 12] >> 4) * 4
    return None


def ip_at(frame: Frame) -> int | None:
    """Where the outermost IP header starts."""
    if frame.link in (RAW_IP, 12, 14):
        return 0
    at = ETHERTYPE_AT.get(frame.link)
    while at is not None and len(frame.data) >= at + 2:
        kind = int.from_bytes(frame.data[at : at + 2], "big")
        if kind in VLAN_TAGS:
            at += 4
        else:
            return at + 2 if kind in (IPV4, IPV6) else None
    return None


def write(path: Path, frames: Iterable[Frame], link: int) -> None:
    """Writes frames of one link type as pcap, a millisecond apart."""
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link))
        for number, frame in enumerate(frames):
            size = len(frame.data)
            out.write(struct.pack("<IIII", number // 1000, number % 1000 * 1000, size, size))
            out.write(frame.data)


@dataclass(frozen=True)
class Ends:
    """Both ends of a made session: a client for each number, and a server's port."""

    number: int
    port: int


def datagram(ends: Ends, payload: bytes, *, up: bool, tcp: bool, sent: int) -> Frame:
    """A packet of a session; `sent` octets went before it."""
    client = (10 << 24 | ends.number).to_bytes(4, "big")
    both = [(client, 40_000), (bytes((198, 51, 100, 7)), ends.port)]
    (source, source_port), (target, target_port) = both if up else reversed(both)
    ports = struct.pack(">HH", source_port, target_port)
    if tcp:
        transport = ports + struct.pack(">IIBBHHH", 1 + sent, 1, 5 << 4, 0x18, 65_535, 0, 0)
    else:
        transport = ports + struct.pack(">HH", 8 + len(payload), 0)
    length = 20 + len(transport) + len(payload)
    header = struct.pack(">BBHHHBBH", 0x45, 0, length, 0, 0, 64, TCP if tcp else UDP, 0)
    return Frame(RAW_IP, header + source + target + transport + payload)
