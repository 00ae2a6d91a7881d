"""Whole conversations between two hosts, for captures that need something real inside."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from built.packet import ACK, FIN, PSH, SYN, Layer, ipv4, ipv6, tcp, udp
from pcapfile import ETHERNET, Record, write_pcap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

START_NS = 1_704_067_200_000_000_000
"""The moment every built capture starts: 2024-01-01, 00:00 UTC."""
STEP_NS = 1_500_000


@dataclass(frozen=True)
class Turn:
    """A packet of a conversation and its direction."""

    packet: Layer
    up: bool
    """From the one who began."""


def network(source: str, target: str, payload: Layer, identification: int = 0) -> Layer:
    """IPv4 or IPv6, as the addresses are."""
    if ":" in source:
        return ipv6(source, target, payload)
    return ipv4(source, target, payload, identification=identification)


def datagrams(
    client: tuple[str, int], server: tuple[str, int], said: Iterable[tuple[bool, bytes]]
) -> list[Turn]:
    """Datagrams by UDP: whether it goes up, and its octets."""
    turns = []
    for up, octets in said:
        (source, source_port), (target, target_port) = (client, server) if up else (server, client)
        turns.append(Turn(network(source, target, udp(source_port, target_port, octets)), up))
    return turns


def stream(
    client: tuple[str, int],
    server: tuple[str, int],
    said: Iterable[tuple[bool, bytes]],
    *,
    segment: int = 1400,
    first_sequence: int = 1000,
) -> list[Turn]:
    """A TCP connection from handshake to FIN that carries what is said."""
    turns: list[Turn] = []
    sequence = {True: first_sequence, False: first_sequence + 0x10000000}

    def send(up: bool, flags: int, payload: bytes = b"", options: bytes = b"") -> None:
        (source, source_port), (target, target_port) = (client, server) if up else (server, client)
        acknowledgement = sequence[not up] if flags & ACK else 0
        layer = tcp(
            source_port,
            target_port,
            sequence[up],
            acknowledgement,
            flags,
            payload=payload,
            options=options,
        )
        turns.append(Turn(network(source, target, layer, len(turns) + 1), up))
        sequence[up] += len(payload) + (1 if flags & (SYN | FIN) else 0)

    greeting = struct.pack("!BBHBBBBBB", 2, 4, 1460, 4, 2, 1, 3, 3, 7)
    send(True, SYN, options=greeting)
    send(False, SYN | ACK, options=greeting)
    send(True, ACK)
    for up, octets in said:
        for at in range(0, len(octets), segment):
            last = at + segment >= len(octets)
            send(up, ACK | PSH if last else ACK, octets[at : at + segment])
        send(not up, ACK)
    send(True, ACK | FIN)
    send(False, ACK | FIN)
    send(True, ACK)
    return turns


_BODY = b"High water at noon, low water at six.\n"
_REQUEST = (
    b"GET /tides.txt HTTP/1.1\r\nHost: %s\r\nUser-Agent: harbour-client/1\r\nAccept: */*\r\n\r\n"
)
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: harbour\r\nContent-Type: text/plain\r\n"
    b"Content-Length: %d\r\n\r\n%s"
)


def web(client: str, server: str, host: str = "inner.example.com", port: int = 40001) -> list[Turn]:
    """One HTTP request and its answer."""
    said = [(True, _REQUEST % host.encode()), (False, _ANSWER % (len(_BODY), _BODY))]
    return stream((client, port), (server, 80), said)


def dns_name(name: str) -> bytes:
    """A domain name as labels."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def dns_query(
    identifier: int, name: str, kind: int = 1, *, flags: int = 0x0100, unicast: int = 0
) -> bytes:
    """A query for one name."""
    head = struct.pack("!6H", identifier, flags, 1, 0, 0, 0)
    return head + dns_name(name) + struct.pack("!HH", kind, 1 | unicast << 15)


def dns_answer(
    identifier: int,
    name: str,
    kind: int,
    answers: Sequence[bytes],
    *,
    flags: int = 0x8180,
    ttl: int = 300,
) -> bytes:
    """The answer to such a query; `answers` are the data of its records, whose name is a
    pointer."""
    head = struct.pack("!6H", identifier, flags, 1, len(answers), 0, 0)
    octets = head + dns_name(name) + struct.pack("!HH", kind, 1)
    for answer in answers:
        octets += struct.pack("!HHHIH", 0xC00C, kind, 1, ttl, len(answer)) + answer
    return octets


def lookup(
    client: str, server: str, name: str = "inner.example.com", port: int = 40002
) -> list[Turn]:
    """One DNS query over UDP and its answer."""
    said = [
        (True, dns_query(0x1A2B, name)),
        (False, dns_answer(0x1A2B, name, 1, [bytes([192, 0, 2, 80])])),
    ]
    return datagrams((client, port), (server, 53), said)


def wrapped(turns: Iterable[Turn], outer: Callable[[Turn], Layer]) -> list[Layer]:
    """Every packet of a conversation inside something."""
    return [outer(turn) for turn in turns]


def write(target: Path, frames: Iterable[Layer], link: int = ETHERNET) -> None:
    """Writes frames to a capture, one every `STEP_NS`."""
    records = [Record(START_NS + n * STEP_NS, frame.octets) for n, frame in enumerate(frames)]
    write_pcap(target, link, records)
