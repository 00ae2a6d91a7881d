"""Channels between processes: answers, refusals, events, and what hostile peers may do."""

import asyncio
import os
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nf.errors import ChannelError, NfError, Refused
from nf.process.client import Client, Hearing
from nf.process.frames import HEADER, MOST_OCTETS, VERSION, Hello, Kind, Peer, encode
from nf.process.server import Limits, Server

PATIENCE = 20.0


class Double(msgspec.Struct, tag="double", frozen=True):
    number: int


class Fail(msgspec.Struct, tag="fail", frozen=True):
    how: str


class Wait(msgspec.Struct, tag="wait", frozen=True):
    pass


class Doubled(msgspec.Struct, tag="doubled", frozen=True):
    number: int


class Rang(msgspec.Struct, tag="rang", frozen=True):
    text: str


Calls = Double | Fail | Wait


class Running:
    """A server in a thread of its own."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self.loop = asyncio.new_event_loop()
        self.release = asyncio.Event()
        self.waiting = threading.Semaphore(0)
        self.server = Server(path, "test", Calls, self.handle, limits)
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.do(self.server.start())

    def do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    async def handle(self, peer: Peer, body: Any) -> Any:
        assert peer.pid == os.getpid()
        match body:
            case Double(number):
                return Doubled(number * 2)
            case Wait():
                self.waiting.release()
                await self.release.wait()
                return Doubled(0)
            case Fail("refused"):
                error = Refused("no", "/here", "try that")
                error.app_tag = "must-violation"
                raise error
            case Fail("nf"):
                raise NfError("no", "there", "try that")
            case _:
                raise ZeroDivisionError

    async def broadcast(self, body: Any) -> None:
        self.server.broadcast(body)

    def end(self) -> None:
        self.do(self.server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE)
        self.loop.close()


Serve = Callable[..., Running]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    running: list[Running] = []

    def start(name: str = "s", **limits: float) -> Running:
        running.append(Running(tmp_path / name, Limits(**limits)))  # type: ignore[arg-type]
        return running[-1]

    yield start
    for one in running:
        one.end()


def client(running: Running, **more: Any) -> Client:
    return Client(running.path, "test", Doubled, Hearing(Rang, **more))


def raw(running: Running) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    connection.connect(str(running.path))
    return connection


def greeted(running: Running) -> socket.socket:
    connection = raw(running)
    connection.sendall(encode(Kind.HELLO, 0, Hello("test", VERSION, os.getpid())))
    [length] = HEADER.unpack(connection.recv(4, socket.MSG_WAITALL))
    connection.recv(length, socket.MSG_WAITALL)
    return connection


def hangs_up(connection: socket.socket) -> bool:
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return True


def test_a_call_is_answered_and_many_at_once_are_told_apart(serve: Serve) -> None:
    with client(serve()) as asking:
        futures = [asking.submit(Double(n)) for n in range(50)]
        assert [one.result(PATIENCE).number for one in futures] == [2 * n for n in range(50)]
        assert asking.peer.uid == os.getuid()
        assert asking.hello.pid == os.getpid()


def test_asyncio_may_wait_for_an_answer(serve: Serve) -> None:
    async def ask(asking: Client) -> int:
        answer = await asyncio.wrap_future(asking.submit(Double(4)))
        return int(answer.number)

    with client(serve()) as asking:
        assert asyncio.run(ask(asking)) == 8


def test_a_refusal_keeps_its_parts(serve: Serve) -> None:
    with client(serve()) as asking, pytest.raises(Refused) as told:
        asking.call(Fail("refused"))
    error = told.value
    assert (error.what, error.place, error.hint) == ("no", "/here", "try that")
    assert error.app_tag == "must-violation"


def test_a_defect_is_told_from_a_refusal(serve: Serve) -> None:
    with client(serve()) as asking:
        with pytest.raises(ChannelError, match="ZeroDivisionError"):
            asking.call(Fail("defect"))
        with pytest.raises(Refused, match="no"):
            asking.call(Fail("nf"))
        assert asking.call(Double(1)).number == 2


def test_events_reach_every_client(serve: Serve) -> None:
    running = serve()
    heard: list[str] = []
    both = threading.Semaphore(0)

    def hear(event: Rang) -> None:
        heard.append(event.text)
        both.release()

    with client(running, on_event=hear), client(running, on_event=hear):
        running.do(running.broadcast(Rang("ding")))
        assert both.acquire(timeout=PATIENCE)
        assert both.acquire(timeout=PATIENCE)
    assert heard == ["ding", "ding"]


def test_what_follows_an_event_may_fail_and_the_next_is_heard(serve: Serve) -> None:
    running = serve()
    heard = threading.Event()

    def hear(event: Rang) -> None:
        if event.text == "bad":
            raise ZeroDivisionError
        heard.set()

    with client(running, on_event=hear) as asking:
        running.do(running.broadcast(Rang("bad")))
        running.do(running.broadcast(Rang("good")))
        assert heard.wait(PATIENCE)
        assert asking.call(Double(2)).number == 4


def test_a_call_that_nobody_answers_in_time_is_forgotten(serve: Serve) -> None:
    running = serve()
    with client(running) as asking:
        with pytest.raises(ChannelError, match="no answer to Wait"):
            asking.call(Wait(), seconds=0.01)
        assert running.waiting.acquire(timeout=PATIENCE)
        assert not asking._waiting
        running.loop.call_soon_threadsafe(running.release.set)
        assert asking.call(Double(2)).number == 4


def test_a_peer_that_reads_no_events_loses_them_counted_and_nobody_waits(serve: Serve) -> None:
    running = serve(unread_events=1 << 16)
    with closing(greeted(running)), client(running) as asking:
        for _ in range(64):
            running.do(running.broadcast(Rang("x" * 30_000)))
        assert running.server.dropped_events > 0
        assert asking.call(Double(2)).number == 4


def test_calls_beyond_the_limit_are_refused(serve: Serve) -> None:
    running = serve(calls=2)
    with client(running) as asking:
        waiting = [asking.submit(Wait()) for _ in range(2)]
        assert all(running.waiting.acquire(timeout=PATIENCE) for _ in waiting)
        with pytest.raises(Refused, match="too many calls"):
            asking.call(Double(1))
        running.loop.call_soon_threadsafe(running.release.set)
        assert [one.result(PATIENCE).number for one in waiting] == [0, 0]


def test_connections_beyond_the_limit_are_hung_up(serve: Serve) -> None:
    running = serve(connections=1)
    with client(running) as asking:
        with pytest.raises(ChannelError):
            client(running)
        assert asking.call(Double(1)).number == 2


def test_the_end_of_the_server_fails_what_waits_and_is_told(serve: Serve) -> None:
    running = serve()
    lost = threading.Event()
    asking = client(running, on_lost=lost.set)
    waiting = asking.submit(Wait())
    assert running.waiting.acquire(timeout=PATIENCE)
    running.do(running.server.stop())

    with pytest.raises(ChannelError, match="hung up"):
        waiting.result(PATIENCE)
    assert lost.wait(PATIENCE)
    with pytest.raises(ChannelError, match="hung up"):
        asking.call(Double(1))
    asking.close()


def test_closing_is_not_told_as_a_loss(serve: Serve) -> None:
    lost = threading.Event()
    client(serve(), on_lost=lost.set).close()
    assert not lost.is_set()


def test_nobody_there_says_what_to_try(tmp_path: Path) -> None:
    with pytest.raises(ChannelError, match="nf run"):
        Client(tmp_path / "none", "test", Doubled)


def test_another_channel_is_refused(serve: Serve) -> None:
    with pytest.raises(ChannelError):
        Client(serve().path, "other", Doubled)


def test_a_socket_that_nobody_listens_on_is_replaced_and_one_in_use_is_not(
    serve: Serve, tmp_path: Path
) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "left"))
    left.close()
    running = serve("left")
    with client(running) as asking:
        assert asking.call(Double(1)).number == 2

    with pytest.raises(ChannelError, match="another process listens"):
        running.do(Server(running.path, "test", Calls, running.handle).start())
    assert running.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">I", 0),
        struct.pack(">I", MOST_OCTETS + 1),
        struct.pack(">I", 0xFFFFFFFF),
        struct.pack(">I", 1) + b"\xc1",
        struct.pack(">I", 5) + b"\xdd\xff\xff\xff\xff",
        struct.pack(">I", 100_000) + b"\x91" * 100_000,
        encode(Kind.HELLO, 0, {"channel": "test", "version": 99, "pid": 1}),
        encode(Kind.HELLO, 0, {"channel": "other", "version": VERSION, "pid": 1}),
        encode(Kind.HELLO, 0, "hello"),
        encode(Kind.CALL, 1, Double(1)),
    ],
)
def test_who_does_not_begin_with_a_hello_is_hung_up_and_others_are_served(
    serve: Serve, octets: bytes
) -> None:
    running = serve()
    with closing(raw(running)) as hostile, client(running) as asking:
        hostile.sendall(octets)
        assert hangs_up(hostile)
        assert asking.call(Double(3)).number == 6


@pytest.mark.parametrize("kind", [Kind.HELLO, Kind.ANSWER, Kind.FAILURE, Kind.EVENT])
def test_only_calls_may_follow(serve: Serve, kind: Kind) -> None:
    running = serve()
    with closing(greeted(running)) as hostile:
        hostile.sendall(encode(kind, 1, Double(1)))
        assert hangs_up(hostile)


@pytest.mark.parametrize(
    "body", [{"type": "triple", "number": 1}, {"type": "double", "number": "x"}, 3, [], {}, None]
)
def test_a_call_that_is_none_fails_alone(serve: Serve, body: Any) -> None:
    with client(serve()) as asking:
        with pytest.raises(Refused, match="malformed"):
            asking.call(body)
        assert asking.call(Double(3)).number == 6


def test_a_silent_peer_is_hung_up(serve: Serve) -> None:
    with closing(raw(serve(hello_seconds=0.05))) as silent:
        assert hangs_up(silent)


def test_random_octets_end_one_connection_only(serve: Serve) -> None:
    chance = random.Random(7)  # noqa: S311
    running = serve()
    whole = encode(Kind.CALL, 1, Double(1))
    with client(running) as asking:
        for _ in range(200):
            with closing(greeted(running)) as hostile:
                octets = bytearray(whole * 2)
                for _ in range(chance.randrange(1, 5)):
                    octets[chance.randrange(len(octets))] = chance.randrange(256)
                hostile.sendall(octets[: chance.randrange(1, len(octets))])
            assert asking.call(Double(3)).number == 6


def test_a_frame_that_is_too_long_is_not_sent(serve: Serve) -> None:
    with client(serve()) as asking:
        with pytest.raises(ChannelError, match="too long"):
            asking.call({"type": "double", "number": "x" * (MOST_OCTETS + 1)})
        assert asking.call(Double(3)).number == 6
