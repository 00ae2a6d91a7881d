"""The extension history: snapshots and ranges out of samples that are kept."""

import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from gnmi_pb import gnmi_ext_pb2 as ext
from gnmi_pb import gnmi_pb2 as gnmi

from nf.mgmt.subscriptions.past import Keeping, Past
from nf.telemetry.gnmi.server import Target

from .client import Client, deletes, subscribing, subscription, values
from .conftest import Lab

KEEP = {"enabled": True, "interval": 100, "samples": 50}


@pytest.fixture
def past(ports: Client, target: Target) -> Past:
    ports.set(update={"/probe/telemetry/gnmi/history": KEEP})
    return target.past


def sampled(past: Past, since: int) -> int:
    """Waits for a sample that was taken after a moment; when that was."""
    pause, until = threading.Event(), time.monotonic() + 60
    while time.monotonic() < until:
        for at in past.times():
            if at > since:
                return at
        pause.wait(0.01)
    raise AssertionError("no sample was taken")


def at(moment: int) -> ext.Extension:
    return ext.Extension(history=ext.History(snapshot_time=moment))


def between(start: int, end: int) -> ext.Extension:
    return ext.Extension(history=ext.History(range=ext.TimeRange(start=start, end=end)))


def snapshot(client: Client, moment: int, where: str = "/lab") -> dict[str, Any]:
    stream = client.subscribe(
        subscribing(where, mode="ONCE", encoding="PROTO", extension=[at(moment)])
    )
    found = [values(one) for one in stream.until_sync()]
    return {path: value for one in found for path, value in one.items()}


def test_a_snapshot_is_what_was(ports: Client, past: Past, lab: Lab) -> None:
    lab.state = {"uptime": 1}
    before = sampled(past, time.time_ns())
    lab.state = {"uptime": 2}
    ports.set(update={"/lab/port[name=a]/mtu": 1400})
    after = sampled(past, time.time_ns())

    was, is_ = snapshot(ports, before), snapshot(ports, after)
    assert (was["/lab/uptime"], was["/lab/port[name=a]/mtu"]) == (1, 9000)
    assert (is_["/lab/uptime"], is_["/lab/port[name=a]/mtu"]) == (2, 1400)
    assert snapshot(ports, after - 1)["/lab/uptime"] in (1, 2)


def test_time_stamps_are_those_of_the_samples(ports: Client, past: Past, lab: Lab) -> None:
    lab.state = {"uptime": 1}
    taken = sampled(past, time.time_ns())
    asked = subscribing("/lab/uptime", mode="ONCE", extension=[at(taken + 1)])

    assert [one.timestamp for one in ports.subscribe(asked).until_sync()] == [taken]


def test_a_range_is_what_was_at_its_start_and_every_change_and_then_it_ends(
    ports: Client, past: Past, lab: Lab
) -> None:
    lab.state = {"uptime": 1}
    start = sampled(past, time.time_ns())
    for number in (2, 3):
        lab.state = {"uptime": number}
        sampled(past, time.time_ns())
    ports.set(delete=["/lab/port[name=b]"])
    end = sampled(past, time.time_ns()) + 1
    asked = subscribing(subscription("/lab"), encoding="PROTO", extension=[between(start, end)])
    stream = ports.subscribe(asked)
    first = {path: value for one in stream.until_sync() for path, value in values(one).items()}
    later = list(stream.notifications())

    assert first["/lab/uptime"] == 1
    assert "/lab/port[name=b]/name" in first
    uptimes = [values(one)["/lab/uptime"] for one in later if "/lab/uptime" in values(one)]
    assert uptimes == [2, 3]
    assert ["/lab/port[name=b]"] in [deletes(one) for one in later]
    assert all(start <= one.timestamp < end for one in later)


def test_a_range_of_samples_tells_all_of_them(ports: Client, past: Past, lab: Lab) -> None:
    lab.state = {"uptime": 1}
    start = sampled(past, time.time_ns())
    end = sampled(past, sampled(past, start)) + 1
    wanted = subscription("/lab/uptime", "SAMPLE", every=1)
    asked = subscribing(
        wanted, encoding="PROTO", updates_only=True, extension=[between(start, end)]
    )
    stream = ports.subscribe(asked)

    assert stream.until_sync() == []
    assert [values(one) for one in stream.notifications()] == [{"/lab/uptime": 1}] * 2


def test_access_control_is_that_of_today(
    ports: Client, past: Past, connect: Callable[..., Client]
) -> None:
    ports.set(update={"/lab/hidden": "secret"})
    moment = sampled(past, time.time_ns())

    assert "/lab/hidden" in snapshot(ports, moment)
    assert "/lab/hidden" not in snapshot(connect("guest"), moment)


@pytest.mark.parametrize(
    ("mode", "extension", "code"),
    [
        ("STREAM", at(1), "INVALID_ARGUMENT"),
        ("POLL", at(1), "INVALID_ARGUMENT"),
        ("ONCE", between(1, 2), "INVALID_ARGUMENT"),
        ("STREAM", between(2, 1), "INVALID_ARGUMENT"),
        ("ONCE", ext.Extension(history=ext.History()), "INVALID_ARGUMENT"),
        ("ONCE", at(2**62), "UNIMPLEMENTED"),
        ("STREAM", between(1, 2**62), "UNIMPLEMENTED"),
        ("ONCE", at(1), "OUT_OF_RANGE"),
        ("STREAM", between(1, 2), "OUT_OF_RANGE"),
    ],
)
def test_what_cannot_be_told_is_refused(
    ports: Client, past: Past, mode: str, extension: ext.Extension, code: str
) -> None:
    stream = ports.subscribe(subscribing("/lab", mode=mode, extension=[extension]))
    with pytest.raises(grpc.RpcError) as error:
        stream.until_sync()

    assert error.value.code().name == code


def test_where_nothing_is_kept_history_is_not_implemented(ports: Client) -> None:
    stream = ports.subscribe(subscribing("/lab", mode="ONCE", extension=[at(1)]))
    with pytest.raises(grpc.RpcError) as error:
        stream.until_sync()

    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_the_oldest_samples_go_by_number_and_by_memory(past: Past, ports: Client) -> None:
    sampled(past, sampled(past, 0))
    past.follow(Keeping(10**8, 1, 1 << 20))
    assert len(past.times()) == 1
    sampled(past, time.time_ns())
    assert len(past.times()) == 1
    past.follow(Keeping(10**8, 50, 1))
    assert past.times() == []
    past.follow(Keeping())
    told = ports.read("/probe/telemetry/gnmi/history", type=gnmi.GetRequest.STATE)
    assert told in ({}, {"/probe/telemetry/gnmi/history": {}})
