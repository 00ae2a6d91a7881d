"""IP itself: options of IPv4, extension headers of IPv6, neighbouring protocols, odd fragments, odd segments."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

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
    icmp,
    icmpv6,
    igmp,
    internet_checksum,
    ipv4,
    ipv6,
    raw,
    tcp,
    udp,
)
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built
from pcapfile import ETHERNET, Record, write_pcap

_QUERY = dns_query(7, "inner.example.com")


def _address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


@built(
    "ipv4-options.pcap",
    expect={
        "ip.opt.type == 7": 1,
        "ip.opt.type == 68": 1,
        "ip.opt.type == 131": 1,
        "ip.opt.type == 137": 1,
        "ip.opt.type == 148": 1,
        "ip.opt.type == 130": 1,
        "ip.hdr_len == 60": 1,
        "ip.dsfield.dscp == 46": 1,
        "eth.padding": 1,
    },
)
def ipv4_options(target: Path) -> None:
    """IPv4 with options: record route, timestamp, loose and strict source route, router alert, security, the
    longest header there is, no-operation and end of list; marked traffic, and a frame with padding."""
    route = b"\x07\x0b\x08" + _address("198.51.100.1") + bytes(4)
    stamp = b"\x44\x0c\x05\x00" + bytes(8)
    options = [
        route,
        stamp,
        b"\x83\x07\x04" + _address("198.51.100.1"),
        b"\x89\x07\x04" + _address("198.51.100.2"),
        b"\x94\x04\x00\x00",
        b"\x82\x0b" + bytes(9),
        b"\x01" * 39 + b"\x00",
        b"\x01\x01\x94\x04\x00\x00\x00\x00",
    ]
    ends = {2: "198.51.100.1", 3: "198.51.100.2"}
    frames = [
        ethernet(
            ipv4(
                NEAR,
                FAR,
                udp(40100, 53, _QUERY),
                options=option,
                identification=n + 1,
                final=ends.get(n, FAR),
            )
        )
        for n, option in enumerate(options)
    ]
    frames.append(ethernet(ipv4(NEAR, FAR, udp(40101, 4000, b"expedited"), tos=46 << 2 | 1)))
    frames.append(ethernet(ipv4(NEAR, FAR, udp(40101, 4000, b"short"), identification=9), pad=True))
    write(target, frames)


def _option_header(*options: bytes) -> bytes:
    """A hop-by-hop or destination options header, padded with PadN."""
    octets = bytes(2) + b"".join(options)
    missing = -len(octets) % 8
    if missing == 1:
        octets += b"\0"
    elif missing:
        octets += bytes([1, missing - 2]) + bytes(missing - 2)
    return bytes([0, len(octets) // 8 - 1]) + octets[2:]


@built(
    "ipv6-extensions.pcap",
    expect={
        "ipv6.hopopts && dns": 2,
        "ipv6.routing && dns": 2,
        "ipv6.routing.type == 4": 1,
        "ipv6.dstopts && dns": 1,
        "ipv6.fraghdr && dns": 1,
        "ah && ipv6 && dns": 1,
        "mipv6": 1,
        "hip": 1,
        "shim6": 1,
        "ipv6.hopopts.nxt == 59": 1,
    },
)
def ipv6_extensions(target: Path) -> None:
    """IPv6 with hop-by-hop, destination, routing (types 0 and 4), fragment (of one piece) and authentication
    headers, five of them in a row, mobility, HIP, shim6 and no next header."""
    hop = (0, _option_header(b"\x05\x02\x00\x00"))
    there = (60, _option_header(b"\x04\x01\x07"))
    old_route = (43, struct.pack("!BBBBI", 0, 2, 0, 0, 0) + _address("2001:db8::1"))
    segments = (43, struct.pack("!BBBBBBH", 0, 2, 4, 0, 0, 0, 0) + _address(FAR6))
    whole = (44, struct.pack("!BBHI", 0, 0, 0, 0x1234))
    signed = (51, struct.pack("!BBHII", 0, 4, 0, 0x2003, 1) + bytes(12))
    shim = (140, struct.pack("!BB", 0, 0) + b"\x80\0\0\0\0\x2a")
    chains = [(hop,), (there,), (old_route,), (segments,), (whole,), (signed,), (shim,)]
    chains.append((hop, there, old_route, whole, signed))
    frames = [
        ethernet(ipv6(NEAR6, FAR6, udp(40110 + n, 53, _QUERY), extensions=chain))
        for n, chain in enumerate(chains)
    ]
    none = raw(b"", ip_protocol=59)
    frames.append(ethernet(ipv6(NEAR6, FAR6, none, extensions=(hop,))))
    binding = raw(
        struct.pack("!BBBBHHHH", 59, 1, 5, 0, 0, 1, 0xC000, 60) + bytes([1, 2, 0, 0]),
        ip_protocol=135,
        checksum_at=4,
    )
    frames.append(ethernet(ipv6(NEAR6, FAR6, binding)))
    identity = struct.pack("!BBBBHH", 59, 4, 1, 0x21, 0, 0) + bytes(range(32))
    frames.append(ethernet(ipv6(NEAR6, FAR6, raw(identity, ip_protocol=139, checksum_at=4))))
    write(target, frames)


@built(
    "routing.pcap",
    expect={
        "igmp.type == 0x11": 3,
        "igmp.version == 3 && igmp.type == 0x11": 1,
        "pim": 1,
        "ospf": 2,
        "vrrp": 1,
        "eigrp": 1,
        "icmpv6.type == 130": 1,
        "icmpv6.type == 134": 1,
        "icmpv6.type == 137": 1,
        "icmp.type == 5": 1,
        "icmp.type == 13": 1,
        "icmp.type == 9": 1,
        "rip": 1,
        "hsrp": 1,
    },
)
def routing(target: Path) -> None:
    """What routers say: IGMP queries of versions 1, 2 and 3, MLD query, router advertisement, redirects, PIM,
    OSPF for IPv4 and IPv6, VRRP, EIGRP, RIP, HSRP, ICMP timestamp and router advertisement."""
    router, router6 = "192.0.2.1", "fe80::1"
    alert = b"\x94\x04\x00\x00"
    groups = [
        igmp(0x11, 0, bytes(4)),
        igmp(0x11, 100, bytes(4)),
        igmp(0x11, 100, _address("232.1.1.1") + struct.pack("!BBH", 2, 125, 1) + _address(NEAR)),
    ]
    frames = [ethernet(ipv4(router, "224.0.0.1", g, ttl=1, options=alert)) for g in groups]
    pim = struct.pack("!BBHHHH", 0x20, 0, 0, 1, 2, 105)
    pim = pim[:2] + struct.pack("!H", internet_checksum(pim)) + pim[4:]
    frames.append(ethernet(ipv4(router, "224.0.0.13", raw(pim, ip_protocol=103), ttl=1)))
    hello = _address("255.255.255.0") + struct.pack("!HBBI", 10, 2, 1, 40) + _address(router) + bytes(4)
    ospf = struct.pack("!BBH", 2, 1, 24 + len(hello)) + _address(router) + bytes(4)
    check = internet_checksum(ospf + bytes(4) + hello)
    ospf += struct.pack("!HH", check, 0) + bytes(8) + hello
    frames.append(ethernet(ipv4(router, "224.0.0.5", raw(ospf, ip_protocol=89), ttl=1)))
    hello6 = struct.pack("!IIHH", 7, 0x01000013, 10, 40) + _address(router) + bytes(4)
    ospf6 = struct.pack("!BBH", 3, 1, 16 + len(hello6)) + _address(router) + bytes(8) + hello6
    frames.append(ethernet(ipv6(router6, "ff02::5", raw(ospf6, ip_protocol=89, checksum_at=12), hops=1)))
    vrrp = struct.pack("!BBBBHH", 0x31, 7, 100, 1, 100, 0) + _address("192.0.2.254")
    pseudo = _address(router) + _address("224.0.0.18") + struct.pack("!BBH", 0, 112, len(vrrp))
    vrrp = vrrp[:6] + struct.pack("!H", internet_checksum(pseudo + vrrp)) + vrrp[8:]
    frames.append(ethernet(ipv4(router, "224.0.0.18", raw(vrrp, ip_protocol=112), ttl=255)))
    eigrp = struct.pack("!BBHIIIHH", 2, 5, 0, 0, 0, 0, 0, 100)
    eigrp += struct.pack("!HHBBBBBBH", 1, 12, 1, 0, 1, 0, 0, 0, 15)
    eigrp = eigrp[:2] + struct.pack("!H", internet_checksum(eigrp)) + eigrp[4:]
    frames.append(ethernet(ipv4(router, "224.0.0.10", raw(eigrp, ip_protocol=88), ttl=2)))
    rip = struct.pack("!BBHHH", 2, 2, 0, 2, 0) + _address("198.51.100.0") + _address("255.255.255.0")
    rip += bytes(4) + struct.pack("!I", 1)
    frames.append(ethernet(ipv4(router, "224.0.0.9", udp(520, 520, rip), ttl=1)))
    hsrp = struct.pack("!BBBBBBBB", 0, 0, 16, 3, 10, 100, 1, 0) + b"harbour\0" + _address("192.0.2.254")
    frames.append(ethernet(ipv4(router, "224.0.0.2", udp(1985, 1985, hsrp), ttl=1)))
    original = ipv4(NEAR, "198.51.100.7", udp(40120, 53, _QUERY)).octets
    frames.append(ethernet(ipv4(router, NEAR, icmp(5, 1, _address("192.0.2.2") + original[:28]))))
    frames.append(ethernet(ipv4(NEAR, router, icmp(13, 0, struct.pack("!HHIII", 5, 1, 1000, 0, 0)))))
    advert = struct.pack("!BBH", 1, 2, 1800) + _address(router) + bytes(4)
    frames.append(ethernet(ipv4(router, "224.0.0.1", icmp(9, 0, advert), ttl=1)))
    mld = struct.pack("!HH", 1000, 0) + bytes(16)
    hop = (0, _option_header(b"\x05\x02\x00\x00"))
    frames.append(ethernet(ipv6(router6, "ff02::1", icmpv6(130, 0, mld), extensions=(hop,), hops=1)))
    prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 14400, 0) + _address("2001:db8::")
    advert6 = struct.pack("!BBHII", 64, 0x40, 1800, 0, 0) + prefix + struct.pack("!BBHI", 5, 1, 0, 1500)
    frames.append(ethernet(ipv6(router6, "ff02::1", icmpv6(134, 0, advert6), hops=255)))
    better = bytes(4) + _address("fe80::2") + _address("2001:db8:7::7")
    frames.append(ethernet(ipv6(router6, NEAR6, icmpv6(137, 0, better), hops=255)))
    write(target, frames)


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
        for start, end in zip(bounds, bounds[1:], strict=False)
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
    """Fragments as attackers and broken networks make them: in reverse order, twice, overlapping with other
    octets, with a hole that is never filled, a first piece too short for its UDP header, a datagram longer than
    IP allows, two datagrams interleaved, and IPv6 pieces in reverse order."""
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
    packets.append(ipv4(NEAR, FAR, raw(b"Z" * 400, ip_protocol=17), flags=0, offset=65528, identification=6))
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
    """TCP out of the ordinary: refused and aborted connections, simultaneous open, data in SYN (fast open),
    selective acknowledgements, MD5 and multipath options, sequence numbers that wrap, urgent data, keep-alive,
    closed window, half-close, no flags at all and all of them, one end of a connection only."""
    syn = struct.pack("!BBHBB", 2, 4, 1460, 4, 2)
    talk: list[tuple[bool, Layer]] = []

    def up(port: int, *rest: int, payload: bytes = b"", options: bytes = b"", **more: int) -> None:
        talk.append((True, tcp(port, 80, *rest, payload, options=options, **more)))

    def down(port: int, *rest: int, payload: bytes = b"", options: bytes = b"", **more: int) -> None:
        talk.append((False, tcp(80, port, *rest, payload, options=options, **more)))

    def opened(port: int, near: int, far: int, options: bytes = syn) -> None:
        up(port, near, 0, SYN, options=options)
        down(port, far, near + 1, SYN | ACK, options=options)
        up(port, near + 1, far + 1, ACK)

    up(40301, 100, 0, SYN, options=syn)
    down(40301, 0, 101, RST | ACK)
    opened(40302, 100, 900)
    up(40302, 101, 901, ACK | PSH, payload=b"GET / HTTP/1.1\r\n")
    down(40302, 901, 117, RST)
    up(40303, 100, 0, SYN, options=syn)
    down(40303, 900, 0, SYN, options=syn)
    up(40303, 100, 901, SYN | ACK, options=syn)
    down(40303, 900, 101, SYN | ACK, options=syn)
    up(40303, 101, 901, ACK | FIN)
    down(40303, 901, 102, ACK | FIN)
    up(40303, 102, 902, ACK)
    cookie = b"\x22\x0a" + bytes(range(8))
    up(40304, 100, 0, SYN, payload=b"early words", options=syn + cookie)
    down(40304, 900, 112, SYN | ACK, options=syn)
    up(40304, 112, 901, ACK)
    wrap = 0xFFFFFFF0
    opened(40305, wrap - 1, 0xFFFFFFE0)
    up(40305, wrap, 0xFFFFFFE1, ACK | PSH, payload=b"sixteen octets, and more beyond")
    down(40305, 0xFFFFFFE1, wrap + 31, ACK | PSH, payload=b"an answer that wraps as well, of forty-odd")
    blocks = struct.pack("!BBBBII", 1, 1, 5, 10, 2000, 2400)
    opened(40306, 100, 900)
    up(40306, 101, 901, ACK | PSH, payload=b"a" * 400)
    up(40306, 2000, 901, ACK | PSH, payload=b"c" * 400)
    down(40306, 901, 501, ACK, options=blocks)
    signature = b"\x01\x01\x13\x12" + bytes(range(16))
    opened(40307, 100, 900, syn + signature)
    opened(40308, 100, 900, syn + struct.pack("!BBBBQ", 30, 12, 0x01, 0x81, 0x1122334455667788))
    opened(40309, 100, 900)
    up(40309, 101, 901, ACK | PSH | URG, payload=b"stop!", urgent=5)
    down(40309, 901, 106, ACK, window=0)
    up(40309, 105, 901, ACK)
    down(40309, 901, 106, ACK, window=500)
    up(40309, 106, 901, ACK | FIN)
    down(40309, 901, 107, ACK)
    down(40309, 901, 107, ACK | PSH, payload=b"still talking after you left")
    down(40309, 929, 107, ACK | FIN)
    up(40309, 107, 930, ACK)
    up(40310, 100, 0, 0)
    up(40310, 100, 0, FIN | PSH | URG)
    up(40310, 100, 0, 0xFF, options=syn + b"\x01" * 34)
    for number in range(3):
        up(40311, 5000 + 20 * number, 901, ACK | PSH, payload=b"only one end is seen")
    frames = [
        directed(way, ipv4(NEAR, FAR, segment) if way else ipv4(FAR, NEAR, segment))
        for way, segment in talk
    ]
    write(target, frames)


@built(
    "malformed.pcap",
    expect={"frame": 20},
    flaws=("_ws.malformed", "ip.checksum.status == 0", "tcp.checksum.status == 0", "_ws.short"),
)
def malformed(target: Path) -> None:
    """Headers that lie: IP version 5 and 15, header lengths too small and too large, total lengths below the
    header and beyond the frame, TCP offsets below 5 and beyond the segment, UDP lengths of 0, 4 and 60,000, an
    option and an extension header that run over the end, wrong checksums, ARP cut short, frames of 0, 1, 13 and
    14 octets, and records cut by a snap length of 60."""
    good = ethernet(ipv4(NEAR, FAR, udp(40400, 53, _QUERY))).octets
    segment = ethernet(ipv4(NEAR, FAR, tcp(40401, 80, 1, 1, ACK | PSH, b"GET / HTTP/1.1\r\n\r\n"))).octets
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
        Record(last + n * STEP_NS, frame[:60], len(frame)) for n, frame in enumerate((good, segment, six))
    ]
    write_pcap(target, ETHERNET, records)
