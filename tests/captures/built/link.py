"""What lies between Ethernet and IP: VLAN tags, MPLS, PPPoE, LLC and SNAP."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.dialogue import Turn, lookup, web, wrapped, write
from built.packet import (
    BROADCAST_MAC,
    CLIENT_MAC,
    SERVER_MAC,
    Layer,
    arp,
    ethernet,
    ieee8023,
    llc,
    mac,
    raw,
    snap,
    vlan,
)
from built.tunnels import FAR, FAR6, INNER, NEAR, NEAR6, inner_ethernet
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path


def directed(up: bool, payload: Layer, *, pad: bool = False) -> Layer:
    """A frame from the client or from the server."""
    ends = (CLIENT_MAC, SERVER_MAC) if up else (SERVER_MAC, CLIENT_MAC)
    return ethernet(payload, *ends, pad=pad)


@built(
    "vlan.pcap",
    expect={
        "vlan.id == 100 && http": 2,
        "ieee8021ad && vlan.id == 300 && dns": 2,
        "vlan.id == 0 && vlan.priority == 5 && dns": 2,
        "vlan.id == 4094 && dns": 2,
        "vlan && llc": 1,
        "vlan && arp": 1,
        "vlan && ipv6": 2,
    },
)
def vlan_(target: Path) -> None:
    """VLAN tags: 802.1Q, 802.1ad with 802.1Q inside, three tags deep, the old 0x9100 outside, a
    priority tag of VLAN 0, ARP, IPv6 and LLC below a tag."""
    frames = wrapped(web(NEAR, FAR), lambda t: directed(t.up, vlan(100, t.packet)))
    frames += wrapped(
        lookup(NEAR, FAR), lambda t: directed(t.up, vlan(200, vlan(300, t.packet), tag=0x88A8))
    )
    frames += wrapped(
        lookup(NEAR, FAR, port=40012),
        lambda t: directed(t.up, vlan(1, vlan(2, vlan(4094, t.packet)), tag=0x88A8)),
    )
    frames += wrapped(
        lookup(NEAR, FAR, port=40013),
        lambda t: directed(t.up, vlan(5, vlan(6, t.packet), tag=0x9100)),
    )
    frames += wrapped(
        lookup(NEAR, FAR, port=40014), lambda t: directed(t.up, vlan(0, t.packet, priority=5))
    )
    frames += wrapped(lookup(NEAR6, FAR6), lambda t: directed(t.up, vlan(100, t.packet)))
    asked = arp(1, (CLIENT_MAC, NEAR), ("00:00:00:00:00:00", FAR))
    frames.append(ethernet(vlan(100, asked), CLIENT_MAC, BROADCAST_MAC, pad=True))
    test = llc(0, 0, 0xE3, b"calling")
    tagged = struct.pack("!HH", 100, len(test)) + test
    frames.append(ethernet(raw(tagged, ethertype=0x8100), pad=True))
    write(target, frames)


def mpls(labels: list[int], payload: bytes, *, ttl: int = 63, traffic_class: int = 0) -> Layer:
    """A stack of MPLS labels."""
    octets = b""
    for position, label in enumerate(labels):
        bottom = position == len(labels) - 1
        octets += struct.pack("!I", label << 12 | traffic_class << 9 | bottom << 8 | ttl)
    return Layer(octets + payload, ethertype=0x8847)


@built(
    "mpls.pcap",
    expect={
        "mpls.label == 16001 && http": 2,
        "mpls.bottom == 0 && dns": 2,
        "mpls.label == 2 && ipv6": 2,
        # tshark does not guess what pseudowires carry
        'mpls.label == 500 && frame contains "inner"': 2,
        'mpls.label == 501 && frame contains "inner"': 2,
    },
)
def mpls_(target: Path) -> None:
    """MPLS: one label, three labels, IPv6 below explicit null, pseudowires of Ethernet with and
    without a control word, and labels below a VLAN tag."""

    def plain(turn: Turn) -> bytes:
        # An address that starts with a nibble of 0, 4 or 6 would pass for a control word or IP.
        ends = ("12:00:00:00:0a:01", "12:00:00:00:0a:02")
        return ethernet(turn.packet, *(ends if turn.up else ends[::-1])).octets

    frames = wrapped(web(NEAR, FAR), lambda t: directed(t.up, mpls([16001], t.packet.octets)))
    frames += wrapped(
        lookup(NEAR, FAR),
        lambda t: directed(t.up, mpls([17, 18, 19], t.packet.octets, traffic_class=3)),
    )
    frames += wrapped(lookup(NEAR6, FAR6), lambda t: directed(t.up, mpls([2], t.packet.octets)))
    frames += wrapped(
        lookup(*INNER),
        lambda t: directed(t.up, mpls([24000, 500], bytes(4) + inner_ethernet(t).octets)),
    )
    frames += wrapped(
        lookup(*INNER, port=40022), lambda t: directed(t.up, mpls([24000, 501], plain(t)))
    )
    frames += wrapped(
        lookup(NEAR, FAR, port=40023),
        lambda t: directed(t.up, vlan(100, mpls([16002], t.packet.octets))),
    )
    write(target, frames)


def pppoe_frame(code: int, session: int, payload: bytes) -> Layer:
    octets = struct.pack("!BBHH", 0x11, code, session, len(payload)) + payload
    return Layer(octets, ethertype=0x8864 if code == 0 else 0x8863)


def _tag(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value


def control(code: int, identifier: int, data: bytes = b"") -> bytes:
    return struct.pack("!BBH", code, identifier, 4 + len(data)) + data


@built(
    "pppoe.pcap",
    expect={
        "pppoe.code == 0x09": 1,
        "pppoe.code == 0xa7": 1,
        "lcp": 6,
        "pap": 2,
        "ipcp": 4,
        "ppp && http": 2,
        "ppp && ipv6": 2,
    },
)
def pppoe(target: Path) -> None:
    """PPPoE from discovery to its end: LCP, PAP, IPCP, a web request, an IPv6 lookup, echo,
    PADT."""
    service, name, cookie = (
        _tag(0x0101, b""),
        _tag(0x0102, b"harbour-ac"),
        _tag(0x0104, b"biscuit!"),
    )
    unique, session = _tag(0x0103, b"\x01\x02\x03\x04"), 0x0042

    def ppp(up: bool, protocol: int, data: bytes) -> Layer:
        return directed(up, pppoe_frame(0, session, struct.pack("!H", protocol) + data), pad=True)

    frames = [
        ethernet(pppoe_frame(0x09, 0, service + unique), CLIENT_MAC, BROADCAST_MAC, pad=True),
        directed(False, pppoe_frame(0x07, 0, service + name + unique + cookie), pad=True),
        directed(True, pppoe_frame(0x19, 0, service + unique + cookie), pad=True),
        directed(False, pppoe_frame(0x65, session, service + unique), pad=True),
    ]
    mru, magic = b"\x01\x04\x05\xd4", b"\x05\x06"
    for up, options in (
        (True, mru + magic + b"\0\0\0\x0a"),
        (False, mru + b"\x03\x04\xc0\x23" + magic + b"\0\0\0\x0b"),
    ):
        frames += [
            ppp(up, 0xC021, control(1, 1, options)),
            ppp(not up, 0xC021, control(2, 1, options)),
        ]
    frames += [
        ppp(True, 0xC023, control(1, 1, b"\x06keeper\x07lantern")),
        ppp(False, 0xC023, control(2, 1, b"\x07welcome")),
    ]
    for up, address in ((True, b"\x03\x06\xc0\x00\x02\x0a"), (False, b"\x03\x06\xc0\x00\x02\x14")):
        frames += [
            ppp(up, 0x8021, control(1, 1, address)),
            ppp(not up, 0x8021, control(2, 1, address)),
        ]
    frames += wrapped(web(NEAR, FAR), lambda t: ppp(t.up, 0x0021, t.packet.octets))
    frames += wrapped(lookup(NEAR6, FAR6), lambda t: ppp(t.up, 0x0057, t.packet.octets))
    frames += [
        ppp(False, 0xC021, control(9, 7, b"\0\0\0\x0b")),
        ppp(True, 0xC021, control(10, 7, b"\0\0\0\x0a")),
        directed(True, pppoe_frame(0xA7, session, _tag(0x0203, b"good night")), pad=True),
    ]
    write(target, frames)


@built(
    "llc.pcap",
    expect={
        "stp.version == 0": 1,
        "stp.version == 2": 1,
        "llc && dns": 2,
        "llc && arp": 1,
        "cdp": 1,
        "lldp": 1,
        "basicxid": 1,
        "isis": 1,
        "ipx": 1,
        "netbios": 1,
    },
)
def llc_(target: Path) -> None:
    """802.3 with LLC: spanning tree (STP and RSTP), IP and ARP by SNAP, CDP, XID, IS-IS, IPX,
    NetBIOS frames; and LLDP by its own Ethernet type."""
    bridge, group = "02:00:00:00:00:99", "01:80:c2:00:00:00"
    root = struct.pack("!H6s", 0x8000, bytes.fromhex("020000000099"))
    timers = struct.pack("!HHHH", 0, 20 << 8, 2 << 8, 15 << 8)
    common = root + struct.pack("!I", 4) + root + struct.pack("!H", 0x8001) + timers
    stp = struct.pack("!HBBB", 0, 0, 0, 0) + common
    rstp = struct.pack("!HBBB", 0, 2, 2, 0x3C) + common + b"\0"
    frames = [ieee8023(llc(0x42, 0x42, 3, octets), bridge, group) for octets in (stp, rstp)]
    for turn in lookup(NEAR, FAR):
        ends = (CLIENT_MAC, SERVER_MAC) if turn.up else (SERVER_MAC, CLIENT_MAC)
        frames.append(ieee8023(snap(turn.packet), *ends))
    asked = arp(1, (CLIENT_MAC, NEAR), ("00:00:00:00:00:00", FAR))
    frames.append(ieee8023(snap(asked), CLIENT_MAC, BROADCAST_MAC))
    cdp = b"\x02\xb4\0\0" + _tlv(1, b"switch-1") + _tlv(3, b"port-7") + _tlv(5, b"harbour 1.0")
    frames.append(ieee8023(snap(raw(cdp, ethertype=0x2000), 0x00000C), bridge, "01:00:0c:cc:cc:cc"))
    frames.append(ieee8023(llc(0, 0, 0xAF, b"\x81\x01\x00"), CLIENT_MAC, BROADCAST_MAC))
    hello = struct.pack("!BBBBBBBB", 0x83, 27, 1, 0, 15, 1, 0, 0)
    hello += struct.pack("!B6sHHB", 1, bytes.fromhex("020000000099"), 30, 27 + 0, 64) + bytes(7)
    frames.append(ieee8023(llc(0xFE, 0xFE, 3, hello), bridge, "01:80:c2:00:00:14"))
    ipx = struct.pack("!HHBB", 0xFFFF, 34, 0, 17)
    ipx += struct.pack("!I6sH", 0, b"\xff" * 6, 0x0452) + struct.pack(
        "!I6sH", 0, b"\2\0\0\0\0\1", 0x4003
    )
    frames.append(ieee8023(llc(0xE0, 0xE0, 3, ipx + b"\0\3\0\4"), CLIENT_MAC, BROADCAST_MAC))
    name_query = struct.pack("<HHBBHHH", 44, 0xEFFF, 0x0A, 0, 0, 0, 1)
    name_query += b"SERVER".ljust(15) + b"\x20" + b"CLIENT".ljust(15) + b"\0"
    frames.append(ieee8023(llc(0xF0, 0xF0, 3, name_query), CLIENT_MAC, "03:00:00:00:00:01"))
    lldp = _lldp(1, b"\x04" + bytes.fromhex("020000000099")) + _lldp(2, b"\x05port-7")
    lldp += _lldp(3, struct.pack("!H", 120)) + _lldp(5, b"switch-1") + _lldp(0, b"")
    frames.append(ethernet(raw(lldp, ethertype=0x88CC), bridge, "01:80:c2:00:00:0e", pad=True))
    write(target, frames)


def _tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, 4 + len(value)) + value


def _lldp(kind: int, value: bytes) -> bytes:
    return struct.pack("!H", kind << 9 | len(value)) + value


@built(
    "spanning-tree.pcap",
    expect={
        "stp.version == 3": 2,
        "stp.version == 2": 1,
        "mstp.msti.msti_id": 2,
        'mstp.config_name == "harbour"': 2,
    },
)
def spanning_tree(target: Path) -> None:
    """Spanning tree of many VLANs: MSTP with two instances, of which one changes its root; RSTP
    that proposes and agrees; Cisco's frames of one VLAN."""
    bridge, other = "02:00:00:00:00:99", "02:00:00:00:00:98"
    group, cisco = "01:80:c2:00:00:00", "01:00:0c:cc:cc:cd"

    def tree(version: int, flags: int, extension: int, sender: str) -> bytes:
        root = struct.pack("!H6s", 0x8000 | extension, mac(bridge))
        own = struct.pack("!H6s", 0x9000 | extension, mac(sender))
        timers = struct.pack("!HHHH", 0x100, 20 << 8, 2 << 8, 15 << 8)
        octets = struct.pack("!HBBB", 0, version, 2, flags) + root + struct.pack("!I", 2000)
        return octets + own + struct.pack("!H", 0x8002) + timers + b"\0"

    def instance(number: int, root: str, cost: int) -> bytes:
        head = struct.pack("!BH6sI", 0x7C, 0x8000 | number, mac(root), cost)
        return head + bytes([0x90, 0x80, 19])

    def many(root: str) -> bytes:
        parts = instance(1, bridge, 2000) + instance(2, root, 4000)
        region = b"\0" + b"harbour".ljust(32, b"\0") + struct.pack("!H", 3) + bytes(range(16))
        region += struct.pack("!I", 200) + struct.pack("!H6sB", 0x9000, mac(other), 20)
        return tree(3, 0x7C, 0, other) + struct.pack("!H", len(region + parts)) + region + parts

    frames = [
        ieee8023(llc(0x42, 0x42, 3, many(root)), other, group) for root in (bridge, bridge, other)
    ]
    frames.append(ieee8023(llc(0x42, 0x42, 3, tree(2, 0x0E, 0, other)), other, group))
    frames.append(ieee8023(llc(0x42, 0x42, 3, tree(2, 0x78, 0, other)), other, group))
    for vlan_id in (10, 20, 10):
        octets = tree(2, 0x3C, vlan_id, other) + struct.pack("!HHH", 0, 2, vlan_id)
        frames.append(ieee8023(snap(raw(octets, ethertype=0x010B), 0x00000C), other, cisco))
    write(target, frames)
