"""Packets of broken networks and attackers: odd fragments, odd segments, headers that lie."""

from __future__ import annotations

import ipaddress
import itertools
import struct
from typing import TYPE_CHECKING

from built.dialogue import START_NS, STEP_NS, dns_query, write
from built.link import directed
from built.packet import (
    ACK,
    FIN,
    PSH,
    RST,
    SYN,
    URG,
    Layer,
    ethernet,
    ipv4,
    ipv6,
    raw,
    tcp,
    udp,
)
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built
from pcapfile import ETHERNET, Record, write_pcap

if TYPE_CHECKING:
    from pathlib import Path

_QUERY = dns_query(7, "inner.example.com")


def _pieces(packet: Layer, cuts: list[int], identification: int) -> list[Layer]:
    """The fragments of an IPv4 packet without options, cut at these octets of its payload."""
    payload, protocol = packet.octets[20:], packet.octets[9]
    source, target = (str(ipaddress.IPv4Address(packet.octets[at : at + 4])) for at in (12, 16))
    bounds = [0, *cuts, len(payload)]
    return [
        ipv4(
            source,
            target,
            raw(payload[start:end], ip_protocol=protocol),
            flags=int(end != len(payload)),
            offset=start,
            identification=identification,
        )
        for start, end in itertools.pairwise(bounds)
    ]


@built(
    "fragments-odd.pcap",
    expect={
        "ip.fragment.overlap || ip.frag_offset == 16": 2,
        "ip.flags.mf == 1": 12,
        "udp && ip.fragments": 3,
        "ipv6.fraghdr": 4,
        "ip.fragment.overlap.conflict": 1,
    },
    flaws=("udp.checksum.status == 0",),  # of the datagram whose pieces contradict each other
)
def fragments_odd(target: Path) -> None:
    """Fragments as attackers and broken networks make them: in reverse order, twice, overlapping
    with other octets, with a hole that is never filled, a first piece too short for its UDP header,
    a datagram longer than IP allows, two datagrams interleaved, and IPv6 pieces in reverse
    order."""
    text = bytes(n % 95 + 32 for n in range(600))

    def datagram(port: int) -> Layer:
        return ipv4(NEAR, FAR, udp(port, 4001, text))

    packets = _pieces(datagram(40201), [200, 400], 1)[::-1]
    packets += [p for piece in _pieces(datagram(40202), [304], 2) for p in (piece, piece)]
    first, second, third = _pieces(datagram(40203), [200, 400], 3)
    other = raw(b"X" * 208, ip_protocol=17)
    packets += [first, second, ipv4(NEAR, FAR, other, flags=1, offset=192, identification=3), third]
    packets += _pieces(datagram(40204), [200, 400], 4)[::2]
    packets += _pieces(datagram(40205), [8, 16, 400], 5)
    packets += _pieces(datagram(40206), [200], 6)[:1]
    packets.append(
        ipv4(NEAR, FAR, raw(b"Z" * 400, ip_protocol=17), flags=0, offset=65528, identification=6)
    )
    one, two = _pieces(datagram(40207), [304], 7), _pieces(datagram(40208), [304], 8)
    packets += [one[0], two[0], one[1], two[1]]
    whole = ipv6(NEAR6, FAR6, udp(40209, 4001, text)).octets[40:]
    for start, end in ((400, 608), (200, 400), (0, 200)):
        head = struct.pack("!BBHI", 0, 0, start | (end != 608), 0xFEED)
        piece = raw(whole[start:end], ip_protocol=17)
        packets.append(ipv6(NEAR6, FAR6, piece, extensions=((44, head),)))
    short = struct.pack("!BBHI", 0, 0, 1, 0xFEEE)
    packets.append(ipv6(NEAR6, FAR6, raw(whole[:64], ip_protocol=17), extensions=((44, short),)))
    write(target, [ethernet(packet) for packet in packets])


_SYN_OPTIONS = struct.pack("!BBHBB", 2, 4, 1460, 4, 2)


class _Talk:
    """Segments between a client's ports and port 80 of a server."""

    def __init__(self) -> None:
        self.frames: list[Layer] = []

    def up(
        self,
        port: int,
        sequence: int,
        acknowledgement: int,
        flags: int,
        *,
        payload: bytes = b"",
        options: bytes = b"",
        window: int = 64240,
        urgent: int = 0,
    ) -> None:
        """A segment of the client."""
        segment = tcp(
            port,
            80,
            sequence,
            acknowledgement,
            flags,
            payload=payload,
            options=options,
            window=window,
            urgent=urgent,
        )
        self.frames.append(directed(up=True, payload=ipv4(NEAR, FAR, segment)))

    def down(
        self,
        port: int,
        sequence: int,
        acknowledgement: int,
        flags: int,
        *,
        payload: bytes = b"",
        options: bytes = b"",
        window: int = 64240,
        urgent: int = 0,
    ) -> None:
        """A segment of the server."""
        segment = tcp(
            80,
            port,
            sequence,
            acknowledgement,
            flags,
            payload=payload,
            options=options,
            window=window,
            urgent=urgent,
        )
        self.frames.append(directed(up=False, payload=ipv4(FAR, NEAR, segment)))

    def opened(self, port: int, near: int, far: int, options: bytes = _SYN_OPTIONS) -> None:
        """The three segments that open a connection."""
        self.up(port, near, 0, SYN, options=options)
        self.down(port, far, near + 1, SYN | ACK, options=options)
        self.up(port, near + 1, far + 1, ACK)


def _open_oddly(talk: _Talk) -> None:
    """Refused, aborted, opened from both ends at once, opened with data."""
    talk.up(40301, 100, 0, SYN, options=_SYN_OPTIONS)
    talk.down(40301, 0, 101, RST | ACK)
    talk.opened(40302, 100, 900)
    talk.up(40302, 101, 901, ACK | PSH, payload=b"GET / HTTP/1.1\r\n")
    talk.down(40302, 901, 117, RST)
    talk.up(40303, 100, 0, SYN, options=_SYN_OPTIONS)
    talk.down(40303, 900, 0, SYN, options=_SYN_OPTIONS)
    talk.up(40303, 100, 901, SYN | ACK, options=_SYN_OPTIONS)
    talk.down(40303, 900, 101, SYN | ACK, options=_SYN_OPTIONS)
    talk.up(40303, 101, 901, ACK | FIN)
    talk.down(40303, 901, 102, ACK | FIN)
    talk.up(40303, 102, 902, ACK)
    cookie = b"\x22\x0a" + bytes(range(8))
    talk.up(40304, 100, 0, SYN, payload=b"early words", options=_SYN_OPTIONS + cookie)
    talk.down(40304, 900, 112, SYN | ACK, options=_SYN_OPTIONS)
    talk.up(40304, 112, 901, ACK)


def _carry_oddly(talk: _Talk) -> None:
    """Wrapping numbers, options, urgent data, a closed window, a half-close, impossible flags."""
    wrap = 0xFFFFFFF0
    talk.opened(40305, wrap - 1, 0xFFFFFFE0)
    talk.up(40305, wrap, 0xFFFFFFE1, ACK | PSH, payload=b"sixteen octets, and more beyond")
    talk.down(
        40305,
        0xFFFFFFE1,
        wrap + 31,
        ACK | PSH,
        payload=b"an answer that wraps as well, of forty-odd",
    )
    blocks = struct.pack("!BBBBII", 1, 1, 5, 10, 2000, 2400)
    talk.opened(40306, 100, 900)
    talk.up(40306, 101, 901, ACK | PSH, payload=b"a" * 400)
    talk.up(40306, 2000, 901, ACK | PSH, payload=b"c" * 400)
    talk.down(40306, 901, 501, ACK, options=blocks)
    signature = b"\x01\x01\x13\x12" + bytes(range(16))
    talk.opened(40307, 100, 900, _SYN_OPTIONS + signature)
    talk.opened(
        40308,
        100,
        900,
        _SYN_OPTIONS + struct.pack("!BBBBQ", 30, 12, 0x01, 0x81, 0x1122334455667788),
    )
    talk.opened(40309, 100, 900)
    talk.up(40309, 101, 901, ACK | PSH | URG, payload=b"stop!", urgent=5)
    talk.down(40309, 901, 106, ACK, window=0)
    talk.up(40309, 105, 901, ACK)
    talk.down(40309, 901, 106, ACK, window=500)
    talk.up(40309, 106, 901, ACK | FIN)
    talk.down(40309, 901, 107, ACK)
    talk.down(40309, 901, 107, ACK | PSH, payload=b"still talking after you left")
    talk.down(40309, 929, 107, ACK | FIN)
    talk.up(40309, 107, 930, ACK)
    talk.up(40310, 100, 0, 0)
    talk.up(40310, 100, 0, FIN | PSH | URG)
    talk.up(40310, 100, 0, 0xFF, options=_SYN_OPTIONS + b"\x01" * 34)
    for number in range(3):
        talk.up(40311, 5000 + 20 * number, 901, ACK | PSH, payload=b"only one end is seen")


@built(
    "tcp-odd.pcap",
    expect={
        "tcp.options.sack": 1,
        "tcp.options.md5": 1,
        "tcp.options.tfo": 1,
        "tcp.options.mptcp.subtype": 1,
        "tcp.flags.reset == 1": 2,
        "tcp.flags.urg == 1": 1,
        "tcp.flags == 0x000": 1,
        "tcp.flags.fin == 1 && tcp.flags.push == 1 && tcp.flags.urg == 1": 1,
        "tcp.analysis.keep_alive": 1,
        "tcp.analysis.zero_window": 1,
        "tcp.hdr_len == 60": 1,
        "tcp.seq_raw > 4294967200": 2,
    },
)
def tcp_odd(target: Path) -> None:
    """TCP out of the ordinary: refused and aborted connections, simultaneous open, data in SYN
    (fast open), selective acknowledgements, MD5 and multipath options, sequence numbers that wrap,
    urgent data, keep-alive, closed window, half-close, no flags at all and all of them, one end of
    a connection only."""
    talk = _Talk()
    _open_oddly(talk)
    _carry_oddly(talk)
    write(target, talk.frames)


@built(
    "malformed.pcap",
    expect={"frame": 20},
    flaws=("_ws.malformed", "ip.checksum.status == 0", "tcp.checksum.status == 0", "_ws.short"),
)
def malformed(target: Path) -> None:
    """Headers that lie: IP version 5 and 15, header lengths too small and too large, total lengths
    below the header and beyond the frame, TCP offsets below 5 and beyond the segment, UDP lengths
    of 0, 4 and 60,000, an option and an extension header that run over the end, wrong checksums,
    ARP cut short, frames of 0, 1, 13 and 14 octets, and records cut by a snap length of 60."""
    good = ethernet(ipv4(NEAR, FAR, udp(40400, 53, _QUERY))).octets
    segment = ethernet(
        ipv4(NEAR, FAR, tcp(40401, 80, 1, 1, ACK | PSH, payload=b"GET / HTTP/1.1\r\n\r\n"))
    ).octets
    six = ethernet(ipv6(NEAR6, FAR6, udp(40402, 53, _QUERY))).octets

    def with_octets(frame: bytes, at: int, octets: bytes) -> bytes:
        return frame[:at] + octets + frame[at + len(octets) :]

    frames = [
        with_octets(good, 14, b"\x55"),
        with_octets(good, 14, b"\xf5"),
        with_octets(good, 14, b"\x44"),
        with_octets(good, 14, b"\x4f"),
        with_octets(good, 16, b"\x00\x10"),
        with_octets(good, 16, b"\xff\xff"),
        with_octets(good, 24, b"\xde\xad"),
        with_octets(segment, 46, b"\x40"),
        with_octets(segment, 46, b"\xf0"),
        with_octets(segment, 50, b"\xde\xad"),
        *(with_octets(good, 38, struct.pack("!H", length)) for length in (0, 4, 60000)),
        with_octets(six, 18, b"\xff\xff"),
        with_octets(six, 18, b"\x00\x00"),
        with_octets(six, 20, b"\x00"),
        ethernet(raw(bytes.fromhex("0001080006040001"), ethertype=0x0806)).octets,
        ethernet(raw(b"", ethertype=0x0800)).octets,
        good[:13],
        good[:1],
        b"",
        ethernet(raw(bytes(20), ethertype=0x8100)).octets,
        ethernet(ipv4(NEAR, FAR, udp(40403, 53, b""), options=b"\x07\x28\x04")).octets,
    ]
    records = [Record(START_NS + n * STEP_NS, frame) for n, frame in enumerate(frames)]
    last = START_NS + len(frames) * STEP_NS
    records += [
        Record(last + n * STEP_NS, frame[:60], len(frame))
        for n, frame in enumerate((good, segment, six))
    ]
    write_pcap(target, ETHERNET, records)
