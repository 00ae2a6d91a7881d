"""Over every capture: packets are accounted for, and rows do not depend on threads."""

from dataclasses import asdict
from pathlib import Path

import pytest

from nf.reading import read

CAPTURES = sorted(
    path
    for path in (Path(__file__).parents[2] / "captures").iterdir()
    if {".pcap", ".pcapng"} & set(path.suffixes)
)
SUMS = ("protocol", "app", "host")
THREADS = (0, 1, 2, 3)


def written(capture: Path, threads: int) -> bytes:
    """Everything that can be reported of a capture, in two formats."""
    parts = []
    for report in ("session", "transaction", *SUMS):
        with read(capture, report=report, threads=threads) as rows:  # type: ignore[call-overload]
            for batch in rows.batches():
                parts += [batch.to_jsonl(), batch.to_csv(header=False)]
            parts.append(repr(rows.stats.account).encode())
            parts.append(repr(sorted(rows.stats.anomalies.items())).encode())
    return b"".join(parts)


def test_there_are_captures() -> None:
    assert len(CAPTURES) > 100


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_rows_are_the_same_for_any_number_of_threads(capture: Path) -> None:
    alone, *others = (written(capture, threads) for threads in THREADS)

    for other in others:
        assert other == alone


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_every_packet_is_accounted_for(capture: Path, threads: int) -> None:
    with read(capture, threads=threads) as sessions:
        packets = sum(session.packets_up + session.packets_down for session in sessions)
        stats = sessions.stats

    n = asdict(stats.account)
    parts = ("kernel_drops", "dispatch_drops", "filtered", "light_only", "decode_errors")
    assert n["packets"] == sum(n[part] for part in parts) + n["processed"] > 0
    assert n["processed"] == n["in_sessions"] + n["non_session"]
    assert n["in_sessions"] == packets
    assert n["decode_errors"] == sum(stats.decode_errors.values())
    assert len(stats.workers) == max(threads, 1)
    assert sum(worker["processed"] for worker in stats.workers) == n["processed"]
    assert all(worker["panics"] == 0 for worker in stats.workers)
    assert stats.complete
