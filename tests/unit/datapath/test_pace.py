"""Files whose packets come when they came."""

import time
from pathlib import Path

import pytest

import nf


@pytest.fixture
def demo(captures: Path) -> Path:
    """The capture of everything."""
    return captures / "demo.pcap"


def test_a_pace_changes_when_rows_come_and_not_what_they_say(demo: Path) -> None:
    at_once = [session.session_id for session in nf.read(demo, threads=0)]

    for threads in (0, 2):
        paced = nf.read(demo, threads=threads, pace=1e6)
        assert [session.session_id for session in paced] == at_once
        assert paced.stats.complete


def test_packets_do_not_come_before_their_time(captures: Path) -> None:
    sessions = list(nf.read(captures / "http.pcap"))
    lasted = max(s.end for s in sessions) - min(s.start for s in sessions)
    assert lasted > 0

    begun = time.monotonic()
    paced = list(nf.read(captures / "http.pcap", pace=lasted / 0.4))

    assert time.monotonic() - begun >= 0.39
    assert len(paced) == len(sessions)


@pytest.mark.parametrize("pace", [-1.0, 1e12, 1e-9])
def test_what_is_no_pace_is_refused(demo: Path, pace: float) -> None:
    with pytest.raises(nf.ConfigurationError) as caught:
        nf.read(demo, pace=pace)
    assert caught.value.place == "pace"
