"""Tunnels that carry IP or Ethernet in IP: GRE, ERSPAN, IP in IP, EtherIP, Geneve, TZSP, NVGRE,
PPTP, IPsec."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.dialogue import Turn, lookup, network, stream, web, wrapped, write
from built.packet import (
    CLIENT_MAC,
    SERVER_MAC,
    Layer,
    ethernet,
    internet_checksum,
    ipv4,
    raw,
    udp,
    vlan,
)
from catalogue import built
from content import ciphertext

if TYPE_CHECKING:
    from pathlib import Path

NEAR, FAR = "192.0.2.10", "192.0.2.20"
NEAR6, FAR6 = "2001:db8::10", "2001:db8::20"
INNER = ("10.1.0.1", "10.1.0.2")
INNER6 = ("2001:db8:a::1", "2001:db8:a::2")


def between(turn: Turn, payload: Layer, near: str = NEAR, far: str = FAR) -> Layer:
    """The frame that carries a payload between the ends of a tunnel, in the direction of a turn."""
    if turn.up:
        return ethernet(network(near, far, payload))
    return ethernet(network(far, near, payload), SERVER_MAC, CLIENT_MAC)


def inner_ethernet(turn: Turn) -> Layer:
    """The Ethernet frame of the hosts inside."""
    ends = ("02:00:00:00:0a:01", "02:00:00:00:0a:02")
    return ethernet(turn.packet, *(ends if turn.up else ends[::-1]))


def gre(
    payload: Layer, *, key: int | None = None, sequence: int | None = None, checksum: bool = False
) -> Layer:
    """GRE version 0 with the optional fields asked for."""
    flags = (checksum and 0x8000) | (key is not None and 0x2000) | (sequence is not None and 0x1000)
    octets = struct.pack("!HH", flags, payload.ethertype)
    if checksum:
        octets += bytes(4)
    if key is not None:
        octets += struct.pack("!I", key)
    if sequence is not None:
        octets += struct.pack("!I", sequence)
    octets += payload.octets
    if checksum:
        octets = octets[:4] + struct.pack("!H", internet_checksum(octets)) + octets[6:]
    return Layer(octets, ip_protocol=47)


@built(
    "gre.pcap",
    expect={
        "gre.proto == 0x0800 && http": 2,
        "gre.key == 0x2a && gre.sequence_number && dns": 2,
        "gre.checksum": 2,
        "gre.proto == 0x86dd && dns": 2,
        "gre.proto == 0x6558 && http": 2,
        "ipv6.nxt == 47": 2,
    },
)
def gre_(target: Path) -> None:
    """GRE version 0: IPv4 inside, with key and sequence number, with checksum, IPv6 inside,
    Ethernet inside, over IPv6, and a keep-alive."""
    frames = wrapped(web(*INNER), lambda t: between(t, gre(t.packet)))
    count = iter(range(100))
    frames += wrapped(
        lookup(*INNER), lambda t: between(t, gre(t.packet, key=42, sequence=next(count)))
    )
    frames += wrapped(lookup(*INNER), lambda t: between(t, gre(t.packet, checksum=True)))
    frames += wrapped(lookup(*INNER6), lambda t: between(t, gre(t.packet)))
    frames += wrapped(
        web(*INNER, port=40003), lambda t: between(t, gre(inner_ethernet(t), key=0x00CAFE01))
    )
    frames += wrapped(lookup(*INNER), lambda t: between(t, gre(t.packet), NEAR6, FAR6))
    alive = ipv4(FAR, NEAR, gre(raw(b"", ethertype=0)))
    frames.append(ethernet(ipv4(NEAR, FAR, gre(alive))))
    write(target, frames)


def erspan2(payload: Layer, *, vlan: int, session: int, index: int, sequence: int) -> Layer:
    """ERSPAN type II in GRE."""
    head = struct.pack("!HHI", 1 << 12 | vlan, 0x1800 | session, index)
    return gre(raw(head + payload.octets, ethertype=0x88BE), sequence=sequence)


def erspan3(
    payload: Layer, *, vlan: int, session: int, timestamp: int, sequence: int, sub: bytes = b""
) -> Layer:
    """ERSPAN type III in GRE, with the platform sub-header where given."""
    head = struct.pack("!HHIHH", 2 << 12 | vlan, session, timestamp, 0, 0x0004 | bool(sub))
    return gre(raw(head + sub + payload.octets, ethertype=0x22EB), sequence=sequence)


@built(
    "erspan.pcap",
    expect={
        "erspan.version == 1 && erspan.spanid == 77 && http": 2,
        "erspan.version == 2 && erspan.spanid == 78 && dns": 4,
        "gre.proto == 0x88be && !gre.sequence_number": 2,
    },
)
def erspan(target: Path) -> None:
    """Mirrored frames by ERSPAN type I, II, and III with and without a platform sub-header."""
    count = iter(range(1000))

    def second(turn: Turn) -> Layer:
        mirrored = inner_ethernet(turn)
        return erspan2(mirrored, vlan=100, session=77, index=5, sequence=next(count))

    def third(turn: Turn, sub: bytes) -> Layer:
        number = next(count)
        mirrored = inner_ethernet(turn)
        return erspan3(
            mirrored, vlan=200, session=78, timestamp=number * 15000, sequence=number, sub=sub
        )

    up = Turn(raw(b""), up=True)
    platform = struct.pack("!II", 3 << 26, 0x12345678)
    frames = wrapped(web(*INNER), lambda t: between(up, second(t)))
    frames += wrapped(lookup(*INNER), lambda t: between(up, third(t, b"")))
    frames += wrapped(lookup(*INNER), lambda t: between(up, third(t, platform)))
    first = wrapped(lookup(*INNER), lambda t: gre(raw(inner_ethernet(t).octets, ethertype=0x88BE)))
    frames += [between(up, layer) for layer in first]
    write(target, frames)


@built(
    "ip-in-ip.pcap",
    expect={
        "ip.proto == 4 && http": 2,
        "ip.proto == 41 && dns": 2,
        "ipv6.nxt == 4 && dns": 2,
        "ipv6.nxt == 41 && dns": 2,
        "ip.proto == 4 && ip.proto == 41": 2,
    },
)
def ip_in_ip(target: Path) -> None:
    """IPv4 in IPv4, IPv6 in IPv4, IPv4 in IPv6, IPv6 in IPv6, and IPv6 in IPv4 in IPv4."""
    frames = wrapped(web(*INNER), lambda t: between(t, t.packet))
    frames += wrapped(lookup(*INNER6), lambda t: between(t, t.packet))
    frames += wrapped(lookup(*INNER), lambda t: between(t, t.packet, NEAR6, FAR6))
    frames += wrapped(lookup(*INNER6), lambda t: between(t, t.packet, NEAR6, FAR6))
    middle = wrapped(lookup(*INNER6), lambda t: ipv4("198.51.100.1", "198.51.100.2", t.packet))
    frames += [ethernet(ipv4(NEAR, FAR, layer)) for layer in middle]
    write(target, frames)


@built("etherip.pcap", expect={"etherip && http": 2, "etherip && dns": 2})
def etherip(target: Path) -> None:
    """Ethernet in IP (EtherIP), over IPv4 and over IPv6."""

    def carried(turn: Turn) -> Layer:
        return raw(b"\x30\x00" + inner_ethernet(turn).octets, ip_protocol=97)

    frames = wrapped(web(*INNER), lambda t: between(t, carried(t)))
    frames += wrapped(lookup(*INNER), lambda t: between(t, carried(t), NEAR6, FAR6))
    write(target, frames)


def geneve(vni: int, payload: Layer, options: bytes = b"", *, critical: bool = False) -> Layer:
    """Geneve over UDP."""
    head = struct.pack("!BBHI", len(options) // 4, critical << 6, payload.ethertype, vni << 8)
    return udp(51000, 6081, head + options + payload.octets, checksum=False)


@built(
    "geneve.pcap",
    expect={
        "geneve.vni == 0x1001 && http": 2,
        "geneve.vni == 0x1002 && dns": 2,
        "geneve.option": 2,
    },
)
def geneve_(target: Path) -> None:
    """Geneve with Ethernet inside, and with two options, one of them critical, and IPv4 inside."""
    options = struct.pack("!HBBI", 0x0103, 0x80, 1, 0xC0FFEE) + struct.pack("!HBB", 0x0104, 1, 0)
    frames = wrapped(web(*INNER), lambda t: between(t, geneve(0x1001, inner_ethernet(t))))
    frames += wrapped(
        lookup(*INNER), lambda t: between(t, geneve(0x1002, t.packet, options, critical=True))
    )
    write(target, frames)


@built(
    "vxlan-variants.pcap",
    expect={"vxlan.vni == 7 && dns": 4, "udp.dstport == 8472": 2, "ipv6 && vxlan": 2},
)
def vxlan_variants(target: Path) -> None:
    """VXLAN on its first port 8472, over IPv6, and with a VLAN tag inside."""

    def carried(port: int, frame: Layer) -> Layer:
        return udp(
            52000,
            port,
            struct.pack("!II", 0x08000000, 7 << 8) + frame.octets,
            checksum=port == 4789,
        )

    frames = wrapped(lookup(*INNER), lambda t: between(t, carried(8472, inner_ethernet(t))))
    frames += wrapped(
        lookup(*INNER), lambda t: between(t, carried(4789, inner_ethernet(t)), NEAR6, FAR6)
    )
    frames += wrapped(
        lookup(*INNER), lambda t: between(t, carried(4789, ethernet(vlan(100, t.packet))))
    )
    write(target, frames)


@built("tzsp.pcap", expect={"tzsp && http": 2, "tzsp.type == 4": 1, "tzsp && dns": 2})
def tzsp(target: Path) -> None:
    """Frames mirrored by TZSP with and without tags, and a keep-alive."""
    up = Turn(raw(b""), True)

    def carried(kind: int, tags: bytes, frame: bytes) -> Layer:
        head = struct.pack("!BBH", 1, kind, 1 if frame else 0)
        return between(up, udp(53000, 37008, head + tags + b"\x01" + frame))

    frames = wrapped(web(*INNER), lambda t: carried(0, b"", inner_ethernet(t).octets))
    tags = b"\x0a\x01\xd8" + b"\x29\x02\x00\x40" + b"\x00"
    frames += wrapped(lookup(*INNER), lambda t: carried(0, tags, inner_ethernet(t).octets))
    frames.append(carried(4, b"", b""))
    write(target, frames)


@built(
    "ipsec.pcap",
    expect={
        "esp.spi == 0x00001001": 4,
        "ah.spi == 0x00002001 && dns": 2,
        "ah.next_header == 4 && dns": 2,
        "udp.port == 4500 && esp": 2,
        "isakmp": 2,
        "ipv6 && esp": 2,
    },
)
def ipsec(target: Path) -> None:
    """IPsec: ESP over IPv4 and IPv6, ESP in UDP on port 4500 with a keep-alive and an IKE message
    there, AH in transport and in tunnel mode, an IKE version 2 start on port 500."""
    frames = []
    for ends in ((NEAR, FAR), (NEAR6, FAR6)):
        for number in range(4 if ends[0] == NEAR else 2):
            esp = struct.pack("!II", 0x1001, number + 1) + ciphertext(88, number + 1)
            frames.append(between(Turn(raw(b""), number % 2 == 0), raw(esp, ip_protocol=50), *ends))

    def authenticated(payload: Layer, spi: int, number: int) -> Layer:
        head = struct.pack("!BBHII", payload.ip_protocol, 4, 0, spi, number) + ciphertext(
            12, number
        )
        return raw(head + payload.octets, ip_protocol=51)

    for number, turn in enumerate(lookup(NEAR, FAR), 1):
        inside = raw(turn.packet.octets[20:], ip_protocol=17)
        frames.append(between(turn, authenticated(inside, 0x2001, number)))
    for number, turn in enumerate(lookup(*INNER), 1):
        frames.append(between(turn, authenticated(turn.packet, 0x2002, number)))

    start, answer = _ike(0x08), _ike(0x20)
    up, down = Turn(raw(b""), True), Turn(raw(b""), False)
    frames += [between(up, udp(500, 500, start)), between(down, udp(500, 500, answer))]
    frames.append(between(up, udp(4500, 4500, bytes(4) + start)))
    frames.append(between(up, udp(4500, 4500, b"\xff")))
    for number in range(2):
        esp = struct.pack("!II", 0x3001, number + 1) + ciphertext(72, 40 + number)
        frames.append(between(Turn(raw(b""), number == 0), udp(4500, 4500, esp, checksum=False)))
    write(target, frames)


def _ike(flags: int) -> bytes:
    """An IKE message of exchange IKE_SA_INIT with one Nonce payload."""
    nonce = struct.pack("!BBH", 0, 0, 36) + ciphertext(32, flags)
    head = ciphertext(8, 1) + (ciphertext(8, 2) if flags & 0x20 else bytes(8))
    return head + struct.pack("!BBBBII", 40, 0x20, 34, flags, 0, 28 + len(nonce)) + nonce


@built(
    "pptp.pcap",
    expect={
        "pptp": 4,
        "gre.flags_and_version & 7 == 1 || gre.flags.version == 1": 4,
        "ppp && dns": 2,
    },
)
def pptp(target: Path) -> None:
    """PPTP: its control connection, then PPP in GRE version 1 with sequence and acknowledgement
    numbers, LCP and a DNS lookup inside."""

    def message(kind: int, body: bytes) -> bytes:
        return struct.pack("!HHIHH", 12 + len(body), 1, 0x1A2B3C4D, kind, 0) + body

    names = b"harbour".ljust(64, b"\0") + b"laboratory".ljust(64, b"\0")
    said = [
        (True, message(1, struct.pack("!HHIIHH", 0x0100, 0, 3, 3, 0, 1) + names)),
        (False, message(2, struct.pack("!HBBIIHH", 0x0100, 1, 0, 3, 3, 4, 1) + names)),
        (
            True,
            message(
                7, struct.pack("!HHIIIIHHHH", 1, 1, 300, 100000, 3, 3, 64, 0, 0, 0) + bytes(128)
            ),
        ),
        (False, message(8, struct.pack("!HHBBHIHHI", 9, 1, 1, 0, 0, 100000, 64, 0, 0))),
    ]
    frames = wrapped(stream((NEAR, 41723), (FAR, 1723), said), lambda t: ethernet(t.packet))

    def data(up: bool, number: int, ppp: bytes) -> Layer:
        head = struct.pack("!HHHHI", 0x3001, 0x880B, len(ppp), 9 if up else 1, number)
        return between(Turn(raw(b""), up), raw(head + ppp, ip_protocol=47))

    request = struct.pack("!BBH", 1, 1, 14) + struct.pack("!BBHBBI", 1, 4, 1400, 5, 6, 0x5EAF00D5)
    for number, up in enumerate((True, False)):
        frames.append(data(up, number, b"\xff\x03\xc0\x21" + request))
    only_ack = struct.pack("!HHHHI", 0x2081, 0x880B, 0, 9, 1)
    frames.append(between(Turn(raw(b""), True), raw(only_ack, ip_protocol=47)))
    for number, turn in enumerate(lookup(*INNER), 2):
        frames.append(data(turn.up, number, b"\xff\x03\x00\x21" + turn.packet.octets))
    write(target, frames)


@built("nvgre.pcap", expect={"gre.proto == 0x6558 && gre.key && dns": 2})
def nvgre(target: Path) -> None:
    """NVGRE: Ethernet in GRE with a virtual subnet in the key, over IPv6."""
    frames = wrapped(
        lookup(*INNER), lambda t: between(t, gre(inner_ethernet(t), key=0x00100201), NEAR6, FAR6)
    )
    write(target, frames)
