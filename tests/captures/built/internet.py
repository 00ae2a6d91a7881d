"""IP itself: options of IPv4, extension headers of IPv6, neighbouring protocols, odd fragments, odd
segments."""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING

from built.dialogue import dns_query, write
from built.packet import (
    Layer,
    ethernet,
    icmp,
    icmpv6,
    igmp,
    internet_checksum,
    ipv4,
    ipv6,
    raw,
    udp,
)
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path

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
    """IPv4 with options: record route, timestamp, loose and strict source route, router alert,
    security, the longest header there is, no-operation and end of list; marked traffic, and a frame
    with padding."""
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
    """IPv6 with hop-by-hop, destination, routing (types 0 and 4), fragment (of one piece) and
    authentication headers, five of them in a row, mobility, HIP, shim6 and no next header."""
    hop = (0, _option_header(b"\x05\x02\x00\x00"))
    there = (60, _option_header(b"\x04\x01\x07"))
    old_route = (43, struct.pack("!BBBBI", 0, 2, 0, 0, 0) + _address("2001:db8::1"))
    segments = (43, struct.pack("!BBBBBBH", 0, 2, 4, 0, 0, 0, 0) + _address(FAR6))
    whole = (44, struct.pack("!BBHI", 0, 0, 0, 0x1234))
    signed = (51, struct.pack("!BBHII", 0, 4, 0, 0x2003, 1) + bytes(12))
    shim = (140, struct.pack("!BB", 0, 0) + b"\x80\0\0\0\0\x2a")
    chains: list[tuple[tuple[int, bytes], ...]] = [
        (hop,),
        (there,),
        (old_route,),
        (segments,),
        (whole,),
        (signed,),
        (shim,),
    ]
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
    """What routers say: IGMP queries of versions 1, 2 and 3, MLD query, router advertisement,
    redirects, PIM, OSPF for IPv4 and IPv6, VRRP, EIGRP, RIP, HSRP, ICMP timestamp and router
    advertisement."""
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
    hello = (
        _address("255.255.255.0") + struct.pack("!HBBI", 10, 2, 1, 40) + _address(router) + bytes(4)
    )
    ospf = struct.pack("!BBH", 2, 1, 24 + len(hello)) + _address(router) + bytes(4)
    check = internet_checksum(ospf + bytes(4) + hello)
    ospf += struct.pack("!HH", check, 0) + bytes(8) + hello
    frames.append(ethernet(ipv4(router, "224.0.0.5", raw(ospf, ip_protocol=89), ttl=1)))
    hello6 = struct.pack("!IIHH", 7, 0x01000013, 10, 40) + _address(router) + bytes(4)
    ospf6 = struct.pack("!BBH", 3, 1, 16 + len(hello6)) + _address(router) + bytes(8) + hello6
    frames.append(
        ethernet(ipv6(router6, "ff02::5", raw(ospf6, ip_protocol=89, checksum_at=12), hops=1))
    )
    vrrp = struct.pack("!BBBBHH", 0x31, 7, 100, 1, 100, 0) + _address("192.0.2.254")
    pseudo = _address(router) + _address("224.0.0.18") + struct.pack("!BBH", 0, 112, len(vrrp))
    vrrp = vrrp[:6] + struct.pack("!H", internet_checksum(pseudo + vrrp)) + vrrp[8:]
    frames.append(ethernet(ipv4(router, "224.0.0.18", raw(vrrp, ip_protocol=112), ttl=255)))
    eigrp = struct.pack("!BBHIIIHH", 2, 5, 0, 0, 0, 0, 0, 100)
    eigrp += struct.pack("!HHBBBBBBH", 1, 12, 1, 0, 1, 0, 0, 0, 15)
    eigrp = eigrp[:2] + struct.pack("!H", internet_checksum(eigrp)) + eigrp[4:]
    frames.append(ethernet(ipv4(router, "224.0.0.10", raw(eigrp, ip_protocol=88), ttl=2)))
    rip = (
        struct.pack("!BBHHH", 2, 2, 0, 2, 0) + _address("198.51.100.0") + _address("255.255.255.0")
    )
    rip += bytes(4) + struct.pack("!I", 1)
    frames.append(ethernet(ipv4(router, "224.0.0.9", udp(520, 520, rip), ttl=1)))
    hsrp = (
        struct.pack("!BBBBBBBB", 0, 0, 16, 3, 10, 100, 1, 0)
        + b"harbour\0"
        + _address("192.0.2.254")
    )
    frames.append(ethernet(ipv4(router, "224.0.0.2", udp(1985, 1985, hsrp), ttl=1)))
    original = ipv4(NEAR, "198.51.100.7", udp(40120, 53, _QUERY)).octets
    frames.append(ethernet(ipv4(router, NEAR, icmp(5, 1, _address("192.0.2.2") + original[:28]))))
    frames.append(
        ethernet(ipv4(NEAR, router, icmp(13, 0, struct.pack("!HHIII", 5, 1, 1000, 0, 0))))
    )
    advert = struct.pack("!BBH", 1, 2, 1800) + _address(router) + bytes(4)
    frames.append(ethernet(ipv4(router, "224.0.0.1", icmp(9, 0, advert), ttl=1)))
    mld = struct.pack("!HH", 1000, 0) + bytes(16)
    hop = (0, _option_header(b"\x05\x02\x00\x00"))
    frames.append(
        ethernet(ipv6(router6, "ff02::1", icmpv6(130, 0, mld), extensions=(hop,), hops=1))
    )
    prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 14400, 0) + _address("2001:db8::")
    advert6 = (
        struct.pack("!BBHII", 64, 0x40, 1800, 0, 0) + prefix + struct.pack("!BBHI", 5, 1, 0, 1500)
    )
    frames.append(ethernet(ipv6(router6, "ff02::1", icmpv6(134, 0, advert6), hops=255)))
    better = bytes(4) + _address("fe80::2") + _address("2001:db8:7::7")
    frames.append(ethernet(ipv6(router6, NEAR6, icmpv6(137, 0, better), hops=255)))
    write(target, frames)


@built(
    "hsrp.pcap",
    expect={
        "hsrp.opcode == 0": 4,
        "hsrp.opcode == 1": 1,
        "hsrp.opcode == 2": 1,
        "hsrp2.state == 6": 2,
        "hsrp2.md5_auth_tlv": 1,
        "hsrp && ipv6": 1,
    },
)
def hsrp(target: Path) -> None:
    """HSRP: two routers of version 1, of which one takes over and gives up; version 2 with a text
    and with a digest; version 2 for IPv6."""
    one, two = "192.0.2.1", "192.0.2.2"

    def first(sender: str, operation: int, state: int, priority: int) -> Layer:
        octets = struct.pack("!BBBBBBBB", 0, operation, state, 3, 10, priority, 1, 0)
        octets += b"harbour\0" + _address("192.0.2.254")
        return ethernet(ipv4(sender, "224.0.0.2", udp(1985, 1985, octets), ttl=1))

    def state(number: int, family: int, shared: bytes) -> bytes:
        octets = struct.pack("!BBBBBBH6s", 1, 40, 2, 0, number, family, 10, b"\2\0\0\0\0\1")
        return octets + struct.pack("!III", 110, 3000, 10000) + shared.ljust(16, b"\0")

    text = b"\x03\x08harbour\0"
    digest = struct.pack("!BBBBH4sI16s", 4, 28, 1, 0, 0, _address(one), 7, bytes(range(16)))
    shared = _address("fe80::5:73ff:fea0:a")
    frames = [
        first(one, 0, 16, 100),
        first(two, 0, 8, 90),
        first(one, 0, 16, 100),
        first(two, 1, 16, 120),
        first(one, 0, 4, 100),
        first(two, 2, 1, 120),
    ]
    second = state(6, 4, _address("192.0.2.253")) + text
    keyed = state(5, 4, _address("192.0.2.253")) + digest
    frames += [
        ethernet(ipv4(one, "224.0.0.102", udp(1985, 1985, parts), ttl=1))
        for parts in (second, second, keyed)
    ]
    frames.append(
        ethernet(ipv6("fe80::1", "ff02::66", udp(2029, 2029, state(6, 6, shared)), hops=255))
    )
    write(target, frames)
