"""Stores whose servers no package has: MongoDB, SQL Server."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.dialogue import Turn, stream, write
from built.link import directed
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path

Value = str | int | float | bool | bytes | list["Value"] | dict[str, "Value"]


def _element(name: str, value: Value) -> bytes:
    match value:
        case bool():
            kind, body = 8, bytes([value])
        case int():
            kind, body = 16, struct.pack("<i", value)
        case float():
            kind, body = 1, struct.pack("<d", value)
        case str():
            text = value.encode() + b"\0"
            kind, body = 2, struct.pack("<i", len(text)) + text
        case bytes():
            kind, body = 5, struct.pack("<iB", len(value), 0) + value
        case list():
            kind, body = 4, bson({str(n): item for n, item in enumerate(value)})
        case dict():
            kind, body = 3, bson(value)
    return bytes([kind]) + name.encode() + b"\0" + body


def bson(fields: dict[str, Value]) -> bytes:
    """A document."""
    body = b"".join(_element(name, value) for name, value in fields.items()) + b"\0"
    return struct.pack("<i", len(body) + 4) + body


def _mongo(number: int, answers: int, operation: int, body: bytes) -> bytes:
    return struct.pack("<4i", 16 + len(body), number, answers, operation) + body


def _msg(number: int, answers: int, fields: dict[str, Value], *, flags: int = 0) -> bytes:
    return _mongo(number, answers, 2013, struct.pack("<IB", flags, 0) + bson(fields))


def _mongo_old() -> list[tuple[bool, bytes]]:
    """Operations of the old kind: a greeting as drivers send it first, a query, an insertion."""
    client: Value = {
        "application": {"name": "ledger"},
        "driver": {"name": "harbour-driver", "version": "4.10.1"},
        "os": {"type": "Linux"},
    }
    hello = bson({"isMaster": 1, "helloOk": True, "client": client})
    query = struct.pack("<i", 4) + b"admin.$cmd\0" + struct.pack("<ii", 0, -1) + hello
    answer = bson({"ismaster": True, "maxWireVersion": 17, "ok": 1.0})
    reply = struct.pack("<iqii", 8, 0, 0, 1) + answer
    boats = struct.pack("<i", 0) + b"harbour.boats\0" + struct.pack("<ii", 0, 2) + bson({"crew": 4})
    rows = struct.pack("<iqii", 8, 77, 0, 2) + bson({"name": "Heron"}) + bson({"name": "Tern"})
    insert = struct.pack("<i", 0) + b"harbour.boats\0" + bson({"name": "Gull"})
    return [
        (True, _mongo(1, 0, 2004, query)),
        (False, _mongo(100, 1, 1, reply)),
        (True, _mongo(2, 0, 2004, boats)),
        (False, _mongo(101, 2, 1, rows)),
        (True, _mongo(3, 0, 2002, insert)),
    ]


def _mongo_new() -> list[tuple[bool, bytes]]:
    """Commands: a login in clear, documents beside the command, a cursor, an error, a compressed
    one, one that wants no answer."""
    proof = b"\0keeper\0lantern"
    login: dict[str, Value] = {"saslStart": 1, "mechanism": "PLAIN", "payload": proof}
    rows = b"documents\0" + bson({"name": "Heron", "crew": 4}) + bson({"name": "Tern", "crew": 2})
    section = b"\x01" + struct.pack("<i", len(rows) + 4) + rows
    insert = struct.pack("<IB", 0, 0) + bson({"insert": "boats", "$db": "harbour"}) + section
    cursor: dict[str, Value] = {
        "cursor": {"firstBatch": [{"name": "Heron"}, {"name": "Tern"}], "ns": "harbour.boats"},
        "ok": 1.0,
    }
    error: dict[str, Value] = {
        "ok": 0.0,
        "errmsg": "ns not found",
        "code": 26,
        "codeName": "NamespaceNotFound",
    }
    packed = struct.pack("<iiB", 2013, 40, 0) + struct.pack("<IB", 0, 0) + bson({"ping": 1})
    return [
        (True, _msg(11, 0, {**login, "$db": "$external"})),
        (False, _msg(201, 11, {"done": True, "payload": b"", "ok": 1.0})),
        (True, _mongo(12, 0, 2013, insert)),
        (False, _msg(202, 12, {"n": 2, "ok": 1.0})),
        (True, _msg(13, 0, {"find": "boats", "filter": {}, "$db": "harbour"})),
        (False, _msg(203, 13, cursor)),
        (True, _msg(14, 0, {"drop": "nothing", "$db": "harbour"})),
        (False, _msg(204, 14, error)),
        (True, _mongo(15, 0, 2012, packed)),
        (False, _msg(205, 15, {"ok": 1.0})),
        (True, _msg(16, 0, {"insert": "log", "$db": "harbour"}, flags=2)),
    ]


@built(
    "mongodb.pcap",
    expect={
        "tcp.port == 27017 && tcp contains d4:07:00:00": 2,
        'tcp contains "admin.$cmd"': 1,
        "tcp.port == 37017 && tcp contains dd:07:00:00": 8,
    },
)
def mongodb(target: Path) -> None:
    """MongoDB: a connection with operations of the old kind, and one over IPv6 on port 37017 with
    commands, a login in clear, an error and what is compressed."""
    turns: list[Turn] = stream((NEAR, 40101), (FAR, 27017), _mongo_old())
    turns += stream((NEAR6, 40102), (FAR6, 37017), _mongo_new())
    write(target, [directed(turn.up, turn.packet) for turn in turns])


def _wide(text: str) -> bytes:
    return text.encode("utf-16-le")


def _packet(kind: int, body: bytes, *, last: bool = True, number: int = 1) -> bytes:
    return struct.pack("!BBHHBB", kind, last, len(body) + 8, 0, number, 0) + body


def _prelude(version: tuple[int, int, int], encryption: int) -> bytes:
    options = struct.pack("!BHHBHHBHHB", 0, 16, 6, 1, 22, 1, 4, 23, 1, 0xFF)
    return options + struct.pack("!BBHH", *version, 0) + bytes([encryption, 0])


def _login(password: str) -> bytes:
    disguised = bytes((octet << 4 | octet >> 4) & 0xFF ^ 0xA5 for octet in _wide(password))
    texts = ["station", "keeper", password, "ledger", "store", "", "harbour-lib", "", "tides"]
    data, places = b"", b""
    for text in texts:
        places += struct.pack("<HH", 94 + len(data), len(text))
        data += disguised if text == password else _wide(text)
    places = places.ljust(58, b"\0")
    fixed = struct.pack(
        "<IIIIIIBBBBiI", 94 + len(data), 0x74000004, 4096, 7, 1, 0, 0xE0, 3, 0, 0, 0, 0
    )
    return _packet(16, fixed + places + data)


def _token(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + struct.pack("<H", len(body)) + body


def _done(rows: int = 0) -> bytes:
    return struct.pack("<BHHQ", 0xFD, 0x10, 0xC1, rows)


def _failure(number: int, state: int, severity: int, words: str) -> bytes:
    body = struct.pack("<IBBH", number, state, severity, len(words)) + _wide(words)
    return _token(0xAA, body + bytes([5]) + _wide("store") + bytes([0]) + struct.pack("<I", 1))


def _sql_server(password: str) -> list[tuple[bool, bytes]]:
    """A prelude and a login."""
    return [
        (True, _packet(18, _prelude((16, 0, 1000), 2))),
        (False, _packet(4, _prelude((15, 0, 2000), 2))),
        (True, _login(password)),
    ]


def _sql_work() -> list[tuple[bool, bytes]]:
    """A login that succeeds, a batch with a row, a call with a statement, one by name, an error."""
    name = "Microsoft SQL Server"
    accepted = b"\1\x74\0\0\4" + bytes([len(name)]) + _wide(name) + bytes([15, 0, 7, 208])
    used = b"\1\5" + _wide("tides") + b"\6" + _wide("master")
    welcome = _token(0xE3, used) + _token(0xAD, accepted) + _done()
    headers = struct.pack("<IIHQI", 22, 18, 2, 0, 1)
    column = struct.pack("<HIHB", 1, 0, 0, 0x38) + b"\4" + _wide("crew")
    row = b"\x81" + column + b"\xd1" + struct.pack("<I", 4)
    query = _wide("SELECT crew FROM boats WHERE name = @p")
    text = (
        b"\0\0\xe7" + struct.pack("<H", 8000) + b"\x09\4\xd0\0\x34" + struct.pack("<H", len(query))
    )
    call = headers + struct.pack("<HHH", 0xFFFF, 10, 0) + text + query
    procedure = "dbo.high_water"
    named = headers + struct.pack("<H", len(procedure)) + _wide(procedure) + b"\0\0"
    failure = _failure(208, 1, 16, "Invalid object name 'nothing'.")
    return [
        *_sql_server("lantern"),
        (False, _packet(4, welcome)),
        (True, _packet(1, headers + _wide("SELECT crew FROM boats"))),
        (False, _packet(4, row + _done(1))),
        (True, _packet(3, call)),
        (False, _packet(4, row + _done(1))),
        (True, _packet(3, named)),
        (False, _packet(4, _done())),
        (True, _packet(1, headers + _wide("SELECT * FROM nothing"))),
        (False, _packet(4, failure + _done())),
    ]


@built(
    "tds.pcap",
    expect={
        "tds.type == 18": 1,
        "tds.type == 16": 1,
        "tds.type == 1": 2,
        "tds.type == 3": 2,
        "ipv6 && tcp.port == 11433 && tcp.len > 0": 4,
    },
)
def tds(target: Path) -> None:
    """SQL Server: a login, batches and calls, an error; over IPv6 on port 11433 a login that is
    refused."""
    refused = _failure(18456, 1, 14, "Login failed for user 'keeper'.")
    turns: list[Turn] = stream((NEAR, 40103), (FAR, 1433), _sql_work())
    again = [*_sql_server("candle"), (False, _packet(4, refused + _done()))]
    turns += stream((NEAR6, 40104), (FAR6, 11433), again)
    write(target, [directed(turn.up, turn.packet) for turn in turns])
