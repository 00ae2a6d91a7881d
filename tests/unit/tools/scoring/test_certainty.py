"""Payloads that mean nothing get no name; and the measurement would notice if they did."""

from pathlib import Path

import pytest

import nf
from tools.scoring import certainty, frames
from tools.scoring.frames import Ends, Frame

SESSIONS = 3000


@pytest.mark.parametrize("name", certainty.of_generated(1))
def test_generated_octets_are_hardly_ever_named(name: str) -> None:
    found = certainty.of_generated(SESSIONS)[name]

    assert found.sessions == SESSIONS
    assert found.share < certainty.MOST_WRONG, found.named


def test_shuffled_captures_are_hardly_ever_named(captures: Path) -> None:
    # These have few sessions, so that one more or less of them says little.
    found = certainty.of_shuffled(sorted(captures.glob("*.pcap*")), rounds=20)

    assert found.sessions > 10_000
    assert found.share < certainty.MOST_WRONG, found.named


def test_what_means_something_is_noticed() -> None:
    request = b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
    made = certainty.sessions(20, 1, lambda _: request, tcp=True)

    found = certainty.of_frames(made, frames.RAW_IP)

    assert (found.sessions, found.wrong, found.named) == (20, 20, {"http": 20})
    assert certainty.Wrong().share == 0.0


def test_what_is_allowed_is_not_wrong() -> None:
    made = certainty.sessions(20, 1, certainty.like_tls, tcp=True)

    found = certainty.of_frames(made, frames.RAW_IP, frozenset(("tls",)))

    assert (found.sessions, found.wrong) == (20, 0)


def test_a_shuffle_keeps_sizes_and_headers(captures: Path) -> None:
    capture = captures / "http.pcap"
    real = [f for f in frames.read(capture) if frames.payload_at(f) is not None]

    made = list(certainty.shuffled(capture, 1))

    assert [len(f.data) for f in made] == [len(f.data) for f in real]
    assert made != real
    for one, other in zip(made, real, strict=True):
        start = frames.payload_at(other)
        assert one.data[:start] == other.data[:start]
        assert sorted(one.data) == sorted(other.data)


def test_frames_are_read_as_they_were_written(tmp_path: Path) -> None:
    octets = bytes(range(40))
    written = [
        frames.datagram(Ends(n, 9), octets, up=n % 2 == 0, tcp=n > 1, sent=0) for n in range(4)
    ]
    capture = tmp_path / "made.pcap"

    frames.write(capture, written, frames.RAW_IP)

    assert list(frames.read(capture)) == written
    assert [f.data[frames.payload_at(f) :] for f in written] == [octets] * 4
    assert sum(row.payload_up + row.payload_down for row in nf.read(capture)) == 160


def test_pcapng_and_vlans_are_read(tmp_path: Path) -> None:
    tagged = Frame(frames.ETHERNET, bytes(12) + b"\x81\x00\x00\x01\x08\x00" + bytes(20))
    assert frames.ip_at(tagged) == 18
    assert frames.ip_at(Frame(frames.ETHERNET, bytes(12) + b"\x08\x06" + bytes(20))) is None

    block = b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0" + b"\xff" * 8 + b"\x1c\0\0\0"
    interface = b"\1\0\0\0\x14\0\0\0\x65\0\0\0\0\0\4\0\x14\0\0\0"
    packet = b"\6\0\0\0\x24\0\0\0" + bytes(12) + b"\4\0\0\0\4\0\0\0" + b"abcd" + b"\x24\0\0\0"
    capture = tmp_path / "made.pcapng"
    capture.write_bytes(block + interface + packet)

    assert list(frames.read(capture)) == [Frame(101, b"abcd")]
