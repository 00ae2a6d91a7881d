"""Remote procedure calls by hand: DCE/RPC, and ONC RPC with port mapper, mount and NFS."""

from __future__ import annotations

import struct
import uuid
from typing import TYPE_CHECKING

from built.dialogue import datagrams, stream, write
from built.packet import ethernet
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path

    from built.dialogue import Turn

_MAPPER = ("e1af8308-5d1f-11c9-91a4-08002b14a0fa", 3)
_SERVICES = ("367abb81-9844-35f1-ad32-98f038001003", 2)
_NDR = ("8a885d04-1ceb-11c9-9fe8-08002b104860", 2)


def _syntax(which: tuple[str, int]) -> bytes:
    return uuid.UUID(which[0]).bytes_le + struct.pack("<I", which[1])


def _pdu(kind: int, call: int, body: bytes, *, flags: int = 3) -> bytes:
    return struct.pack("<BBBBIHHI", 5, 0, kind, flags, 0x10, 16 + len(body), 0, call) + body


def _bind(call: int, interface: tuple[str, int]) -> bytes:
    head = struct.pack("<HHIBBHHBB", 4280, 4280, 0, 1, 0, 0, 0, 1, 0)
    return _pdu(11, call, head + _syntax(interface) + _syntax(_NDR))


def _bind_ack(call: int, port: str) -> bytes:
    address = port.encode() + b"\0"
    head = struct.pack("<HHIH", 4280, 4280, 1, len(address)) + address
    head += bytes(-len(head) % 4) + struct.pack("<BBHHH", 1, 0, 0, 0, 0)
    return _pdu(12, call, head + _syntax(_NDR))


def _call(call: int, operation: int, stub: bytes, *, flags: int = 3) -> bytes:
    return _pdu(0, call, struct.pack("<IHH", len(stub), 0, operation) + stub, flags=flags)


def _result(call: int, stub: bytes, *, flags: int = 3) -> bytes:
    return _pdu(2, call, struct.pack("<IHBB", len(stub), 0, 0, 0) + stub, flags=flags)


def _tower(interface: tuple[str, int], port: int, address: bytes) -> bytes:
    floors = (
        (b"\x0d" + uuid.UUID(interface[0]).bytes_le + struct.pack("<H", interface[1]), b"\0\0"),
        (b"\x0d" + uuid.UUID(_NDR[0]).bytes_le + struct.pack("<H", _NDR[1]), b"\0\0"),
        (b"\x0b", b"\0\0"),
        (b"\x07", struct.pack("!H", port)),
        (b"\x09", address),
    )
    octets = struct.pack("<H", len(floors))
    for left, right in floors:
        octets += struct.pack("<H", len(left)) + left + struct.pack("<H", len(right)) + right
    return octets


def _map_request(tower: bytes) -> bytes:
    padded = tower + bytes(-len(tower) % 4)
    stub = struct.pack("<I", 0) + struct.pack("<III", 1, len(tower), len(tower)) + padded
    return stub + bytes(20) + struct.pack("<I", 4)


def _map_response(tower: bytes) -> bytes:
    padded = tower + bytes(-len(tower) % 4)
    stub = bytes(20) + struct.pack("<IIIII", 1, 4, 0, 1, 3)
    return stub + struct.pack("<II", len(tower), len(tower)) + padded + struct.pack("<I", 0)


def _datagram(kind: int, sequence: int, operation: int, stub: bytes) -> bytes:
    head = struct.pack("<BBBB3sB", 4, kind, 0x08, 0, b"\x10\0\0", 0) + bytes(16)
    head += uuid.UUID(_MAPPER[0]).bytes_le + uuid.UUID(int=77).bytes_le
    head += struct.pack(
        "<IIIHHHHHBB", 0, 3, sequence, operation, 0xFFFF, 0xFFFF, len(stub), 0, 0, 0
    )
    return head + stub


@built(
    "dcerpc.pcap",
    expect={
        "dcerpc.pkt_type == 11": 2,
        "dcerpc.pkt_type == 12": 2,
        "epm.opnum == 3": 2,
        "dcerpc.pkt_type == 3": 1,
        "dcerpc.ver == 4": 2,
        "tcp.port == 49153": 8,
    },
)
def dcerpc(target: Path) -> None:
    """DCE/RPC on connections and in datagrams: the endpoint mapper on port 135 is asked where the
    service manager waits, which is then called there: an answer in two fragments, and a fault."""
    here = bytes([192, 0, 2, 20])
    said = [
        (True, _bind(1, _MAPPER)),
        (False, _bind_ack(1, "135")),
        (True, _call(2, 3, _map_request(_tower(_SERVICES, 135, bytes(4))))),
        (False, _result(2, _map_response(_tower(_SERVICES, 49153, here)))),
    ]
    turns = stream((NEAR, 40900), (FAR, 135), said)
    opened = b"\0" * 20 + bytes(4)
    called = [
        (True, _bind(1, _SERVICES)),
        (False, _bind_ack(1, "49153")),
        (True, _call(2, 15, struct.pack("<III", 0, 0, 1))),
        (False, _result(2, opened[:16], flags=1) + _result(2, opened[16:], flags=2)),
        (True, _call(3, 99, b"\1\2\3\4")),
        (False, _pdu(3, 3, struct.pack("<IHBBII", 0, 0, 0, 0, 0x1C010002, 0))),
    ]
    turns += stream((NEAR, 40901), (FAR, 49153), called)
    asked = [(True, _datagram(0, 7, 2, bytes(40))), (False, _datagram(2, 7, 2, bytes(40)))]
    turns += datagrams((NEAR, 40902), (FAR, 135), asked)
    write(target, [ethernet(turn.packet) for turn in turns])


def _words(*numbers: int) -> bytes:
    return struct.pack(f"!{len(numbers)}I", *numbers)


def _opaque(octets: bytes) -> bytes:
    return _words(len(octets)) + octets + bytes(-len(octets) % 4)


def _onc(number: int, program: int, version: int, procedure: int, arguments: bytes = b"") -> bytes:
    who = _words(1) + _opaque(b"heron") + _words(1000, 100, 0)
    head = _words(number, 0, 2, program, version, procedure, 1) + _opaque(who) + _words(0, 0)
    return head + arguments


def _reply(number: int, results: bytes = b"") -> bytes:
    return _words(number, 1, 0, 0, 0, 0) + results


def _record(message: bytes) -> bytes:
    return _words(0x80000000 | len(message)) + message


_HANDLE = bytes(range(28))


def _attributes() -> bytes:
    """File attributes of version 3: 84 octets."""
    return (
        _words(1, 0o644, 1, 1000, 100)
        + struct.pack("!QQIIQQ", 700, 4096, 0, 0, 1, 9)
        + (_words(1704067200, 0) * 3)
    )


def _version_3() -> list[Turn]:
    handle = _opaque(_HANDLE)
    there = _words(1) + _attributes()
    data = bytes(n & 0xFF for n in range(3000))
    calls = [
        (3, handle + _opaque(b"tides.txt"), _words(0) + handle + there + there),
        (3, handle + _opaque(b"missing.txt"), _words(2) + there),
        (4, handle + _words(0x1F), _words(0) + there + _words(0x1F)),
        (
            6,
            handle + struct.pack("!QI", 0, 3000),
            _words(0) + there + _words(3000, 1) + _opaque(data),
        ),
        (
            7,
            handle + struct.pack("!QII", 4096, 3000, 2) + _opaque(data),
            _words(0) + _words(0) + there + _words(3000, 2) + bytes(8),
        ),
        (
            14,
            handle + _opaque(b"tide") + handle + _opaque(b"ebb"),
            _words(13) + (_words(0) + there) * 2,
        ),
        (12, handle + _opaque(b"ebb"), _words(0) + _words(0) + there),
    ]
    said = []
    for number, (procedure, arguments, results) in enumerate(calls):
        said.append((True, _record(_onc(0x100 + number, 100003, 3, procedure, arguments))))
        said.append((False, _record(_reply(0x100 + number, results))))
    return stream((NEAR, 900), (FAR, 2050), said)


def _version_4() -> list[Turn]:
    sequence = _words(53) + bytes(16) + _words(1, 0, 0, 0)
    opened = (
        _words(18, 0, 1, 0) + bytes(8) + _opaque(b"owner") + _words(0, 0) + _opaque(b"chart.bin")
    )
    asked = _opaque(b"open") + _words(1, 5) + sequence + _words(24) + opened
    asked += _words(10) + _words(9, 1, 0x18)
    refused = _words(13) + _opaque(b"open") + _words(3)
    refused += _words(53, 0) + bytes(16) + _words(1, 0, 0, 0, 0) + _words(24, 0) + _words(18, 13)
    removed = _opaque(b"") + _words(0, 3) + _words(22) + _opaque(_HANDLE)
    removed += _words(28) + _opaque(b"old chart") + _words(10)
    gone = _words(0) + _opaque(b"") + _words(3) + _words(22, 0) + _words(28, 0, 1) + bytes(16)
    gone += _words(10, 0) + _opaque(_HANDLE)
    said = [
        (True, _record(_onc(1, 100003, 4, 0))),
        (False, _record(_reply(1))),
        (True, _record(_onc(2, 100003, 4, 1, asked))),
        (False, _record(_reply(2, refused))),
        (True, _record(_onc(3, 100003, 4, 1, removed))),
        (False, _record(_reply(3, gone))),
    ]
    return stream((NEAR6, 901), (FAR6, 2049), said)


@built(
    "nfs.pcap",
    expect={
        "portmap.procedure_v2 == 3": 4,
        'mount.path == "/srv/charts"': 1,
        "nfs.procedure_v3 == 3": 2,
        "nfs.procedure_v4 == 1": 2,
        'nfs.name == "chart.bin" || nfs.pathname.component == "chart.bin"': 1,
        "rpc.programversion == 2 && rpc.program == 100003": 1,
    },
)
def nfs(target: Path) -> None:
    """ONC RPC: the port mapper is asked for NFS and for a program that is not there, a directory is
    mounted; NFS version 3 on port 2050 (a file looked up, one that is missing, access, a read, a
    write, a rename that is refused, a removal), version 4 over IPv6 (compounds with an open that is
    refused and a removal), and version 2 by UDP."""
    asked = []
    for number, (program, port) in enumerate(((100003, 2050), (100021, 0))):
        asked.append((True, _onc(number, 100000, 2, 3, _words(program, 3, 6, 0))))
        asked.append((False, _reply(number, _words(port))))
    turns = datagrams((NEAR, 902), (FAR, 111), asked)
    mounted = [
        (True, _onc(9, 100005, 3, 1, _opaque(b"/srv/charts"))),
        (False, _reply(9, _words(0) + _opaque(_HANDLE) + _words(1, 1))),
    ]
    turns += datagrams((NEAR, 903), (FAR, 20048), mounted)
    turns += _version_3() + _version_4()
    old = [
        (True, _onc(5, 100003, 2, 4, bytes(32) + _opaque(b"tides.txt"))),
        (False, _reply(5, _words(2))),
    ]
    turns += datagrams((NEAR, 904), (FAR, 2049), old)
    write(target, [ethernet(turn.packet) for turn in turns])
