"""Management's connection to the monitor."""

import threading
from pathlib import Path
from typing import Any

import pytest

from nf.mgmt import overseer as overseeing
from nf.mgmt.overseer import Overseer

PATIENCE = 20.0


class Connected:
    """A monitor's client that nothing happens to."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False


def test_an_end_that_is_asked_for_while_it_connects_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overseeing, "MonitorClient", Connected)
    overseer = Overseer(tmp_path / "monitor.sock", lambda _: None)

    class AskedForMeanwhile(threading.Event):
        def clear(self) -> None:
            overseer._ending = True
            self.set()
            super().clear()

    overseer._lost = AskedForMeanwhile()
    overseer.start()
    overseer._thread.join(PATIENCE)

    assert not overseer._thread.is_alive()
