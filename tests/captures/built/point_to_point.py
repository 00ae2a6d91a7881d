"""How the ends of a Point-to-Point link prove who they are, and agree on compression."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

from built.dialogue import write
from built.link import control, directed, pppoe_frame
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path

    from built.packet import Layer

LCP, EAP, CCP = 0xC021, 0xC227, 0x80FD
REQUEST, RESPONSE, SUCCESS, FAILURE = 1, 2, 3, 4
CONFIGURE, ACK, NAK, REJECT, TERMINATE, TERMINATED = 1, 2, 3, 4, 5, 6


def _said(code: int, identifier: int, kind: int, data: bytes = b"") -> bytes:
    return control(code, identifier, bytes((kind,)) + data)


@built(
    "ppp-eap.pcap",
    expect={
        "ppp && eap.code == 1": 6,
        "ppp && eap.type == 3": 1,
        "ppp && eap.code == 3": 1,
        "ppp && eap.code == 4": 1,
        "ccp.opt.type == 18": 5,
        "ccp && ppp.code == 4": 1,
        "ccp && ppp.code == 5": 1,
    },
)
def ppp_eap(target: Path) -> None:
    """PPP in two sessions of PPPoE: LCP asks for EAP; identity, a method refused and another one
    taken, success; MPPE is agreed on after one side offers less, deflate rejected, CCP ended. Then
    somebody else whom EAP turns away."""
    session = 0x0051

    def ppp(up: bool, protocol: int, data: bytes) -> Layer:
        payload = struct.pack("!H", protocol) + data
        return directed(up, pppoe_frame(0, session, payload), pad=True)

    def prove(name: bytes, verdict: int, first: int) -> list[Layer]:
        challenge = hashlib.md5(name, usedforsecurity=False).digest()
        answer = hashlib.md5(challenge, usedforsecurity=False).digest()
        return [
            ppp(False, LCP, control(CONFIGURE, first, b"\x03\x04\xc2\x27")),
            ppp(True, LCP, control(ACK, first, b"\x03\x04\xc2\x27")),
            ppp(False, EAP, _said(REQUEST, first + 1, 1, b"who is there?")),
            ppp(True, EAP, _said(RESPONSE, first + 1, 1, name)),
            ppp(False, EAP, _said(REQUEST, first + 2, 13, b"\x20")),
            ppp(True, EAP, _said(RESPONSE, first + 2, 3, b"\x04")),
            ppp(False, EAP, _said(REQUEST, first + 3, 4, b"\x10" + challenge + b"gatehouse")),
            ppp(True, EAP, _said(RESPONSE, first + 3, 4, b"\x10" + answer + name)),
            ppp(False, EAP, control(verdict, first + 3)),
        ]

    def mppc(bits: int) -> bytes:
        return b"\x12\x06" + struct.pack("!I", bits)

    deflate = b"\x1a\x04\x78\x00"
    frames = prove(b"warden@harbour.example", SUCCESS, 1)
    frames += [
        ppp(True, CCP, control(CONFIGURE, 1, mppc(0x010000E0))),
        ppp(False, CCP, control(NAK, 1, mppc(0x01000040))),
        ppp(True, CCP, control(CONFIGURE, 2, mppc(0x01000040))),
        ppp(False, CCP, control(ACK, 2, mppc(0x01000040))),
        ppp(False, CCP, control(CONFIGURE, 9, mppc(0x01000020))),
        ppp(True, CCP, control(ACK, 9, mppc(0x01000020))),
        ppp(True, CCP, control(CONFIGURE, 3, deflate)),
        ppp(False, CCP, control(REJECT, 3, deflate)),
        ppp(False, CCP, control(TERMINATE, 10, b"no more")),
        ppp(True, CCP, control(TERMINATED, 10)),
    ]
    session = 0x0052
    frames += prove(b"stranger", FAILURE, 20)
    write(target, frames)
