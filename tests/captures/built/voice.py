"""H.323 field by field: calls over TCP, gatekeepers over UDP."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.dialogue import datagrams, stream, write
from built.link import directed
from catalogue import built

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CALLER, CALLEE = "192.0.2.10", "192.0.2.20"
CALLER6, CALLEE6 = "2001:db8::10", "2001:db8::20"
GATEKEEPER = "192.0.2.30"
CONFERENCE = bytes(range(16))


class Packed:
    """Writes the aligned packed encoding (ITU-T X.691)."""

    def __init__(self) -> None:
        self._bits = ""

    def bits(self, count: int, number: int) -> Packed:
        """A number in so many bits."""
        self._bits += format(number, f"0{count}b") if count else ""
        return self

    def octets(self, octets: bytes) -> Packed:
        """Whole octets from the next boundary."""
        self._bits += "0" * (-len(self._bits) % 8)
        return self.bits(8 * len(octets), int.from_bytes(octets, "big")) if octets else self

    def open(self, octets: bytes) -> Packed:
        """Octets behind their length."""
        return self.octets(bytes([len(octets)]) + octets)

    def finished(self) -> bytes:
        """All octets."""
        self.octets(b"")
        return int(self._bits, 2).to_bytes(len(self._bits) // 8, "big")

    def then(self, other: Packed) -> Packed:
        """What was written apart, to begin at a boundary as this ends at one."""
        self._bits += other._bits
        return self

    def version(self) -> Packed:
        """itu-t(0) recommendation(0) h(8) 2250 version(0) 4."""
        return self.open(bytes([0, 8, 0x91, 0x4A, 0, 4]))

    def identifier(self, name: str) -> Packed:
        """Up to 128 letters of two octets."""
        return self.bits(7, len(name) - 1).octets(name.encode("utf-16-be"))

    def aliases(self, number: str, name: str) -> Packed:
        """Two names of a party: digits and letters."""
        self.octets(b"\2").bits(1, 0).bits(1, 0).bits(7, len(number) - 1).octets(b"")
        for digit in number:
            self.bits(4, "#*,0123456789".index(digit))
        return (
            self.bits(1, 0)
            .bits(1, 1)
            .octets(bytes([len(name) - 1]))
            .octets(name.encode("utf-16-be"))
        )

    def vendor(self, product: str) -> Packed:
        """A maker of Germany (4) and its product, version 1."""
        self.bits(1, 0).bits(2, 3).bits(1, 0).octets(struct.pack("!BBH", 4, 0, 21))
        self.octets(bytes([len(product) - 1])).octets(product.encode())
        return self.octets(b"\0").octets(b"1")

    def terminal(self, product: str) -> Packed:
        """An endpoint: of its six optional parts the vendor and a terminal."""
        self.bits(1, 0).bits(6, 0b010001).vendor(product)
        return self.bits(1, 0).bits(1, 0).bits(1, 0).bits(1, 0)

    def address(self, host: str, port: int) -> Packed:
        """IPv4 and a port."""
        numbers = bytes(int(part) for part in host.split("."))
        return self.bits(1, 0).bits(3, 0).octets(numbers).octets(struct.pack("!H", port))

    def additions(self, parts: dict[int, bytes]) -> Packed:
        """What later versions added, by number."""
        count = max(parts) + 1
        self.bits(1, 0).bits(6, count - 1)
        for number in range(count):
            self.bits(1, number in parts)
        for number in sorted(parts):
            self.open(parts[number])
        return self


def _element(kind: int, value: bytes) -> bytes:
    return bytes([kind, len(value)]) + value


def _user(body: int, made: Packed) -> bytes:
    """H.225.0's part: no user data; the record with additions; which body."""
    packed = Packed().bits(1, 0).bits(1, 0).bits(1, 1).bits(1, 0).bits(1, 0).bits(3, body)
    # H.245 has a connection of its own.
    octets = packed.then(made).additions({1: b"\0"}).finished()
    return b"\x7e" + struct.pack("!H", len(octets) + 1) + b"\5" + octets


def _message(kind: int, reference: int, elements: Sequence[bytes], *, callee: bool) -> bytes:
    head = struct.pack("!BBHB", 8, 2, reference | callee << 15, kind)
    octets = head + b"".join(elements)
    return struct.pack("!BBH", 3, 0, 4 + len(octets)) + octets


def _call_id(number: int) -> bytes:
    return b"\0" + bytes([number] * 16)


def _setup(reference: int, caller: tuple[str, str], callee: tuple[str, str]) -> bytes:
    body = Packed().bits(1, 1).bits(7, 0b0110000).version()
    body.aliases(*caller).terminal("Harbour Phone").aliases(*callee).bits(1, 0)
    body.octets(CONFERENCE).bits(1, 0).bits(2, 0).bits(1, 0).bits(2, 0)
    body.additions({2: _call_id(reference)})
    return _message(
        5,
        reference,
        [
            _element(4, b"\x88\x93\xa5"),
            _element(0x28, caller[1].encode()),
            _element(0x6C, b"\x01\x80" + caller[0].encode()),
            _element(0x70, b"\x81" + callee[0].encode()),
            _user(0, body),
        ],
        callee=False,
    )


def _progressing(kind: int, body: int, reference: int) -> bytes:
    made = Packed().bits(1, 1).bits(1, 0).version().terminal("Gangway")
    return _message(
        kind, reference, [_user(body, made.additions({0: _call_id(reference)}))], callee=True
    )


def _connect(reference: int, control: tuple[str, int]) -> bytes:
    made = Packed().bits(1, 1).bits(1, 1).version().address(*control).terminal("Gangway")
    made.octets(CONFERENCE).additions({0: _call_id(reference)})
    return _message(7, reference, [_user(2, made)], callee=True)


def _release(reference: int, cause: int, reason: int, *, callee: bool) -> bytes:
    made = Packed().bits(1, 1).bits(1, 1).version().bits(1, 0).bits(4, reason)
    made.additions({0: _call_id(reference)})
    elements = [_element(8, bytes([0x80, 0x80 | cause])), _user(5, made)]
    return _message(0x5A, reference, elements, callee=callee)


ANN, BOB, EVE = ("100", "Ann"), ("201", "Bob"), ("*33", "Eve")
CONTROL = ("192.0.2.20", 5000)


@built("h323.pcap", expect={"tcp.port == 1720": 20, "tcp.port == 11720": 8, "tcp.port == 5000": 8})
def h323(target: Path) -> None:
    """H.323: on one connection a call that is answered and ended by the caller, and one that is
    busy; the connection for H.245 that the first one agrees on; over IPv6 on a port of its own a
    call that the caller gives up."""
    answered = [
        (True, _setup(5, ANN, BOB)),
        (False, _progressing(2, 1, 5)),
        (False, _progressing(1, 3, 5)),
        (False, _connect(5, CONTROL)),
    ]
    ended = [(True, _release(5, 16, 11, callee=False))]
    busy = [(True, _setup(6, ANN, EVE)), (False, _release(6, 17, 10, callee=True))]
    signalling = stream((CALLER, 40100), (CALLEE, 1720), answered + ended + busy)
    # What ends H.245, from both.
    over = struct.pack("!BBH", 3, 0, 6) + b"\x4a\x40"
    control = stream((CALLER, 40101), CONTROL, [(True, over), (False, over)])
    given_up = [
        (True, _setup(9, BOB, ANN)),
        (False, _progressing(1, 3, 9)),
        (True, _release(9, 16, 11, callee=False)),
    ]
    other = stream((CALLER6, 40102), (CALLEE6, 11720), given_up)
    # The second connection begins once the first call is answered: eleven packets.
    turns = signalling[:11] + control + signalling[11:] + other
    write(target, [directed(turn.up, turn.packet) for turn in turns])


def _ras(number: int, sequence: int, parts: str, made: Packed) -> bytes:
    """A message of RAS of the first version, with its optional parts as bits."""
    packed = Packed().bits(1, 0).bits(5, number).bits(1, 0)
    packed.bits(len(parts), int(parts or "0", 2)).octets(struct.pack("!H", sequence - 1))
    return packed.then(made).finished()


@built("h323-ras.pcap", expect={"udp.port == 1719": 13, "udp.port == 1718": 2})
def h323_ras(target: Path) -> None:
    """RAS: a gatekeeper is found, an endpoint registers, asks for a call that is granted, ends it,
    asks for one that is refused, and for a place that nobody tells; it leaves. A registration is
    refused on a port of its own."""
    found = [
        (
            True,
            _ras(
                0, 1, "0001",
                Packed().version().address(CALLER, 1719).terminal("Harbour Phone").aliases(*ANN),
            ),
        ),
        (False, _ras(1, 1, "01", Packed().version().identifier("gate").address(GATEKEEPER, 1719))),
    ]  # fmt: skip
    registration = Packed().version().bits(1, 1).octets(b"\1").address(CALLER, 1720).octets(b"\1")
    registration.address(CALLER, 1719).terminal("Harbour Phone").aliases(*ANN)
    registration.identifier("gate").vendor("Harbour Phone")
    registered = Packed().version().octets(b"\1").address(CALLER, 1720).aliases(*ANN)
    registered.identifier("gate").identifier("E-100")

    def admission(callee: tuple[str, str], reference: int) -> Packed:
        made = Packed().bits(1, 0).bits(2, 0).identifier("E-100").aliases(*callee).aliases(*ANN)
        made.bits(2, 1).octets(struct.pack("!H", 1280)).octets(struct.pack("!H", reference))
        return made.octets(CONFERENCE).bits(1, 0).bits(1, 0)

    granted = Packed().bits(2, 1).octets(struct.pack("!H", 640)).bits(1, 0).bits(1, 0)
    granted.address(CALLEE, 1720)
    over = Packed().identifier("E-100").octets(CONFERENCE).octets(struct.pack("!H", 5))
    over.bits(1, 0).bits(2, 1)
    place = Packed().aliases(*EVE).address(CALLER, 1719)
    leaving = Packed().octets(b"\1").address(CALLER, 1720).identifier("E-100")
    asked = [
        (True, _ras(3, 2, "011", registration)),
        (False, _ras(4, 2, "011", registered)),
        (True, _ras(9, 3, "0100000", admission(BOB, 5))),
        (False, _ras(10, 3, "00", granted)),
        (True, _ras(15, 4, "0", over)),
        (False, _ras(16, 4, "0", Packed())),
        (True, _ras(9, 5, "0100000", admission(EVE, 6))),
        (False, _ras(11, 5, "0", Packed().bits(1, 0).bits(3, 0))),
        (True, _ras(18, 6, "00", place)),
        (True, _ras(18, 6, "00", place)),
        (True, _ras(6, 7, "001", leaving)),
        (False, _ras(7, 7, "0", Packed())),
    ]
    refused = [
        (True, _ras(3, 9, "011", registration)),
        (False, _ras(5, 9, "00", Packed().version().bits(1, 0).bits(3, 6))),
    ]
    turns = datagrams((CALLER, 1719), (GATEKEEPER, 1718), found)
    turns += datagrams((CALLER, 1719), (GATEKEEPER, 1719), asked)
    turns += datagrams((CALLER, 40110), (GATEKEEPER, 11719), refused)
    write(target, [directed(turn.up, turn.packet) for turn in turns])
