"""Subscribe ONCE and POLL, and what is wrong in any Subscribe (specification section 3.5.1)."""

import queue
from collections.abc import Iterator

import grpc
import pytest
from gnmi_pb import gnmi_ext_pb2 as ext
from gnmi_pb import gnmi_pb2 as gnmi

from .client import Client, Refusal, path, subscribing, subscription, values
from .conftest import Lab

POLL = gnmi.SubscribeRequest(poll=gnmi.Poll())


def everything(notifications: list[gnmi.Notification]) -> dict:
    """All values of some notifications."""
    return {at: value for one in notifications for at, value in values(one).items()}


def refusal(client: Client, *requests: gnmi.SubscribeRequest) -> Refusal:
    """How a Subscribe that must fail ends."""
    with pytest.raises(grpc.RpcError) as error:
        for _ in client.subscribe(*requests):
            pass
    return Refusal(error.value)


def test_once_sends_every_leaf_then_sync_response_and_ends(ports: Client, lab: Lab) -> None:
    lab.state = {"port": [{"name": "a", "packets": 5}]}
    stream = ports.subscribe(subscribing("/lab/port", mode="ONCE"))

    assert everything(stream.until_sync()) == {
        "/lab/port[name=a]/name": "a",
        "/lab/port[name=a]/mtu": 9000,
        "/lab/port[name=a]/packets": "5",
        "/lab/port[name=b]/name": "b",
        "/lab/port[name=b]/mtu": 1500,
    }
    assert list(stream) == []
    assert stream.call.code() == grpc.StatusCode.OK


@pytest.mark.parametrize(("encoding", "count"), [("JSON", 5), ("PROTO", 5), ("JSON_IETF", "5")])
def test_every_encoding_has_scalars(ports: Client, lab: Lab, encoding: str, count: object) -> None:
    lab.state = {"port": [{"name": "a", "packets": 5, "up": True}]}
    stream = ports.subscribe(
        subscribing("/lab/port[name=a]/packets", "/lab/port/up", mode="ONCE", encoding=encoding)
    )

    assert everything(stream.until_sync()) == {
        "/lab/port[name=a]/packets": count,
        "/lab/port[name=a]/up": True,
    }


def test_a_prefix_with_target_is_echoed_in_every_notification(ports: Client) -> None:
    prefix = path("/lab/port[name=a]", target="probe")
    stream = ports.subscribe(subscribing("/mtu", "/name", mode="ONCE", prefix=prefix))

    found = stream.until_sync()
    assert all(one.prefix == prefix for one in found)
    assert everything(found) == {"/lab/port[name=a]/mtu": 9000, "/lab/port[name=a]/name": "a"}


def test_a_wildcard_in_the_prefix_goes_to_the_paths(ports: Client) -> None:
    prefix = path("/lab/port[name=*]", target="probe")
    found = ports.subscribe(subscribing("/mtu", mode="ONCE", prefix=prefix)).until_sync()

    assert all(one.prefix == gnmi.Path(target="probe") for one in found)
    assert set(everything(found)) == {"/lab/port[name=a]/mtu", "/lab/port[name=b]/mtu"}


def test_updates_only_sends_sync_response_alone(ports: Client) -> None:
    stream = ports.subscribe(subscribing("/lab", mode="ONCE", updates_only=True))

    assert stream.until_sync() == []
    assert list(stream) == []


def test_a_missing_path_is_no_error(ada: Client) -> None:
    stream = ada.subscribe(
        subscribing("/lab/port[name=zzz]", "/lab/nothing", "/nowhere", mode="ONCE")
    )

    assert stream.until_sync() == []
    assert stream.call.code() == grpc.StatusCode.OK


def test_many_updates_are_spread_over_notifications(ada: Client) -> None:
    ada.set(update={"/lab/port": [{"name": f"p{number}"} for number in range(1500)]})
    found = ada.subscribe(subscribing("/lab/port", mode="ONCE", encoding="PROTO")).until_sync()

    assert [len(one.update) for one in found] == [1000, 1000, 1000]
    assert len(everything(found)) == 3000


def test_a_container_that_is_seen_whole_is_atomic(ada: Client, lab: Lab) -> None:
    lab.state = {"record": {"first": 1, "second": 2}, "uptime": 9}
    found = ada.subscribe(subscribing("/lab", mode="ONCE", encoding="PROTO")).until_sync()

    whole = [one for one in found if one.atomic]
    assert [values(one) for one in whole] == [{"/lab/record/first": 1, "/lab/record/second": 2}]
    assert whole[0].prefix == path("/lab/record")
    assert "/lab/record/first" not in everything([one for one in found if not one.atomic])


def test_aggregation_needs_the_mark_and_the_permission(ada: Client, lab: Lab) -> None:
    lab.state = {"summary": {"sum": 5, "mean": "1.5"}, "uptime": 9}
    apart = ada.subscribe(subscribing("/lab/summary", mode="ONCE")).until_sync()
    together = ada.subscribe(subscribing("/lab", mode="ONCE", allow_aggregation=True)).until_sync()

    assert set(everything(apart)) == {"/lab/summary/sum", "/lab/summary/mean"}
    assert everything(together)["/lab/summary"]["nf-lab:sum"] == "5"
    assert everything(together)["/lab/uptime"] == 9


def test_depth_holds_for_subscriptions(ports: Client) -> None:
    depth = [ext.Extension(depth=ext.Depth(level=1))]
    found = ports.subscribe(subscribing("/lab", mode="ONCE", extension=depth)).until_sync()

    assert set(everything(found)) == {"/lab/low", "/lab/high"}


def test_qos_is_accepted(ada: Client) -> None:
    stream = ada.subscribe(subscribing("/lab/low", mode="ONCE", qos=gnmi.QOSMarking(marking=32)))

    assert everything(stream.until_sync()) == {"/lab/low": 1}


def test_aliases_of_older_clients_are_passed_over(ada: Client) -> None:
    asked = subscribing("/lab/low", mode="ONCE").subscribe.SerializeToString()
    use_aliases = b"\x18\x01"  # field 3, which gNMI 0.8 took out of use
    older = gnmi.SubscribeRequest(subscribe=gnmi.SubscriptionList.FromString(asked + use_aliases))
    assert older.subscribe.SerializeToString().endswith(use_aliases)

    [told] = ada.subscribe(older).until_sync()
    assert values(told) == {"/lab/low": 1}


def test_first_and_at_each_poll_all_is_told_with_one_sync_response(ports: Client) -> None:
    polls: queue.Queue[gnmi.SubscribeRequest | None] = queue.Queue()

    def sent() -> Iterator[gnmi.SubscribeRequest]:
        while (one := polls.get()) is not None:
            yield one

    stream = ports.subscribe(subscribing("/lab/port[name=a]/mtu", mode="POLL"), sent())
    assert everything(stream.until_sync()) == {"/lab/port[name=a]/mtu": 9000}
    polls.put(POLL)
    assert everything(stream.until_sync()) == {"/lab/port[name=a]/mtu": 9000}
    ports.set(update={"/lab/port[name=a]/mtu": 100})
    polls.put(POLL)
    assert everything(stream.until_sync()) == {"/lab/port[name=a]/mtu": 100}
    polls.put(None)
    assert list(stream) == []
    assert stream.call.code() == grpc.StatusCode.OK


def test_a_poll_cannot_come_first(ada: Client) -> None:
    assert refusal(ada, POLL).code == "INVALID_ARGUMENT"


def test_a_second_subscription_is_refused(ada: Client) -> None:
    one = subscribing("/lab", mode="POLL")

    assert refusal(ada, one, one).code == "INVALID_ARGUMENT"
    assert refusal(ada, subscribing("/lab"), one).code == "INVALID_ARGUMENT"


def test_a_stream_cannot_be_polled(ada: Client) -> None:
    assert refusal(ada, subscribing("/lab"), POLL).code == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (subscribing(mode="STREAM"), "INVALID_ARGUMENT"),
        (subscribing("/lab", encoding="BYTES"), "UNIMPLEMENTED"),
        (subscribing("/lab", encoding="ASCII"), "UNIMPLEMENTED"),
        (subscribing("/lab/port[nokey=1]"), "INVALID_ARGUMENT"),
        (
            subscribing(gnmi.Subscription(path=path("/lab", origin="openconfig"))),
            "UNIMPLEMENTED",
        ),
        (subscribing("/lab", use_models=[gnmi.ModelData(name="other")]), "UNIMPLEMENTED"),
        (
            subscribing(gnmi.Subscription(path=path("/lab"), mode="SAMPLE", sample_interval=1000)),
            "INVALID_ARGUMENT",
        ),
        (subscribing("/lab", extension=[ext.Extension(history=ext.History())]), "INVALID_ARGUMENT"),
    ],
)
def test_what_cannot_be_subscribed_to_is_refused(
    ada: Client, request_: gnmi.SubscribeRequest, code: str
) -> None:
    assert refusal(ada, request_).code == code


def test_a_sample_interval_that_is_too_small_is_told_the_minimum(ada: Client) -> None:
    refused = refusal(ada, subscribing(subscription("/lab", "SAMPLE", every=0.001)))

    assert "the minimum is 20000000 ns" in refused.text
