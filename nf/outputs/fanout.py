"""All outputs of the process, and which rows go to which of them."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from nf.datapath.settings import Channel, EventReport, Reports, Settings
from nf.outputs.base import Output, Rows
from nf.outputs.queued import Queued, Tell
from nf.outputs.registry import OUTPUTS, asked

__all__ = ["Fanout", "Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of the outputs: made and checked by `prepare`, put in force by `apply`."""

    settings: Settings
    made: dict[Channel, Output] = field(default_factory=dict)
    """Those that begin."""
    kept: tuple[Channel, ...] = ()
    """Those that go on as they are."""


class Named(msgspec.Struct):
    """What of a row of an event tells where it goes."""

    event: str


class Fanout:
    """The outputs that are in force; thread-safe.

    Args:
        tell: See `Queued`.
        closing_seconds: Time in which an output that is no longer wanted may write what waits.
    """

    def __init__(self, tell: Tell, closing_seconds: float = 10.0) -> None:
        self._tell = tell
        self._closing_seconds = closing_seconds
        self._lock = threading.Lock()
        self._queued: dict[Channel, Queued] = {}
        self._asked: dict[Channel, object] = {}
        self._reports = Reports()
        self._closing: list[threading.Thread] = []
        self._named = msgspec.json.Decoder(Named)

    def prepare(self, settings: Settings) -> Plan:
        """Makes what `settings` ask for and is not there, without beginning.

        Raises:
            ConfigurationError: An output cannot work here; its place is the setting.
        """
        made: dict[Channel, Output] = {}
        kept: list[Channel] = []
        for channel, make in OUTPUTS.items():
            if channel in self._queued and self._asked[channel] == asked(channel, settings.outputs):
                kept.append(channel)
            elif (output := make(settings.outputs)) is not None:
                output.check()
                made[channel] = output
        return Plan(settings, made, tuple(kept))

    def apply(self, plan: Plan) -> None:
        """Puts a plan in force; outputs that go write what waits, off everybody's way."""
        begun = {channel: Queued(output, self._tell) for channel, output in plan.made.items()}
        for one in begun.values():
            one.start()
        with self._lock:
            old = {k: one for k, one in self._queued.items() if k not in plan.kept}
            self._queued = {k: self._queued[k] for k in plan.kept} | begun
            self._asked = {k: asked(k, plan.settings.outputs) for k in self._queued}
            self._reports = plan.settings.reports
        self._closing = [thread for thread in self._closing if thread.is_alive()]
        for one in old.values():
            thread = threading.Thread(target=one.close, args=(self._closing_seconds,))
            thread.start()
            self._closing.append(thread)

    def offer(self, kind: str, count: int, octets: Callable[[], bytes]) -> None:
        """Hands rows to those who want them; they are made octets only if somebody does."""
        with self._lock:
            queued, reports = self._queued, self._reports
        if kind == "event":
            self._offer_events(reports.events, count, octets, queued)
            return
        channels: Sequence[Channel] = getattr(reports, kind, ())
        takers = [queued[channel] for channel in channels if channel in queued]
        if takers and count:
            rows = Rows(kind, count, octets())
            for taker in takers:
                taker.offer(rows)

    def _offer_events(
        self,
        reports: tuple[EventReport, ...],
        count: int,
        octets: Callable[[], bytes],
        queued: dict[Channel, Queued],
    ) -> None:
        routes: dict[str, set[Channel]] = {}
        for report in reports:
            routes.setdefault(report.event, set()).update(
                channel for channel in report.channels if channel in queued
            )
        wanted = set().union(*routes.values())
        if not wanted or not count:
            return
        made = octets()
        if all(route == wanted for route in routes.values()):
            for channel in wanted:
                queued[channel].offer(Rows("event", count, made))
            return
        # Events that go different ways are told apart row by row, and only then.
        lines: dict[Channel, list[bytes]] = {channel: [] for channel in wanted}
        for line in made.splitlines(keepends=True):
            for channel in routes.get(self._named.decode(line).event, ()):
                lines[channel].append(line)
        for channel, own in lines.items():
            if own:
                queued[channel].offer(Rows("event", len(own), b"".join(own)))

    def stats(self) -> list[dict[str, Any]]:
        """Counters of each."""
        with self._lock:
            return [one.stats() for one in self._queued.values()]

    def clear(self) -> None:
        """Has counters begin at 0 again."""
        with self._lock:
            for one in self._queued.values():
                one.clear()

    def close(self, seconds: float) -> int:
        """Writes what waits and ends all; returns rows that were not written."""
        with self._lock:
            queued, self._queued = list(self._queued.values()), {}
        left = sum(one.close(seconds) for one in queued)
        for thread in self._closing:
            thread.join(seconds)
        return left
