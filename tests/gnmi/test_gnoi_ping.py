"""gNOI Ping, over real ping sockets on the loopback interface of a namespace of its own."""

import ctypes
import fcntl
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from nf.telemetry.gnoi import ping as pinging
from nf.telemetry.gnoi.proto import system_pb2 as system
from nf.telemetry.gnoi.proto import types_pb2 as types

from .client import Client, Refusal
from .test_gnoi import stream

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
MILLISECOND = 1_000_000
FAST = {"interval": 200 * MILLISECOND, "wait": 20_000 * MILLISECOND}
RANGE = Path("/proc/sys/net/ipv4/ping_group_range")


def ping(client: Client, destination: str, **fields: Any) -> list[system.PingResponse]:
    request = system.PingRequest(destination=destination, **fields)
    return stream(client, "/gnoi.system.System/Ping", request, system.PingResponse)


def refused(client: Client, destination: str, **fields: Any) -> Refusal:
    return client.refused(ping, client, destination, **fields)


def _enter(groups: str) -> None:
    """Takes the calling thread, and no other, into a network namespace of its own."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    RANGE.write_text(groups)


@pytest.fixture
def namespace(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Has ping sockets made in a namespace where these groups may."""
    with ThreadPoolExecutor(1) as thread:

        def enter(groups: str) -> None:
            try:
                thread.submit(_enter, groups).result()
            except PermissionError:
                pytest.skip("NOT RUN: a network namespace needs privileges")
            made = pinging.ping_socket
            monkeypatch.setattr(
                pinging, "ping_socket", lambda family: thread.submit(made, family).result()
            )

        yield enter


@pytest.fixture
def permitted(namespace: Callable[[str], None]) -> None:
    namespace(f"0 {os.getgid()}")


@pytest.mark.parametrize(
    ("address", "protocol"), [("127.0.0.1", types.IPV4), ("::1", types.IPV6), ("127.0.0.1", 0)]
)
@pytest.mark.usefixtures("permitted")
def test_answers_come_one_by_one_and_then_their_sum(
    ada: Client, address: str, protocol: int
) -> None:
    *answers, total = ping(ada, address, count=3, size=100, l3protocol=protocol, **FAST)

    assert [one.sequence for one in answers] == [0, 1, 2]
    assert {(one.source, one.bytes, one.ttl) for one in answers} == {(address, 108, 64)}
    times = [one.time for one in answers]
    assert all(time > 0 for time in times)
    assert (total.sent, total.received, total.bytes) == (3, 3, 0)
    assert (total.min_time, total.max_time) == (min(times), max(times))
    assert total.avg_time == sum(times) // 3
    assert total.time >= 2 * FAST["interval"]


@pytest.mark.usefixtures("permitted")
def test_names_are_looked_up_and_a_source_is_used(ada: Client) -> None:
    *answers, total = ping(ada, "localhost", source="127.0.0.9", count=1, l3protocol=types.IPV4)

    assert total.received == 1
    assert answers[0].source == "127.0.0.1"


@pytest.mark.usefixtures("permitted")
def test_answers_that_come_late_are_none(ada: Client) -> None:
    [total] = ping(ada, "127.0.0.1", count=2, wait=1, interval=200 * MILLISECOND)

    assert (total.sent, total.received, total.max_time) == (2, 0, 0)


@pytest.mark.usefixtures("permitted")
def test_where_no_route_leads_is_said(ada: Client) -> None:
    refusal = refused(ada, "192.0.2.1", count=1)

    assert (refusal.code, "cannot be sent" in refusal.text) == ("UNAVAILABLE", True)


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("INVALID_ARGUMENT", {"destination": ""}),
        ("INVALID_ARGUMENT", {"destination": "x" * 300}),
        ("INVALID_ARGUMENT", {"destination": "224.0.0.1"}),
        ("INVALID_ARGUMENT", {"destination": "ff02::1"}),
        ("INVALID_ARGUMENT", {"destination": "255.255.255.255"}),
        ("INVALID_ARGUMENT", {"destination": "::"}),
        ("NOT_FOUND", {"destination": "no..name"}),
        ("NOT_FOUND", {"destination": "127.0.0.1", "l3protocol": types.IPV6}),
        ("INVALID_ARGUMENT", {"count": -2}),
        ("INVALID_ARGUMENT", {"count": 10_001}),
        ("INVALID_ARGUMENT", {"interval": 1}),
        ("INVALID_ARGUMENT", {"interval": 61_000 * MILLISECOND}),
        ("UNIMPLEMENTED", {"interval": -1}),
        ("INVALID_ARGUMENT", {"wait": -1}),
        ("INVALID_ARGUMENT", {"wait": 61_000 * MILLISECOND}),
        ("INVALID_ARGUMENT", {"size": 9001}),
        ("INVALID_ARGUMENT", {"size": -1}),
        ("INVALID_ARGUMENT", {"source": "here"}),
        ("INVALID_ARGUMENT", {"source": "::1"}),
        ("INVALID_ARGUMENT", {"source": "192.0.2.7"}),
        ("UNIMPLEMENTED", {"network_instance": "red"}),
    ],
)
@pytest.mark.usefixtures("permitted")
def test_what_is_beyond_the_limits_is_refused(
    ada: Client, code: str, fields: dict[str, Any]
) -> None:
    refusal = refused(ada, **{"destination": "127.0.0.1", "count": 1} | fields)

    assert refusal.code == code
    if fields.get("interval") == 1:
        assert "200000000" in refusal.text


@pytest.mark.usefixtures("permitted")
def test_one_caller_at_a_time_pings_a_destination(ada: Client) -> None:
    request = system.PingRequest(destination="127.0.0.1", count=-1, **FAST)
    method = ada.channel.unary_stream(
        "/gnoi.system.System/Ping",
        system.PingRequest.SerializeToString,
        system.PingResponse.FromString,
    )
    going_on = method(request, metadata=ada.metadata, timeout=60)
    assert [next(going_on).sequence for _ in range(3)] == [0, 1, 2]

    assert refused(ada, "127.0.0.1", count=1).code == "RESOURCE_EXHAUSTED"
    assert ping(ada, "127.0.0.2", count=1)[-1].received == 1
    going_on.cancel()
    while (again := outcome(ada, "127.0.0.1")) == "RESOURCE_EXHAUSTED":
        time.sleep(0.01)
    assert again == "OK"


def outcome(client: Client, destination: str) -> str:
    try:
        ping(client, destination, count=1)
    except grpc.RpcError as error:
        return Refusal(error).code
    return "OK"


@pytest.mark.usefixtures("permitted")
def test_requests_of_several_calls_keep_their_distance(ada: Client) -> None:
    began = time.monotonic_ns()
    for _ in range(3):
        ping(ada, "127.0.0.1", count=1)

    assert time.monotonic_ns() - began >= 2 * pinging.SHORTEST_INTERVAL


@pytest.mark.usefixtures("permitted")
def test_callers_at_a_time_are_bounded(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinging, "MAX_AT_A_TIME", 0)

    assert refused(ada, "127.0.0.1").code == "RESOURCE_EXHAUSTED"


def test_a_kernel_that_permits_it_to_nobody_is_said(
    namespace: Callable[[str], None], ada: Client
) -> None:
    namespace("1 0")
    refusal = refused(ada, "127.0.0.1")

    assert refusal.code == "FAILED_PRECONDITION"
    assert "net.ipv4.ping_group_range" in refusal.text


def test_a_ping_needs_a_rule(connect: Callable[..., Client]) -> None:
    guest = connect("guest")

    assert refused(guest, "127.0.0.1").code == "PERMISSION_DENIED"
