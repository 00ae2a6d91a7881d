"""Tunnels and their keys, authorization, discovery: IKE, WireGuard, Diameter, SSDP. What would be
encrypted are octets without meaning."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

from built.dialogue import datagrams, network, stream, wrapped, write
from built.packet import Layer, chunk, ethernet, ipv4, sctp, udp
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def noise(seed: str, length: int) -> bytes:
    """Octets that look encrypted, the same on every run."""
    return hashlib.shake_128(seed.encode()).digest(length)


@built(
    "wireguard.pcap",
    expect={
        "wg.type == 1": 4,
        "wg.type == 2": 2,
        "wg.type == 3": 1,
        "wg.type == 4": 4,
        "wg && ipv6": 3,
    },
)
def wireguard(target: Path) -> None:
    """WireGuard: a handshake and data; a responder under load that wants a cookie, then takes the
    handshake, over IPv6 on a port of its own; an initiation nobody answers."""

    def message(kind: int, numbers: bytes, length: int, *, proven: bool = False) -> bytes:
        octets = struct.pack("<I", kind) + numbers + noise(f"{kind}{numbers.hex()}", length)
        octets = octets[:length]
        return octets if proven or kind > 2 else octets[:-16] + bytes(16)

    one, two, three = (struct.pack("<I", n) for n in (0x5EA51DE1, 0x7A11C0DE, 0x0B0A7001))
    data = [
        (up, message(4, receiver + struct.pack("<Q", number), 32 + size))
        for up, receiver, number, size in (
            (True, two, 0, 96),
            (False, one, 0, 112),
            (True, two, 1, 0),
        )
    ]
    first = [(True, message(1, one, 148)), (False, message(2, two + one, 92)), *data]
    loaded = [
        (True, message(1, three, 148)),
        (False, message(3, three, 64)),
        (True, message(1, two, 148, proven=True)),
        (False, message(2, one + two, 92, proven=True)),
        (True, message(4, one + bytes(8), 48)),
    ]
    turns = datagrams((NEAR, 40001), (FAR, 51820), first)
    turns += datagrams((NEAR6, 40002), (FAR6, 4433), loaded)
    turns += datagrams((NEAR, 40003), (FAR, 51820), [(True, message(1, one, 148))])
    write(target, wrapped(turns, lambda t: ethernet(t.packet)))


def _payloads(parts: Sequence[tuple[int, bytes]]) -> bytes:
    following = [kind for kind, _ in parts[1:]] + [0]
    return b"".join(
        struct.pack("!BBH", after, 0, len(octets) + 4) + octets
        for (_, octets), after in zip(parts, following, strict=True)
    )


def _ike(
    spis: bytes,
    exchange: int,
    flags: int,
    number: int,
    parts: Sequence[tuple[int, bytes]],
) -> bytes:
    body = _payloads(parts)
    version = 0x20 if exchange >= 34 else 0x10
    head = struct.pack("!BBBBII", parts[0][0], version, exchange, flags, number, 28 + len(body))
    return spis + head + body


def _last(index: int, items: Sequence[bytes], more: int) -> int:
    return 0 if index == len(items) - 1 else more


def _proposal2(*transforms: tuple[int, int, int]) -> bytes:
    """One proposal of version 2: kind, number and key length of each transform."""
    octets = []
    for kind, number, bits in transforms:
        attribute = struct.pack("!HH", 0x800E, bits) if bits else b""
        octets.append(struct.pack("!BBH", kind, 0, number) + attribute)
    body = b"".join(
        struct.pack("!BBH", _last(n, octets, 3), 0, len(t) + 4) + t for n, t in enumerate(octets)
    )
    return struct.pack("!BBHBBBB", 0, 0, len(body) + 8, 1, 1, 0, len(octets)) + body


def _association1(*transforms: tuple[tuple[int, int], ...]) -> bytes:
    """One proposal of version 1: attributes of each transform."""
    octets = [
        struct.pack("!BBH", n + 1, 1, 0)
        + b"".join(struct.pack("!HH", 0x8000 | kind, value) for kind, value in attributes)
        for n, attributes in enumerate(transforms)
    ]
    body = b"".join(
        struct.pack("!BBH", _last(n, octets, 3), 0, len(t) + 4) + t for n, t in enumerate(octets)
    )
    proposal = struct.pack("!BBHBBBB", 0, 0, len(body) + 8, 1, 1, 0, len(octets)) + body
    return struct.pack("!II", 1, 1) + proposal


def _notify2(kind: int, data: bytes = b"") -> tuple[int, bytes]:
    return 41, struct.pack("!BBH", 0, 0, kind) + data


@built(
    "isakmp.pcap",
    expect={
        "isakmp.exchangetype == 34": 4,
        "isakmp.exchangetype == 35": 2,
        "isakmp.exchangetype == 37": 2,
        "isakmp.exchangetype == 2": 6,
        "isakmp.exchangetype == 32": 3,
        "udp.dstport == 10500": 1,
        "isakmp.notify.msgtype == 14": 1,
        "udpencap.nat_keepalive": 1,
        "udp.port == 4500 && esp": 2,
    },
)
def isakmp(target: Path) -> None:
    """IKE: version 2 with a translator of addresses between, ESP and signs of life in UDP; a
    refused proposal over IPv6; main and quick mode of version 1, and an aggressive one on a port of
    its own."""
    nonce, key = noise("nonce", 32), noise("key", 256)
    own, both = noise("own", 8) + bytes(8), noise("own", 8) + noise("other", 8)
    good = _proposal2((1, 12, 256), (2, 5, 0), (3, 12, 0), (4, 14, 0))
    detection = [_notify2(16388, noise("a", 20)), _notify2(16389, noise("b", 20))]
    exchanged = [(34, struct.pack("!HH", 14, 0) + key), (40, nonce)]
    natted = [(33, good), *exchanged, *detection, _notify2(16430)]
    init = [
        (True, _ike(own, 34, 0x08, 0, [*natted, (43, b"harbour laboratory")])),
        (False, _ike(both, 34, 0x20, 0, natted)),
    ]
    secret = (46, noise("secret", 96))
    mark = bytes(4)
    later = [
        (True, mark + _ike(both, 35, 0x08, 1, [secret])),
        (False, mark + _ike(both, 35, 0x20, 1, [secret])),
        (True, struct.pack("!II", 0xC0FFEE01, 1) + noise("esp", 88)),
        (False, struct.pack("!II", 0xC0FFEE02, 1) + noise("pse", 88)),
        (True, b"\xff"),
        (True, mark + _ike(both, 37, 0x08, 2, [secret])),
        (False, mark + _ike(both, 37, 0x20, 2, [secret])),
    ]
    weak = _proposal2((1, 3, 0), (2, 2, 0), (3, 2, 0), (4, 2, 0))
    refused = [
        (True, _ike(own, 34, 0x08, 0, [(33, weak), *exchanged])),
        (False, _ike(both, 34, 0x20, 0, [_notify2(14)])),
    ]
    strong = ((1, 7), (14, 256), (2, 4), (3, 1), (4, 14))
    old = ((1, 5), (2, 2), (3, 1), (4, 2))
    peers = bytes.fromhex("afcad71368a1f1c96b8696fc77570100")
    past = bytes.fromhex("4a131c81070358455c5728f20e95452f")
    offered = [(1, _association1(strong, old)), (13, peers), (13, past)]
    clear = [(4, key), (10, nonce)]

    def hidden(exchange: int, number: int, first: int, seed: str) -> bytes:
        head = struct.pack("!BBBBII", first, 0x10, exchange, 1, number, 28 + 64)
        return both + head + noise(seed, 64)

    main = [
        (True, _ike(own, 2, 0, 0, offered)),
        (False, _ike(both, 2, 0, 0, [(1, _association1(strong)), (13, peers)])),
        (True, _ike(both, 2, 0, 0, clear)),
        (False, _ike(both, 2, 0, 0, clear)),
        (True, hidden(2, 0, 5, "c")),
        (False, hidden(2, 0, 5, "d")),
        *(
            (up, hidden(32, 0x77AA0001, 8, seed))
            for up, seed in ((True, "e"), (False, "f"), (True, "g"))
        ),
    ]
    who = struct.pack("!BBH", 2, 0, 0) + b"heron"
    quick = [
        (True, _ike(own, 4, 0, 0, [(1, _association1(old)), *clear, (5, who)])),
        (False, _ike(both, 4, 0, 0, [(1, _association1(old)), *clear, (5, who), (8, nonce)])),
    ]
    turns = datagrams((NEAR, 500), (FAR, 500), init)
    turns += datagrams((NEAR, 4500), (FAR, 4500), later)
    turns += datagrams((NEAR6, 500), (FAR6, 500), refused)
    turns += datagrams((NEAR, 848), (FAR, 500), main)
    turns += datagrams((NEAR, 40500), (FAR, 10500), quick)
    write(target, wrapped(turns, lambda t: ethernet(t.packet)))


def _avp(code: int, value: bytes | str | int, vendor: int = 0, *, mandatory: bool = True) -> bytes:
    octets = value.to_bytes(4, "big") if isinstance(value, int) else value
    octets = octets.encode() if isinstance(octets, str) else octets
    flags = (0x80 if vendor else 0) | (0x40 if mandatory else 0)
    head = struct.pack(
        "!IB3s", code, flags, (len(octets) + (12 if vendor else 8)).to_bytes(3, "big")
    )
    head += struct.pack("!I", vendor) if vendor else b""
    return head + octets + bytes(-len(octets) % 4)


def _diameter(flags: int, command: int, application: int, number: int, *avps: bytes) -> bytes:
    body = b"".join(avps)
    head = struct.pack(
        "!B3sB3s", 1, (20 + len(body)).to_bytes(3, "big"), flags, command.to_bytes(3, "big")
    )
    return head + struct.pack("!III", application, number, 0x5A000000 | number) + body


@built(
    "diameter.pcap",
    expect={
        "diameter.flags.request == 1": 6,
        "diameter.flags.request == 0": 6,
        "diameter.cmd.code == 272": 3,
        "diameter.cmd.code == 316": 2,
        "diameter && sctp": 4,
        "tcp.port == 13868 && tcp.len > 0": 2,
        "diameter.flags.error == 1": 1,
        "diameter.Experimental-Result-Code == 5001": 1,
    },
)
def diameter(target: Path) -> None:
    """Diameter over TCP: capabilities, credit control whose answers come in another order, a realm
    nobody serves, a watchdog nobody answers; over SCTP: a location update refused by the
    application; over IPv6 on a port of its own: an accounting record."""
    mme, hss = _avp(264, "mme.example.org"), _avp(264, "hss.example.org")
    realm, to = _avp(296, "example.org"), _avp(283, "example.org")
    asked, told = mme + realm, hss + realm
    good = _avp(268, 2001)

    def capabilities(who: bytes) -> bytes:
        address = _avp(257, b"\0\1" + bytes([192, 0, 2, 10]))
        product = _avp(269, "harbour laboratory", mandatory=False)
        return who + address + _avp(266, 0) + product + _avp(258, 4)

    def credit(session: str, kind: int, number: int) -> bytes:
        return _avp(263, session) + asked + to + _avp(258, 4) + _avp(416, kind) + _avp(415, number)

    def granted(session: str, kind: int, number: int) -> bytes:
        return _avp(263, session) + good + told + _avp(258, 4) + _avp(416, kind) + _avp(415, number)

    lost = _avp(268, 3003) + told + _avp(281, "no such realm", mandatory=False)
    control = [
        (True, _diameter(0x80, 257, 0, 1, capabilities(asked))),
        (False, _diameter(0, 257, 0, 1, good + capabilities(told))),
        (
            True,
            _diameter(0xC0, 272, 4, 2, credit("mme;1;1", 1, 0))
            + _diameter(0xD0, 272, 4, 3, credit("mme;1;2", 3, 7)),
        ),
        (False, _diameter(0x40, 272, 4, 3, granted("mme;1;2", 3, 7))),
        (False, _diameter(0x40, 272, 4, 2, granted("mme;1;1", 1, 0))),
        (True, _diameter(0xC0, 275, 4, 4, _avp(263, "mme;1;3") + asked + _avp(283, "example.net"))),
        (False, _diameter(0x60, 275, 4, 4, _avp(263, "mme;1;3") + lost)),
        (True, _diameter(0x80, 280, 0, 5, asked)),
    ]
    turns = stream((NEAR, 40001), (FAR, 3868), control)
    record = _avp(263, "mme;2;1") + asked + to + _avp(480, 2) + _avp(485, 0)
    account = [
        (True, _diameter(0xC0, 271, 3, 9, record)),
        (False, _diameter(0x40, 271, 3, 9, _avp(263, "mme;2;1") + good + told)),
    ]
    turns += stream((NEAR6, 40002), (FAR6, 13868), account)
    frames = wrapped(turns, lambda t: ethernet(t.packet))

    s6a = 16_777_251
    user = _avp(1, "001010000000042")
    update = _avp(263, "mme;3;1") + asked + to + user + _avp(1407, b"\0\xf1\x10", 10415)
    unknown = _avp(297, _avp(266, 10415) + _avp(298, 5001))
    said = (
        (True, _diameter(0xC0, 316, s6a, 21, update)),
        (False, _diameter(0x40, 316, s6a, 21, _avp(263, "mme;3;1") + unknown + told)),
        (True, _diameter(0xC0, 321, s6a, 22, _avp(263, "mme;3;2") + asked + to + user)),
        (False, _diameter(0x40, 321, s6a, 22, _avp(263, "mme;3;2") + good + told)),
    )
    frames += [_associated(number, up, octets) for number, (up, octets) in enumerate(said)]
    write(target, frames)


def _associated(number: int, up: bool, octets: bytes) -> Layer:
    """One user message of an association, as Diameter's own payload protocol."""
    data = chunk(0, 3, struct.pack("!IHHI", 100 + number, 0, number // 2, 46) + octets)
    source, target = ((NEAR, 40003), (FAR, 3868)) if up else ((FAR, 3868), (NEAR, 40003))
    layer = sctp(source[1], target[1], 0x11 if up else 0x22, data)
    return ethernet(ipv4(source[0], target[0], layer))


def _ssdp(start: str, *lines: str) -> bytes:
    return "\r\n".join((start, *lines, "", "")).encode()


@built(
    "ssdp.pcap",
    expect={
        "ssdp && http.request.method == M-SEARCH": 2,
        "ssdp && http.request.method == NOTIFY": 2,
        "udp.srcport == 40003": 1,
        "ssdp && ipv6": 1,
    },
)
def ssdp(target: Path) -> None:
    """SSDP: searches of IPv4 and IPv6, an answer from a port of its own, an announcement and a
    farewell."""
    thing, usn = "urn:example-org:device:Buoy:1", "uuid:0000002a::urn:example-org:device:Buoy:1"
    four, six = "239.255.255.250", "ff02::c"
    search = ('MAN: "ssdp:discover"', "MX: 2", f"ST: {thing}", "USER-AGENT: harbour/1 UPnP/2.0")
    where = ("LOCATION: http://192.0.2.20:8080/buoy.xml", "SERVER: harbour/1 UPnP/2.0 buoy/3")
    told = ("CACHE-CONTROL: max-age = 1800", *where, f"USN: {usn}")
    gone = (f"NT: {thing}", "NTS: ssdp:byebye", f"USN: {usn}")
    turns = []
    for source, port, group, said in (
        (NEAR, 40001, four, _ssdp("M-SEARCH * HTTP/1.1", f"HOST: {four}:1900", *search)),
        (NEAR6, 40002, six, _ssdp("M-SEARCH * HTTP/1.1", f"HOST: [{six}]:1900", *search)),
        (
            FAR,
            1900,
            four,
            _ssdp(
                "NOTIFY * HTTP/1.1", f"HOST: {four}:1900", f"NT: {thing}", "NTS: ssdp:alive", *told
            ),
        ),
        (FAR, 1900, four, _ssdp("NOTIFY * HTTP/1.1", f"HOST: {four}:1900", *gone)),
    ):
        turns += datagrams((source, port), (group, 1900), [(True, said)])
    answer = _ssdp("HTTP/1.1 200 OK", f"ST: {thing}", "EXT:", *told)
    turns += datagrams((FAR, 40003), (NEAR, 40001), [(True, answer)])
    write(target, wrapped(turns, lambda t: ethernet(t.packet)))


def _framed(kind: int, body: bytes) -> bytes:
    """A sample of sFlow or a record in one, with its length."""
    return struct.pack("!II", kind, len(body)) + body


def _words(*numbers: int) -> bytes:
    return struct.pack(f"!{len(numbers)}I", *numbers)


@built(
    "sflow.pcap",
    expect={
        "sflow_245.version == 5": 4,
        "sflow_245.sampletype == 1": 3,
        "sflow_245.sampletype == 2": 2,
        "ipv6 && udp.dstport == 7343": 2,
    },
)
def sflow(target: Path) -> None:
    """sFlow: sampled packets and counters of two interfaces in both notations, of which a datagram
    is missing and one comes late; an agent with an address of IPv6 on a port of its own."""
    sampled = ethernet(network(NEAR, FAR, udp(40001, 53, noise("sampled", 40)))).octets
    filled = sampled + bytes(-len(sampled) % 4)
    raw = _framed(1, _words(1, 1514, 4, len(sampled)) + filled)
    switch = _framed(1001, _words(20, 0, 30, 0))
    interface = _framed(1, _words(2, 6, 0, 1_000_000_000, 1, 3, 0, 71_000, *[9] * 14))
    five = _framed(2, _words(*[1] * 13))

    def flow_sample(number: int, rate: int) -> bytes:
        pool = number * rate
        return _framed(1, _words(number, 2, rate, pool, 3, 2, 5, 2) + raw + switch)

    counters = _framed(2, _words(8, 2, 2) + interface + five)
    wide = _framed(3, _words(4, 0, 2, 64, 256, 0, 0, 2, 0, 5, 1) + raw)
    wide_counters = _framed(4, _words(2, 0, 2, 1) + interface)

    def datagram(address: bytes, number: int, *samples: bytes) -> tuple[bool, bytes]:
        kind = 1 if len(address) == 4 else 2
        head = _words(5, kind) + address + _words(0, number, number * 1000, len(samples))
        return True, head + b"".join(samples)

    near = bytes([192, 0, 2, 10])
    near6 = bytes.fromhex("20010db8000000000000000000000010")
    four = [
        datagram(near, 1, flow_sample(1, 512), counters),
        datagram(near, 2, flow_sample(2, 512)),
        datagram(near, 5, flow_sample(5, 512)),
        datagram(near, 4, counters),
    ]
    six = [datagram(near6, 1, wide, wide_counters), datagram(near6, 2)]
    turns = datagrams((NEAR, 40004), (FAR, 6343), four)
    turns += datagrams((NEAR6, 40005), (FAR6, 7343), six)
    write(target, wrapped(turns, lambda t: ethernet(t.packet)))
