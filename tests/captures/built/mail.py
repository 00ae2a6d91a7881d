"""Mail and directories by hand: what the clients at hand do not send. Pipelined SMTP with chunks,
and LDAP in datagrams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from built.dialogue import datagrams, stream, write
from built.packet import ethernet
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path

_CONTENT = b"From: ada@example.net\r\nTo: ben@example.org\r\nSubject: %s\r\nMessage-ID: <%d@example.net>\r\n\r\n"


@built(
    "smtp-pipelined.pcap",
    expect={
        "smtp.req.parameter": 3,
        'smtp contains "BDAT"': 1,
        "smtp.response.code == 354": 1,
        "smtp.response.code == 221": 2,
    },
)
def smtp_pipelined(target: Path) -> None:
    """SMTP with commands sent ahead: two letters by DATA, and one in two chunks (BDAT), whose
    octets look like commands."""
    one, two = _CONTENT % (b"One", 1), _CONTENT % (b"Two", 2)
    envelope = b"MAIL FROM:<ada@example.net> SIZE=200\r\nRCPT TO:<ben@example.org>\r\n"
    greeting = [
        (False, b"220 mail.example.org ESMTP\r\n"),
        (True, b"EHLO client.example.net\r\n"),
        (False, b"250-mail.example.org\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 SIZE 100000\r\n"),
    ]
    letters = [
        *greeting,
        (True, envelope + b"DATA\r\n"),
        (False, b"250 OK\r\n250 OK\r\n354 Go on\r\n"),
        (True, one + b"..dot\r\n.\r\nRSET\r\n" + envelope + b"DATA\r\n"),
        (False, b"250 First\r\n250 Reset\r\n250 OK\r\n550 No room\r\n354 Go on\r\n"),
        (True, two + b"end\r\n.\r\nQUIT\r\n"),
        (False, b"554 Second\r\n221 Bye\r\n"),
    ]
    rest = b".\r\nQUIT\r\nRSET\r\n"
    chunks = [
        *greeting,
        (True, envelope + b"BDAT %d\r\n" % len(one) + one + b"BDAT %d LAST\r\n" % len(rest) + rest),
        (False, b"250 OK\r\n250 OK\r\n250 Octets\r\n250 All\r\n"),
        (True, b"QUIT\r\n"),
        (False, b"221 Bye\r\n"),
    ]
    turns = stream((NEAR, 40025), (FAR, 25), letters) + stream((NEAR6, 40026), (FAR6, 25), chunks)
    write(target, [ethernet(turn.packet) for turn in turns])


def _element(tag: int, *parts: bytes) -> bytes:
    inner = b"".join(parts)
    return bytes([tag, 0x84]) + len(inner).to_bytes(4, "big") + inner


def _text(octets: bytes) -> bytes:
    return _element(4, octets)


@built(
    "cldap.pcap",
    expect={
        "cldap": 4,
        "ldap.searchRequest_element": 2,
        "ldap.searchResDone_element": 1,
    },
)
def cldap(target: Path) -> None:
    """LDAP in datagrams: a client asks a directory for itself, and the entry and the result come in
    one datagram; a question over IPv6 finds nothing."""

    def question(number: int) -> bytes:
        kind = _element(0xA3, _text(b"DnsDomain"), _text(b"example.org"))
        version = _element(0xA3, _text(b"NtVer"), _text(b"\x06\0\0\0"))
        limits = bytes.fromhex("0a01000a0100020100020100010100")
        asked = _element(0x30, _text(b"Netlogon"))
        return _element(
            0x30,
            bytes([2, 1, number]),
            _element(0x63, _text(b""), limits, _element(0xA0, kind, version), asked),
        )

    def result(number: int) -> bytes:
        done = _element(0x65, bytes([0x0A, 1, 0]), _text(b""), _text(b""))
        return _element(0x30, bytes([2, 1, number]), done)

    values = _element(0x31, _text(b"harbour"))
    entry = _element(
        0x30,
        bytes([2, 1, 1]),
        _element(0x64, _text(b""), _element(0x30, _element(0x30, _text(b"description"), values))),
    )
    turns = datagrams(
        (NEAR, 40389), (FAR, 389), [(True, question(1)), (False, entry + result(1))]
    ) + datagrams((NEAR6, 40389), (FAR6, 389), [(True, question(2)), (False, result(2))])
    write(target, [ethernet(turn.packet) for turn in turns])
