"""What live tests need: a network that is theirs alone."""

import os
from collections.abc import Iterator

import pytest

from tests.live.network import Pair, network

REASON = "live tests DID NOT RUN: they make networks of their own, which takes root"


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two joined interfaces in a network where nobody else says anything."""
    if os.geteuid() != 0:
        pytest.skip(REASON)
    with network():
        pair = Pair()
        pair.make()
        yield pair
        pair.hang_up()
