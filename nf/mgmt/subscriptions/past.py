"""Samples of the past: configuration and state as they were, for whoever asks what was.

A sample is the configuration that was in force, which is shared and costs nothing, and what every
source of state told, compressed. Access control decides when somebody reads it, by today's rules.
"""

import logging
import threading
import zlib
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from nf.errors import YangError
from nf.mgmt.subscriptions.reading import Snapshot

if TYPE_CHECKING:
    from nf._native.yang import Tree
    from nf.mgmt.core import Core
    from nf.mgmt.session import Session

__all__ = ["Keeping", "Past"]

log = logging.getLogger(__name__)

NANOSECOND = 1e-9
FAST = 1
"""Level of compression: a sample is written every few seconds and read hardly ever."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """What of the past is kept.

    Attributes:
        interval: Nanoseconds between two samples; 0 for none.
        samples: Most that are kept.
        octets: Most memory that they take.
    """

    interval: int = 0
    samples: int = 360
    octets: int = 64 << 20


@dataclass(frozen=True, slots=True)
class _Sample:
    timestamp: int
    running: "Tree"
    state: bytes


class Past:
    """Takes samples in a thread of its own; the oldest go."""

    def __init__(self, core: "Core") -> None:
        """Keeps nothing before `follow`."""
        self._core = core
        self._keeping = Keeping()
        self._wake = threading.Condition()
        self._stopping = False
        self._samples: deque[_Sample] = deque()
        self._octets = 0
        self._thread = threading.Thread(target=self._run, name="nf-past", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def follow(self, keeping: Keeping) -> None:
        """Keeps so much from now on."""
        with self._wake:
            if keeping != self._keeping:
                self._keeping = keeping
                self._shorten()
                self._wake.notify()

    @property
    def keeping(self) -> Keeping:
        """What is kept."""
        return self._keeping

    def state(self) -> dict[str, int]:
        """How much there is, as the model has it."""
        with self._wake:
            return {"samples": len(self._samples), "memory": self._octets}

    def times(self) -> list[int]:
        """When samples were taken, oldest first."""
        with self._wake:
            return [one.timestamp for one in self._samples]

    def read(self, session: "Session", at: int) -> Snapshot | None:
        """Data of the last sample up to a moment, as far as the session may read them now.

        Args:
            session: Who reads.
            at: Nanoseconds since 1970.

        Returns:
            None if the oldest sample is younger.
        """
        with self._wake:
            samples = list(self._samples)
        number = bisect_right([one.timestamp for one in samples], at)
        if number == 0:
            return None
        sample = samples[number - 1]
        tree = sample.running.copy()
        for state in msgspec.msgpack.decode(zlib.decompress(sample.state)):
            try:
                tree.merge_data(state)
            except YangError:
                log.exception("a part of a sample does not follow the model any more")
        readable = self._core.commits.access.readable(session, tree, own=True)
        return Snapshot(sample.timestamp, readable)

    # The thread

    def _run(self) -> None:
        while self._waited():
            if not self._keeping.interval:
                continue
            try:
                sample = self._taken()
            except Exception:
                log.exception("no sample of the past could be taken")
                continue
            with self._wake:
                # State that is held is still that of the last sample.
                if not self._samples or sample.timestamp > self._samples[-1].timestamp:
                    self._samples.append(sample)
                    self._octets += len(sample.state)
                    self._shorten()

    def _waited(self) -> bool:
        """Waits until the next sample is due, or less; whether to go on."""
        with self._wake:
            if not self._stopping:
                interval = self._keeping.interval
                self._wake.wait(interval * NANOSECOND if interval else None)
            return not self._stopping

    def _taken(self) -> _Sample:
        timestamp = self._core.state.timestamp()
        states: list[dict[str, Any]] = []
        self._core.state.gather(None, states.append)
        packed = zlib.compress(msgspec.msgpack.encode(states), FAST)
        return _Sample(timestamp, self._core.commits.running.tree, packed)

    def _shorten(self) -> None:
        keeping = self._keeping
        most = keeping.samples if keeping.interval else 0
        while self._samples and (len(self._samples) > most or self._octets > keeping.octets):
            self._octets -= len(self._samples.popleft().state)
