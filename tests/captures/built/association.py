"""SCTP: an association from INIT to SHUTDOWN, and every other type of chunk."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from built.dialogue import network, write
from built.packet import CLIENT_MAC, SERVER_MAC, Layer, chunk, ethernet, sctp, udp
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path

CLIENT_TAG, SERVER_TAG = 0x11111111, 0x22222222
PORTS = (50100, 50200)


def parameter(kind: int, value: bytes) -> bytes:
    """A parameter of a chunk, padded."""
    octets = struct.pack("!HH", kind, 4 + len(value)) + value
    return octets + bytes(-len(octets) % 4)


def opening(tag: int, sequence: int, *parameters: bytes) -> bytes:
    """What INIT and INIT ACK have in common."""
    return struct.pack("!IIHHI", tag, 65536, 10, 10, sequence) + b"".join(parameters)


def data(
    sequence: int, stream: int, number: int, protocol: int, payload: bytes, *, flags: int = 3
) -> bytes:
    """A DATA chunk; flags 2 begins a message, 1 ends it, 4 is unordered."""
    return chunk(0, flags, struct.pack("!IHHI", sequence, stream, number, protocol) + payload)


def sack(
    sequence: int, gaps: tuple[tuple[int, int], ...] = (), duplicates: tuple[int, ...] = ()
) -> bytes:
    """A SACK chunk."""
    head = struct.pack("!IIHH", sequence, 65536, len(gaps), len(duplicates))
    blocks = b"".join(struct.pack("!HH", *gap) for gap in gaps)
    return chunk(3, 0, head + blocks + b"".join(struct.pack("!I", n) for n in duplicates))


class Association:
    """Collects the packets of two ends."""

    def __init__(self, near: str = NEAR, far: str = FAR, ports: tuple[int, int] = PORTS) -> None:
        self._ends = (near, far)
        self._ports = ports
        self.frames: list[Layer] = []

    def send(self, up: bool, *chunks: bytes, tag: int | None = None) -> None:
        """One packet, with the tag of the one who receives it unless told otherwise."""
        verification = tag if tag is not None else (SERVER_TAG if up else CLIENT_TAG)
        source, target = self._ports if up else self._ports[::-1]
        self._add(up, sctp(source, target, verification, *chunks))

    def encapsulated(self, up: bool, *chunks: bytes) -> None:
        """One packet of SCTP in UDP (RFC 6951)."""
        source, target = self._ports if up else self._ports[::-1]
        layer = sctp(source, target, SERVER_TAG if up else CLIENT_TAG, *chunks)
        self._add(up, udp(9899, 9899, layer))

    def _add(self, up: bool, layer: Layer) -> None:
        near, far = self._ends
        if up:
            self.frames.append(ethernet(network(near, far, layer)))
        else:
            self.frames.append(ethernet(network(far, near, layer), SERVER_MAC, CLIENT_MAC))

    def open(self) -> None:
        """The four packets that set it up."""
        families = parameter(12, struct.pack("!HH", 5, 6))
        partial = parameter(0xC000, b"")
        extensions = parameter(0x8008, bytes([0xC1, 0x80, 0xC0, 0x82]))
        cookie = bytes(range(0x40, 0x60))
        self.send(
            True, chunk(1, 0, opening(CLIENT_TAG, 1000, families, partial, extensions)), tag=0
        )
        self.send(
            False, chunk(2, 0, opening(SERVER_TAG, 5000, parameter(7, cookie), partial, extensions))
        )
        self.send(True, chunk(10, 0, cookie))
        self.send(False, chunk(11, 0, b""))

    def close(self, down_sequence: int) -> None:
        """The three packets that end it in good order."""
        self.send(True, chunk(7, 0, struct.pack("!I", down_sequence)))
        self.send(False, chunk(8, 0, b""))
        self.send(True, chunk(14, 0, b""))


@built(
    "sctp.pcap",
    expect={
        "sctp.chunk_type == 1": 1,
        "sctp.chunk_type == 2": 1,
        "sctp.chunk_type == 0": 8,
        "sctp.chunk_type == 3": 4,
        "sctp.chunk_type == 4": 1,
        "sctp.chunk_type == 5": 1,
        "sctp.chunk_type == 7": 1,
        "sctp.chunk_type == 8": 1,
        "sctp.chunk_type == 10": 1,
        "sctp.chunk_type == 11": 1,
        "sctp.chunk_type == 14": 1,
        "sctp && ipv6": 4,
    },
)
def sctp_(target: Path) -> None:
    """An SCTP association: set-up, data on two streams, two chunks in a packet, a message in three
    fragments, one unordered, a loss reported in a SACK and sent again, a duplicate, heartbeat,
    shutdown; and a short one over IPv6."""
    talk = Association()
    talk.open()
    first = data(1000, 0, 0, 0, b"harbour master, this is Heron")
    talk.send(True, first)
    talk.send(False, sack(1000), data(5000, 0, 0, 0, b"go ahead, Heron"))
    talk.send(
        True, sack(5000), data(1001, 1, 0, 0, b"four crew"), data(1002, 0, 1, 0, b"two passengers")
    )
    text = b"The ferry leaves the island at noon and returns before the tide. " * 3
    talk.send(True, data(1003, 1, 1, 0, text[:64], flags=2))
    # 1004, the middle of the message, is lost on the way and not in the capture here
    talk.send(True, data(1005, 1, 1, 0, text[128:], flags=1))
    talk.send(False, sack(1003, gaps=((2, 2),)))
    talk.send(True, data(1004, 1, 1, 0, text[64:128], flags=0))
    talk.send(True, first)
    talk.send(False, sack(1005, duplicates=(1000,)))
    talk.send(False, data(5001, 3, 0, 0, b"fog in the strait", flags=7))
    talk.send(True, sack(5001))
    beat = parameter(1, bytes(range(24)))
    talk.send(True, chunk(4, 0, beat))
    talk.send(False, chunk(5, 0, beat))
    talk.close(5001)
    six = Association(NEAR6, FAR6, (50101, 50200))
    six.open()
    write(target, talk.frames + six.frames)


@built(
    "sctp-chunks.pcap",
    expect={
        **{
            f"sctp.chunk_type == {kind}": 1
            for kind in (6, 9, 12, 13, 15, 64, 128, 130, 132, 192, 193)
        },
        "sctp.chunk_type == 194": 1,
        "sctp.chunk_type == 77": 1,
        "udp.port == 9899 && sctp": 1,
    },
)
def sctp_chunks(target: Path) -> None:
    """The rarer chunks of SCTP: ERROR, ECNE, CWR, AUTH, I-DATA, ASCONF with its answer, RE-CONFIG,
    PAD, FORWARD-TSN, I-FORWARD-TSN, a type no one knows, ABORT; and SCTP in UDP."""
    talk = Association(ports=(50102, 50200))
    talk.open()
    talk.send(True, chunk(9, 0, parameter(1, struct.pack("!HH", 99, 0))))
    talk.send(True, chunk(12, 0, struct.pack("!I", 1000)))
    talk.send(False, chunk(13, 0, struct.pack("!I", 1000)))
    talk.send(
        True,
        chunk(15, 0, struct.pack("!HH", 0, 1) + bytes(range(20))),
        data(1000, 0, 0, 0, b"signed"),
    )
    talk.send(True, chunk(64, 3, struct.pack("!IHHII", 1001, 0, 0, 0, 0) + b"interleaved"))
    added = parameter(0xC001, struct.pack("!I", 1) + parameter(5, bytes([192, 0, 2, 11])))
    talk.send(
        True, chunk(193, 0, struct.pack("!I", 1000) + parameter(5, bytes([192, 0, 2, 10])) + added)
    )
    talk.send(False, chunk(128, 0, struct.pack("!I", 1000)))
    talk.send(True, chunk(130, 0, parameter(13, struct.pack("!IIIHH", 1, 0, 1001, 0, 1))))
    talk.send(True, chunk(132, 0, bytes(16)))
    talk.send(True, chunk(192, 0, struct.pack("!IHH", 1002, 0, 1)))
    talk.send(True, chunk(194, 0, struct.pack("!IHHI", 1003, 0, 0, 1)))
    talk.send(True, chunk(77, 0, b"a chunk of tomorrow"))
    talk.encapsulated(True, data(1004, 0, 2, 0, b"in a datagram"))
    talk.send(False, chunk(6, 0, parameter(12, b"no more today")))
    write(target, talk.frames)
