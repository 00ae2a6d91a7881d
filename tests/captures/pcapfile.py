"""Reads and writes capture files, byte for byte as asked and with nothing about this machine in
them.

tcpdump, editcap and mergecap write what they like into pcapng headers (host, kernel, processor), so
every file of this folder that is not a plain recording is written here."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

MICRO_MAGIC = 0xA1B2C3D4
NANO_MAGIC = 0xA1B23C4D
SNAPLEN = 262_144

ETHERNET = 1
PPP = 9
RAW_IP = 101
C_HDLC = 104
IEEE80211 = 105
NULL = 0
LOOP = 108
LINUX_SLL = 113
RADIOTAP = 127
IEEE802154_WITH_FCS = 195
IEEE802154_NO_FCS = 230
LINUX_SLL2 = 276


@dataclass(frozen=True)
class Record:
    """One captured packet."""

    time_ns: int
    data: bytes
    length: int = -1
    """Octets on the wire; -1 means as many as were captured."""
    interface: int = 0

    @property
    def wire_length(self) -> int:
        """Octets the packet had on the wire."""
        return len(self.data) if self.length < 0 else self.length

    def with_data(self, data: bytes) -> Record:
        """The same moment with other octets."""
        return replace(self, data=data, length=-1)

    def later(self, nanoseconds: int) -> Record:
        """The same packet at another moment."""
        return replace(self, time_ns=self.time_ns + nanoseconds)


def read_pcap(path: Path) -> tuple[int, list[Record]]:
    """The link type and the packets of a classic pcap file (little-endian, as tcpdump writes
    here)."""
    octets = path.read_bytes()
    magic, _, _, _, _, _, link = struct.unpack_from("<IHHiIII", octets)
    if magic not in (MICRO_MAGIC, NANO_MAGIC):
        raise ValueError(f"{path}: not a little-endian pcap file (magic {magic:#010x})")
    scale = 1000 if magic == MICRO_MAGIC else 1
    return link, list(_records(octets, scale))


def _records(octets: bytes, scale: int) -> Iterator[Record]:
    at = 24
    while at + 16 <= len(octets):
        seconds, fraction, captured, length = struct.unpack_from("<IIII", octets, at)
        at += 16
        if at + captured > len(octets):
            return
        yield Record(seconds * 1_000_000_000 + fraction * scale, octets[at : at + captured], length)
        at += captured


def pcap_bytes(
    link: int,
    records: Iterable[Record],
    *,
    nano: bool = False,
    big_endian: bool = False,
    snaplen: int = SNAPLEN,
) -> bytes:
    """A classic pcap file."""
    order = ">" if big_endian else "<"
    magic = NANO_MAGIC if nano else MICRO_MAGIC
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link)]
    for record in records:
        seconds, rest = divmod(record.time_ns, 1_000_000_000)
        data = record.data[:snaplen]
        fraction = rest if nano else rest // 1000
        parts.append(struct.pack(order + "IIII", seconds, fraction, len(data), record.wire_length))
        parts.append(data)
    return b"".join(parts)


def write_pcap(path: Path, link: int, records: Iterable[Record], **options: bool | int) -> None:
    """Writes `pcap_bytes` to a file."""
    path.write_bytes(pcap_bytes(link, records, **options))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Interface:
    """An interface of a pcapng section."""

    link: int
    name: str = ""
    tsresol: int = 6
    """Value of if_tsresol: 10^-n, or 2^-n with the top bit set."""
    tsoffset: int = 0
    """Seconds added to every timestamp by the reader."""
    snaplen: int = SNAPLEN

    def ticks(self, time_ns: int) -> int:
        """A moment in the interface's own units."""
        time_ns -= self.tsoffset * 1_000_000_000
        if self.tsresol & 0x80:
            return (time_ns << (self.tsresol & 0x7F)) // 1_000_000_000
        return time_ns * int(10**self.tsresol) // 1_000_000_000


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)


class PcapngWriter:
    """Builds a pcapng file block by block."""

    def __init__(self, *, big_endian: bool = False) -> None:
        self._order = ">" if big_endian else "<"
        self._parts: list[bytes] = []
        self._interfaces: list[Interface] = []

    def _pack(self, layout: str, *values: int) -> bytes:
        return struct.pack(self._order + layout, *values)

    def block(self, kind: int, body: bytes) -> None:
        """Any block, also of kinds no reader knows."""
        length = len(_padded(body)) + 12
        self._parts.append(self._pack("II", kind, length) + _padded(body) + self._pack("I", length))

    def option(self, code: int, value: bytes) -> bytes:
        """One option of a block."""
        return self._pack("HH", code, len(value)) + _padded(value)

    def section(self, comment: str = "") -> None:
        """Starts a section; interfaces are numbered anew."""
        self._interfaces = []
        options = self.option(1, comment.encode()) + self.option(0, b"") if comment else b""
        self.block(0x0A0D0D0A, self._pack("IHHq", 0x1A2B3C4D, 1, 0, -1) + options)

    def interface(self, interface: Interface) -> None:
        """Describes the next interface."""
        self._interfaces.append(interface)
        options = b""
        if interface.name:
            options += self.option(2, interface.name.encode())
        if interface.tsresol != 6:
            options += self.option(9, bytes([interface.tsresol]))
        if interface.tsoffset:
            options += self.option(14, self._pack("q", interface.tsoffset))
        if options:
            options += self.option(0, b"")
        self.block(1, self._pack("HHI", interface.link, 0, interface.snaplen) + options)

    def packet(self, record: Record) -> None:
        """An enhanced packet block."""
        interface = self._interfaces[record.interface]
        ticks = interface.ticks(record.time_ns)
        data = record.data[: interface.snaplen]
        head = self._pack(
            "IIIII",
            record.interface,
            ticks >> 32,
            ticks & 0xFFFFFFFF,
            len(data),
            record.wire_length,
        )
        self.block(6, head + data)

    def obsolete_packet(self, record: Record) -> None:
        """A packet block of the kind that enhanced packet blocks replaced."""
        ticks = self._interfaces[record.interface].ticks(record.time_ns)
        head = self._pack(
            "HHIIII",
            record.interface,
            0xFFFF,
            ticks >> 32,
            ticks & 0xFFFFFFFF,
            len(record.data),
            record.wire_length,
        )
        self.block(2, head + record.data)

    def simple_packet(self, record: Record) -> None:
        """A simple packet block: no timestamp, always the first interface."""
        data = record.data[: self._interfaces[0].snaplen]
        self.block(3, self._pack("I", record.wire_length) + data)

    def packets(self, records: Sequence[Record]) -> None:
        """Several enhanced packet blocks."""
        for record in records:
            self.packet(record)

    def bytes(self) -> bytes:
        """The whole file."""
        return b"".join(self._parts)
