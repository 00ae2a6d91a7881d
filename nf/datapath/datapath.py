"""What nf-datapath does: an engine, its rows, and a configuration that changes under it.

A configuration comes in two steps. `prepare` does all that can fail: it reads the files that
settings name, checks outputs, compiles, and opens what is new. `apply` exchanges pointers. Where an
engine has to be exchanged, the new one is open before the old one is told to end, and the old one
still hands on all it has, final reports included.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from nf._native import engine as _engine
from nf.datapath.config import EngineConfig
from nf.datapath.control import (
    CaptureState,
    DumpPackets,
    Event,
    FlowStateReset,
    ReplayState,
)
from nf.datapath.drain import Drain
from nf.datapath.dumps import Dumps
from nf.datapath.effects import Effect, effect_of
from nf.datapath.losses import Losses
from nf.datapath.settings import Settings
from nf.errors import CaptureError, ConfigurationError, NfError, Refused
from nf.process.logs import event

__all__ = ["Complete", "Completed", "Datapath", "Listeners", "Outlets", "Owner"]

log = logging.getLogger(__name__)

Complete = Callable[[Settings], "Completed"]
"""Reads the files that settings name: what is returned is all the engine needs."""
Why = Literal["configuration", "operator"]
ANSWER_SECONDS = 8.0
LISTEN_SECONDS = 10.0
"""Time in which functions that are not wanted any more may have what waits for them."""
LIVE_SUMS = ("protocol", "app")
"""Sums that tell of each row how many of its sessions go on."""
EXCHANGE_SECONDS = 60.0
"""Time in which an engine that has been exchanged may hand on what it has."""


class Outlets(Protocol):
    """Where rows go; the datapath knows them as this only."""

    def prepare(self, settings: Settings) -> Any:
        """Makes and checks what is new; raises ConfigurationError."""

    def apply(self, plan: Any) -> None:
        """Puts what was prepared in force."""

    def offer(self, block: _engine.Batch, left_out: frozenset[str] = frozenset()) -> None:
        """Takes rows, without waiting, but for those of events that are left out."""

    def stats(self) -> list[dict[str, Any]]:
        """Counters of each."""

    def clear(self) -> None:
        """Has counters begin at 0."""

    def close(self, seconds: float) -> int:
        """Writes what waits; returns rows that were not written."""


class Owner(Protocol):
    """The process around the datapath; called from any thread, must not wait."""

    def tell(self, event: Event) -> None:
        """Something happened that management wants to know."""

    def broken(self, why: str) -> None:
        """The engine has a defect: this process is to end and to be started again."""

    def finished(self, why: str) -> None:
        """Nothing more will be read; `why` that was not everything, or nothing when it was."""


class Listeners(Protocol):
    """Functions of the user's that hear what is found; the datapath knows them as this only."""

    def start(self) -> None:
        """Begins."""

    @property
    def overrules(self) -> bool:
        """Whether some of them name sessions."""

    def classify(self, batch: _engine.Batch, source: object) -> None:
        """Has those name the sessions of rows, which `source` has numbered; raises nothing."""

    def hear(self, batch: _engine.Batch) -> None:
        """Has the others hear rows; raises nothing."""

    def stats(self) -> list[dict[str, Any]]:
        """How each function does."""

    def clear(self) -> None:
        """Has counters begin at 0."""

    def close(self, seconds: float) -> int:
        """Lets them have what waits; returns rows that they did not get."""


@dataclass(frozen=True, slots=True)
class Completed:
    """Settings, with what stands in the files that they name.

    Attributes:
        config: What the engine needs.
        listeners: Who hears what is found; None for nobody.
        own_events: Events that only listeners wait for: their rows go nowhere else.
        plugins: Protocols that plugins have added.
        notes: What takes the place of what, and what was refused.
    """

    config: EngineConfig
    listeners: Listeners | None = None
    own_events: frozenset[str] = frozenset()
    plugins: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A configuration that is prepared."""

    generation: int
    settings: Settings
    completed: Completed
    effect: Effect
    outlets: Any
    engine: _engine.Engine | None
    """Open, for the effects that need a new one."""


class Datapath:
    """See the module. Methods may be called from any thread.

    Args:
        complete: See there.
        outlets: Where rows go.
        owner: See there.
        dumps: Where packets are written to on demand.
    """

    def __init__(self, complete: Complete, outlets: Outlets, owner: Owner, dumps: Path) -> None:
        self.dumps = Dumps(dumps, owner.tell)
        self._complete = complete
        self._outlets = outlets
        self._owner = owner
        self._lock = threading.RLock()
        self._generation = 0
        self._force: tuple[Settings, EngineConfig] | None = None
        self._plan: Plan | None = None
        self._drain: Drain | None = None
        self._replay: Drain | None = None
        self._leaving: list[threading.Thread] = []
        self._beats = 0
        self._batches = 0
        self._losses = Losses()
        self._since = time.time()
        self._listening = Completed(EngineConfig())

    # Configuration

    def prepare(self, generation: int, settings: Settings) -> Effect:
        """Makes everything ready for `settings`; what was prepared before is forgotten.

        Raises:
            ConfigurationError: A setting is wrong; its place names it.
            CaptureError: A source cannot be opened.
        """
        completed = self._complete(settings)
        config = completed.config
        with self._lock:
            self._plan = None
            plan = self._outlets.prepare(settings)
            captures = wants_capture(settings, config)
            running = self._drain is not None and self._drain.state == "running"
            engine: _engine.Engine | None = None
            before = self._force
            if before is None or before[0].capturing != settings.capturing:
                effect: Effect = "flows"
            else:
                effect = effect_of(before[1], config)
            if effect == "flows" and captures:
                engine = opened(config)
            elif effect != "none":
                # An engine of its own says what is wrong, before the one that runs is touched.
                opened(checkable(config, sources=effect == "capture" and running))
            self._plan = Plan(generation, settings, completed, effect, plan, engine)
            return effect

    def apply(self, generation: int) -> None:
        """Puts what was prepared in force.

        Raises:
            Refused: Nothing was prepared under that number.
        """
        with self._lock:
            plan = self._plan
            if plan is None or plan.generation != generation:
                raise Refused(
                    f"configuration {generation} is not prepared", "generation", "prepare it again"
                )
            self._plan = None
            self._outlets.apply(plan.outlets)
            first = self._force is None
            config = plan.completed.config
            self._force, self._generation = (plan.settings, config), generation
            self._listen(plan.completed)
            if plan.effect == "flows":
                self._exchange(plan.engine, None if first else "configuration")
            elif plan.effect != "none" and self._drain is not None:
                # What is wrong with it was said when it was prepared, by an engine of its own.
                self._drain.swap(config.to_json())
        event(log, logging.INFO, "configuration applied", generation=generation, effect=plan.effect)

    def _listen(self, completed: Completed) -> None:
        """Has other listeners take over; those before get what waits for them, off our way."""
        old, self._listening = self._listening, completed
        if old.listeners is completed.listeners:
            return
        if completed.listeners is not None:
            completed.listeners.start()
        for drain in (self._drain, self._replay):
            self._await_verdicts(drain)
        if (before := old.listeners) is not None:
            thread = threading.Thread(
                target=before.close, args=(LISTEN_SECONDS,), name="see-off-listeners"
            )
            self._leaving = [one for one in self._leaving if one.is_alive()] + [thread]
            thread.start()

    def loaded(self) -> Completed:
        """What the configuration that is prepared, or else that in force, has of plugins."""
        plan = self._plan
        return plan.completed if plan is not None else self._listening

    def abort(self, generation: int) -> None:
        """Forgets what was prepared under a number; nothing if there is none."""
        with self._lock:
            if self._plan is not None and self._plan.generation == generation:
                self._plan = None

    def _exchange(self, engine: _engine.Engine | None, why: Why | None) -> None:
        """Has another engine, or none, take over; the old one ends in its own time."""
        old, self._drain = self._drain, None
        if engine is not None:
            engine.dump_to(self.dumps.dumper)
            self._drain = Drain(
                "capture", engine, self._take, self._capture_ended, overrule=self._overrule
            )
            self._await_verdicts(self._drain)
            if old is None:
                self._owner.tell(CaptureState("running"))
            self._drain.start()
            self._since = time.time()
            self._losses = Losses()
        if old is not None:
            self._beats += old.beats
            self._batches += old.batches
            thread = threading.Thread(target=self._see_off, args=(old, why), name="see-off")
            self._leaving = [one for one in self._leaving if one.is_alive()] + [thread]
            thread.start()

    def _see_off(self, old: Drain, why: Why | None) -> None:
        was_running = old.state == "running"
        rows = old.rows
        old.stop()
        if not old.wait(EXCHANGE_SECONDS):
            event(log, logging.ERROR, "an engine did not end in time", rows_left="unknown")
        old.release()
        if was_running and why:
            self._owner.tell(FlowStateReset(why, old.rows - rows))

    def _await_verdicts(self, drain: Drain | None) -> None:
        """Has rows be filtered and summed up after what functions say of them, if any do."""
        listeners = self._listening.listeners
        if drain is not None and listeners is not None and listeners.overrules:
            drain.await_verdicts()

    def _overrule(self, batch: _engine.Batch, source: Drain) -> None:
        if (listeners := self._listening.listeners) is not None:
            listeners.classify(batch, source)

    def _take(self, batch: _engine.Batch) -> None:
        now = self._listening
        if now.listeners is not None:
            now.listeners.hear(batch)
        self._outlets.offer(batch, now.own_events)

    def _capture_ended(self, drain: Drain) -> None:
        if drain is not self._drain:
            return
        if drain.state == "failed":
            event(log, logging.ERROR, "capture failed", why=drain.error)
            self._owner.tell(CaptureState("failed", drain.error))
            if drain.is_defect:
                self._owner.broken(drain.error)
            else:
                self._owner.finished(drain.error)
        elif drain.stop_asked:
            self._owner.tell(CaptureState("stopped"))
        else:
            # This is the thread that answers; so it must not wait for the answer.
            drain.ask(lambda engine: str(engine.stats()["ended_early"] or "")).add_done_callback(
                lambda early: self._read_to_the_end(early.result())
            )

    def _read_to_the_end(self, early: str) -> None:
        if early:
            event(log, logging.ERROR, "a file ended early: what there was has been read", why=early)
        else:
            event(log, logging.INFO, "capture ended: everything has been read")
        self._owner.tell(CaptureState("ended", early))
        self._owner.finished(early)

    # Orders

    def set_capture(self, to: str) -> None:
        """Starts, stops or restarts the capture.

        Raises:
            Refused: It is in that state, or nothing is configured.
            NfError: A source cannot be opened.
        """
        with self._lock:
            if self._force is None:
                raise Refused("there is no configuration", "capture", "wait for management")
            settings, config = self._force
            running = self._drain is not None and self._drain.state == "running"
            if to == "stop":
                if self._drain is None or not running:
                    raise Refused("capture does not run", "capture", "start it")
                self._drain.stop()
                return
            if to == "start" and running:
                raise Refused("capture runs already", "capture", "restart it, or leave it")
            if not wants_capture(settings, config):
                raise Refused(
                    "capture is disabled, or there is nothing to capture from",
                    "capture",
                    "enable it and name an interface or a file",
                )
            self._exchange(opened(config), "operator" if running else None)
            self._owner.tell(CaptureState("running"))

    def replay(self, file: str, pace: float) -> None:
        """Reads a file beside what runs; its rows go where all rows go.

        Raises:
            Refused: Another file is being replayed, or there is no configuration.
            NfError: The file cannot be read.
        """
        with self._lock:
            if self._force is None:
                raise Refused("there is no configuration", "file", "wait for management")
            if self._replay is not None and self._replay.state == "running":
                raise Refused("another file is being replayed", "file", "wait for its end")
            if not Path(file).is_file():
                raise Refused(f"no file {file}", "file", "name a capture that the probe can read")
            config = replay_of(self._force[1], file, pace)
            previous, self._replay = self._replay, None
            if previous is not None:
                previous.release()
            self._replay = Drain(
                "replay",
                opened(config),
                self._take,
                self._replay_ended(file),
                overrule=self._overrule,
            )
            self._await_verdicts(self._replay)
            self._replay.start()

    def _replay_ended(self, file: str) -> Callable[[Drain], None]:
        def tell(drain: Drain) -> None:
            if drain.state == "failed":
                self._owner.tell(ReplayState(file, "failed", drain.error))
            else:
                # This is the thread that answers; so it must not wait for the answer.
                drain.ask(lambda engine: engine.stats()["account"]).add_done_callback(
                    lambda got: self._owner.tell(ReplayState(file, "ended", account=got.result()))
                )

        return tell

    def dump(self, wanted: DumpPackets) -> Path:
        """Begins to write packets; see `Dumps.begin`.

        Raises:
            Refused: Nothing is captured, or the folder is full.
            NfError: What is wanted is wrong, or the file cannot be made.
        """
        drain = self._drain
        if drain is None or drain.state != "running":
            raise Refused("capture does not run", "capture", "start it")
        sources = drain.ask(lambda engine: engine.sources()).result(ANSWER_SECONDS)
        kinds = [one["link_type"] for one in sources if one["state"] == "capturing"]
        return self.dumps.begin(wanted, [kind for kind in kinds if kind is not None])

    def clear_counters(self) -> None:
        """Has counters begin at 0 again."""
        self._outlets.clear()
        if (listeners := self._listening.listeners) is not None:
            listeners.clear()
        if (drain := self._drain) is not None:
            drain.ask(lambda engine: engine.clear_counters()).result(ANSWER_SECONDS)
        self._since = time.time()
        self._losses = Losses()

    def terminate(self, session: int) -> None:
        """Ends the books of a session.

        Raises:
            Refused: There is none of that number.
        """
        found = self._ask(lambda engine: engine.terminate(session))
        if not found:
            raise Refused(f"no session {session}", "session", "list-sessions tells the numbers")

    def sessions(self, limit: int, order_by: str, where: str) -> list[dict[str, Any]]:
        """Live sessions, the first `limit` of an order."""
        rows: list[dict[str, Any]] = self._ask(
            lambda engine: engine.sessions(limit, order_by, where).to_dicts()
        )
        return rows

    def _ask(self, question: Callable[[_engine.Engine], Any]) -> Any:
        if (drain := self._drain) is None:
            raise Refused("capture does not run", "capture", "start it")
        return drain.ask(question).result(ANSWER_SECONDS)

    # How it is

    @property
    def generation(self) -> int:
        """Number of the configuration in force; 0 for none."""
        return self._generation

    @property
    def settings(self) -> Settings:
        """Those in force; the defaults before there are any."""
        return self._force[0] if self._force is not None else Settings()

    @property
    def beats(self) -> int:
        """Grows while the thread that takes rows goes round; constant without an engine."""
        drain = self._drain
        return self._beats + (drain.beats if drain is not None else 0)

    @property
    def batches(self) -> int:
        """Batches of rows handed on."""
        drain = self._drain
        return self._batches + (drain.batches if drain is not None else 0)

    @property
    def has_engine(self) -> bool:
        """Whether `beats` has to grow."""
        return self._drain is not None

    @property
    def capture(self) -> str:
        """State of the capture: `running`, `stopped`, `ended` or `failed`."""
        drain = self._drain
        if drain is None:
            return "stopped"
        return "stopped" if drain.state == "ended" and drain.stop_asked else drain.state

    def stats(self, sums: tuple[str, ...]) -> dict[str, Any]:
        """All counters, by group.

        Args:
            sums: `protocol`, `app`, `host`: those that are added up over all sessions, too.
        """
        drain = self._drain
        error = drain.error if drain is not None else ""
        listeners = self._listening.listeners
        groups: dict[str, Any] = {
            "capture": {"state": self.capture, "error": error, "since": self._since},
            "outputs": self._outlets.stats(),
            "listeners": listeners.stats() if listeners is not None else [],
            "dump": self.dumps.stats(),
            "generation": self._generation,
        }
        if drain is not None:
            groups |= drain.ask(lambda engine: counters(engine, sums)).result(ANSWER_SECONDS)
        return groups

    def look_for_losses(self) -> None:
        """Tells when packets were lost, or tables full, since this was called before."""
        drain, losses = self._drain, self._losses
        if drain is None or drain.state != "running":
            return
        counted = drain.ask(lambda engine: engine.stats()).result(ANSWER_SECONDS)
        for happened in losses.look(counted):
            self._owner.tell(happened)

    def end(self, drain_seconds: float, write_seconds: float) -> bool:
        """Stops, hands on all there is and writes it; whether all of that came in time."""
        with self._lock:
            self._plan = None
            drains = [one for one in (self._drain, self._replay) if one is not None]
            for one in drains:
                one.stop()
        deadline = time.monotonic() + drain_seconds
        whole = True
        for one in drains:
            whole = one.wait(max(0.0, deadline - time.monotonic())) and whole
        for thread in self._leaving:
            thread.join(max(0.0, deadline - time.monotonic()))
            whole = whole and not thread.is_alive()
        whole = self.dumps.end(write_seconds) and whole
        if (listeners := self._listening.listeners) is not None:
            whole = not listeners.close(write_seconds) and whole
        left = self._outlets.close(write_seconds)
        if left:
            event(log, logging.ERROR, "rows could not be written", rows=left)
        for one in drains:
            one.release()
        return whole and not left and all(not one.is_defect for one in drains)


def wants_capture(settings: Settings, config: EngineConfig) -> bool:
    """Whether there is something to capture from, and it is wanted."""
    return settings.capturing and bool(config.files or config.interfaces)


def opened(config: EngineConfig) -> _engine.Engine:
    """An engine that is open and not started.

    Raises:
        ConfigurationError: A setting is wrong.
        CaptureError: A source cannot be opened.
    """
    try:
        return _engine.Engine(config.to_json())
    except (ConfigurationError, CaptureError):
        raise
    except NfError as error:
        raise ConfigurationError(error.what, error.place, error.hint) from error


def checkable(config: EngineConfig, *, sources: bool) -> EngineConfig:
    """A configuration that an engine can be opened with beside the one that runs."""
    return replace(
        config, files=(), follow=False, live=True, interfaces=config.interfaces if sources else ()
    )


def replay_of(config: EngineConfig, file: str, pace: float) -> EngineConfig:
    """The configuration in force, for a file."""
    return replace(
        config,
        files=(file,),
        follow=False,
        live=False,
        interfaces=(),
        pace=pace,
        report_interval=0.0,
    )


def counters(engine: _engine.Engine, sums: tuple[str, ...]) -> dict[str, Any]:
    """What an engine counts, and the sums asked for."""
    counted = engine.stats()
    counted["sources"] = engine.sources()
    counted["sums"] = {
        name: engine.live_sums(name) if name in LIVE_SUMS else engine.aggregate(name).to_dicts()
        for name in sums
    }
    return counted
