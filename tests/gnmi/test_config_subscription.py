"""The extension config-subscription: configuration alone, and where each commit ends."""

import asyncio
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from gnmi_pb import gnmi_ext_pb2 as ext
from gnmi_pb import gnmi_pb2 as gnmi
from google.protobuf.unknown_fields import UnknownFieldSet

from nf.mgmt.core import Core
from nf.mgmt.subscriptions.outbox import Frame, Limits, Outbox, boundary
from nf.telemetry.gnmi.boundaries import sync_done

from .client import Client, Refusal, Stream, subscribing, subscription, values
from .conftest import Lab

START = ext.Extension.FromString(b"\x32\x02\x0a\x00")
"""The library does not know it: field 6 with field 1, which is empty."""


def ends(response: gnmi.SubscribeResponse) -> tuple[str, str] | None:
    """commit_confirm_id and server_commit_id of a response that tells an end."""
    for extension in response.extension:
        [config] = UnknownFieldSet(extension)
        assert config.field_number == 6
        [done] = fields(config.data)
        assert done[0] == 2
        told = {number: octets.decode() for number, octets in fields(done[1])}
        return told.get(1, ""), told.get(2, "")
    return None


def fields(octets: bytes) -> list[tuple[int, bytes]]:
    """Fields of a message of which every value is octets, shorter than 128."""
    found = []
    while octets:
        number, length = octets[0] >> 3, octets[1]
        found.append((number, octets[2 : 2 + length]))
        octets = octets[2 + length :]
    return found


def commits(stream: Stream) -> Iterator[tuple[dict[str, Any], tuple[str, str]]]:
    """What each commit has changed, and its ids."""
    changed: dict[str, Any] = {}
    for response in stream:
        if (ids := ends(response)) is not None:
            yield changed, ids
            changed = {}
        else:
            changed |= values(response.update)
            changed |= {"deleted": True} if response.update.delete else {}


@pytest.mark.parametrize("mode", ["ON_CHANGE", "TARGET_DEFINED"])
def test_configuration_alone_is_told_with_the_end_of_each_commit(
    ports: Client, core: Core, lab: Lab, mode: str
) -> None:
    lab.state = {"uptime": 5}
    stream = ports.subscribe(subscribing(subscription("/lab", mode), extension=[START]))
    first = {path for one in stream.until_sync() for path in values(one)}
    assert "/lab/port[name=a]/mtu" in first
    assert "/lab/uptime" not in first

    told = commits(stream)
    ports.set(update={"/lab/name": "x", "/lab/port[name=a]/mtu": 1400})
    lab.state = {"uptime": 6}
    core.state.stir("nf-lab:lab")
    changed, ids = next(told)
    assert changed == {"/lab/name": "x", "/lab/port[name=a]/mtu": 1400}
    assert ids == ("", str(core.commits.running.number))
    ports.set(delete=["/lab/port[name=b]"])
    changed, again = next(told)
    assert changed == {"deleted": True}
    assert int(again[1]) > int(ids[1])
    stream.cancel()


def test_a_commit_that_is_confirmed_or_goes_back_has_its_id(ports: Client, core: Core) -> None:
    stream = ports.subscribe(subscribing(subscription("/lab/name"), extension=[START]))
    stream.until_sync()
    told = commits(stream)

    def confirmed(name: str, **action: Any) -> ext.Extension:
        return ext.Extension(commit=ext.Commit(id=name, **action))

    begin = {"commit": ext.CommitRequest()}
    ports.set(update={"/lab/name": "x"}, extension=[confirmed("one", **begin)])
    assert [next(told)[1][0]] == ["one"]
    ports.set(extension=[confirmed("one", confirm=ext.CommitConfirm())])
    ports.set(update={"/lab/name": "y"}, extension=[confirmed("two", **begin)])
    changed, ids = next(told)
    assert (changed, ids[0]) == ({"/lab/name": "y"}, "two")
    ports.set(extension=[confirmed("two", cancel=ext.CommitCancel())])
    changed, ids = next(told)
    assert (changed, ids[0]) == ({"/lab/name": "x"}, "two")
    ports.set(update={"/lab/name": "z"})
    changed, ids = next(told)
    assert (changed, ids[0]) == ({"/lab/name": "z"}, "")
    stream.cancel()


def test_commits_that_change_nothing_of_the_paths_end_too(ports: Client) -> None:
    stream = ports.subscribe(subscribing(subscription("/lab/name"), extension=[START]))
    stream.until_sync()
    ports.set(update={"/lab/port[name=a]/mtu": 1400})

    assert next(commits(stream))[0] == {}
    stream.cancel()


def test_once_poll_and_samples_have_configuration_alone(ports: Client, lab: Lab) -> None:
    lab.state = {"uptime": 5}
    for request in (
        subscribing("/lab", mode="ONCE", extension=[START]),
        subscribing("/lab", mode="POLL", extension=[START]),
        subscribing(subscription("/lab", "SAMPLE", every=0.02), extension=[START]),
    ):
        stream = ports.subscribe(request)
        told = {path for one in stream.until_sync() for path in values(one)}
        assert "/lab/port[name=a]/mtu" in told
        assert "/lab/uptime" not in told
        stream.cancel()


def test_who_does_not_ask_hears_of_no_end(ports: Client) -> None:
    stream = ports.subscribe(subscribing(subscription("/lab/name")))
    asking = ports.subscribe(subscribing(subscription("/lab/name"), extension=[START]))
    for one in (stream, asking):
        one.until_sync()
    ports.set(update={"/lab/name": "x"})
    ports.set(update={"/lab/name": "y"})
    told = commits(asking)
    seen: dict[str, Any] = {}
    while seen.get("/lab/name") != "y":
        seen |= next(told)[0]

    while values(stream.next().update) != {"/lab/name": "y"}:
        pass
    for one in (stream, asking):
        one.cancel()


def test_the_extension_does_not_go_with_others(ada: Client) -> None:
    wrong = ext.Extension.FromString(b"\x32\x02\x12\x00")
    with pytest.raises(grpc.RpcError) as error:
        ada.subscribe(subscribing("/lab", extension=[wrong])).next()
    assert Refusal(error.value).code == "INVALID_ARGUMENT"
    assert ada.refused(ada.get, "/lab", extension=[START]).code == "INVALID_ARGUMENT"
    assert ada.refused(ada.set, extension=[START]).code == "INVALID_ARGUMENT"


def test_a_slow_subscriber_hears_of_the_ends_after_all_values() -> None:
    def frame(path: bytes, write: Any) -> Frame:
        return Frame(1, (b"shared",), lambda: [(path, b"v")], (), write)

    def writer(name: bytes) -> Any:
        return lambda _, updates, __: [name + path for path, _, _ in updates]

    def end(number: int) -> Frame:
        return Frame(1, (b"end %d" % number,), tuple, (), boundary, bytes([number]))

    async def taken() -> list[bytes]:
        outbox = Outbox(Limits(messages=0))
        for one in (frame(b"/a", writer(b"f")), end(1), frame(b"/b", writer(b"g")), end(2)):
            outbox.put(one)
        return [await outbox.get() for _ in range(4)]

    assert asyncio.run(taken()) == [b"f/a", b"g/b", b"end 1", b"end 2"]


def test_long_ids_are_written_as_protobuf_does() -> None:
    response = gnmi.SubscribeResponse.FromString(sync_done("x" * 200, "7"))
    [config] = UnknownFieldSet(response.extension[0])

    assert config.field_number == 6
    assert config.data == b"\x12\xce\x01\x0a\xc8\x01" + b"x" * 200 + b"\x12\x017"
