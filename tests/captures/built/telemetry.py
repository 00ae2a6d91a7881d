"""In-band network telemetry field by field, in packets and in reports of switches."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from built.dialogue import Turn, datagrams, dns_answer, dns_query, stream, web, write
from built.link import directed
from built.packet import Layer, ethernet, ipv4, ipv6, udp
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path

CLIENT, SERVER = "192.0.2.10", "192.0.2.20"
CLIENT6, SERVER6 = "2001:db8::10", "2001:db8::20"
SWITCH, COLLECTOR = "198.51.100.7", "198.51.100.200"
DSCP = 0x20


@dataclass(frozen=True)
class Hop:
    """What a switch writes."""

    switch: int
    ports: tuple[int, int] = (1, 2)
    latency: int = 100
    queue: tuple[int, int] = (0, 0)
    arrival: int = 0

    def octets(self, *, times: bool) -> bytes:
        """Switch, ports, latency and queue, with both times in 64 bits where asked for."""
        ingress, egress = self.ports
        number, filled = self.queue
        data = struct.pack(
            "!IHHII", self.switch, ingress, egress, self.latency, number << 24 | filled
        )
        if times:
            data += struct.pack("!QQ", self.arrival, self.arrival + self.latency)
        return data


PATH = (
    Hop(switch=3, ports=(5, 6), latency=310, queue=(7, 70_000), arrival=0x1_0000_0300),
    Hop(switch=2, ports=(3, 4), latency=220, queue=(0, 12), arrival=0x1_0000_0200),
    Hop(switch=1, ports=(1, 2), latency=130, queue=(1, 0), arrival=0x1_0000_0100),
)
"""Three switches, the last one first, as they lie in the packet."""


def first_version(instructions: int, hop_words: int, stack: bytes, dscp: int = 0) -> bytes:
    """Shim, header and stack of version 1."""
    words = 3 + len(stack) // 4
    shim = struct.pack("!BBBB", 1, 0, words, dscp << 2)
    hops = len(stack) // 4 // hop_words
    header = struct.pack("!BBBBHH", 0x10, 0, hop_words, 8 - hops, instructions, 0)
    return shim + header + stack


def second_version(
    instructions: int, hop_words: int, stack: bytes, *, kind: int = 1, npt: int = 0, keep: int = 0
) -> bytes:
    """Shim, header and stack of version 2."""
    shim = struct.pack("!BBH", kind << 4 | npt << 2, 3 + len(stack) // 4, keep)
    remaining = 8 - len(stack) // 4 // hop_words if hop_words else 0
    return shim + struct.pack("!BBBBHHI", 0x20, 0, hop_words, remaining, instructions, 0, 0) + stack


def lookup(client: str, server: str, port: int) -> list[Turn]:
    """A lookup at a port where nobody takes telemetry for a broken one."""
    name = "inner.example.com"
    said = [
        (True, dns_query(0x1A2B, name)),
        (False, dns_answer(0x1A2B, name, 1, [bytes([192, 0, 2, 80])])),
    ]
    return datagrams((client, port), (server, 5300), said)


def _again(packet: Layer, dscp: int, carried: Layer) -> Layer:
    """The IP packet with something else in it, and with a code point."""
    octets = packet.octets
    if octets[0] >> 4 == 4:
        ends = [str(ipaddress.IPv4Address(octets[at : at + 4])) for at in (12, 16)]
        return ipv4(*ends, carried, tos=dscp << 2)
    ends = [str(ipaddress.IPv6Address(octets[at : at + 16])) for at in (8, 24)]
    return ipv6(*ends, carried, traffic_class=dscp << 2)


def _transport(packet: Layer) -> tuple[int, bytes]:
    """The number of the transport and its octets."""
    octets = packet.octets
    return (octets[9], octets[20:]) if octets[0] >> 4 == 4 else (octets[6], octets[40:])


def marked(turn: Turn, telemetry: bytes, dscp: int = DSCP) -> Layer:
    """A packet with telemetry behind its transport header, and the code point that tells."""
    protocol, octets = _transport(turn.packet)
    if protocol == 17:
        source, target = struct.unpack("!HH", octets[:4])
        carried = udp(source, target, telemetry + octets[8:])
    else:
        head = octets[12] >> 4 << 2
        segment = octets[:16] + b"\0\0" + octets[18:head] + telemetry + octets[head:]
        carried = Layer(segment, ip_protocol=6, checksum_at=16)
    return directed(turn.up, _again(turn.packet, dscp, carried))


def by_port(turn: Turn, stack: bytes, port: int = 9000) -> Layer:
    """A datagram whose destination port gave way to that of telemetry."""
    _, octets = _transport(turn.packet)
    source, target = struct.unpack("!HH", octets[:4])
    telemetry = second_version(0x8000, 1, stack, npt=1, keep=target)
    return directed(turn.up, _again(turn.packet, 0, udp(source, port, telemetry + octets[8:])))


def around(turn: Turn, stack: bytes, port: int = 9000) -> Layer:
    """A packet whose transport went into UDP with telemetry."""
    protocol, octets = _transport(turn.packet)
    telemetry = second_version(0x8000, 1, stack, npt=2, keep=protocol)
    return directed(turn.up, _again(turn.packet, 0, udp(50000, port, telemetry + octets)))


@built(
    "int.pcap",
    expect={
        "ip.dsfield.dscp == 32 && tcp": 8,
        "ip.dsfield.dscp == 32 && udp": 6,
        "ip.dsfield.dscp == 23": 2,
        "udp.dstport == 9000": 10,
    },
)
def int_(target: Path) -> None:
    """In-band network telemetry: version 1 by three switches with a lookup, by two in each segment
    of a web request, and with marks of an L4S queue and signs of cloud gaming; version 2 by
    destination port over IPv6, in a UDP of its own around TCP, and instructions only; and a marked
    lookup without telemetry."""
    three = b"".join(hop.octets(times=True) for hop in PATH)
    frames = [
        marked(turn, first_version(0xFC00, 8, three, dscp=46))
        for turn in lookup(CLIENT, SERVER, port=40001)
    ]
    two = struct.pack("!IIII", 2, 0x0100_0010, 1, 0x0200_0020)
    frames += [
        marked(turn, first_version(0x9000, 2, two)) for turn in web(CLIENT, SERVER, port=40002)
    ]
    gaming = struct.pack(
        "!4s4sHHIIII", bytes([192, 0, 2, 10]), bytes([192, 0, 2, 20]), 4, 2, 400, 3000, 20, 10
    )
    l4s = struct.pack("!IHHI", 5, 9, 1, 250) + gaming
    frames += [
        marked(turn, first_version(0x80C0, 10, l4s)) for turn in lookup(CLIENT, SERVER, port=40003)
    ]
    id_only = struct.pack("!II", 12, 11)
    frames += [by_port(turn, id_only) for turn in lookup(CLIENT6, SERVER6, port=40004)]
    frames += [around(turn, id_only) for turn in web(CLIENT, SERVER, port=40005)]
    frames += [
        marked(turn, second_version(0xA000, 0, b"", kind=3), 0x17)
        for turn in lookup(CLIENT, SERVER, port=40006)
    ]
    frames += [marked(turn, b"") for turn in lookup(CLIENT, SERVER, port=40007)]
    write(target, frames)


def _reported(frame: bytes, sequence: int, *, added: bytes = b"", bits: int = 0) -> bytes:
    """A report of version 1: switch 3, part 5, a watched flow."""
    words = 4 + len(added) // 4
    first = 1 << 28 | words << 24 | bits << 15 | 1 << 6 | 5
    return struct.pack("!IIII", first, 3, sequence, 900_000 + sequence) + added + frame


def _individual(
    inner: int, bits: int, own: bytes, packet: bytes, *, flags: int = 2, domain: int = 0
) -> bytes:
    """One report of version 2; `flags` are dropped, congested, watched and intermediate."""
    packet += bytes(-len(packet) % 4)
    words = 2 + (len(own) + len(packet)) // 4
    head = struct.pack("!BBBB", 1 << 4 | inner, words, len(own) // 4, flags << 4)
    return head + struct.pack("!HHHH", bits, domain, 0, 0) + own + packet


def _group(sequence: int, reports: list[bytes]) -> bytes:
    return struct.pack("!II", 2 << 28 | 9 << 22 | sequence, 42) + b"".join(reports)


@built(
    "int-report.pcap",
    expect={"udp.dstport == 6000": 3, "udp.dstport == 32766": 3, "udp.dstport == 7777": 1},
)
def int_report(target: Path) -> None:
    """Reports of in-band network telemetry: version 1 with what three switches wrote into a lookup
    and a segment, one of them missing; version 2 with a queue and a drop in one datagram, data of a
    domain, and one on a port of its own over IPv6."""
    three = b"".join(hop.octets(times=True) for hop in PATH)
    looked = marked(lookup(CLIENT, SERVER, port=40001)[0], first_version(0xFC00, 8, three)).octets
    segments = stream((CLIENT, 40002), (SERVER, 80), [(True, b"GET / HTTP/1.1\r\n\r\n")])
    bare = directed(True, segments[3].packet).octets
    olds = [
        _reported(looked, 1),
        _reported(bare, 2, added=struct.pack("!HHI", 5, 6, 310), bits=0x30),
        _reported(looked, 4),
    ]
    frames = [ethernet(ipv4(SWITCH, COLLECTOR, udp(30000, 6000, report))) for report in olds]
    queued = _individual(
        4, 0x7000, struct.pack("!HHII", 5, 6, 310, 7 << 24 | 70_000), segments[3].packet.octets,
        flags=6,
    )  # fmt: skip
    dropped = _individual(3, 0x0001, struct.pack("!BBH", 7, 80, 0), bare, flags=8)
    own = _individual(2, 0x2000, struct.pack("!II", 310, 0xABCD), b"domain's", domain=17)
    parts = struct.pack("!BBH", 0, 1, 3) + b"data" + struct.pack("!BBH", 2 << 4, 10, 0)
    several = _individual(1, 0, b"", parts + segments[3].packet.octets[:40])
    news = [(7, [queued, dropped]), (8, [own]), (9, [several])]
    frames += [
        ethernet(ipv4(SWITCH, COLLECTOR, udp(30001, 32766, _group(number, reports))))
        for number, reports in news
    ]
    timed = _individual(
        4, 0x0C00, struct.pack("!QQ", 0x1_0000_0300, 0x1_0000_0436), segments[3].packet.octets
    )
    frames.append(ethernet(ipv6(CLIENT6, SERVER6, udp(30002, 7777, _group(1, [timed])))))
    write(target, frames)
