"""Name messages that need no server: LLMNR, NetBIOS names, multicast DNS by hand, updates, and
malformed DNS."""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING

from built.dialogue import dns_answer, dns_name, dns_query, network, stream, wrapped, write
from built.link import directed
from built.packet import Layer, ethernet, udp
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path

_ADDRESS = bytes([192, 0, 2, 20])


def _sent(source: str, target: str, ports: tuple[int, int], octets: bytes) -> Layer:
    return ethernet(network(source, target, udp(*ports, octets)))


@built(
    "llmnr.pcap",
    expect={
        "udp.port == 5355 && dns.flags.response == 0": 3,
        "udp.port == 5355 && dns.flags.response == 1": 2,
        "ipv6 && udp.port == 5355": 3,
        "llmnr && dns.flags.conflict == 1": 1,
    },
)
def llmnr(target: Path) -> None:
    """LLMNR: A and AAAA queries to the groups of IPv4 and IPv6, their answers, one of them with the
    conflict bit."""
    group, group6, name = "224.0.0.252", "ff02::1:3", "heron"
    six = ipaddress.IPv6Address(FAR6).packed
    write(
        target,
        [
            _sent(NEAR, group, (49152, 5355), dns_query(1, name, flags=0)),
            _sent(
                FAR, NEAR, (5355, 49152), dns_answer(1, name, 1, [_ADDRESS], flags=0x8000, ttl=30)
            ),
            _sent(NEAR6, group6, (49153, 5355), dns_query(2, name, 28, flags=0)),
            _sent(FAR6, NEAR6, (5355, 49153), dns_answer(2, name, 28, [six], flags=0x8400, ttl=30)),
            _sent(NEAR6, group6, (49154, 5355), dns_query(3, "no-one", flags=0)),
        ],
    )


@built(
    "mdns-queries.pcap",
    expect={
        "mdns": 5,
        "dns.qry.qu == 1": 1,
        "dns.count.answers == 1 && dns.flags.response == 0": 1,
    },
)
def mdns_queries(target: Path) -> None:
    """Multicast DNS by hand: a query that asks for a unicast answer, one with a known answer, one
    with three questions, a goodbye with lifetime 0, and an answer with the cache-flush bit."""
    group, ports, name = "224.0.0.251", (5353, 5353), "lighthouse.local"
    known = dns_name("_http._tcp.local")
    pointer = dns_name("Ledger._http._tcp.local")
    with_known = struct.pack("!6H", 0, 0, 1, 1, 0, 0) + known + struct.pack("!HH", 12, 1)
    with_known += b"\xc0\x0c" + struct.pack("!HHIH", 12, 1, 4500, len(pointer)) + pointer
    three = struct.pack("!6H", 0, 0, 3, 0, 0, 0)
    for kind in (1, 28, 255):
        three += dns_name(name) + struct.pack("!HH", kind, 1)
    record = dns_name(name) + struct.pack("!HHIH", 1, 0x8001, 120, 4) + _ADDRESS
    goodbye = dns_name(name) + struct.pack("!HHIH", 1, 0x8001, 0, 4) + _ADDRESS
    answers = struct.pack("!6H", 0, 0x8400, 0, 1, 0, 0)
    write(
        target,
        [
            _sent(NEAR, group, ports, dns_query(0, name, flags=0, unicast=1)),
            _sent(NEAR, group, ports, with_known),
            _sent(NEAR, group, ports, three),
            _sent(FAR, group, ports, answers + record),
            _sent(FAR, group, ports, answers + goodbye),
        ],
    )


def _netbios(name: str, suffix: int) -> bytes:
    """A NetBIOS name in the half-octet letters of RFC 1001."""
    octets = name.upper().ljust(15).encode() + bytes([suffix])
    letters = "".join(chr(65 + (o >> 4)) + chr(65 + (o & 15)) for o in octets)
    return b"\x20" + letters.encode() + b"\0"


@built("netbios-names.pcap", expect={"nbns": 4})
def netbios_names(target: Path) -> None:
    """NetBIOS name service: a query and its answer, a registration, a release."""
    asked = _netbios("heron", 0x20)
    additional = b"\xc0\x0c" + struct.pack("!HHIHH", 32, 1, 0, 6, 0) + _ADDRESS
    ports = (137, 137)
    query = struct.pack("!6H", 1, 0x0110, 1, 0, 0, 0) + asked + struct.pack("!HH", 32, 1)
    answer = struct.pack("!6H", 1, 0x8500, 0, 1, 0, 0) + asked
    answer += struct.pack("!HHIHH", 32, 1, 300, 6, 0) + _ADDRESS
    frames = [
        _sent(NEAR, "192.0.2.255", ports, query),
        _sent(FAR, NEAR, ports, answer),
    ]
    for number, flags in ((2, 0x2910), (3, 0x3010)):
        message = struct.pack("!6H", number, flags, 1, 0, 0, 1) + asked + struct.pack("!HH", 32, 1)
        frames.append(_sent(FAR, "192.0.2.255", ports, message + additional))
    write(target, frames)


@built(
    "dns-operations.pcap",
    expect={
        "dns.flags.opcode == 5": 2,
        "dns.flags.opcode == 4": 2,
        "dns.qry.type == 252": 2,
        "dns.flags.opcode == 2": 1,
        "dns.resp.type == 46": 1,
        "dns.resp.type == 48": 1,
        "dns.qry.class == 3": 1,
    },
)
def dns_operations(target: Path) -> None:
    """DNS beyond lookups: dynamic update, notify, server status, class CHAOS, signed records
    (RRSIG, DNSKEY), and a zone transfer over TCP in two messages and three segments."""
    zone = dns_name("example.com")
    update = struct.pack("!6H", 1, 0x2800, 1, 0, 1, 0) + zone + struct.pack("!HH", 6, 1)
    update += dns_name("heron.example.com") + struct.pack("!HHIH", 1, 1, 300, 4) + _ADDRESS
    notify = struct.pack("!6H", 2, 0x2400, 1, 0, 0, 0) + zone + struct.pack("!HH", 6, 1)
    status = struct.pack("!6H", 3, 0x1000, 0, 0, 0, 0)
    chaos = (
        struct.pack("!6H", 4, 0x0000, 1, 0, 0, 0)
        + dns_name("version.bind")
        + struct.pack("!HH", 16, 3)
    )
    signature = (
        struct.pack("!HBBIIIH", 1, 13, 3, 300, 1704100000, 1704000000, 12345)
        + zone
        + bytes(range(64))
    )
    key = struct.pack("!HBB", 257, 3, 13) + bytes(range(64))
    pairs = [
        (update, struct.pack("!6H", 1, 0xA800, 0, 0, 0, 0)),
        (notify, struct.pack("!6H", 2, 0xA400, 1, 0, 0, 0) + zone + struct.pack("!HH", 6, 1)),
        (status, struct.pack("!6H", 3, 0x9004, 0, 0, 0, 0)),
        (chaos, struct.pack("!6H", 4, 0x8005, 0, 0, 0, 0)),
        (dns_query(5, "example.com", 46), dns_answer(5, "example.com", 46, [signature])),
        (dns_query(6, "example.com", 48), dns_answer(6, "example.com", 48, [key], flags=0x85A0)),
    ]
    frames = []
    for number, (asked, answered) in enumerate(pairs):
        port = 40500 + number
        frames += [_sent(NEAR, FAR, (port, 53), asked), _sent(FAR, NEAR, (53, port), answered)]
    soa = (
        dns_name("ns.example.com")
        + dns_name("keeper.example.com")
        + struct.pack("!5I", 1, 2, 3, 4, 5)
    )
    whole = dns_answer(7, "example.com", 252, [], flags=0x8400)
    body = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 300, len(value)) + value
        for kind, value in [(6, soa), *[(1, bytes([192, 0, 2, n])) for n in range(100)]]
    )
    first = whole[:6] + struct.pack("!H", 101) + whole[8:] + body
    last = (
        whole[:6]
        + struct.pack("!H", 1)
        + whole[8:]
        + b"\xc0\x0c"
        + struct.pack("!HHIH", 6, 1, 300, len(soa))
        + soa
    )
    said = [
        (True, _prefixed(dns_query(7, "example.com", 252, flags=0))),
        (False, _prefixed(first) + _prefixed(last)),
    ]
    frames += wrapped(
        stream((NEAR, 40520), (FAR, 53), said, segment=700), lambda t: directed(t.up, t.packet)
    )
    write(target, frames)


def _prefixed(message: bytes) -> bytes:
    return struct.pack("!H", len(message)) + message


@built("dns-malformed.pcap", expect={"udp.port == 53": 12}, flaws=("_ws.malformed",))
def dns_malformed(target: Path) -> None:
    """Messages on port 53 that lie: a pointer to itself, two pointers in a ring, a pointer beyond
    the end, a label of 64, a name of 300 octets, counts of 65,535, data longer than the message, a
    message of 5 octets, one of only a header, an answer no one asked for, trailing octets, and no
    DNS at all."""
    head = struct.pack("!6H", 9, 0x0100, 1, 0, 0, 0)
    tail = struct.pack("!HH", 1, 1)
    answered = dns_answer(9, "example.com", 1, [_ADDRESS])
    messages = [
        head + b"\xc0\x0c" + tail,
        head + b"\xc0\x0e\xc0\x0c" + tail,
        head + b"\xc3\xff" + tail,
        head + b"\x40" + b"a" * 64 + b"\0" + tail,
        head + (b"\x3b" + b"a" * 59) * 5 + b"\0" + tail,
        head[:4] + b"\xff" * 8 + dns_name("example.com") + tail,
        answered[:-6] + b"\xff\xff" + _ADDRESS,
        head[:5],
        head[:4] + bytes(8),
        dns_answer(0x7777, "unasked.example.com", 1, [_ADDRESS]),
        dns_query(10, "example.com") + b"and more",
        b"this is no name service at all, whatever the port says",
    ]
    write(
        target, [_sent(NEAR, FAR, (40600 + n, 53), message) for n, message in enumerate(messages)]
    )
