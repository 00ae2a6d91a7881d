"""Industrial protocols field by field: DNP3, cyclic data of CIP."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.dialogue import datagrams, stream, wrapped, write
from built.link import directed
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path

_CLIENT, _SERVER = "192.0.2.10", "192.0.2.20"
_CLIENT6, _SERVER6 = "2001:db8::10", "2001:db8::20"
_MASTER, _OUTSTATION = 1, 1024


def _dnp3_check(octets: bytes) -> bytes:
    value = 0
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0xA6BC if value & 1 else 0)
    return struct.pack("<H", value ^ 0xFFFF)


def _dnp3_frame(control: int, data: bytes = b"") -> bytes:
    from_master = bool(control & 0x80)
    target, source = (_OUTSTATION, _MASTER) if from_master else (_MASTER, _OUTSTATION)
    head = struct.pack("<BBBBHH", 5, 0x64, 5 + len(data), control, target, source)
    octets = head + _dnp3_check(head)
    for at in range(0, len(data), 16):
        block = data[at : at + 16]
        octets += block + _dnp3_check(block)
    return octets


def _dnp3(control: int, fragment: bytes) -> bytes:
    """The frames of a fragment, each with a transport octet."""
    parts = [fragment[at : at + 249] for at in range(0, len(fragment), 249)]
    frames = b""
    for number, part in enumerate(parts):
        flags = (0x40 if number == 0 else 0) | (0x80 if number == len(parts) - 1 else 0)
        frames += _dnp3_frame(control, bytes([flags | number]) + part)
    return frames


def _ask(fragment: bytes) -> tuple[bool, bytes]:
    return True, _dnp3(0xC4, fragment)


def _tell(fragment: bytes) -> tuple[bool, bytes]:
    return False, _dnp3(0x44, fragment)


_CROB = b"\x0c\x01\x28\x01\x00\x05\x00\x03\x01" + struct.pack("<II", 100, 200)


@built(
    "dnp3.pcap",
    expect={
        "dnp3.al.func == 1": 3,
        "dnp3.al.func == 3": 1,
        "dnp3.al.func == 4": 1,
        "dnp3.al.func == 129": 6,
        "dnp3.al.func == 130": 1,
        "dnp3.ctl.prifunc == 9": 1,
        "udp && dnp3": 2,
    },
)
def dnp3(target: Path) -> None:
    """DNP3: link status, a read of all classes answered in several frames and fragments, select and
    operate, a write, an unknown object, an unsolicited response with its confirmation; over UDP and
    IPv6."""
    analogs = b"".join(struct.pack("<Bi", 1, n * 1000 - 7) for n in range(70))
    said = [
        (True, _dnp3_frame(0xC9)),
        (False, _dnp3_frame(0x0B)),
        _ask(bytes.fromhex("c1013c02063c03063c04063c0106")),
        _tell(bytes.fromhex("a18100800102000007") + bytes([1, 0x81, 1, 1, 0x81, 1, 1, 1])),
        _ask(bytes.fromhex("d100")),
        _tell(bytes.fromhex("428100001e01000045") + analogs),
        _ask(b"\xc3\x03" + _CROB + b"\x00"),
        _tell(b"\xc3\x81\x00\x00" + _CROB + b"\x00"),
        _ask(b"\xc4\x04" + _CROB + b"\x00"),
        _tell(b"\xc4\x81\x00\x00" + _CROB + b"\x04"),
        _ask(bytes.fromhex("c50232010701") + (1_704_067_200_000).to_bytes(6, "little")),
        _tell(bytes.fromhex("c5810000")),
        _ask(bytes.fromhex("c6016e0006")),
        _tell(bytes.fromhex("c6810002")),
        _tell(bytes.fromhex("f082900002012801000300") + b"\x81"),
        _ask(bytes.fromhex("d000")),
    ]
    turns = stream((_CLIENT, 40500), (_SERVER, 20000), said)
    read = [_ask(bytes.fromhex("c7013c0106")), _tell(bytes.fromhex("c78110000a0200000081"))]
    turns += datagrams((_CLIENT6, 40501), (_SERVER6, 20000), read)
    write(target, wrapped(turns, lambda turn: directed(turn.up, turn.packet)))


def _cyclic(connection: int, sequence: int, data: bytes) -> bytes:
    octets = struct.pack("<HHHII", 2, 0x8002, 8, connection, sequence)
    return octets + struct.pack("<HHH", 0xB1, len(data) + 2, sequence & 0xFFFF) + data


@built("cip-io.pcap", expect={"enip.cpf.typeid == 0x8002": 9, "cipio": 9})
def cip_io(target: Path) -> None:
    """Cyclic data of CIP both ways, of which one is missing."""
    said = [(True, _cyclic(0x00A10001, n, struct.pack("<IH", 1, n))) for n in (1, 2, 3, 5, 6)]
    said += [(False, _cyclic(0x00B20002, n, struct.pack("<H", n * 3))) for n in range(7, 11)]
    turns = datagrams((_CLIENT, 2222), (_SERVER, 2222), said)
    write(target, wrapped(turns, lambda turn: directed(turn.up, turn.packet)))
