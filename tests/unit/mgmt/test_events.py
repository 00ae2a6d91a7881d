"""The stream of notifications: what is wrong with one event or receiver concerns no other."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from nf._native.yang import Context
from nf.mgmt.events import Event, EventHub

PATIENCE = 10.0
GOOD = {
    "ietf-netconf-notifications:netconf-config-change": {
        "changed-by": {"server": [None]},
        "datastore": "startup",
    }
}


class Heard:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.came = threading.Semaphore(0)

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self.came.release()


@pytest.fixture
def hub(context: Context) -> Iterator[EventHub]:
    made = EventHub(context)
    yield made
    made.stop()


@pytest.mark.parametrize(
    "wrong",
    [{"no": "notification"}, {"nf-test:box": {"name": object()}}, {}, {"nf-test:box": "\ud800"}],
)
def test_an_event_that_cannot_be_sent_is_counted_and_the_next_is(
    hub: EventHub, wrong: dict[str, object]
) -> None:
    heard = Heard()
    hub.subscribe(heard)
    hub.publish(wrong)
    hub.publish(GOOD)

    assert heard.came.acquire(timeout=PATIENCE)
    assert [event.data for event in heard.events] == [GOOD]
    assert hub.invalid == 1


def test_a_receiver_that_breaks_after_its_replay_is_dropped_alone(hub: EventHub) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    heard, dropped = Heard(), Heard()
    hub.subscribe(dropped, since=datetime.now(UTC), replayed=broken)
    hub.subscribe(heard)
    hub.publish(GOOD)

    assert heard.came.acquire(timeout=PATIENCE)
    assert not dropped.events
