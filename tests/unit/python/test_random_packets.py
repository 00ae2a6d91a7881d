"""Whatever stands in a capture: nothing crashes, and every packet is accounted for."""

import json
import struct
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nf

LINK_TYPES = (0, 1, 9, 50, 101, 104, 105, 108, 113, 127, 195, 230, 276, 65_535)
PORTS = st.sampled_from(
    [20, 21, 22, 53, 67, 80, 123, 443, 1701, 2123, 2152, 4789, 5353, 6081, 8080]
)
OPENINGS = st.sampled_from(
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"220 ready\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\xc0\x00\x00\x00\x01\x08",
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01",
        b"\x30\xff\x00\x10\x00\x00\x00\x01\x45",
        b"\x08\x00\x00\x00\x00\x00\x05\x00",
    ]
)
PAYLOADS = st.builds(bytes.__add__, OPENINGS, st.binary(max_size=80))
PROTOCOLS = st.sampled_from(
    [0, 1, 2, 4, 6, 17, 41, 43, 44, 46, 47, 50, 51, 58, 89, 97, 115, 132, 255]
)
WORDS = st.integers(0, 65_535)


def udp(source: int, target: int, lie: int, payload: bytes) -> bytes:
    return struct.pack("!HHHH", source, target, 8 + len(payload) + lie, 0) + payload


def tcp(ports: tuple[int, int], sequence: int, offset: int, flags: int, payload: bytes) -> bytes:
    word = offset << 12 | flags
    return struct.pack("!HHIIHHHH", *ports, sequence, 1, word, 1000, 0, 0) + payload


def ipv4(protocol: int, fragment: int, hosts: tuple[int, int], lie: int, payload: bytes) -> bytes:
    length = max(0, min(20 + len(payload) + lie, 65_535))
    ends = bytes([192, 0, 2, hosts[0], 192, 0, 2, hosts[1]])
    return struct.pack("!BBHHHBBH", 0x45, 0, length, 7, fragment, 64, protocol, 0) + ends + payload


def ipv6(protocol: int, hosts: tuple[int, int], payload: bytes) -> bytes:
    ends = b"".join(b"\x20\x01\x0d\xb8" + bytes(11) + bytes([host]) for host in hosts)
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + ends + payload


HOSTS = st.tuples(st.integers(1, 3), st.integers(1, 3))
LIES = st.sampled_from([0, 0, 0, -5, 7, 4000])
TRANSPORT = st.one_of(
    st.builds(lambda *parts: (17, udp(*parts)), PORTS, PORTS, LIES, PAYLOADS),
    st.builds(
        lambda *parts: (6, tcp(*parts)),
        *(st.tuples(PORTS, PORTS), st.integers(0, 300), st.sampled_from([5, 5, 5, 0, 15])),
        *(st.integers(0, 63), PAYLOADS),
    ),
    st.tuples(PROTOCOLS, st.binary(max_size=60)),
)
FRAGMENTS = st.sampled_from([0, 0, 0, 0x2000, 0x2003, 0x0003, 0x4000])
ETHER_TYPES = st.sampled_from(
    [0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8, 0x8847, 0x8864, 0x05DC, 0x9999]
)
NETWORK = st.one_of(
    st.builds(
        lambda inner, fragment, hosts, lie: (
            0x0800,
            ipv4(inner[0], fragment, hosts, lie, inner[1]),
        ),
        *(TRANSPORT, FRAGMENTS, HOSTS, LIES),
    ),
    st.builds(lambda inner, hosts: (0x86DD, ipv6(inner[0], hosts, inner[1])), TRANSPORT, HOSTS),
    st.tuples(ETHER_TYPES, st.binary(max_size=80)),
)
FRAMES = st.one_of(
    st.binary(max_size=120),
    st.builds(lambda inner: bytes(12) + struct.pack("!H", inner[0]) + inner[1], NETWORK),
    NETWORK.map(lambda inner: inner[1]),
)
RECORDS = st.tuples(
    st.integers(0, 2**32 - 1) | st.just(1_700_000_000), st.integers(0, 999_999), LIES, FRAMES
)


def capture(link: int, records: list[tuple[int, int, int, bytes]]) -> bytes:
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)]
    for seconds, fraction, lie, frame in records:
        length = max(0, len(frame) + lie)
        parts.append(struct.pack("<IIII", seconds, fraction, len(frame), length) + frame)
    return b"".join(parts)


def assert_balanced(stats: nf.Stats) -> None:
    n = asdict(stats.account)
    parts = ("kernel_drops", "dispatch_drops", "filtered", "light_only", "decode_errors")
    assert n["packets"] == sum(n[part] for part in parts) + n["processed"]
    assert n["processed"] == n["in_sessions"] + n["non_session"]
    assert all(worker["panics"] == 0 for worker in stats.workers)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("random")


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(LINK_TYPES), st.lists(RECORDS, max_size=12))
def test_random_packets_never_crash_and_are_accounted_for(
    folder: Path, link: int, records: list[tuple[int, int, int, bytes]]
) -> None:
    file = folder / "random.pcap"
    file.write_bytes(capture(link, records))

    runs = []
    for threads in (0, 2):
        text = []
        reading = nf.read(
            file,
            report="event",
            threads=threads,
            events={"ip.src": ["ip.src", "ip.p_payload"], "http.method": ["http.uri"]},
        )
        text += [batch.to_jsonl() for batch in reading.batches()]
        assert_balanced(reading.stats)
        assert reading.stats.account.packets == len(records)
        for report in ("session", "transaction", "protocol", "host"):
            rows = nf.read(file, report=report, threads=threads)  # type: ignore[call-overload]
            for batch in rows.batches():
                text.append(batch.to_jsonl())
                assert batch.to_dicts() == [json.loads(line) for line in text[-1].splitlines()]
                batch.arrow()
            assert_balanced(rows.stats)
        runs.append(b"".join(text))
    assert runs[0] == runs[1]


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(["http.pcap", "format-sections.pcapng", "format-gzip.pcap.gz", "gtp-u.pcap"]),
    st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=4)), max_size=6),
    st.floats(0, 1),
)
def test_a_damaged_file_gives_rows_or_a_clear_error(
    folder: Path,
    captures: Path,
    name: str,
    damages: list[tuple[float, bytes]],
    kept: float,
) -> None:
    content = bytearray((captures / name).read_bytes())
    for place, octets in damages:
        start = int(place * (len(content) - len(octets)))
        content[start : start + len(octets)] = octets
    file = folder / name
    file.write_bytes(content[: int(kept * len(content))])

    try:
        reading = nf.read(file)
        packets = sum(session.packets_up + session.packets_down for session in reading)
    except nf.CaptureError as error:
        mistake = error
    else:
        assert_balanced(reading.stats)
        assert packets == reading.stats.account.in_sessions
        return
    assert mistake.what
    assert mistake.hint


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=60) | st.from_regex(r"[a-z_.]{1,12} ?(==|>|in|matches) ?.{0,20}"))
def test_any_text_is_a_filter_or_a_mistake_with_a_place(text: str) -> None:
    try:
        nf.check_filter(text)
    except nf.ConfigurationError as error:
        mistake = error
    else:
        return
    assert mistake.place == "filter"
    assert "^" in mistake.what
    assert mistake.hint
