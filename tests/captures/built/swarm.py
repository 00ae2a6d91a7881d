"""BitTorrent: peers, the distributed hash table, trackers and uTP."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.dialogue import datagrams, stream, wrapped, write
from built.infrastructure import noise
from built.packet import ethernet
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_HASH = noise("torrent", 20)
_NEAR_PEER, _FAR_PEER = b"-HL1000-" + b"abcdefghijkl", b"-HL2100-" + b"mnopqrstuvwx"


def bencode(value: object) -> bytes:
    """Integers, octets, lists and dictionaries as BitTorrent writes them."""
    match value:
        case int():
            return b"i%de" % value
        case bytes():
            return b"%d:%s" % (len(value), value)
        case list():
            return b"l" + b"".join(map(bencode, value)) + b"e"
        case dict():
            parts = (bencode(key) + bencode(value[key]) for key in sorted(value))
            return b"d" + b"".join(parts) + b"e"
    raise TypeError(value)


def _greeting(peer: bytes) -> bytes:
    return b"\x13BitTorrent protocol" + bytes([0, 0, 0, 0, 0, 0x10, 0, 5]) + _HASH + peer


def _wire(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("!IB", len(body) + 1, kind) + body


def _dht(kind: bytes, number: bytes, more: Mapping[bytes, object]) -> bytes:
    return bencode({b"t": number, b"y": kind, b"v": b"HL\1\0", **more})


def _utp(kind: int, numbers: tuple[int, int, int], payload: bytes = b"") -> bytes:
    connection, sequence, acknowledged = numbers
    head = struct.pack(
        "!BBHIIIHH", kind << 4 | 1, 0, connection, 1000, 0, 65536, sequence, acknowledged
    )
    return head + payload


@built(
    "bittorrent.pcap",
    expect={
        "bittorrent && tcp.port == 6881": 4,
        "udp.port == 16881": 6,
        "udp.port == 16882": 5,
        "udp.dstport == 6969": 3,
        "ipv6 && udp.port == 6881": 2,
    },
)
def bittorrent(target: Path) -> None:
    """BitTorrent: two peers with extensions and content; the hash table asked for nodes and peers,
    and an error, over IPv4 and IPv6; a tracker; a handshake by uTP on a port of its own."""
    extended = bencode({b"m": {b"ut_pex": 1}, b"v": b"Harbour 1.0"})
    other = bencode({b"m": {b"ut_pex": 2}, b"v": b"Harbour 2.1"})
    request = struct.pack("!III", 0, 0, 2048)
    said = [
        (True, _greeting(_NEAR_PEER)),
        (False, _greeting(_FAR_PEER) + _wire(20, b"\0" + other) + _wire(5, b"\xf0")),
        (True, _wire(20, b"\0" + extended) + _wire(2)),
        (False, _wire(1)),
        (True, _wire(6, request)),
        (False, _wire(7, struct.pack("!II", 0, 0) + noise("content", 2048))),
        (True, _wire(4, struct.pack("!I", 0)) + bytes(4)),
    ]
    turns = stream((NEAR, 40001), (FAR, 6881), said)
    node, far_node = noise("node", 20), noise("far", 20)
    close = far_node + bytes([192, 0, 2, 30, 0x1A, 0xE1])
    asked = {b"id": node, b"info_hash": _HASH}
    found = {
        b"id": far_node,
        b"token": b"tk",
        b"values": [bytes([192, 0, 2, n, 0x1A, 0xE1]) for n in (31, 32)],
    }
    table = [
        (True, _dht(b"q", b"aa", {b"q": b"find_node", b"a": {b"id": node, b"target": node}})),
        (False, _dht(b"r", b"aa", {b"r": {b"id": far_node, b"nodes": close * 3}})),
        (True, _dht(b"q", b"ab", {b"q": b"get_peers", b"a": asked})),
        (False, _dht(b"r", b"ab", {b"r": found})),
        (
            True,
            _dht(
                b"q",
                b"ac",
                {b"q": b"announce_peer", b"a": {**asked, b"port": 6881, b"token": b"x"}},
            ),
        ),
        (False, _dht(b"e", b"ac", {b"e": [203, b"bad token"]})),
    ]
    turns += datagrams((NEAR, 6881), (FAR, 16881), table)
    ping = [
        (True, _dht(b"q", b"p1", {b"q": b"ping", b"a": {b"id": node}})),
        (False, _dht(b"r", b"p1", {b"r": {b"id": far_node}})),
    ]
    turns += datagrams((NEAR6, 40002), (FAR6, 6881), ping)
    connection = noise("connection", 8)
    announce = connection + struct.pack("!II", 1, 8) + _HASH + _NEAR_PEER
    announce += struct.pack("!QQQIIIiH", 0, 4096, 0, 2, 0, 7, -1, 6881)
    tracker = [
        (True, struct.pack("!QII", 0x41727101980, 0, 7)),
        (False, struct.pack("!II", 0, 7) + connection),
        (True, announce),
        (False, struct.pack("!IIIII", 1, 8, 1800, 1, 4) + bytes([192, 0, 2, 31, 0x1A, 0xE1])),
        (True, connection + struct.pack("!II", 2, 9) + _HASH),
        (False, struct.pack("!II", 3, 9) + b"no scraping here"),
    ]
    turns += datagrams((NEAR, 40003), (FAR, 6969), tracker)
    utp = [
        (True, _utp(4, (100, 1, 0))),
        (False, _utp(2, (100, 500, 1))),
        (True, _utp(0, (101, 2, 500), _greeting(_NEAR_PEER))),
        (False, _utp(0, (100, 501, 2), _greeting(_FAR_PEER))),
        (True, _utp(1, (101, 3, 501))),
    ]
    turns += datagrams((NEAR, 40004), (FAR, 16882), utp)
    write(target, wrapped(turns, lambda t: ethernet(t.packet)))
