"""Management's connection to the datapath: prepared, applied, and handed back after a crash."""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nf.datapath import control
from nf.datapath.config import EngineConfig
from nf.datapath.settings import Settings
from nf.errors import ChannelError, Refused
from nf.mgmt import link as linking
from nf.mgmt.datapath import DatapathProvider
from nf.mgmt.link import Link
from nf.mgmt.transaction import ProviderError
from nf.process.frames import Peer
from nf.process.server import Server

PATIENCE = 20.0


class FakeDatapath:
    """Keeps what it is told; refuses the packet filter `wrong`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.loop = asyncio.new_event_loop()
        self.prepared: dict[int, Settings] = {}
        self.force: Settings | None = None
        self.applied = threading.Semaphore(0)
        self.deaf = False
        self.stalled = False
        self.refused = "wrong"
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.server = Server(path, control.CHANNEL, control.Call, self.answer)
        self.do(self.server.start())

    def do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    async def answer(self, peer: Peer, body: Any) -> Any:
        del peer
        match body:
            case control.Prepare(generation, settings):
                if settings.engine.bpf == self.refused:
                    raise Refused("no filter", "bpf", "write another")
                if self.deaf:
                    await asyncio.Event().wait()
                self.prepared = {generation: settings}
                return control.Prepared(generation, "live")
            case control.Apply(generation):
                while self.stalled:  # noqa: ASYNC110 - set by another thread
                    await asyncio.sleep(0.01)
                if generation not in self.prepared:
                    raise Refused("not prepared", "generation", "prepare it")
                self.force = self.prepared.pop(generation)
                self.applied.release()
            case control.Abort(generation):
                self.prepared.pop(generation, None)
            case control.ReadStats():
                return control.StatsRead({"capture": {"state": "running"}})
        return control.Done()

    def forget(self) -> None:
        self.prepared = {}

    def end(self) -> None:
        self.do(self.server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE)
        self.loop.close()


class Told:
    def __init__(self) -> None:
        self.returned = threading.Semaphore(0)
        self.events: list[Any] = []


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Callable[[], FakeDatapath]]:
    running: list[FakeDatapath] = []

    def start() -> FakeDatapath:
        running.append(FakeDatapath(tmp_path / "d"))
        return running[-1]

    yield start
    for one in running:
        if not one.loop.is_closed():
            one.end()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def link(tmp_path: Path, told: Told) -> Iterator[Link]:
    made = Link(tmp_path / "d", told.events.append, told.returned.release)
    made.start()
    yield made
    made.stop()


def settings(bpf: str) -> Settings:
    return replace(Settings(), engine=EngineConfig(bpf=bpf))


def test_what_is_prepared_is_applied(fake: Callable[[], FakeDatapath], link: Link) -> None:
    datapath = fake()
    assert link.wait(PATIENCE)
    generation, effect = link.prepare(settings("tcp"))
    assert effect == "live"
    assert datapath.force is None
    link.apply(generation, settings("tcp"))
    assert datapath.force == settings("tcp")
    assert link.trouble == ""


def test_a_refusal_is_the_callers(fake: Callable[[], FakeDatapath], link: Link) -> None:
    fake()
    assert link.wait(PATIENCE)
    with pytest.raises(Refused, match="no filter"):
        link.prepare(settings("wrong"))


def test_a_datapath_that_comes_late_gets_the_configuration(
    fake: Callable[[], FakeDatapath], link: Link, told: Told
) -> None:
    generation, effect = link.prepare(settings("udp"))
    assert effect == "unknown"
    link.apply(generation, settings("udp"))
    datapath = fake()
    assert datapath.applied.acquire(timeout=PATIENCE)
    assert datapath.force == settings("udp")
    assert link.wait(PATIENCE)
    assert not told.returned.acquire(blocking=False), "it is the first one, not one that came back"


def test_a_datapath_that_comes_back_gets_the_configuration_and_that_is_told(
    fake: Callable[[], FakeDatapath], link: Link, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fake()
    assert link.wait(PATIENCE)
    generation, _ = link.prepare(settings("udp"))
    link.apply(generation, settings("udp"))
    # All fakes live in this process: another number stands for another process.
    monkeypatch.setattr(link, "_served", -1)
    first.end()
    second = fake()
    assert second.applied.acquire(timeout=PATIENCE)
    assert second.force == settings("udp")
    assert told.returned.acquire(timeout=PATIENCE)


def test_what_a_new_datapath_did_not_prepare_is_handed_over_whole(
    fake: Callable[[], FakeDatapath], link: Link
) -> None:
    datapath = fake()
    assert link.wait(PATIENCE)
    generation, _ = link.prepare(settings("udp"))
    datapath.forget()
    link.apply(generation, settings("udp"))
    assert datapath.force == settings("udp")


def test_what_is_refused_when_handed_over_is_tried_again_and_told_in_the_state(
    fake: Callable[[], FakeDatapath], link: Link
) -> None:
    link.apply(*(link.prepare(settings("wrong"))[0], settings("wrong")))
    fake()
    assert link.wait(PATIENCE)
    assert "no filter" in link.trouble
    generation, _ = link.prepare(settings("right"))
    link.apply(generation, settings("right"))
    assert link.trouble == ""


def test_what_was_refused_is_taken_once_its_reason_has_gone(
    fake: Callable[[], FakeDatapath], link: Link
) -> None:
    datapath = fake()
    assert link.wait(PATIENCE)
    link.apply(0, settings("wrong"))
    assert "no filter" in link.trouble
    datapath.refused = ""
    assert datapath.applied.acquire(timeout=PATIENCE)
    assert datapath.force == settings("wrong")


@pytest.fixture
def troubles(tmp_path: Path, told: Told) -> Iterator[tuple[Link, "queue.SimpleQueue[str]"]]:
    """A link, and what it says of its trouble."""
    said: queue.SimpleQueue[str] = queue.SimpleQueue()
    made = Link(tmp_path / "d", told.events.append, told.returned.release, said.put)
    made.start()
    yield made, said
    made.stop()


def test_a_datapath_that_does_not_answer_is_told_and_its_answer_too(
    fake: Callable[[], FakeDatapath],
    troubles: "tuple[Link, queue.SimpleQueue[str]]",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link, said = troubles
    datapath = fake()
    assert link.wait(PATIENCE)
    generation, _ = link.prepare(settings("tcp"))
    datapath.stalled = True
    monkeypatch.setattr(linking, "APPLY_SECONDS", 0.1)
    link.apply(generation, settings("tcp"))
    assert said.get(timeout=PATIENCE)
    monkeypatch.setattr(linking, "APPLY_SECONDS", PATIENCE)
    datapath.stalled = False
    while said.get(timeout=PATIENCE):
        continue
    assert link.trouble == ""
    assert datapath.force == settings("tcp")


def test_a_datapath_that_stays_away_is_told_until_it_is_there(
    fake: Callable[[], FakeDatapath],
    troubles: "tuple[Link, queue.SimpleQueue[str]]",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link, said = troubles
    monkeypatch.setattr(linking, "ABSENT_SECONDS", 0.0)
    link.apply(link.prepare(settings("tcp"))[0], settings("tcp"))
    assert said.get(timeout=PATIENCE) == "nf-datapath does not run"
    datapath = fake()
    assert said.get(timeout=PATIENCE) == ""
    assert datapath.force == settings("tcp")


class Dying:
    """A connection that ends at a bad moment, and says so."""

    peer = Peer(1, 0, 0)
    is_closed = True

    def __init__(self, lost: Callable[[], None]) -> None:
        self.lost = lost

    def call(self, body: Any, seconds: float) -> Any:
        self.lost()
        return control.Done()

    def close(self) -> None:
        """There is nothing to close."""


class Dead(Dying):
    def call(self, body: Any, seconds: float) -> Any:
        raise ChannelError("the other end has hung up", "socket", "look")


def test_a_datapath_that_dies_as_it_answers_has_the_configuration_all_the_same(
    tmp_path: Path, told: Told
) -> None:
    link = Link(tmp_path / "d", told.events.append, told.returned.release)
    link._client = Dying(link._lost)  # type: ignore[assignment]

    link.apply(1, settings("tcp"))

    assert link.trouble == ""
    link.stop()


def test_a_datapath_that_dies_as_it_is_found_is_looked_for_again(
    fake: Callable[[], FakeDatapath], told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = linking.DatapathClient, []

    def found(path: Path, on_event: Any, on_lost: Callable[[], None]) -> Any:
        seen.append(path)
        if len(seen) == 1:
            on_lost()
            return Dead(on_lost)
        return real(path, on_event, on_lost)

    datapath = fake()
    monkeypatch.setattr(linking, "DatapathClient", found)
    link = Link(tmp_path / "d", told.events.append, told.returned.release)
    link.apply(0, settings("tcp"))
    link.start()
    try:
        assert datapath.applied.acquire(timeout=PATIENCE)
        assert datapath.force == settings("tcp")
    finally:
        link.stop()


def test_without_a_datapath_questions_say_so(link: Link) -> None:
    with pytest.raises(ChannelError, match="does not run"):
        link.stats()


def test_counters_are_read(fake: Callable[[], FakeDatapath], link: Link) -> None:
    fake()
    assert link.wait(PATIENCE)
    assert link.stats()["capture"] == {"state": "running"}


class CompiledElsewhere:
    """In the place of the tree: the provider's own part is what is tested here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def compile_settings(data: dict[str, Any]) -> Settings:
            return settings(data["bpf"])

        monkeypatch.setattr("nf.mgmt.datapath.compile_settings", compile_settings)


def test_the_provider_names_the_path_of_what_is_refused(
    fake: Callable[[], FakeDatapath], link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    CompiledElsewhere(monkeypatch)
    fake()
    assert link.wait(PATIENCE)
    provider = DatapathProvider(link)
    with pytest.raises(ProviderError) as refused:
        provider.prepare({}, {"bpf": "wrong"}, ())
    assert refused.value.place == "/nf-probe:probe/nf-capture:capture/filter"
    assert "no filter" in refused.value.what


def test_what_was_in_force_does_not_keep_management_from_starting(
    fake: Callable[[], FakeDatapath], link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    CompiledElsewhere(monkeypatch)
    fake()
    assert link.wait(PATIENCE)
    prepared = DatapathProvider(link).prepare(None, {"bpf": "wrong"}, ())
    prepared.apply()
    assert "no filter" in link.trouble


def test_a_silent_datapath_refuses_a_change(
    fake: Callable[[], FakeDatapath], link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    CompiledElsewhere(monkeypatch)
    monkeypatch.setattr(linking, "PREPARE_SECONDS", 0.1)
    datapath = fake()
    assert link.wait(PATIENCE)
    datapath.deaf = True
    with pytest.raises(ProviderError, match="does not answer"):
        DatapathProvider(link).prepare({}, {"bpf": "tcp"}, ())
