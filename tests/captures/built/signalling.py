"""Signalling of mobile networks over SCTP (S1AP, NGAP with NAS), and precision time."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.association import Association, data
from built.dialogue import datagrams, wrapped, write
from built.link import directed
from built.packet import Layer
from catalogue import built

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PLMN = bytes.fromhex("00f110")
_IMSI = bytes.fromhex("0910101032547698")
_Said = tuple[bool, bytes]


def _length(octets: bytes) -> bytes:
    if len(octets) < 128:
        return bytes([len(octets)]) + octets
    return struct.pack("!H", 0x8000 | len(octets)) + octets


def _message(kind: int, procedure: int, *elements: tuple[int, bytes], critical: int = 0) -> bytes:
    """What S1AP and NGAP share: kind 0 begins, 0x20 is success, 0x40 failure."""
    body = b"\0" + struct.pack("!H", len(elements))
    for number, value in elements:
        body += struct.pack("!HB", number, 0) + _length(value)
    return bytes([kind, procedure, critical]) + _length(body)


def _talk(said: Sequence[_Said], port: int, protocol: int) -> list[Layer]:
    talk = Association(ports=(50300, port))
    talk.open()
    sent = {True: 1000, False: 5000}
    for up, octets in said:
        talk.send(up, data(sent[up], 0, sent[up] % 1000, protocol, octets))
        sent[up] += 1
    talk.close(sent[False] - 1)
    return talk.frames


def _small(number: int) -> bytes:
    octets = number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")
    return bytes([len(octets) - 1 << 6]) + octets


def _name(text: str) -> bytes:
    return struct.pack("!H", len(text) - 1 << 7) + text.encode()


_S1_TAI = b"\0" + _PLMN + b"\0\x01"
_S1_CGI = b"\0" + _PLMN + b"\x00\x00\x01\x20"


def _s1ap() -> list[_Said]:
    mme, enb = (0, _small(258)), (8, _small(9))
    attach = b"\x07\x41\x71\x08" + _IMSI + b"\x02\x80\x40\x00\x04\x02\x01\xd0\x11"
    bearer = b"\x52\x01\xc1\x01\x09\x04\x03net\x05\x01\x0a\x00\x00\x07"
    accept = b"\x27" + bytes(4) + b"\x02\x07\x42\x01\x49\x06\x00" + _PLMN + b"\x00\x01"
    accept += struct.pack("!H", len(bearer)) + bearer
    item = b"\x45\x00\x09\x20\x0f\x80" + bytes([192, 0, 2, 30]) + struct.pack("!I", 0x102)
    item += _length(accept)
    asked = b"\0" + struct.pack("!HB", 52, 0) + _length(item)
    done = b"\x0a\x1f" + bytes([192, 0, 2, 31]) + struct.pack("!I", 0x304)
    done = b"\0" + struct.pack("!HB", 50, 0x40) + _length(done)
    rate = b"\x18\x05\xf5\xe1\x00" + b"\x60\x05\xf5\xe1\x00"
    return [
        (
            True,
            _message(
                0,
                17,
                (59, b"\0" + _PLMN + b"\x00\x00\x01\x20"),
                (60, _name("harbour-enb")),
                (64, b"\0\0\x01\x00" + _PLMN),
                (137, b"\x40"),
            ),
        ),
        (
            False,
            _message(
                0x20,
                17,
                (61, _name("harbour-mme")),
                (105, b"\0\0" + _PLMN + b"\0\0\x80\x01\0\x07"),
                (87, b"\xff"),
            ),
        ),
        (
            True,
            _message(
                0, 12, enb, (26, _length(attach)), (67, _S1_TAI), (100, _S1_CGI), (134, b"\x30")
            ),
        ),
        (False, _message(0, 11, mme, enb, (26, _length(b"\x07\x55\x01")))),
        (
            True,
            _message(
                0,
                13,
                mme,
                enb,
                (26, _length(b"\x07\x56\x08" + _IMSI)),
                (100, _S1_CGI),
                (67, _S1_TAI),
            ),
        ),
        (
            False,
            _message(
                0,
                9,
                mme,
                enb,
                (66, rate),
                (24, asked),
                (107, b"\x1c\x00\x0e\x00\x00"),
                (73, bytes(32)),
            ),
        ),
        (True, _message(0x20, 9, mme, enb, (51, done))),
        (True, _message(0, 18, mme, enb, (2, b"\x02\x80"), critical=0x40)),
        (False, _message(0, 23, (99, b"\x04\x01\x02\x00\x09"), (2, b"\x02\x80"))),
        (True, _message(0x20, 23, mme, enb)),
    ]


@built(
    "s1ap.pcap",
    expect={
        "s1ap.procedureCode == 17": 2,
        "s1ap.procedureCode == 12": 1,
        "s1ap.procedureCode == 9": 2,
        "e212.imsi": 2,
        "s1ap.gTP_TEID": 2,
    },
)
def s1ap(target: Path) -> None:
    """S1AP: a base station comes up, a phone attaches and gets a bearer and an address, and its
    context is released."""
    write(target, _talk(_s1ap(), 36412, 18))


def _ngap() -> list[_Said]:
    amf, ran = (10, b"\x20\x01\x02"), (85, _small(9))
    place = (121, b"\x40" + _PLMN + b"\x00\x00\x00\x01\x00" + _PLMN + b"\x00\x00\x01")
    suci = bytes.fromhex("01") + _PLMN + bytes.fromhex("f0ff000010325476")
    register = b"\x7e\x00\x41\x79" + struct.pack("!H", len(suci)) + suci + b"\x2e\x02\x80\x20"
    challenge = b"\x7e\x00\x56\x00\x02\x00\x00\x21" + bytes(range(16)) + b"\x20\x10" + bytes(16)
    response = b"\x7e\x00\x57\x2d\x10" + bytes(range(16))
    mode = b"\x7e\x03\xaa\xbb\xcc\xdd\x00\x7e\x00\x5d\x02\x00\x02\x80\x20"
    session = b"\x2e\x05\x01\xc1\xff\xff\x91"
    carried = b"\x7e\x01\x11\x22\x33\x44\x05\x7e\x00\x67\x01"
    carried += struct.pack("!H", len(session)) + session + b"\x12\x05\x81"
    ciphered = b"\x7e\x02\x55\x66\x77\x88\x06" + bytes.fromhex("c3a1f05599e2d417")

    def nas(octets: bytes) -> tuple[int, bytes]:
        return 38, _length(octets)

    return [
        (
            True,
            _message(
                0,
                21,
                (27, b"\0" + _PLMN + b"\x00\x00\x00\x01"),
                (82, _name("harbour-gnb")),
                (102, b"\0\0\0\0\x01\0" + _PLMN + b"\0\0" + b"\x00\x08"),
                (21, b"\x40"),
            ),
        ),
        (
            False,
            _message(
                0x20,
                21,
                (1, _name("harbour-amf")),
                (96, b"\0\0" + _PLMN + b"\x80\x10\x40"),
                (86, b"\xff"),
                (80, b"\0" + _PLMN + b"\0\0" + b"\x00\x08"),
            ),
        ),
        (True, _message(0, 15, ran, nas(register), place, (90, b"\x18"), critical=0x40)),
        (False, _message(0, 4, amf, ran, nas(challenge), critical=0x40)),
        (True, _message(0, 46, amf, ran, nas(response), place, critical=0x40)),
        (False, _message(0, 4, amf, ran, nas(mode), critical=0x40)),
        (True, _message(0, 46, amf, ran, nas(carried), place, critical=0x40)),
        (False, _message(0, 4, amf, ran, nas(ciphered), critical=0x40)),
        (True, _message(0, 42, amf, ran, (15, b"\x05\x00"), critical=0x40)),
        (False, _message(0, 41, (114, b"\x02\x01\x02\x00\x09"), (15, b"\x05\x00"))),
        (True, _message(0x20, 41, amf, ran)),
    ]


@built(
    "ngap.pcap",
    expect={
        "ngap.procedureCode == 21": 2,
        "ngap.procedureCode == 15": 1,
        "ngap.procedureCode == 4": 3,
        "nas_5gs.mm.message_type == 0x41": 1,
        "nas_5gs.sm.message_type == 0xc1": 1,
    },
)
def ngap(target: Path) -> None:
    """NGAP: a base station comes up, a phone registers and asks for a session, a ciphered message,
    and its context is released."""
    write(target, _talk(_ngap(), 38412, 60))


_MASTER, _SLAVE = "192.0.2.10", "192.0.2.20"


def _ptp(
    kind: int, control: int, clock: int, sequence: int, body: bytes, *, flags: int = 0
) -> bytes:
    head = struct.pack("!BBHBBHq4x", kind, 2, 34 + len(body), 0, 0, flags, 0)
    head += bytes.fromhex("020000fffe0000") + struct.pack("!BHHBb", clock, 1, sequence, control, 0)
    return head + body


def _moment(seconds: int, nanoseconds: int) -> bytes:
    return struct.pack("!HII", 0, seconds, nanoseconds)


@built(
    "ptp.pcap",
    expect={
        "ptp.v2.messagetype == 0x0b": 2,
        "ptp.v2.messagetype == 0x00": 3,
        "ptp.v2.messagetype == 0x08": 3,
        "ptp.v2.messagetype == 0x09": 1,
        "ptp.v2.messagetype == 0x02": 1,
        "ptp.v2.messagetype == 0x03": 1,
        "ptp.v2.messagetype == 0x0a": 1,
    },
)
def ptp(target: Path) -> None:
    """PTP version 2: announcements, syncs with follow-ups, a delay request with its response, and
    delays between neighbours over IPv6."""
    begin = 1_704_067_237
    master = struct.pack("!hxBBBHB", 37, 128, 6, 0x21, 0x4E5D, 128)
    master += bytes.fromhex("020000fffe00000a") + struct.pack("!HB", 0, 0x20)
    asker = bytes.fromhex("020000fffe0000") + struct.pack("!BH", 20, 1)
    events, general = [], []
    for number in range(3):
        at = _moment(begin + number, 1000 * number)
        events.append((True, _ptp(0, 0, 10, 100 + number, bytes(10), flags=0x0200)))
        general.append((True, _ptp(8, 2, 10, 100 + number, at)))
        if number != 1:
            announcement = _moment(begin + number, 0) + master
            general.append((True, _ptp(11, 5, 10, 7 + number // 2, announcement, flags=0x003C)))
    events.append((False, _ptp(1, 1, 20, 1, bytes(10))))
    general.append((True, _ptp(9, 3, 10, 1, _moment(begin + 2, 5000) + asker)))
    turns = datagrams((_MASTER, 319), (_SLAVE, 319), events)
    turns += datagrams((_MASTER, 320), (_SLAVE, 320), general)
    six = ("2001:db8::10", "2001:db8::20")
    ask = _ptp(2, 5, 10, 1, bytes(20))
    answer = _ptp(3, 5, 20, 1, _moment(begin, 10) + asker, flags=0x0200)
    follow = _ptp(10, 5, 20, 1, _moment(begin, 90) + asker)
    turns += datagrams((six[0], 319), (six[1], 319), [(True, ask), (False, answer)])
    turns += datagrams((six[0], 320), (six[1], 320), [(False, follow)])
    write(target, wrapped(turns, lambda turn: directed(turn.up, turn.packet)))
