"""GTP: user plane with extension headers, control plane versions 1 and 2, and GTP'; L2TP."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.dialogue import Turn, lookup, web, wrapped, write
from built.packet import Layer, ethernet, ipv4, raw, udp
from built.tunnels import FAR, INNER, INNER6, NEAR, between
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path

UP_TEID, DOWN_TEID = 0x00001001, 0x00002002


def gtp_u(
    teid: int,
    payload: bytes,
    *,
    kind: int = 255,
    sequence: int | None = None,
    extensions: tuple[tuple[int, bytes], ...] = (),
) -> bytes:
    """A GTPv1-U message; an extension is its type and its content (a multiple of four octets, less
    two)."""
    flags = 0x30 | (0x02 if sequence is not None else 0) | (0x04 if extensions else 0)
    body = b""
    if flags & 0x07:
        body = struct.pack("!HB", sequence or 0, 0)
        for number, content in extensions:
            body += bytes([number, (len(content) + 2) // 4]) + content
        body += b"\0"
    body += payload
    return struct.pack("!BBHI", flags, kind, len(body), teid) + body


def tunnelled(
    turn: Turn, *, sequence: int | None = None, extensions: tuple[tuple[int, bytes], ...] = ()
) -> Layer:
    """The frame between base station and gateway that carries a user's packet."""
    teid = UP_TEID if turn.up else DOWN_TEID
    message = gtp_u(teid, turn.packet.octets, sequence=sequence, extensions=extensions)
    return between(turn, udp(2152, 2152, message))


@built(
    "gtp-u.pcap",
    expect={
        "gtp.teid == 0x1001 && http": 1,
        "gtp.teid == 0x2002 && http": 1,
        "gtp.ext_hdr.pdu_ses_con.qos_flow_id == 9 && dns": 2,
        "gtp.seq_number && dns": 2,
        "gtp && ipv6": 2,
        "gtp.message == 0x01": 1,
        "gtp.message == 0x02": 1,
        "gtp.message == 0x1a": 1,
        "gtp.message == 0xfe": 1,
        "gtp.ext_hdr.pdcp_sn && gtp.ext_hdr.pdu_ses_con.pdu_type": 2,
    },
)
def gtp_u_(target: Path) -> None:
    """GTP-U: a web request, sequence numbers, PDU session containers with QoS flows up and down,
    two extension headers in a row, IPv6 inside, echo, error indication and end marker."""
    frames = wrapped(web(*INNER), tunnelled)
    count = iter(range(100))
    frames += wrapped(lookup(*INNER), lambda t: tunnelled(t, sequence=next(count)))
    frames += wrapped(
        lookup(*INNER, port=40032),
        lambda t: tunnelled(t, extensions=((0x85, bytes([0x10 if t.up else 0x00, 9])),)),
    )
    two = ((0xC0, b"\x12\x34"), (0x85, b"\x10\x05"))
    frames += wrapped(
        lookup(*INNER, port=40033), lambda t: tunnelled(t, sequence=7, extensions=two)
    )
    frames += wrapped(lookup(*INNER6), tunnelled)
    up, down = Turn(raw(b""), True), Turn(raw(b""), False)
    error = b"\x10" + struct.pack("!I", UP_TEID) + b"\x85\x00\x04\xc0\x00\x02\x0a"
    for turn, message in (
        (up, gtp_u(0, b"", kind=1, sequence=1)),
        (down, gtp_u(0, b"\x0e\x00", kind=2, sequence=1)),
        (down, gtp_u(0, error, kind=26, sequence=0)),
        (up, gtp_u(UP_TEID, b"", kind=254)),
    ):
        frames.append(between(turn, udp(2152, 2152, message)))
    write(target, frames)


def _ie2(kind: int, value: bytes, instance: int = 0) -> bytes:
    return struct.pack("!BHB", kind, len(value), instance) + value


def _ie1(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


# International mobile subscriber identity 001 01 0000000042: country and network of test networks.
_IMSI = bytes.fromhex("00010100000000f2")


@built(
    "gtp-c.pcap",
    expect={
        "gtp.message == 0x10": 1,
        "gtp.message == 0x11": 1,
        "gtpv2.message_type == 32": 1,
        "gtpv2.message_type == 33": 1,
        "e212.imsi": 2,
        "gtpprime": 2,
    },
)
def gtp_c(target: Path) -> None:
    """GTP control: version 1 creates a PDP context with an IMSI, version 2 creates a session, and
    GTP' echoes."""
    apn = b"\x08internet"
    address = b"\xc0\x00\x02\x0a"
    create = b"\x02" + _IMSI + b"\x0e\x01" + b"\x10" + struct.pack("!I", UP_TEID)
    create += b"\x11" + struct.pack("!I", 0x101) + b"\x14\x05" + _ie1(0x80, b"\xf1\x21")
    create += _ie1(0x83, apn) + _ie1(0x85, address) * 2 + _ie1(0x86, b"\x91\x21\x43\x65")
    create += _ie1(0x87, b"\x02\x0b\x92\x1f")
    created = b"\x01\x80" + b"\x08\xfe" + b"\x10" + struct.pack("!I", DOWN_TEID)
    created += b"\x11" + struct.pack("!I", 0x202) + _ie1(0x80, b"\xf1\x21\x0a\x01\x00\x01")

    def version1(kind: int, teid: int, body: bytes) -> bytes:
        octets = struct.pack("!HBB", 1, 0, 0) + body
        return struct.pack("!BBHI", 0x32, kind, len(octets), teid) + octets

    def version2(kind: int, teid: int, body: bytes) -> bytes:
        octets = struct.pack("!II", teid, 1 << 8) + body
        return struct.pack("!BBH", 0x48, kind, len(octets)) + octets

    tunnel = struct.pack("!BI4s", 0x86, 0x301, bytes([192, 0, 2, 10]))
    session = _ie2(1, _IMSI) + _ie2(76, b"\x91\x21\x43\x65") + _ie2(82, b"\x06")
    session += _ie2(87, tunnel) + _ie2(71, apn)
    session += _ie2(93, _ie2(73, b"\x05") + _ie2(80, bytes(22)))
    answer = _ie2(2, b"\x10\x00") + _ie2(
        87, struct.pack("!BI4s", 0x87, 0x302, bytes([192, 0, 2, 20]))
    )
    up, down = Turn(raw(b""), True), Turn(raw(b""), False)
    frames = [
        between(up, udp(2123, 2123, version1(16, 0, create))),
        between(down, udp(2123, 2123, version1(17, 0x101, created))),
        between(up, udp(2123, 2123, version2(32, 0, session))),
        between(down, udp(2123, 2123, version2(33, 0x301, answer))),
        between(up, udp(3386, 3386, struct.pack("!BBHH", 0x0F, 1, 0, 9))),
        between(down, udp(3386, 3386, struct.pack("!BBHH", 0x0F, 2, 2, 9) + b"\x0e\x01")),
    ]
    write(target, frames)


def _avp(kind: int, value: bytes, *, mandatory: bool = True) -> bytes:
    return struct.pack("!HHH", mandatory << 15 | 6 + len(value), 0, kind) + value


def _l2tp_control(tunnel: int, session: int, ns: int, nr: int, *avps: bytes) -> bytes:
    body = b"".join(avps)
    return struct.pack("!HHHHHH", 0xC802, 12 + len(body), tunnel, session, ns, nr) + body


@built(
    "l2tp.pcap",
    expect={
        "l2tp.type == 1": 7,
        "l2tp.avp.message_type == 1": 1,
        "l2tp.tunnel == 11 && http": 1,
        "l2tp && dns": 4,
        "l2tp && lcp": 1,
        "ip.proto == 115": 2,
    },
)
def l2tp(target: Path) -> None:
    """L2TP version 2 over UDP: tunnel and session set-up, LCP, a web request in PPP, data with
    length, sequence and offset fields, tear-down; and version 3 straight over IP with Ethernet
    inside."""
    name = _avp(7, b"harbour")
    up, down = Turn(raw(b""), True), Turn(raw(b""), False)
    control = [
        (
            up,
            0,
            0,
            0,
            0,
            (_avp(0, b"\0\1"), _avp(2, b"\1\0"), _avp(3, b"\0\0\0\3"), name, _avp(9, b"\0\x16")),
        ),
        (
            down,
            22,
            0,
            0,
            1,
            (_avp(0, b"\0\2"), _avp(2, b"\1\0"), _avp(3, b"\0\0\0\3"), name, _avp(9, b"\0\x0b")),
        ),
        (up, 11, 0, 1, 1, (_avp(0, b"\0\3"),)),
        (up, 11, 0, 2, 1, (_avp(0, b"\0\x0a"), _avp(14, b"\0\x21"), _avp(15, b"\0\0\0\1"))),
        (down, 22, 0, 1, 3, (_avp(0, b"\0\x0b"), _avp(14, b"\0\x12"))),
        (up, 11, 18, 3, 2, (_avp(0, b"\0\x0c"), _avp(24, b"\0\1\x86\xa0"), _avp(19, b"\0\0\0\3"))),
    ]
    frames = [
        between(turn, udp(1701, 1701, _l2tp_control(tunnel, session, ns, nr, *avps)))
        for turn, tunnel, session, ns, nr, avps in control
    ]

    def data(turn: Turn, ppp: bytes, *, flags: int = 0x0002, extra: bytes = b"") -> Layer:
        tunnel, session = (11, 18) if turn.up else (22, 33)
        octets = struct.pack("!HH", tunnel, session) + extra + b"\xff\x03" + ppp
        if flags & 0x4000:
            octets = struct.pack("!H", len(octets) + 4) + octets
        return between(turn, udp(1701, 1701, struct.pack("!H", flags) + octets))

    lcp = b"\xc0\x21" + struct.pack("!BBH", 1, 1, 10) + b"\x05\x06\0\0\0\x2a"
    frames += [data(up, lcp)]
    frames += wrapped(web(*INNER), lambda t: data(t, b"\0\x21" + t.packet.octets))
    frames += wrapped(
        lookup(*INNER),
        lambda t: data(
            t, b"\0\x21" + t.packet.octets, flags=0x4802, extra=struct.pack("!HH", 5, 0)
        ),
    )
    frames += wrapped(
        lookup(*INNER, port=40042),
        lambda t: data(t, b"\0\x21" + t.packet.octets, flags=0x0202, extra=b"\0\2\xaa\xaa"),
    )
    closing = (_avp(0, b"\0\4"), _avp(9, b"\0\x16"), _avp(1, b"\0\6"))
    frames.append(between(up, udp(1701, 1701, _l2tp_control(11, 0, 4, 2, *closing))))
    ends = ("02:00:00:00:0a:01", "02:00:00:00:0a:02")
    for turn in lookup(*INNER, port=40043):
        inside = ethernet(turn.packet, *(ends if turn.up else ends[::-1]))
        layer = raw(struct.pack("!I", 0x2A) + inside.octets, ip_protocol=115)
        frames.append(ethernet(ipv4(NEAR, FAR, layer) if turn.up else ipv4(FAR, NEAR, layer)))
    write(target, frames)
