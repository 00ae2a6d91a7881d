"""A protocol in both forms, and a capture of it."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

import nf

PLUGIN = """\
Protocol {
    define NEXT_DNS = 0x35
    define NEXT_INNER = 2
    Properties {
        label = "gauge"
        id = "950"
        encapsulation = "true"
        encoding = "network"
    }
    parents {
        udp port 7001
        tcp port 7001 weight 40
    }
    frame { length = val(length) + 6 }
    Attributes {
        struct header {
            uint8_t version : 4;
            uint8_t kind : 4;
            uint8_t next;
            uint16_t level;
            uint16_t length;
        }
        attribute { alias = "version" }
        attribute { alias = "kind" doc = "What is measured." }
        attribute { alias = "next" }
        attribute { alias = "level" data_type = "MMT_U16_DATA" data_len = "2" offset = "2" }
        attribute { alias = "length" }
        attribute {
            alias = "word" data_type = "MMT_STRING_DATA" data_len = "rest"
            offset = "sizeof(struct header)"
        }
    }
    classifynext {
        switch (val(next)) {
            case NEXT_DNS: nextencaps = dns nextoffset = sizeof(struct header) break
            case NEXT_INNER: nextencaps = inner nextoffset = sizeof(struct header) break
            default: break
        }
    }
}
"""
INNER = """\
Protocol {
    Properties { label = "inner" id = "951" encoding = "host" }
    Attributes {
        struct header { uint32_t mark; }
        attribute { alias = "mark" data_type = "uint32_t" data_len = "4" offset = "0" }
    }
}
"""


@nf.protocol(
    id=950,
    parents=["udp port 7001", "tcp port 7001 weight 40"],
    header=6,
    length=("length", 6),
    switch="next",
    cases={0x35: "dns", 2: ("inner", 6)},
)
class Gauge:
    """gauge, of a plugin"""

    version = nf.attribute(0, mask=0xF0)
    kind = nf.attribute(0, mask=0x0F, doc="What is measured.")
    next = nf.attribute(1)
    level = nf.attribute(2, 2)
    length = nf.attribute(4, 2)
    word = nf.attribute(6, kind="text")


@nf.protocol(id=951)
class Inner:
    """inner, of a plugin"""

    mark = nf.attribute(0, 4, order="host")


def message(kind: int, level: int, body: bytes = b"", following: int = 0) -> bytes:
    """A message of the protocol."""
    return struct.pack("!BBHH", 0x10 | kind, following, level, len(body)) + body


def _ip(host: int, protocol: int, payload: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
    ends = struct.pack("!II", 0x0A000000 | host, 0xC0000201)
    return bytes(12) + b"\x08\x00" + head + ends + payload


def udp(host: int, payload: bytes) -> bytes:
    return _ip(host, 17, struct.pack("!HHHH", 4000, 7001, 8 + len(payload), 0) + payload)


def _tcp(host: int, sequence: int, flags: int, payload: bytes) -> bytes:
    head = struct.pack("!HHIIBBHHH", 4001, 7001, sequence, 1, 0x50, flags, 1000, 0, 0)
    return _ip(host, 6, head + payload)


QUERY = bytes.fromhex("1234 0100 0001 0000 0000 0000 03777777 076578616d706c65 00 0001 0001")


def packets() -> list[bytes]:
    """Sessions by UDP, with what comes next, and by TCP, cut at awkward places."""
    found = []
    for host in range(1, 31):
        found.append(udp(host, message(1, host, b"on")))
        if host % 3 == 0:
            found.append(udp(host, message(2, 7, struct.pack("<I", 77), 2)))
        if host % 5 == 0:
            found.append(udp(100 + host, message(3, 8, QUERY, 0x35)))
        stream = message(4, host, b"first") + message(5, 500, b"second")
        cut = 1 + host % (len(stream) - 1)
        found.append(_tcp(host, 99, 0x02, b""))
        found.append(_tcp(host, 100, 0x18, stream[:cut]))
        found.append(_tcp(host, 100 + cut, 0x18, stream[cut:]))
        found.append(udp(200 + host, b"\x10\x00"))
    return found


def write_pcap(path: Path, frames: list[bytes]) -> Path:
    """A capture, one packet per millisecond."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
    for number, frame in enumerate(frames):
        seconds, rest = divmod(number, 1000)
        out += struct.pack("<IIII", 1_700_000_000 + seconds, 1000 * rest, len(frame), len(frame))
        out += frame
    path.write_bytes(out)
    return path


@pytest.fixture(scope="session")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of the protocol."""
    return write_pcap(tmp_path_factory.mktemp("gauge") / "gauge.pcap", packets())


@pytest.fixture(scope="session")
def in_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the protocol as plugin files."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "gauge.plugin").write_text(PLUGIN)
    (folder / "inner.plugin").write_text(INNER)
    return folder


@pytest.fixture
def in_python() -> tuple[nf.UserProtocol, nf.UserProtocol]:
    """The protocol as classes."""
    return Gauge, Inner


@pytest.fixture(scope="session")
def language() -> str:
    """The protocol as a plugin file, to be spoilt."""
    return PLUGIN


@pytest.fixture
def over_ethernet(tmp_path: Path) -> Path:
    """A directory with the protocol over Ethernet, and `frames.pcap` of it."""
    over = PLUGIN.replace("udp port 7001", "ethernet type 0x88b5")
    (tmp_path / "gauge.plugin").write_text(over)
    (tmp_path / "inner.plugin").write_text(INNER)
    frames = [bytes(12) + b"\x88\xb5" + message(1, n, b"on") for n in range(9)]
    frames += [bytes(12) + b"\x81\x00\x00\x07\x88\xb5" + message(2, 7, b"on")]
    write_pcap(tmp_path / "frames.pcap", frames)
    return tmp_path


TUNNEL = """\
Protocol {
    Properties { label = "hose" id = "955" encapsulation = "true" }
    parents { udp port 7001 }
    Attributes {
        struct header { uint16_t kind; uint16_t circuit; }
        attribute { alias = "circuit" }
    }
    classifynext { switch (val(kind)) {
        case 4: nextencaps = ip nextoffset = sizeof(struct header) break
        case 6: nextencaps = ipv6 nextoffset = sizeof(struct header) break
        case 1: nextencaps = ethernet nextoffset = sizeof(struct header) break
    } }
}
"""


@pytest.fixture
def hose(tmp_path: Path) -> Callable[[bool, Path], Path]:
    """Puts a capture's packets into a tunnel, as whole Ethernet frames or as IP packets.

    Gives a directory with the tunnel's plugin and `hose.pcap`.
    """

    def fill(whole: bool, plain: Path) -> Path:
        captured, at, frames = plain.read_bytes(), 24, []
        while at < len(captured):
            length = int.from_bytes(captured[at + 8 : at + 12], "little")
            frame = captured[at + 16 : at + 16 + length]
            at += 16 + length
            inner = frame if whole else frame[14:]
            kind = 1 if whole else frame[14] >> 4
            frames.append(udp(9, bytes((0, kind, 0, 77)) + inner))
        (tmp_path / "hose.plugin").write_text(TUNNEL)
        write_pcap(tmp_path / "hose.pcap", frames)
        return tmp_path

    return fill
