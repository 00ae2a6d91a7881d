"""The same small HTTP exchange in every link type and file format that is read."""

from __future__ import annotations

import gzip
import struct
import subprocess
from typing import TYPE_CHECKING

import pcapfile
from built.dialogue import START_NS, STEP_NS, Turn, lookup, web
from built.link import directed
from built.packet import CLIENT_MAC, SERVER_MAC, mac
from catalogue import built
from pcapfile import Interface, PcapngWriter, Record, pcap_bytes, write_pcap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_HTTP = {"http.request": 1, "http.response": 1, "tcp": 10}


def exchange() -> list[Turn]:
    """What every file of this module carries: a web request over IPv4 and a lookup over IPv6."""
    return web("192.0.2.10", "192.0.2.20") + lookup("2001:db8::10", "2001:db8::20")


def ethernet_records() -> list[Record]:
    """The exchange as Ethernet frames."""
    return [
        Record(START_NS + n * STEP_NS + n, directed(turn.up, turn.packet).octets)
        for n, turn in enumerate(exchange())
    ]


def _ethertype(turn: Turn) -> int:
    return turn.packet.ethertype


def _write(target: Path, link: int, frame: Callable[[Turn], bytes]) -> None:
    records = [Record(START_NS + n * STEP_NS, frame(turn)) for n, turn in enumerate(exchange())]
    write_pcap(target, link, records)


def _ends(turn: Turn) -> tuple[bytes, bytes]:
    ends = (mac(CLIENT_MAC), mac(SERVER_MAC))
    return ends if turn.up else (ends[1], ends[0])


_LINK = {**_HTTP, "dns && ipv6": 2}


@built("link-ethernet.pcap", expect=_LINK)
def link_ethernet(target: Path) -> None:
    """Link type Ethernet."""
    write_pcap(target, pcapfile.ETHERNET, ethernet_records())


@built("link-raw.pcap", expect=_LINK)
def link_raw(target: Path) -> None:
    """Link type raw IP, version 4 and 6 mixed."""
    _write(target, pcapfile.RAW_IP, lambda turn: turn.packet.octets)


@built("link-null.pcap", expect=_LINK)
def link_null(target: Path) -> None:
    """Link type null: the address family in the order of the machine that captured, little-endian,
    with the three numbers that systems use for IPv6."""
    families = iter((24, 28, 30))

    def frame(turn: Turn) -> bytes:
        family = 2 if _ethertype(turn) == 0x0800 else next(families)
        return struct.pack("<I", family) + turn.packet.octets

    _write(target, pcapfile.NULL, frame)


@built("link-loop.pcap", expect=_LINK)
def link_loop(target: Path) -> None:
    """Link type loop: the address family in network order."""

    def frame(turn: Turn) -> bytes:
        return struct.pack("!I", 2 if _ethertype(turn) == 0x0800 else 24) + turn.packet.octets

    _write(target, pcapfile.LOOP, frame)


@built("link-ppp.pcap", expect={**_LINK, "ppp": 12})
def link_ppp(target: Path) -> None:
    """Link type PPP, with and without address and control octets."""
    count = iter(range(100))

    def frame(turn: Turn) -> bytes:
        head = b"\xff\x03" if next(count) % 2 else b""
        return head + struct.pack("!H", turn.packet.ppp_protocol) + turn.packet.octets

    _write(target, pcapfile.PPP, frame)


@built("link-hdlc.pcap", expect={**_LINK, "chdlc": 12})
def link_hdlc(target: Path) -> None:
    """Link type Cisco HDLC."""
    _write(
        target,
        pcapfile.C_HDLC,
        lambda turn: struct.pack("!BBH", 0x0F, 0, _ethertype(turn)) + turn.packet.octets,
    )


@built("link-sll.pcap", expect={**_LINK, "sll": 12})
def link_sll(target: Path) -> None:
    """Link type Linux cooked, version 1."""

    def frame(turn: Turn) -> bytes:
        source, _ = _ends(turn)
        head = struct.pack("!HHH8sH", 4 if turn.up else 0, 1, 6, source, _ethertype(turn))
        return head + turn.packet.octets

    _write(target, pcapfile.LINUX_SLL, frame)


@built("link-sll2.pcap", expect={**_LINK, "sll": 12})
def link_sll2(target: Path) -> None:
    """Link type Linux cooked, version 2."""

    def frame(turn: Turn) -> bytes:
        source, _ = _ends(turn)
        head = struct.pack("!HHIHBB8s", _ethertype(turn), 0, 3, 1, 4 if turn.up else 0, 6, source)
        return head + turn.packet.octets

    _write(target, pcapfile.LINUX_SLL2, frame)


_STATION, _ACCESS_POINT = mac("02:00:00:00:00:51"), mac("02:00:00:00:00:a0")


def _data_frame(turn: Turn, number: int) -> bytes:
    """An 802.11 data frame to or from an access point; every second one with QoS."""
    source, target = _ends(turn)
    qos = number % 2
    control = 0x88 if qos else 0x08
    if turn.up:
        head = bytes([control, 1]) + bytes(2) + _ACCESS_POINT + source + target
    else:
        head = bytes([control, 2]) + bytes(2) + target + _ACCESS_POINT + source
    head += struct.pack("<H", number << 4) + (bytes(2) if qos else b"")
    snap = b"\xaa\xaa\x03\x00\x00\x00" + struct.pack("!H", _ethertype(turn))
    return head + snap + turn.packet.octets


def _management() -> list[bytes]:
    """A beacon, an acknowledgement, a frame without data and one that is protected."""
    beacon = b"\x80\0\0\0" + b"\xff" * 6 + _ACCESS_POINT * 2 + bytes(2)
    beacon += (
        bytes(8)
        + struct.pack("<HH", 100, 0x0431)
        + b"\x00\x07harbour"
        + b"\x01\x04\x82\x84\x8b\x96"
    )
    acknowledgement = b"\xd4\0\0\0" + _STATION
    nothing = b"\x48\x01\0\0" + _ACCESS_POINT + _STATION + _ACCESS_POINT + bytes(2)
    secret = b"\x08\x41\0\0" + _ACCESS_POINT + _STATION + _ACCESS_POINT + bytes(2)
    secret += b"\x01\x00\x00\x20\0\0\0\0" + bytes((n * 37 + 11) & 0xFF for n in range(60))
    return [beacon, acknowledgement, nothing, secret]


def _wireless(target: Path, link: int, head: bytes) -> None:
    frames = [_data_frame(turn, n) for n, turn in enumerate(exchange())] + _management()
    records = [Record(START_NS + n * STEP_NS, head + frame) for n, frame in enumerate(frames)]
    write_pcap(target, link, records)


@built(
    "link-80211.pcap", expect={**_LINK, "wlan.fc.type_subtype == 8": 1, "wlan.fc.protected == 1": 1}
)
def link_80211(target: Path) -> None:
    """Link type 802.11: data with and without QoS to and from an access point, a beacon, an
    acknowledgement, a frame without data and a protected one."""
    _wireless(target, pcapfile.IEEE80211, b"")


@built("link-radiotap.pcap", expect={**_LINK, "radiotap": 16, "wlan.fc.protected == 1": 1})
def link_radiotap(target: Path) -> None:
    """The same below a radiotap header with rate, channel, signal and an extended presence word."""
    fields = struct.pack("<BxHHb", 12, 2437, 0x00A0, -50)
    head = struct.pack("<BBHII", 0, 0, 12 + len(fields), 0x8000002C, 0) + fields
    _wireless(target, pcapfile.RADIOTAP, head)


def _crc16(octets: bytes) -> int:
    """The frame check of 802.15.4."""
    value = 0
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return value


def _personal() -> list[bytes]:
    """Frames of 802.15.4: beacon, data with short and with long addresses, acknowledgement,
    command."""
    long_one, long_two = bytes.fromhex("0100000000000002"), bytes.fromhex("0200000000000002")
    beacon = struct.pack("<HBHH", 0x8000, 1, 0xBEEF, 0x0000) + struct.pack("<HBB", 0xCFFF, 0, 0)
    short = struct.pack("<HBHHH", 0x8861, 2, 0xBEEF, 0x0001, 0x0002) + b"\0low water"
    long = struct.pack("<HBH", 0xCC61, 3, 0xBEEF) + long_one + long_two + b"\0high water"
    between = (
        struct.pack("<HBHHHH", 0x8821, 4, 0xBEEF, 0x0001, 0xCAFE, 0x0002) + b"\0to the next island"
    )
    acknowledgement = struct.pack("<HB", 0x0002, 2)
    command = struct.pack("<HBHHB", 0x0803, 5, 0xFFFF, 0xFFFF, 7)
    return [beacon, short, long, between, acknowledgement, command]


@built("link-802154.pcap", expect={"wpan": 6, "wpan.frame_type == 1": 3, "wpan.frame_type == 0": 1})
def link_802154(target: Path) -> None:
    """Link type 802.15.4 with frame check: beacon, data with short and long addresses,
    acknowledgement, command."""
    frames = [frame + struct.pack("<H", _crc16(frame)) for frame in _personal()]
    records = [Record(START_NS + n * STEP_NS, frame) for n, frame in enumerate(frames)]
    write_pcap(target, pcapfile.IEEE802154_WITH_FCS, records)


@built(
    "link-802154-nofcs.pcap",
    expect={"wpan": 6, "wpan.frame_type == 2": 1, "wpan.frame_type == 3": 1},
)
def link_802154_nofcs(target: Path) -> None:
    """The same without frame check."""
    records = [Record(START_NS + n * STEP_NS, frame) for n, frame in enumerate(_personal())]
    write_pcap(target, pcapfile.IEEE802154_NO_FCS, records)


@built("format-nano.pcap", expect=_LINK)
def format_nano(target: Path) -> None:
    """pcap with nanoseconds."""
    write_pcap(target, pcapfile.ETHERNET, ethernet_records(), nano=True)


@built("format-big.pcap", expect=_LINK)
def format_big(target: Path) -> None:
    """pcap in big-endian order."""
    write_pcap(target, pcapfile.ETHERNET, ethernet_records(), big_endian=True)


@built("format-big-nano.pcap", expect=_LINK)
def format_big_nano(target: Path) -> None:
    """pcap in big-endian order with nanoseconds."""
    write_pcap(target, pcapfile.ETHERNET, ethernet_records(), big_endian=True, nano=True)


@built(
    "format-snap.pcap", expect={"frame.cap_len == 64 && frame.len > 64": 5}, flaws=("_ws.short",)
)
def format_snap(target: Path) -> None:
    """pcap cut to a snap length of 64."""
    write_pcap(target, pcapfile.ETHERNET, ethernet_records(), snaplen=64)


@built("format-gzip.pcap.gz", expect=_LINK)
def format_gzip(target: Path) -> None:
    """pcap compressed by gzip, in two members."""
    octets = pcap_bytes(pcapfile.ETHERNET, ethernet_records())
    members = (octets[:500], octets[500:])
    target.write_bytes(b"".join(gzip.compress(member, mtime=0) for member in members))


def _zstd(octets: bytes) -> bytes:
    done = subprocess.run(
        ["zstd", "-q", "-c", "--no-check"], input=octets, capture_output=True, check=True
    )
    return done.stdout


def _pcapng(*, big_endian: bool = False) -> bytes:
    """Two interfaces of different resolution and link type, packets of both in turn, blocks no one
    knows."""
    writer = PcapngWriter(big_endian=big_endian)
    writer.section("two interfaces")
    writer.interface(Interface(pcapfile.ETHERNET, "lan0"))
    writer.block(0x5EAF, b"a block of tomorrow")
    writer.interface(Interface(pcapfile.RAW_IP, "tun0", tsresol=9))
    for number, turn in enumerate(exchange()):
        moment = START_NS + number * STEP_NS + number
        if number % 2:
            writer.packet(Record(moment, turn.packet.octets, interface=1))
        else:
            writer.packet(Record(moment, directed(turn.up, turn.packet).octets))
    writer.block(0x80000123, bytes(9))
    return writer.bytes()


@built("format-two-interfaces.pcapng", expect={**_LINK, "frame.interface_id == 1": 6})
def format_two_interfaces(target: Path) -> None:
    """pcapng with an Ethernet interface in microseconds and a raw IP one in nanoseconds, and
    unknown blocks."""
    target.write_bytes(_pcapng())


@built("format-ng-big.pcapng", expect={**_LINK, "frame.interface_id == 1": 6})
def format_ng_big(target: Path) -> None:
    """The same in big-endian order."""
    target.write_bytes(_pcapng(big_endian=True))


@built("format-sections.pcapng", expect={**_LINK, "frame.interface_id": 12})
def format_sections(target: Path) -> None:
    """pcapng in two sections, the second of other byte order within one file: timestamps in units
    of 2^-20 s with an offset, then simple and obsolete packet blocks."""
    records = ethernet_records()
    first = PcapngWriter()
    first.section()
    offset = START_NS // 1_000_000_000 - 1000
    first.interface(Interface(pcapfile.ETHERNET, "lan0", tsresol=0x80 | 20, tsoffset=offset))
    first.packets(records[:6])
    second = PcapngWriter(big_endian=True)
    second.section("the other byte order")
    second.interface(Interface(pcapfile.ETHERNET, "lan1"))
    for record in records[6:9]:
        second.obsolete_packet(record)
    for record in records[9:]:
        second.simple_packet(record)
    target.write_bytes(first.bytes() + second.bytes())


@built("format-zstd.pcapng.zst", expect=_LINK)
def format_zstd(target: Path) -> None:
    """pcapng with two interfaces, compressed by zstd in two frames."""
    octets = _pcapng()
    target.write_bytes(_zstd(octets[:700]) + _zstd(octets[700:]))
