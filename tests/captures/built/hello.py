"""ClientHellos that no tool at hand sends: encrypted client hello, many extensions of the future,
broken ones."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.dialogue import stream, wrapped, write
from built.link import directed
from built.tunnels import FAR, NEAR
from catalogue import built
from content import ciphertext

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def extension(kind: int, value: bytes) -> bytes:
    """One extension of a hello."""
    return struct.pack("!HH", kind, len(value)) + value


def server_name(name: str) -> bytes:
    """The server_name extension."""
    octets = name.encode()
    return extension(0, struct.pack("!HBH", len(octets) + 3, 0, len(octets)) + octets)


def _list16(values: Sequence[int]) -> bytes:
    return struct.pack(f"!H{len(values)}H", 2 * len(values), *values)


def alpn(*protocols: bytes) -> bytes:
    """The application_layer_protocol_negotiation extension."""
    octets = b"".join(bytes([len(p)]) + p for p in protocols)
    return extension(16, struct.pack("!H", len(octets)) + octets)


def client_hello(ciphers: Sequence[int], extensions: bytes, *, seed: int = 1) -> bytes:
    """A ClientHello in its handshake header."""
    body = struct.pack("!H", 0x0303) + ciphertext(32, seed) + b"\x20" + ciphertext(32, seed + 1)
    body += _list16(ciphers) + b"\x01\x00" + struct.pack("!H", len(extensions)) + extensions
    return b"\x01" + len(body).to_bytes(3, "big") + body


def record(kind: int, octets: bytes, version: int = 0x0301) -> bytes:
    """A TLS record."""
    return struct.pack("!BHH", kind, version, len(octets)) + octets


def browser_extensions(name: str, *, hidden: int = 0) -> bytes:
    """The extensions that a browser sends; `hidden` octets of encrypted ClientHello if any."""
    grease, key = 0x4A4A, struct.pack("!HH", 29, 32) + ciphertext(32, 77)
    shares = struct.pack("!HHB", grease, 1, 0) + key
    octets = (
        extension(grease, b"") + server_name(name) + extension(23, b"") + extension(0xFF01, b"\0")
    )
    octets += (
        extension(10, _list16([grease, 29, 23, 24]))
        + extension(11, b"\x01\x00")
        + extension(35, b"")
    )
    octets += alpn(b"h2", b"http/1.1") + extension(5, b"\x01\0\0\0\0")
    octets += extension(
        13, _list16([0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601])
    )
    octets += extension(18, b"") + extension(51, struct.pack("!H", len(shares)) + shares)
    octets += extension(45, b"\x01\x01") + extension(
        43, b"\x06" + struct.pack("!3H", 0x5A5A, 0x0304, 0x0303)
    )
    octets += extension(27, b"\x02\x00\x02") + extension(17513, b"\x00\x03\x02h2")
    if hidden:
        outer = struct.pack("!BHHBH", 0, 1, 1, 0x21, 32) + ciphertext(32, 5)
        octets += extension(0xFE0D, outer + struct.pack("!H", hidden) + ciphertext(hidden, 6))
    return octets + extension(0x6A6A, b"\0") + extension(21, bytes(16))


BROWSER_CIPHERS = (
    0x2A2A,
    0x1301,
    0x1302,
    0x1303,
    0xC02B,
    0xC02F,
    0xC02C,
    0xC030,
    0xCCA9,
    0xCCA8,
    0x9C,
    0x2F,
)


def server_hello() -> bytes:
    """A ServerHello of TLS 1.3."""
    share = extension(51, struct.pack("!HH", 29, 32) + ciphertext(32, 88)) + extension(
        43, b"\x03\x04"
    )
    body = (
        struct.pack("!H", 0x0303)
        + ciphertext(32, 9)
        + b"\x20"
        + ciphertext(32, 2)
        + b"\x13\x01\x00"
    )
    body += struct.pack("!H", len(share)) + share
    return b"\x02" + len(body).to_bytes(3, "big") + body


@built(
    "tls-ech.pcap",
    expect={
        "tls.handshake.type == 1": 2,
        "tls.handshake.extension.type == 65037": 1,
        'tls.handshake.extensions_server_name == "public.example.com"': 1,
        "tls.handshake.type == 2": 1,
        "tls.app_data": 3,
    },
)
def tls_ech(target: Path) -> None:
    """A browser-like ClientHello with encrypted client hello and reserved (GREASE) values, answered
    in TLS 1.3; and one with the same extensions but no encrypted part."""
    frames = []
    for number, hidden in enumerate((176, 0)):
        hello = client_hello(
            BROWSER_CIPHERS, browser_extensions("public.example.com", hidden=hidden)
        )
        change = record(20, b"\x01", 0x0303)
        answer = (
            record(22, server_hello(), 0x0303) + change + record(23, ciphertext(900, 3), 0x0303)
        )
        said = [
            (True, record(22, hello)),
            (False, answer),
            (
                True,
                change
                + record(23, ciphertext(53, 4), 0x0303)
                + record(23, ciphertext(120, 5), 0x0303),
            ),
            (False, record(23, ciphertext(400, 6), 0x0303)),
        ]
        talk = stream((NEAR, 40700 + number), (FAR, 443), said)
        frames += wrapped(talk, lambda t: directed(t.up, t.packet))
    write(target, frames)


@built("tls-malformed.pcap", expect={"tcp.port == 443": 60}, flaws=("_ws.malformed",))
def tls_malformed(target: Path) -> None:
    """Things sent to port 443 that lie: a record longer than TLS allows, a ClientHello split over
    three records, one longer than its record says for good, an extension beyond the end, a server
    name of no length, a name list that overruns, forty empty records, a version 2 hello, and no TLS
    at all."""
    good = client_hello(BROWSER_CIPHERS, browser_extensions("www.example.com"))
    split = b"".join(record(22, good[at : at + 200]) for at in range(0, len(good), 200))
    overrun = extension(0, struct.pack("!HBH", 0x4000, 0, 0x3FFD) + b"short")
    sent = [
        struct.pack("!BHH", 22, 0x0301, 0xFFFF) + good,
        split,
        record(22, good[:1] + (0xFFFFFF).to_bytes(3, "big") + good[4:]),
        record(22, client_hello((0x1301,), struct.pack("!HH", 43, 500) + b"\x02\x03\x04")),
        record(22, client_hello((0x1301,), server_name(""))),
        record(22, client_hello((0x1301,), overrun)),
        record(22, b"") * 40 + record(22, good),
        b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10" + b"\x00\x00\x2f" * 7 + ciphertext(16, 8),
        b"\x16\x03\x01is what a handshake starts with, this is not one\n",
    ]
    frames = []
    for number, octets in enumerate(sent):
        talk = stream((NEAR, 40720 + number), (FAR, 443), [(True, octets)])
        frames += wrapped(talk, lambda t: directed(t.up, t.packet))
    write(target, frames)
