"""All outputs of the process, and which rows go to which of them."""

import threading
from dataclasses import dataclass, field
from typing import Any

import msgspec

from nf.datapath.settings import Settings
from nf.outputs.base import Block, Output, Rows
from nf.outputs.queued import Queued, Tell
from nf.outputs.registry import OUTPUTS, Asked, asked_of
from nf.outputs.telemetry import HandOver

__all__ = ["Fanout", "Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of the outputs: made and checked by `prepare`, put in force by `apply`."""

    asked: dict[str, Asked]
    made: dict[str, Output] = field(default_factory=dict)
    """Those that begin; the others of `asked` go on as they are."""


class Named(msgspec.Struct):
    """What of a row of an event tells where it goes."""

    event: str


class Fanout:
    """The outputs that are in force; thread-safe.

    Args:
        tell: See `Queued`.
        hand_over: Takes rows to management.
        closing_seconds: Time in which an output that is no longer wanted may write what waits.
    """

    def __init__(self, tell: Tell, hand_over: HandOver, closing_seconds: float = 10.0) -> None:
        self._tell = tell
        self._hand_over = hand_over
        self._closing_seconds = closing_seconds
        self._lock = threading.Lock()
        self._outlets: tuple[tuple[str, Asked, Queued], ...] = ()
        """Name, what is asked, and the output; exchanged as a whole."""
        self._closing: list[threading.Thread] = []
        self._named = msgspec.json.Decoder(Named)

    def prepare(self, settings: Settings) -> Plan:
        """Makes what `settings` ask for and is not there, without beginning.

        Raises:
            ConfigurationError: An output cannot work here; its place is the setting.
        """
        wanted = asked_of(settings)
        there = {name: asked for name, asked, _ in self._outlets}
        made: dict[str, Output] = {}
        for name, asked in wanted.items():
            if there.get(name) != asked:
                made[name] = OUTPUTS[name](asked, self._hand_over)
                made[name].check()
        return Plan(wanted, made)

    def apply(self, plan: Plan) -> None:
        """Puts a plan in force; outputs that go write what waits, off everybody's way."""
        begun = {name: Queued(output, self._tell) for name, output in plan.made.items()}
        for queued in begun.values():
            queued.start()
        with self._lock:
            there = {name: queued for name, _, queued in self._outlets}
            now = there | begun
            self._outlets = tuple((name, asked, now[name]) for name, asked in plan.asked.items())
        staying = {id(queued) for _, _, queued in self._outlets}
        self._closing = [thread for thread in self._closing if thread.is_alive()]
        for queued in there.values():
            if id(queued) not in staying:
                thread = threading.Thread(target=queued.close, args=(self._closing_seconds,))
                thread.start()
                self._closing.append(thread)

    def offer(self, block: Block, left_out: frozenset[str] = frozenset()) -> None:
        """Hands rows to those who want them; they are made octets only if somebody does.

        Rows of events that are left out go nowhere.
        """
        kind, count = block.kind, len(block)
        takers = []
        for _, asked, queued in self._outlets:
            if kind not in asked.reports or not count:
                continue
            own = queued.output.encode(block)
            if own is None:
                takers.append((asked, queued))
            elif own.count:
                queued.offer(own)
        if not takers:
            return
        made = block.to_jsonl()
        routes = {asked.events for asked, _ in takers}
        if kind == "event" and (len(routes) > 1 or left_out):
            self._offer_by_event(made, takers)
            return
        for _, queued in takers:
            queued.offer(Rows(kind, count, made))

    def _offer_by_event(self, octets: bytes, takers: list[tuple[Asked, Queued]]) -> None:
        """Events that go different ways are told apart row by row, and only then."""
        lines = [
            (self._named.decode(line).event, line) for line in octets.splitlines(keepends=True)
        ]
        for asked, queued in takers:
            own = [line for name, line in lines if name in asked.events]
            if own:
                queued.offer(Rows("event", len(own), b"".join(own)))

    def stats(self) -> list[dict[str, Any]]:
        """Counters of each."""
        return [queued.stats() for _, _, queued in self._outlets]

    def clear(self) -> None:
        """Has counters begin at 0 again."""
        for _, _, queued in self._outlets:
            queued.clear()

    def close(self, seconds: float) -> int:
        """Writes what waits and ends all; returns rows that were not written."""
        with self._lock:
            outlets, self._outlets = self._outlets, ()
        left = sum(queued.close(seconds) for _, _, queued in outlets)
        for thread in self._closing:
            thread.join(seconds)
        return left
