"""Builds packets layer by layer, outermost function first: `ethernet(ipv4(A, B, udp(1, 2, b"…")))`.

Each function gives a `Layer`, which knows its octets and how the layer below must announce it;
lengths and checksums are filled in. Addresses are written as text."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

CLIENT_MAC, SERVER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"


@dataclass(frozen=True)
class Layer:
    """Octets of a header with all it carries, and the numbers that announce it."""

    octets: bytes
    ip_protocol: int = -1
    ethertype: int = -1
    ppp_protocol: int = -1
    checksum_at: int = -1
    """Where the IP layer must fill in a checksum over its pseudo header; -1 for none."""


def mac(text: str) -> bytes:
    """Octets of a link address."""
    return bytes.fromhex(text.replace(":", ""))


def internet_checksum(octets: bytes) -> int:
    """The ones' complement sum of RFC 1071."""
    padded = octets + bytes(len(octets) & 1)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _with_checksum(octets: bytes, at: int, covered: bytes, *, zero_is_ones: bool = False) -> bytes:
    value = internet_checksum(covered)
    if zero_is_ones and value == 0:
        value = 0xFFFF
    return octets[:at] + struct.pack("!H", value) + octets[at + 2 :]


def raw(octets: bytes, **numbers: int) -> Layer:
    """Anything, announced as told."""
    return Layer(octets, **numbers)


# Link layer


def ethernet(
    payload: Layer, source: str = CLIENT_MAC, target: str = SERVER_MAC, *, pad: bool = False
) -> Layer:
    """An Ethernet II frame; with `pad`, filled up to the 60 octets a real one has at least."""
    head = mac(target) + mac(source) + struct.pack("!H", payload.ethertype)
    octets = head + payload.octets
    if pad:
        octets += bytes(max(0, 60 - len(octets)))
    return Layer(octets, ethertype=0x6558)


def ieee8023(payload: bytes, source: str = CLIENT_MAC, target: str = SERVER_MAC) -> Layer:
    """An 802.3 frame: a length where Ethernet II has a type."""
    octets = mac(target) + mac(source) + struct.pack("!H", len(payload)) + payload
    return Layer(octets + bytes(max(0, 60 - len(octets))), ethertype=0x6558)


def llc(dsap: int, ssap: int, control: int, payload: bytes) -> bytes:
    """An LLC header of an unnumbered frame (one octet of control)."""
    return bytes([dsap, ssap, control]) + payload


def snap(payload: Layer, oui: int = 0) -> bytes:
    """LLC with SNAP."""
    return llc(
        0xAA,
        0xAA,
        3,
        oui.to_bytes(3, "big") + struct.pack("!H", payload.ethertype) + payload.octets,
    )


def vlan(
    identifier: int, payload: Layer, *, priority: int = 0, drop: int = 0, tag: int = 0x8100
) -> Layer:
    """An 802.1Q tag, or an 802.1ad one with `tag=0x88a8`."""
    control = priority << 13 | drop << 12 | identifier
    return Layer(struct.pack("!HH", control, payload.ethertype) + payload.octets, ethertype=tag)


def arp(operation: int, sender: tuple[str, str], target: tuple[str, str]) -> Layer:
    """ARP for IPv4 over Ethernet; the pairs are link and network address."""
    octets = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
    for link, network in (sender, target):
        octets += mac(link) + ipaddress.IPv4Address(network).packed
    return Layer(octets, ethertype=0x0806)


# Network layer


def ipv4(
    source: str,
    target: str,
    payload: Layer,
    *,
    ttl: int = 64,
    identification: int = 0,
    flags: int = 2,
    offset: int = 0,
    tos: int = 0,
    options: bytes = b"",
    final: str = "",
) -> Layer:
    """IPv4; `flags` 2 is don't fragment, 1 more fragments; `offset` in octets.

    `final` is the destination that the payload's checksum covers, where a source route ends
    elsewhere."""
    options += bytes(-len(options) % 4)
    addresses = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(target).packed
    length = 20 + len(options) + len(payload.octets)
    head = struct.pack(
        "!BBHHHBBH",
        0x40 | 5 + len(options) // 4,
        tos,
        length,
        identification,
        flags << 13 | offset // 8,
        ttl,
        payload.ip_protocol,
        0,
    )
    head = _with_checksum(head + addresses + options, 10, head + addresses + options)
    carried = payload.octets
    if payload.checksum_at >= 0:
        last = ipaddress.IPv4Address(final or target).packed
        pseudo = addresses[:4] + last + struct.pack("!BBH", 0, payload.ip_protocol, len(carried))
        carried = _with_checksum(carried, payload.checksum_at, pseudo + carried, zero_is_ones=True)
    return Layer(head + carried, ip_protocol=4, ethertype=0x0800, ppp_protocol=0x0021)


def ipv6(
    source: str,
    target: str,
    payload: Layer,
    *,
    extensions: tuple[tuple[int, bytes], ...] = (),
    hops: int = 64,
    traffic_class: int = 0,
    label: int = 0,
) -> Layer:
    """IPv6; an extension is its number and its octets, whose first one (next header) is filled
    in."""
    addresses = ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(target).packed
    carried = payload.octets
    if payload.checksum_at >= 0:
        pseudo = addresses + struct.pack("!II", len(carried), payload.ip_protocol)
        carried = _with_checksum(carried, payload.checksum_at, pseudo + carried, zero_is_ones=True)
    following = payload.ip_protocol
    for number, octets in reversed(extensions):
        carried = bytes([following]) + octets[1:] + carried
        following = number
    first = 6 << 28 | traffic_class << 20 | label
    head = struct.pack("!IHBB", first, len(carried), following, hops) + addresses
    return Layer(head + carried, ip_protocol=41, ethertype=0x86DD, ppp_protocol=0x0057)


def icmp(kind: int, code: int, rest: bytes) -> Layer:
    """ICMP with its checksum."""
    octets = struct.pack("!BBH", kind, code, 0) + rest
    return Layer(_with_checksum(octets, 2, octets), ip_protocol=1)


def icmpv6(kind: int, code: int, rest: bytes) -> Layer:
    """ICMPv6; IPv6 fills in the checksum."""
    return Layer(struct.pack("!BBH", kind, code, 0) + rest, ip_protocol=58, checksum_at=2)


def igmp(kind: int, code: int, rest: bytes) -> Layer:
    """IGMP with its checksum; `rest` starts with the group."""
    octets = struct.pack("!BBH", kind, code, 0) + rest
    return Layer(_with_checksum(octets, 2, octets), ip_protocol=2)


# Transport layer


def udp(source: int, target: int, payload: bytes | Layer, *, checksum: bool = True) -> Layer:
    """UDP; without a checksum where told so."""
    octets = payload.octets if isinstance(payload, Layer) else payload
    head = struct.pack("!HHHH", source, target, 8 + len(octets), 0)
    return Layer(head + octets, ip_protocol=17, checksum_at=6 if checksum else -1)


FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))


def tcp(
    source: int,
    target: int,
    sequence: int,
    acknowledgement: int,
    flags: int,
    *,
    payload: bytes = b"",
    options: bytes = b"",
    window: int = 64240,
    urgent: int = 0,
) -> Layer:
    """A TCP segment."""
    options += bytes(-len(options) % 4)
    head = struct.pack(
        "!HHIIBBHHH",
        source,
        target,
        sequence & 0xFFFFFFFF,
        acknowledgement & 0xFFFFFFFF,
        5 + len(options) // 4 << 4,
        flags,
        window,
        0,
        urgent,
    )
    return Layer(head + options + payload, ip_protocol=6, checksum_at=16)


_CRC32C = []
for _octet in range(256):
    _value = _octet
    for _ in range(8):
        _value = _value >> 1 ^ (0x82F63B78 if _value & 1 else 0)
    _CRC32C.append(_value)


def crc32c(octets: bytes) -> int:
    """The checksum of SCTP (RFC 9260, appendix A)."""
    value = 0xFFFFFFFF
    for octet in octets:
        value = value >> 8 ^ _CRC32C[(value ^ octet) & 0xFF]
    return value ^ 0xFFFFFFFF


def sctp(source: int, target: int, tag: int, *chunks: bytes) -> Layer:
    """An SCTP packet of whole chunks."""
    body = b"".join(chunks)
    head = struct.pack("!HHI", source, target, tag)
    check = crc32c(head + bytes(4) + body)
    return Layer(head + struct.pack("<I", check) + body, ip_protocol=132)


def chunk(kind: int, flags: int, value: bytes) -> bytes:
    """One chunk of SCTP, padded."""
    octets = struct.pack("!BBH", kind, flags, 4 + len(value)) + value
    return octets + bytes(-len(octets) % 4)
