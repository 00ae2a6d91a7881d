"""The datapath's configuration in two steps, with a real engine on files."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nf._native.engine import Batch
from nf.datapath import control
from nf.datapath.config import EngineConfig, Interface
from nf.datapath.datapath import Completed, Datapath
from nf.datapath.effects import effect_of
from nf.datapath.settings import Settings
from nf.errors import CaptureError, ConfigurationError, Refused

PATIENCE = 30.0


class Outlets:
    """Keeps rows; refuses what it is told to."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.plans: list[Settings] = []
        self.refuse = False
        self.lock = threading.Lock()

    def prepare(self, settings: Settings) -> Settings:
        if self.refuse:
            raise ConfigurationError("no", "file.directory", "another")
        return settings

    def apply(self, plan: Settings) -> None:
        self.plans.append(plan)

    def offer(self, block: Batch, left_out: frozenset[str] = frozenset()) -> None:
        assert not left_out
        assert block.to_jsonl().count(b"\n") == len(block)
        with self.lock:
            self.rows[block.kind] = self.rows.get(block.kind, 0) + len(block)

    def stats(self) -> list[dict[str, Any]]:
        return [{"name": "kept"}]

    def clear(self) -> None:
        self.rows.clear()

    def close(self, seconds: float) -> int:
        return 0


class Owner:
    def __init__(self) -> None:
        self.events: list[Any] = []
        self.done = threading.Event()
        self.why = self.early = ""
        self.came = threading.Condition()

    def tell(self, event: Any) -> None:
        with self.came:
            self.events.append(event)
            self.came.notify_all()

    def broken(self, why: str) -> None:
        self.why = why

    def finished(self, why: str) -> None:
        self.early = why
        self.done.set()

    def wait_for(self, kind: type) -> Any:
        with self.came:
            assert self.came.wait_for(
                lambda: any(isinstance(one, kind) for one in self.events), PATIENCE
            ), f"no {kind.__name__} among {self.events}"
            return next(one for one in self.events if isinstance(one, kind))


class Made:
    def __init__(self, folder: Path) -> None:
        self.outlets = Outlets()
        self.owner = Owner()
        self.datapath = Datapath(
            lambda settings: Completed(settings.engine), self.outlets, self.owner, folder / "dumps"
        )
        self.generation = 0

    def configure(self, settings: Settings) -> str:
        self.generation += 1
        effect = self.datapath.prepare(self.generation, settings)
        self.datapath.apply(self.generation)
        return effect


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    one = Made(tmp_path)
    yield one
    one.datapath.end(PATIENCE, 1.0)


@pytest.fixture
def demo(captures: Path) -> Settings:
    path = str(captures / "demo.pcap")
    return Settings(engine=EngineConfig(files=(path,), threads=1, reports=("session", "protocol")))


@pytest.fixture
def endless(captures: Path) -> Settings:
    """The same file, followed as if it could grow."""
    path = str(captures / "demo.pcap")
    return Settings(engine=EngineConfig(files=(path,), follow=True, threads=1))


def packets(made: Made) -> int:
    return int(made.datapath.stats(())["account"]["packets"])


def test_rows_of_a_file_go_to_the_outlets_and_the_end_is_told(made: Made, demo: Settings) -> None:
    assert made.configure(demo) == "flows"
    assert made.owner.done.wait(PATIENCE)
    assert made.outlets.rows["session"] > 0
    assert made.datapath.capture == "ended"
    groups = made.datapath.stats(("protocol",))
    assert groups["account"]["packets"] == groups["account"]["processed"] > 0
    assert groups["sums"]["protocol"][0]["protocol"]
    assert groups["identity"] is None
    assert groups["outputs"] == [{"name": "kept"}]
    assert made.owner.events[0] == control.CaptureState("running")
    assert made.owner.why == ""


def test_the_same_again_changes_nothing(made: Made, endless: Settings) -> None:
    made.configure(endless)
    assert made.configure(endless) == "none"
    assert not [one for one in made.owner.events if isinstance(one, control.FlowStateReset)]
    assert made.datapath.generation == 2


def test_settings_are_swapped_while_it_runs(made: Made, endless: Settings) -> None:
    made.configure(endless)
    other = replace(endless, engine=replace(endless.engine, filter='protocol == "dns"'))
    assert made.configure(other) == "live"
    assert made.datapath.capture == "running"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"filter": "x =="}, "filter"),
        ({"disabled_protocols": ("nonsense",)}, "disabled_protocols"),
    ],
)
def test_what_is_wrong_is_refused_by_name_and_the_old_goes_on(
    made: Made, endless: Settings, change: dict[str, Any], place: str
) -> None:
    made.configure(endless)
    with pytest.raises(ConfigurationError) as told:
        made.datapath.prepare(7, replace(endless, engine=replace(endless.engine, **change)))
    assert told.value.place.startswith(place)
    with pytest.raises(Refused):
        made.datapath.apply(7)
    assert made.datapath.capture == "running"
    assert made.datapath.generation == 1


def test_a_source_that_is_not_there_is_refused(made: Made, endless: Settings) -> None:
    made.configure(endless)
    with pytest.raises(CaptureError):
        made.datapath.prepare(2, Settings(engine=EngineConfig(files=("/nonexistent",))))
    assert made.datapath.capture == "running"


def test_outlets_may_refuse(made: Made, endless: Settings) -> None:
    made.configure(endless)
    made.outlets.refuse = True
    with pytest.raises(ConfigurationError):
        made.datapath.prepare(2, endless)


def test_what_is_aborted_cannot_be_applied(made: Made, endless: Settings) -> None:
    made.datapath.prepare(1, endless)
    made.datapath.abort(1)
    with pytest.raises(Refused, match="not prepared"):
        made.datapath.apply(1)


def test_another_engine_takes_over_and_the_old_one_reports_all(
    made: Made, endless: Settings
) -> None:
    made.configure(endless)
    wanted = packets_of(made)
    effect = made.configure(replace(endless, engine=replace(endless.engine, threads=2)))
    assert effect == "flows"
    reset = made.owner.wait_for(control.FlowStateReset)
    assert reset.reason == "configuration"
    assert reset.rows > 0
    assert packets_of(made) == wanted


def packets_of(made: Made) -> int:
    """Packets, once the whole file has been read."""
    for _ in range(600):
        before = packets(made)
        threading.Event().wait(0.05)
        if before and packets(made) == before:
            return before
    raise AssertionError("the file was not read")


def test_capture_is_stopped_and_started_by_order(made: Made, endless: Settings) -> None:
    with pytest.raises(Refused, match="no configuration"):
        made.datapath.set_capture("start")
    made.configure(endless)
    with pytest.raises(Refused, match="runs already"):
        made.datapath.set_capture("start")
    packets_of(made)
    made.datapath.set_capture("stop")
    for _ in range(600):
        if made.datapath.capture == "stopped":
            break
        threading.Event().wait(0.05)
    assert made.datapath.capture == "stopped"
    assert made.outlets.rows["session"] > 0
    made.datapath.set_capture("start")
    assert made.datapath.capture == "running"


def test_capture_that_is_disabled_has_no_engine(made: Made, endless: Settings) -> None:
    made.configure(replace(endless, capturing=False))
    assert not made.datapath.has_engine
    with pytest.raises(Refused, match="disabled"):
        made.datapath.set_capture("start")
    assert made.configure(endless) == "flows"
    assert made.datapath.has_engine


def test_a_file_is_replayed_beside_what_runs(made: Made, captures: Path) -> None:
    with pytest.raises(Refused, match="no configuration"):
        made.datapath.replay(str(captures / "demo.pcap"), 0)
    made.configure(Settings())
    with pytest.raises(Refused, match="no file"):
        made.datapath.replay("/nonexistent", 0)
    made.datapath.replay(str(captures / "demo.pcap"), 1e6)
    ended = made.owner.wait_for(control.ReplayState)
    assert ended.state == "ended"
    assert ended.account["packets"] > 0
    assert made.outlets.rows["session"] > 0


def test_the_heart_beats_while_nothing_comes(made: Made, endless: Settings) -> None:
    made.configure(endless)
    before = made.datapath.beats
    for _ in range(600):
        if made.datapath.beats > before + 2:
            break
        threading.Event().wait(0.05)
    assert made.datapath.beats > before + 2


def test_the_end_reports_what_goes_on(made: Made, endless: Settings) -> None:
    made.configure(endless)
    packets_of(made)
    assert made.datapath.end(PATIENCE, 1.0)
    assert made.outlets.rows["session"] > 0


@pytest.mark.parametrize(
    ("change", "effect"),
    [
        ({}, "none"),
        ({"filter": "x"}, "live"),
        ({"threads": 2}, "flows"),
        ({"bpf": "tcp"}, "capture"),
        ({"interfaces": ()}, "flows"),
        ({"files": ("x",)}, "flows"),
        ({"max_sessions": 5}, "flows"),
    ],
)
def test_changes_have_their_effects(change: dict[str, Any], effect: str) -> None:
    before = EngineConfig(interfaces=(Interface("eth0"),))
    assert effect_of(before, replace(before, **change)) == effect


def test_files_keep_their_packet_filter_so_another_needs_another_engine() -> None:
    before = EngineConfig(files=("x",))
    assert effect_of(before, replace(before, bpf="tcp")) == "flows"


def test_another_pace_of_files_needs_another_engine() -> None:
    before = EngineConfig(files=("x",))
    assert effect_of(before, replace(before, pace=1.0)) == "flows"
