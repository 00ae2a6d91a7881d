"""Brokers whose servers no small package has: Kafka, AMQP."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.dialogue import Turn, stream, write
from built.link import directed
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def _text(value: str) -> bytes:
    return struct.pack("!h", len(value)) + value.encode()


def _kafka(key: int, version: int, number: int, body: bytes, *, tags: bytes = b"") -> bytes:
    head = struct.pack("!hhi", key, version, number) + _text("ledger") + tags
    return struct.pack("!i", len(head) + len(body)) + head + body


def _kafka_answer(number: int, body: bytes) -> bytes:
    return struct.pack("!ii", len(body) + 4, number) + body


def _kafka_work() -> list[tuple[bool, bytes]]:
    """A producer and a consumer on one connection: versions, topics, a batch that is kept and one
    that is refused, what is fetched, a group."""
    versions = struct.pack("!hi", 0, 2) + struct.pack("!6h", 0, 0, 9, 3, 0, 12)
    metadata = struct.pack("!i", 1) + _text("tide") + b"\1"
    topics = struct.pack("!iii", 0, 1, 1) + _text("broker") + struct.pack("!ihhi", 9092, -1, -1, 1)
    topics += struct.pack("!ih", 1, 0) + _text("tide") + struct.pack("!?i", False, 0)
    batch = struct.pack("!qiiBI", 0, 49, 0, 2, 0) + bytes(40)

    def produce(topic: str, acks: int) -> bytes:
        return (
            struct.pack("!hhii", -1, acks, 30_000, 1)
            + _text(topic)
            + struct.pack("!iii", 1, 0, len(batch))
            + batch
        )

    def produced(topic: str, error: int) -> bytes:
        partition = struct.pack("!ihqqq", 0, error, 0, -1, 0)
        return struct.pack("!i", 1) + _text(topic) + struct.pack("!i", 1) + partition + bytes(4)

    fetch = struct.pack("!iiiibii", -1, 500, 1, 1 << 20, 0, 0, -1)
    partition = struct.pack("!iiqqi", 0, -1, 0, -1, 1 << 20)
    fetch += struct.pack("!i", 1) + _text("tide") + struct.pack("!i", 1) + partition
    fetch += struct.pack("!i", 0) + _text("")
    fetched = struct.pack("!ihii", 0, 0, 0, 0)
    group = _text("crews") + struct.pack("!ii", 10_000, 60_000) + _text("") + struct.pack("!h", -1)
    group += _text("consumer") + struct.pack("!i", 0)
    joined = struct.pack("!ihi", 0, 79, -1) + _text("") * 3 + struct.pack("!i", 0)
    return [
        (True, _kafka(18, 0, 1, b"")),
        (False, _kafka_answer(1, versions)),
        (True, _kafka(3, 4, 2, metadata)),
        (False, _kafka_answer(2, topics)),
        (True, _kafka(0, 7, 3, produce("tide", 1)) + _kafka(0, 7, 4, produce("storm", -1))),
        (False, _kafka_answer(3, produced("tide", 0)) + _kafka_answer(4, produced("storm", 3))),
        (True, _kafka(0, 7, 5, produce("tide", 0))),
        (True, _kafka(1, 11, 6, fetch)),
        (False, _kafka_answer(6, fetched)),
        (True, _kafka(11, 5, 7, group)),
        (False, _kafka_answer(7, joined)),
    ]


def _kafka_login() -> list[tuple[bool, bytes]]:
    """A client that says what it is, and logs in by a password that is wrong."""
    about = b"\x0fharbour-client\x043.9\0"
    versions = b"\0\0\2\0\x12\0\0\0\3\0" + bytes(5)
    proof = b"\0keeper\0lantern"
    words = b"\0\x0eno such keeper"
    return [
        (True, _kafka(18, 3, 70001, about, tags=b"\0")),
        (False, _kafka_answer(70001, versions)),
        (True, _kafka(17, 1, 70002, _text("PLAIN"))),
        (False, _kafka_answer(70002, struct.pack("!hi", 0, 1) + _text("PLAIN"))),
        (True, _kafka(36, 1, 70003, struct.pack("!i", len(proof)) + proof)),
        (False, _kafka_answer(70003, struct.pack("!h", 58) + words + bytes(12))),
    ]


def _both(
    old: list[tuple[bool, bytes]], ports: tuple[int, int], new: list[tuple[bool, bytes]]
) -> Iterable[Turn]:
    """One conversation over IPv4, and one over IPv6 on another port."""
    yield from stream((NEAR, 40201), (FAR, ports[0]), old)
    yield from stream((NEAR6, 40202), (FAR6, ports[1]), new)


@built(
    "kafka.pcap",
    expect={
        "kafka.api_key == 0": 1,
        "kafka.api_key == 3": 1,
        "kafka.api_key == 11": 1,
        "tcp.port == 19092 && ipv6 && tcp.len > 0": 6,
    },
)
def kafka(target: Path) -> None:
    """Kafka: versions, topics, batches kept, refused and unanswered, a fetch, a group; a login that
    fails, over IPv6 on port 19092."""
    turns = _both(_kafka_work(), (9092, 19092), _kafka_login())
    write(target, [directed(turn.up, turn.packet) for turn in turns])


def _short(value: str) -> bytes:
    return bytes([len(value)]) + value.encode()


def _long(value: bytes) -> bytes:
    return struct.pack("!I", len(value)) + value


def _frame(kind: int, channel: int, body: bytes) -> bytes:
    return struct.pack("!BHI", kind, channel, len(body)) + body + b"\xce"


def _method(channel: int, class_: int, number: int, body: bytes = b"") -> bytes:
    return _frame(1, channel, struct.pack("!HH", class_, number) + body)


def _product(name: str, version: str) -> bytes:
    fields = {"product": name, "version": version, "platform": "Harbour"}
    return _long(b"".join(_short(k) + b"S" + _long(v.encode()) for k, v in fields.items()))


def _content(channel: int, text: bytes) -> bytes:
    head = struct.pack("!HHQH", 60, 0, len(text), 0x8000) + _short("text/plain")
    return _frame(2, channel, head) + _frame(3, channel, text)


def _amqp_old() -> list[tuple[bool, bytes]]:
    """A login, a queue that the server names, what is published and delivered, and a channel that
    is closed for an error."""
    start = b"\0\x09" + _product("RabbitMQ", "3.10.8") + _long(b"PLAIN AMQPLAIN") + _long(b"en_US")
    proof = _product("harbour-client", "1.2") + _short("PLAIN") + _long(b"\0keeper\0lantern")
    tune = struct.pack("!HIH", 2047, 131_072, 60)
    publish = bytes(2) + _short("log") + _short("tide") + b"\0"
    deliver = _short("ctag1") + struct.pack("!QB", 1, 0) + _short("log") + _short("tide")
    refusal = struct.pack("!H", 404) + _short("NOT_FOUND - no exchange 'storm'")
    return [
        (True, b"AMQP\0\0\x09\x01"),
        (False, _method(0, 10, 10, start)),
        (True, _method(0, 10, 11, proof + _short("en_US"))),
        (False, _method(0, 10, 30, tune)),
        (True, _method(0, 10, 31, tune) + _method(0, 10, 40, _short("harbour") + b"\0\0")),
        (False, _method(0, 10, 41, b"\0")),
        (True, _method(1, 20, 10, b"\0")),
        (False, _method(1, 20, 11, bytes(4))),
        (True, _method(1, 40, 10, bytes(2) + _short("log") + _short("topic") + b"\2" + bytes(4))),
        (False, _method(1, 40, 11)),
        (True, _method(1, 50, 10, bytes(2) + _short("") + b"\4" + bytes(4))),
        (False, _method(1, 50, 11, _short("amq.gen-heron") + struct.pack("!II", 0, 0))),
        (True, _method(1, 60, 20, bytes(2) + _short("amq.gen-heron") + _short("") + bytes(5))),
        (False, _method(1, 60, 21, _short("ctag1"))),
        (True, _method(1, 60, 40, publish) + _content(1, b"high water at noon")),
        (False, _method(1, 60, 60, deliver) + _content(1, b"high water at noon")),
        (True, _method(1, 60, 80, struct.pack("!QB", 1, 0))),
        (True, _frame(8, 0, b"")),
        (True, _method(1, 60, 40, bytes(2) + _short("storm") + _short("x") + b"\0")),
        (True, _content(1, b"lost")),
        (False, _method(1, 20, 40, refusal + struct.pack("!HH", 60, 40))),
        (True, _method(1, 20, 41)),
        (True, _method(0, 10, 50, struct.pack("!H", 200) + _short("bye") + bytes(4))),
        (False, _method(0, 10, 51)),
    ]


def _string(value: str) -> bytes:
    return bytes([0xA1, len(value)]) + value.encode()


def _symbol(value: str) -> bytes:
    return bytes([0xA3, len(value)]) + value.encode()


def _described(code: int, *items: bytes) -> bytes:
    inside = b"".join(items)
    return bytes([0, 0x53, code, 0xC0, len(inside) + 1, len(items)]) + inside


def _performative(code: int, *items: bytes, kind: int = 0, rest: bytes = b"") -> bytes:
    body = _described(code, *items) + rest
    return struct.pack("!IBBH", len(body) + 8, 2, kind, 0) + body


_NULL, _TRUE, _FALSE, _ZERO = b"\x40", b"\x41", b"\x42", b"\x43"


def _amqp_new() -> list[tuple[bool, bytes]]:
    """The layer of SASL, then a sender that sends one message, and a close with a reason."""
    proof = b"\xa0\x0f\0keeper\0lantern"
    target = _described(0x29, _string("tide"))
    attach = (_string("sender-1"), _ZERO, _FALSE, _NULL, _NULL, _described(0x28), target)
    error = _described(0x1D, _symbol("amqp:connection:forced"), _string("closing time"))
    data = b"\0\x53\x75\xa0\x12high water at noon"
    return [
        (True, b"AMQP\3\1\0\0"),
        (False, b"AMQP\3\1\0\0" + _performative(0x40, _symbol("PLAIN"), kind=1)),
        (True, _performative(0x41, _symbol("PLAIN"), proof, _string("store.example.com"), kind=1)),
        (False, _performative(0x44, b"\x50\0", kind=1)),
        (
            True,
            b"AMQP\0\1\0\0" + _performative(0x10, _string("gauge"), _string("store.example.com")),
        ),
        (False, b"AMQP\0\1\0\0" + _performative(0x10, _string("broker"))),
        (True, _performative(0x11, _NULL, _ZERO, b"\x52\x64", b"\x52\x64")),
        (False, _performative(0x11, b"\x60\0\0", _ZERO, b"\x52\x64", b"\x52\x64")),
        (True, _performative(0x12, *attach)),
        (False, _performative(0x12, _string("sender-1"), _ZERO, _TRUE)),
        (True, _performative(0x14, _ZERO, _ZERO, b"\xa0\x01\x01", _ZERO, rest=data)),
        (False, _performative(0x15, _TRUE, _ZERO, _NULL, _TRUE, _described(0x24))),
        (True, _performative(0x16, _ZERO, _TRUE)),
        (False, _performative(0x16, _ZERO, _TRUE)),
        (False, _performative(0x18, error)),
        (True, _performative(0x18)),
    ]


@built(
    "amqp.pcap",
    expect={
        "amqp.method.class == 10": 4,
        "amqp.method.class == 60": 4,
        "amqp.method.class == 50": 2,
        "ipv6 && tcp.port == 15672 && tcp.len > 0": 14,
    },
)
def amqp(target: Path) -> None:
    """AMQP: 0-9-1 with a login, calls, messages and a channel that is closed for an error; 1.0 over
    IPv6 on port 15672 with SASL, a link and a message."""
    turns = _both(_amqp_old(), (5672, 15672), _amqp_new())
    write(target, [directed(turn.up, turn.packet) for turn in turns])
