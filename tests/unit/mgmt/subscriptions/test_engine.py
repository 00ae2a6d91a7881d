"""The thread of subscriptions: whom a change wakes."""

import threading
from collections.abc import Callable, Collection, Iterator
from typing import Any

import pytest

from nf.mgmt.changes import Change
from nf.mgmt.session import INTERNAL, Session
from nf.mgmt.subscriptions.engine import Subscriptions

TOP = "nf-test:box"
CHANGES = [Change("update", f"/{TOP}/name", "y", "x")]
WAIT = 30


class Data:
    """What is read; a reading can be held up."""

    def __init__(self) -> None:
        self.value = "before"
        self.reading = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def read(self, session: Session, tops: Collection[str]) -> str:
        del session, tops
        value = self.value
        self.reading.set()
        assert self.go_on.wait(WAIT)
        return value


class Box:
    """A feed of the whole box, on change."""

    phase = quiet_until = interval = heartbeat = 0
    session = INTERNAL
    tops = frozenset({TOP})
    mode = "on-change"
    differs = True

    def __init__(self) -> None:
        self.subscribers: dict[object, Callable[[Any], None]] = {}

    def prime(self, snapshot: Any) -> None:
        self.told = snapshot

    def begin(self, snapshot: Any) -> list[Any]:
        return [snapshot]

    def look(self, snapshot: Any) -> None:
        if snapshot != self.told:
            self.told = snapshot
            for deliver in self.subscribers.values():
                deliver(snapshot)

    sample = beat = look


@pytest.fixture
def data() -> Data:
    return Data()


@pytest.fixture
def engine(data: Data) -> Iterator[Subscriptions]:
    made = Subscriptions(data)
    made.start()
    yield made
    data.go_on.set()
    made.stop()


def test_a_change_while_a_subscription_begins_is_not_lost(
    engine: Subscriptions, data: Data
) -> None:
    told: list[Any] = []
    heard = threading.Event()

    def deliver(snapshot: Any) -> None:
        told.append(snapshot)
        heard.set()

    data.go_on.clear()
    engine.subscribe([(("box",), Box)], deliver, lambda first, _, __: told.extend(first or ()))
    assert data.reading.wait(WAIT)
    data.value = "after"
    engine.changed(CHANGES)
    data.go_on.set()

    assert heard.wait(WAIT)
    assert told == ["before", "after"]


def test_a_change_that_nobody_has_subscribed_to_wakes_nobody(
    engine: Subscriptions, data: Data
) -> None:
    engine.changed(CHANGES)
    engine.stirred(TOP)

    assert not engine._changed
    assert not engine._stirred
    assert not data.reading.is_set()


def test_after_the_last_subscriber_changes_wake_nobody_again(
    engine: Subscriptions, data: Data
) -> None:
    begun = threading.Event()
    handles: list[Any] = []

    def is_begun(_: Any, given: list[Any], __: Any) -> None:
        handles.extend(given)
        begun.set()

    engine.subscribe([(("box",), Box)], lambda _: None, is_begun)
    assert begun.wait(WAIT)
    engine.unsubscribe(handles)
    done = threading.Event()
    engine.subscribe([(("fails",), lambda: 1 / 0)], lambda _: None, lambda *_: done.set())  # type: ignore[arg-type,return-value]
    assert done.wait(WAIT)
    while engine._working:
        assert not engine._feeds
    data.reading.clear()
    engine.changed(CHANGES)

    assert not engine._changed
    assert not data.reading.is_set()
