"""Losses and full tables are found by comparing counters."""

from typing import Any

from nf.datapath.control import CaptureLoss, TablesFull
from nf.datapath.losses import Losses


def stats(
    *, kernel: int = 0, evicted: tuple[int, ...] = (0, 0), refused: int = 0, held: int = 0
) -> dict[str, Any]:
    return {
        "account": {"kernel_drops": kernel},
        "workers": [{"evicted": one, "refused": refused, "held_bytes": held} for one in evicted],
        "limits": {"held_bytes": 1000},
    }


def test_only_what_is_new_is_told() -> None:
    losses = Losses()
    assert losses.look(stats()) == []
    assert losses.look(stats(kernel=3, evicted=(2, 4))) == [
        CaptureLoss({"kernel_drops": 3}),
        TablesFull(sessions_evicted=6),
    ]
    assert losses.look(stats(kernel=3, evicted=(2, 4))) == []
    assert losses.look(stats(kernel=3, evicted=(2, 5), refused=1)) == [
        TablesFull(sessions_evicted=1, packets_refused=2)
    ]


def test_counters_that_were_cleared_begin_anew() -> None:
    losses = Losses()
    losses.look(stats(kernel=30))
    assert losses.look(stats(kernel=2)) == [CaptureLoss({"kernel_drops": 2})]


def test_memory_that_is_used_up_is_told_as_long_as_it_is() -> None:
    losses = Losses()
    assert losses.look(stats(held=949)) == []
    for _ in range(2):
        assert losses.look(stats(held=950)) == [TablesFull(reassembly=True)]
    assert losses.look(stats(held=10)) == []
