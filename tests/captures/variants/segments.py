"""Recorded connections as a bad network would deliver them: reordered, lost, repeated, cut anew."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from built.packet import internet_checksum
from catalogue import FOLDER, rewritten
from pcapfile import Record, read_pcap, write_pcap

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Segment:
    """A TCP segment over IPv4 over Ethernet in a record."""

    record: Record

    @property
    def _ip(self) -> int:
        return 14

    @property
    def _tcp(self) -> int:
        return self._ip + (self.record.data[self._ip] & 15) * 4

    @property
    def _payload_at(self) -> int:
        return self._tcp + (self.record.data[self._tcp + 12] >> 4) * 4

    @property
    def payload(self) -> bytes:
        """What it carries, without the padding of the frame."""
        end = self._ip + struct.unpack_from("!H", self.record.data, self._ip + 2)[0]
        return self.record.data[self._payload_at : end]

    @property
    def sequence(self) -> int:
        """Its sequence number."""
        return int(struct.unpack_from("!I", self.record.data, self._tcp + 4)[0])

    def carrying(self, payload: bytes, sequence: int, *, push: bool = True) -> Segment:
        """The same segment with another part of the stream."""
        data = bytearray(self.record.data[: self._payload_at] + payload)
        struct.pack_into("!H", data, self._ip + 2, len(data) - self._ip)
        struct.pack_into("!H", data, self._ip + 10, 0)
        struct.pack_into(
            "!H", data, self._ip + 10, internet_checksum(bytes(data[self._ip : self._tcp]))
        )
        struct.pack_into("!I", data, self._tcp + 4, sequence & 0xFFFFFFFF)
        if not push:
            data[self._tcp + 13] &= ~0x08
        struct.pack_into("!H", data, self._tcp + 16, 0)
        pseudo = bytes(data[self._ip + 12 : self._ip + 20]) + struct.pack(
            "!BBH", 0, 6, len(data) - self._tcp
        )
        check = internet_checksum(pseudo + bytes(data[self._tcp :]))
        struct.pack_into("!H", data, self._tcp + 16, check)
        return Segment(self.record.with_data(bytes(data)))


def is_tcp(record: Record) -> bool:
    """Whether a record is TCP over IPv4 over Ethernet."""
    return record.data[12:14] == b"\x08\x00" and record.data[23] == 6


Rewrite = Callable[[list[Record], list[int]], list[Record]]
"""From all records and the places of those that carry data to the new records."""


def rewrite(source: str, target: Path, change: Rewrite) -> None:
    """Reads a capture, changes the order and choice of its records, and gives them rising times."""
    link, records = read_pcap(FOLDER / source)
    kept = [record for record in records if is_tcp(record)]
    carrying = [n for n, record in enumerate(kept) if Segment(record).payload]
    changed = change(kept, carrying)
    start = kept[0].time_ns
    write_pcap(
        target, link, [Record(start + n * 400_000, r.data, r.length) for n, r in enumerate(changed)]
    )


def _swap_pairs(records: list[Record], carrying: list[int]) -> list[Record]:
    changed = list(records)
    for one, two in zip(carrying[1::4], carrying[2::4], strict=False):
        if changed[one].data[26:34] == changed[two].data[26:34]:
            changed[one], changed[two] = changed[two], changed[one]
    return changed


def _cut(records: list[Record], carrying: list[int], size: int) -> list[list[Record]]:
    """Every record as a list: itself, or the pieces of its payload."""
    parts = [[record] for record in records]
    for place in carrying:
        segment = Segment(records[place])
        payload = segment.payload
        parts[place] = [
            segment.carrying(
                payload[at : at + size], segment.sequence + at, push=at + size >= len(payload)
            ).record
            for at in range(0, len(payload), size)
        ]
    return parts


@rewritten(
    "http-reordered.pcap",
    needs=("http-download",),
    expect={
        "tcp.analysis.out_of_order || tcp.analysis.lost_segment || tcp.analysis.retransmission": 5
    },
)
def http_reordered(target: Path) -> None:
    """The download with neighbouring segments of data swapped here and there."""
    rewrite("http-download.pcap", target, _swap_pairs)


@rewritten("http-lost.pcap", needs=("http-download",), expect={"tcp.analysis.lost_segment": 2})
def http_lost(target: Path) -> None:
    """The download with four segments of data missing for good, though both ends had them."""

    def change(records: list[Record], carrying: list[int]) -> list[Record]:
        missing = set(carrying[6:8] + carrying[20:21] + carrying[33:34])
        return [record for n, record in enumerate(records) if n not in missing]

    rewrite("http-download.pcap", target, change)


@rewritten(
    "http-retransmitted.pcap", needs=("http-download",), expect={"tcp.analysis.retransmission": 5}
)
def http_retransmitted(target: Path) -> None:
    """The download with every seventh segment of data seen twice: once more right away, and once
    more three records later cut in other places, so that it overlaps its neighbours."""

    def change(records: list[Record], carrying: list[int]) -> list[Record]:
        changed: list[Record] = []
        again: dict[int, Record] = {}
        for n, record in enumerate(records):
            changed.append(record)
            if n in carrying[2::7]:
                changed.append(record)
                segment = Segment(record)
                tail = segment.payload[len(segment.payload) // 3 :]
                first = segment.sequence + len(segment.payload) - len(tail)
                again[n + 3] = segment.carrying(tail, first).record
            if n in again:
                changed.append(again[n])
        return changed

    rewrite("http-download.pcap", target, change)


@rewritten(
    "http-small-segments.pcap",
    needs=("http-keepalive",),
    expect={"tcp.len == 5": 15, "http.request": 6},
)
def http_small_segments(target: Path) -> None:
    """The kept-alive connection with its requests and answers in segments of at most 100 octets,
    the first request in segments of five."""

    def change(records: list[Record], carrying: list[int]) -> list[Record]:
        parts = _cut(records, carrying, 100)
        parts[carrying[0]] = _cut(records, carrying[:1], 5)[carrying[0]]
        return [piece for pieces in parts for piece in pieces]

    rewrite("http-keepalive.pcap", target, change)


@rewritten(
    "http-reversed.pcap",
    needs=("http-pipelined",),
    expect={"tcp.analysis.out_of_order || tcp.analysis.retransmission": 4},
)
def http_reversed(target: Path) -> None:
    """The pipelined requests in segments of 60 octets that arrive last one first."""

    def change(records: list[Record], carrying: list[int]) -> list[Record]:
        parts = _cut(records, carrying[:1], 60)
        parts[carrying[0]].reverse()
        return [piece for pieces in parts for piece in pieces]

    rewrite("http-pipelined.pcap", target, change)


@rewritten(
    "http-no-handshake.pcap",
    needs=("http-keepalive",),
    expect={"http.request": 5, "!(tcp.flags.syn == 1)": 15},
)
def http_no_handshake(target: Path) -> None:
    """The kept-alive connection from its second request on, as a probe sees it that starts in the
    middle."""

    def change(records: list[Record], carrying: list[int]) -> list[Record]:
        requests = [n for n in carrying if Segment(records[n]).payload.startswith(b"GET ")]
        return records[requests[1] :]

    rewrite("http-keepalive.pcap", target, change)


@rewritten(
    "http-one-way.pcap",
    needs=("http-keepalive",),
    expect={"http.response": 6, "tcp.dstport == 80": 0},
)
def http_one_way(target: Path) -> None:
    """The kept-alive connection with only what the server sent."""

    def change(records: list[Record], _: list[int]) -> list[Record]:
        return [record for record in records if record.data[34:36] == b"\x00\x50"]

    rewrite("http-keepalive.pcap", target, change)


@rewritten(
    "tls-small-segments.pcap",
    needs=("tls12",),
    expect={"tls.handshake.type == 1": 4, "tcp.len == 40": 60},
)
def tls_small_segments(target: Path) -> None:
    """The TLS 1.2 sessions in segments of at most 40 octets, so that no record and no ClientHello
    is whole in one."""

    def change(records: list[Record], carrying: list[int]) -> list[Record]:
        return [piece for pieces in _cut(records, carrying, 40) for piece in pieces]

    rewrite("tls12.pcap", target, change)


@rewritten(
    "tls-reordered.pcap",
    needs=("tls12",),
    expect={"tcp.analysis.out_of_order || tcp.analysis.retransmission": 3, "tcp": 60},
)
def tls_reordered(target: Path) -> None:
    """The TLS 1.2 sessions in segments of 200 octets with the two halves of every ClientHello and
    of every certificate swapped."""

    def change(records: list[Record], carrying: list[int]) -> list[Record]:
        parts = _cut(records, carrying, 200)
        for pieces in parts:
            if len(pieces) > 1:
                pieces[0], pieces[1] = pieces[1], pieces[0]
        return [piece for pieces in parts for piece in pieces]

    rewrite("tls12.pcap", target, change)
