"""Subscribe STREAM: on change, sampled, as the target decides (specification section 3.5.1.5.2)."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import grpc
import pytest
from gnmi_pb import gnmi_pb2 as gnmi

from nf.mgmt.core import Core
from nf.telemetry.gnmi.server import Target
from tests.waiting import until

from .client import (
    Client,
    Refusal,
    Stream,
    deletes,
    path,
    subscribing,
    subscription,
    values,
)
from .conftest import LISTEN, Lab


@pytest.fixture
def subscribe(ada: Client) -> Iterator[Callable[..., Stream]]:
    """Opens streams that end with the test."""
    opened: list[Stream] = []

    def start(*wanted: gnmi.Subscription | str, client: Client = ada, **fields: object) -> Stream:
        stream = client.subscribe(subscribing(*wanted, **fields))
        opened.append(stream)
        return stream

    yield start
    for stream in opened:
        stream.cancel()


def everything(notifications: list[gnmi.Notification]) -> dict:
    return {at: value for one in notifications for at, value in values(one).items()}


# On change ----


def test_on_change_tells_all_once_then_what_changes(
    ports: Client, subscribe: Callable[..., Stream]
) -> None:
    stream = subscribe(subscription("/lab/port"))
    assert set(everything(stream.until_sync())) == {
        "/lab/port[name=a]/name",
        "/lab/port[name=a]/mtu",
        "/lab/port[name=b]/name",
        "/lab/port[name=b]/mtu",
    }
    ports.set(update={"/lab/port[name=a]/mtu": 4000, "/lab/name": "not subscribed to"})

    told = next(stream.notifications())
    assert values(told) == {"/lab/port[name=a]/mtu": 4000}
    assert told.timestamp > 0


def test_an_edit_by_netconf_is_told_within_a_second(
    ada: Client, subscribe: Callable[..., Stream], core: Core
) -> None:
    stream = subscribe(subscription("/lab/name"))
    stream.until_sync()
    session = core.sessions.open("bob", "netconf-ssh", "192.0.2.1", recovery=True)
    edit = b'<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><lab xmlns="urn:nf:lab">'
    core.edit_config(session, "running", edit + b"<name>by netconf</name></lab></config>")
    done = time.time_ns()

    told = next(stream.notifications())
    assert values(told) == {"/lab/name": "by netconf"}
    assert told.timestamp - done < 1_000_000_000


def test_a_deleted_entry_is_one_delete_of_its_path(
    ports: Client, subscribe: Callable[..., Stream]
) -> None:
    ports.set(update={"/lab/port[name=a]/queue[class=x][id=1]/length": 5})
    stream = subscribe(subscription("/lab/port"))
    stream.until_sync()
    ports.set(delete=["/lab/port[name=a]"])

    assert deletes(next(stream.notifications())) == ["/lab/port[name=a]"]


def test_a_deleted_leaf_is_deleted_and_one_with_a_default_gets_it(
    ada: Client, subscribe: Callable[..., Stream]
) -> None:
    ada.set(update={"/lab/name": "x", "/lab/high": 50})
    stream = subscribe(subscription("/lab/name"), subscription("/lab/high"))
    stream.until_sync()
    ada.set(delete=["/lab/name", "/lab/high"])

    first, second = next(stream.notifications()), next(stream.notifications())
    assert deletes(first) + deletes(second) == ["/lab/name"]
    assert {**values(first), **values(second)} == {"/lab/high": 10}


def test_a_missing_path_is_waited_for(ada: Client, subscribe: Callable[..., Stream]) -> None:
    stream = subscribe(subscription("/lab/port[name=new]/mtu"))
    assert stream.until_sync() == []
    ada.set(update={"/lab/port[name=new]/mtu": 100})

    assert stream.first_with("/lab/port[name=new]/mtu") == 100


def test_new_entries_appear_under_a_wildcard(ada: Client, subscribe: Callable[..., Stream]) -> None:
    stream = subscribe(subscription("/*/port[name=*]/mtu"), subscription("/.../queue/length"))
    assert stream.until_sync() == []
    ada.set(update={"/lab/port[name=n]/queue[class=x][id=1]/length": 3})

    found: dict = {}
    while len(found) < 2:
        found |= values(next(stream.notifications()))
    assert found == {
        "/lab/port[name=n]/mtu": 1500,
        "/lab/port[name=n]/queue[class=x][id=1]/length": 3,
    }


def test_state_is_told_when_it_changes(lab: Lab, subscribe: Callable[..., Stream]) -> None:
    lab.state = {"port": [{"name": "s", "up": True}]}
    stream = subscribe(subscription("/lab/port/up"))
    assert everything(stream.until_sync()) == {"/lab/port[name=s]/up": True}
    lab.state = {"port": [{"name": "s", "up": False}]}

    assert stream.first_with("/lab/port[name=s]/up") is False
    lab.state = {"uptime": 1}
    assert stream.first_delete() == ["/lab/port[name=s]/up"]


def test_an_atomic_container_is_told_whole_when_a_part_changes(
    lab: Lab, subscribe: Callable[..., Stream]
) -> None:
    lab.state = {"record": {"first": 1, "second": 2}}
    stream = subscribe(subscription("/lab/record"), encoding="PROTO")
    stream.until_sync()
    lab.state = {"record": {"first": 1, "second": 3}}

    told = next(stream.notifications())
    assert told.atomic
    assert values(told) == {"/lab/record/first": 1, "/lab/record/second": 3}


def test_updates_only_begins_with_sync_response(
    ports: Client, subscribe: Callable[..., Stream]
) -> None:
    stream = subscribe(subscription("/lab/port"), updates_only=True)
    assert stream.next().sync_response
    ports.set(update={"/lab/port[name=a]/mtu": 4000})

    assert values(next(stream.notifications())) == {"/lab/port[name=a]/mtu": 4000}


def test_a_heartbeat_tells_what_has_not_changed(
    ports: Client, subscribe: Callable[..., Stream]
) -> None:
    stream = subscribe(subscription("/lab/port[name=a]/mtu", beat=0.05))
    stream.until_sync()

    told = stream.notifications()
    for _ in range(3):
        assert values(next(told)) == {"/lab/port[name=a]/mtu": 9000}


# Sampled ----


def test_a_sample_is_told_every_interval_changed_or_not(
    lab: Lab, subscribe: Callable[..., Stream]
) -> None:
    lab.state = {"uptime": 5}
    stream = subscribe(subscription("/lab/uptime", "SAMPLE", every=0.05))
    stream.until_sync()

    told = [one for _, one in zip(range(4), stream.notifications(), strict=False)]
    assert [values(one) for one in told] == [{"/lab/uptime": 5}] * 4
    gaps = [(b.timestamp - a.timestamp) / 1e9 for a, b in pairwise(told)]
    assert all(gap > 0 for gap in gaps)


def test_the_interval_0_is_the_fastest(lab: Lab, subscribe: Callable[..., Stream]) -> None:
    lab.state = {"uptime": 5}
    stream = subscribe(subscription("/lab/uptime", "SAMPLE"))
    stream.until_sync()

    assert stream.first_with("/lab/uptime") == 5


def test_redundant_samples_are_suppressed_leaf_by_leaf(
    lab: Lab, subscribe: Callable[..., Stream]
) -> None:
    port = {"name": "s", "packets": 1, "up": True}
    lab.state = {"port": [port]}
    stream = subscribe(
        subscription("/lab/port", "SAMPLE", every=0.02, suppress_redundant=True), encoding="PROTO"
    )
    stream.until_sync()
    lab.state = {"port": [{**port, "packets": 2}]}

    assert values(next(stream.notifications())) == {"/lab/port[name=s]/packets": 2}
    lab.state = {"port": [{**port, "packets": 3}]}
    assert values(next(stream.notifications())) == {"/lab/port[name=s]/packets": 3}


def test_a_heartbeat_breaks_through_the_suppression(
    lab: Lab, subscribe: Callable[..., Stream]
) -> None:
    lab.state = {"uptime": 5}
    stream = subscribe(
        subscription("/lab/uptime", "SAMPLE", every=0.02, beat=0.1, suppress_redundant=True)
    )
    stream.until_sync()

    assert stream.first_with("/lab/uptime") == 5
    assert stream.first_with("/lab/uptime") == 5


def test_a_sample_tells_that_something_is_gone(lab: Lab, subscribe: Callable[..., Stream]) -> None:
    lab.state = {"port": [{"name": "s", "packets": 1}]}
    stream = subscribe(subscription("/lab/port", "SAMPLE", every=0.02))
    stream.until_sync()
    lab.state = {}

    assert stream.first_delete() == ["/lab/port[name=s]"]


def test_a_source_of_state_that_fails_for_a_while_is_told_of_again(
    lab: Lab, subscribe: Callable[..., Stream], caplog: pytest.LogCaptureFixture
) -> None:
    lab.state = {"uptime": 5}
    stream = subscribe(subscription("/lab/uptime", "SAMPLE", every=0.02, suppress_redundant=True))
    stream.until_sync()
    lab.state = {"uptime": "no number"}
    assert stream.first_delete() == ["/lab/uptime"]
    lab.state = {"uptime": 6}

    assert stream.first_with("/lab/uptime") == 6
    caplog.clear()


# Mixed, and as the target decides ----


def test_modes_can_be_mixed_in_one_list_with_one_sync_response(
    ports: Client, lab: Lab, subscribe: Callable[..., Stream]
) -> None:
    lab.state = {"uptime": 5}
    stream = subscribe(
        subscription("/lab/uptime", "SAMPLE", every=0.03), subscription("/lab/port[name=a]/mtu")
    )
    assert everything(stream.until_sync()) == {"/lab/uptime": 5, "/lab/port[name=a]/mtu": 9000}
    ports.set(update={"/lab/port[name=a]/mtu": 1234})

    found: dict = {}
    while len(found) < 2:
        found |= values(next(stream.notifications()))
    assert found == {"/lab/uptime": 5, "/lab/port[name=a]/mtu": 1234}


QUICK = LISTEN.replace(
    b'"minimum-sample-interval":20', b'"minimum-sample-interval":20,"default-sample-interval":50'
)


def test_the_target_samples_counters_and_watches_the_rest(
    start: Callable[..., Target], lab: Lab
) -> None:
    lab.state = {"port": [{"name": "s", "packets": 1, "up": True}]}
    target = start(QUICK)
    channel = grpc.insecure_channel(f"127.0.0.1:{target.ports()['test']}")
    client = Client(channel, "ada", "ada")
    client.metadata = [("username", "ada"), ("password", "ada")]
    stream = client.subscribe(
        subscribing(subscription("/lab/port", "TARGET_DEFINED"), encoding="PROTO")
    )
    assert everything(stream.until_sync()) == {
        "/lab/port[name=s]/packets": 1,
        "/lab/port[name=s]/up": True,
    }

    told = [values(one) for _, one in zip(range(3), stream.notifications(), strict=False)]
    assert told == [{"/lab/port[name=s]/packets": 1}] * 3
    lab.state = {"port": [{"name": "s", "packets": 1, "up": False}]}
    assert stream.first_with("/lab/port[name=s]/up") is False
    stream.cancel()
    client.close()


# Many, and slow ones ----


def test_subscribers_of_one_path_share_one_reading(
    target: Target, lab: Lab, connect: Callable[..., Client]
) -> None:
    lab.state = {"uptime": 5}
    wanted = subscribing(subscription("/lab/uptime", "SAMPLE", every=0.05))
    clients = [connect("ada" if number % 2 else "bob") for number in range(4)]
    streams = [client.subscribe(wanted) for client in clients for _ in range(5)]
    for stream in streams:
        stream.until_sync()

    assert target.subscriptions.feeds() == 2  # one per user
    reads = target.subscriptions.counters.reads
    for stream in streams:
        assert stream.first_with("/lab/uptime") == 5
    assert target.subscriptions.counters.reads - reads < len(streams)
    for stream in streams:
        stream.cancel()
    until(lambda: target.subscriptions.feeds() == 0)


def test_a_change_of_configuration_does_not_wait_for_a_slow_source_of_state(
    ada: Client, lab: Lab, subscribe: Callable[..., Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = subscribe(subscription("/lab/name"))
    stream.until_sync()
    reached, go = threading.Event(), threading.Event()

    def slow() -> dict:
        reached.set()
        go.wait(30)
        return {}

    monkeypatch.setattr(lab, "get", slow)
    other = subscribe(subscription("/lab/uptime", "SAMPLE", every=0.02))
    assert reached.wait(30)
    try:
        ada.set(update={"/lab/name": "at once"})
        assert stream.first_with("/lab/name") == "at once"
    finally:
        go.set()
    other.until_sync()


def test_a_hundred_subscribers_get_every_change_and_all_samples(
    target: Target, lab: Lab, connect: Callable[..., Client]
) -> None:
    lab.state = {"port": [{"name": f"p{number}", "packets": number} for number in range(50)]}
    wanted = subscribing(
        subscription("/lab/port/packets", "SAMPLE", every=0.2),
        subscription("/lab/name"),
        encoding="PROTO",
    )
    clients = [connect("ada") for _ in range(10)]
    streams = [client.subscribe(wanted) for client in clients for _ in range(10)]
    for stream in streams:
        assert len(everything(stream.until_sync())) == 50
    connect("bob").set(update={"/lab/name": "for all"})

    for stream in streams:
        assert stream.first_with("/lab/name") == "for all"
        assert stream.first_with("/lab/port[name=p49]/packets") == 49
    assert target.state()["open-streams"] == 100
    assert target.state()["feeds"] == 2
    for stream in streams:
        stream.cancel()
    until(lambda: target.state()["feeds"] == 0)


def test_who_may_not_read_hears_nothing(
    ada: Client, connect: Callable[..., Client], subscribe: Callable[..., Stream]
) -> None:
    guest = connect("guest")
    hidden = subscribe(subscription("/lab/hidden"), subscription("/lab/name"), client=guest)
    hidden.until_sync()
    ada.set(update={"/lab/hidden": "secret"})
    ada.set(update={"/lab/name": "open"})

    assert values(next(hidden.notifications())) == {"/lab/name": "open"}


def test_a_change_of_access_control_is_told_as_deletes(
    ada: Client, connect: Callable[..., Client], subscribe: Callable[..., Stream]
) -> None:
    ada.set(update={"/lab/name": "open"})
    stream = subscribe(subscription("/lab/name"), client=connect("guest"))
    assert everything(stream.until_sync()) == {"/lab/name": "open"}
    ada.set(update={"/nacm/read-default": "deny"})

    assert stream.first_delete() == ["/lab/name"]


SLOW = LISTEN.replace(
    b'"minimum-sample-interval":20',
    b'"minimum-sample-interval":10,"max-queued-messages":4,"stall-timeout":1',
)


def entries(number: int, value: int) -> dict:
    return {"port": [{"name": f"{at:06}" + "x" * 200, "packets": value} for at in range(number)]}


def test_a_stalled_subscriber_is_ended_and_costs_the_others_nothing(
    start: Callable[..., Target], lab: Lab
) -> None:
    lab.state = entries(400, 1)
    target = start(SLOW)
    address = f"127.0.0.1:{target.ports()['test']}"
    # A window that is full at once: what is not read stays with the target.
    options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65535)]
    wanted = subscribing(subscription("/lab/port/packets", "SAMPLE", every=0.01))
    stalled, quick = (
        Client(grpc.insecure_channel(address, options=options), "ada", "ada") for _ in range(2)
    )
    for client in (stalled, quick):
        client.metadata = [("username", "ada"), ("password", "ada")]
    still = stalled.subscribe(wanted)
    reading = quick.subscribe(wanted)
    reading.until_sync()
    done = threading.Event()
    count = [0]

    def read() -> None:
        for _ in reading.notifications():
            count[0] += 1
            if done.is_set():
                return

    reader = threading.Thread(target=read)
    reader.start()
    streams = target.service.subscribing.streams
    until(lambda: streams.exhausted == 1)
    before = count[0]
    until(lambda: count[0] > before + 5)
    done.set()
    reader.join()
    reading.cancel()
    with pytest.raises(grpc.RpcError) as error:
        for _ in still:
            pass
    assert Refusal(error.value).code == "RESOURCE_EXHAUSTED"
    until(lambda: streams.open == 0)
    state = target.state()
    assert (state["exhausted"], state["streams"]) == (1, 2)
    assert state["messages"] > 5
    for client in (stalled, quick):
        client.close()


def test_more_streams_than_configured_are_refused(start: Callable[..., Target]) -> None:
    few = LISTEN.replace(b'"minimum-sample-interval":20', b'"max-streams":2')
    target = start(few)
    client = Client(grpc.insecure_channel(f"127.0.0.1:{target.ports()['test']}"), "ada", "ada")
    streams = [client.subscribe(subscribing("/lab")) for _ in range(2)]
    for stream in streams:
        stream.until_sync()

    with pytest.raises(grpc.RpcError) as error:
        client.subscribe(subscribing("/lab")).until_sync()
    assert Refusal(error.value).code == "RESOURCE_EXHAUSTED"
    for stream in streams:
        stream.cancel()
    client.close()


def test_a_session_that_is_killed_ends_its_stream(
    subscribe: Callable[..., Stream], core: Core
) -> None:
    stream = subscribe(subscription("/lab"))
    stream.until_sync()
    admin = core.sessions.open("root", "netconf-ssh", "", recovery=True)
    session = next(one for one in core.sessions.all() if one.protocol == "gnmi")
    core.sessions.kill(admin, session.id)

    with pytest.raises(grpc.RpcError) as error:
        for _ in stream:
            pass
    assert Refusal(error.value).code == "CANCELLED"
    assert all(one.protocol != "gnmi" for one in core.sessions.all())


def test_the_first_configuration_of_these_tests_is_json() -> None:
    for text in (LISTEN, QUICK, SLOW):
        json.loads(text)
    assert path("/").elem == []
