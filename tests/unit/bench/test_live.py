"""The bench of live capture: who is compared with whom, and a run of it that really sends."""

import os
import shutil

import pytest

from bench.live import __main__ as live
from bench.live.network import Received, Sent, cable, wire


def test_shares_compare_what_was_taken_and_what_the_processor_spent() -> None:
    class Line:
        def bare(self, *_words: object) -> tuple[Sent, Received]:
            return Sent(1000, 1.0, 0.9), Received(1000, 0, 0.1)

        def nf(self, *_words: object) -> tuple[Sent, Received]:
            return Sent(1000, 2.0, 0.9), Received(800, 200, 0.7)

    row = live.measured(Line(), 60, 1.0, 10, [])  # type: ignore[arg-type]  # what it asks of one

    assert (row.bare, row.ours, row.lost) == (1000, 400, pytest.approx(20))
    assert row.share == pytest.approx(40)
    assert row.share_by_processor == pytest.approx(100 * 800 / 1.6 / 1000)
    assert row.ours_ns == pytest.approx(0.7e9 / 800)


@pytest.mark.skipif(os.geteuid() != 0, reason="it makes a network of its own, which takes root")
@pytest.mark.skipif(shutil.which("taskset") is None, reason="taskset is not installed")
def test_what_is_sent_is_taken_or_dropped_and_told() -> None:
    with cable(wire()) as line:
        sent, bare = line.bare(16 << 20, 60, 0.2, 10)
        assert bare.packets + bare.dropped == sent.packets > 0
        sent, ours = line.nf(16 << 20, 100, 0.2, 10)
        assert ours.packets + ours.dropped == sent.packets > 0
        assert ours.processor >= 0
