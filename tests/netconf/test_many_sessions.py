"""Many sessions at a time."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncssh
from lxml import etree

from nf.mgmt.netconf.alone import Alone
from tests.netconf.peer import BASE, BASE_1_0, NS, Loop, Peer, ssh_options
from tests.waiting import until

SESSIONS = 200
HELLO = (
    f'<hello xmlns="{BASE}"><capabilities><capability>{BASE_1_0}</capability></capabilities>'
    "</hello>]]>]]>"
).encode()


def test_two_hundred_sessions_are_held_and_answered(
    start: Callable[..., Alone], loop: Loop
) -> None:
    alone = start()
    port = alone.server.ports["test"]

    async def open_one(gate: asyncio.Semaphore) -> tuple[asyncssh.SSHClientConnection, Ask]:
        async with gate:
            connection = await asyncssh.connect("127.0.0.1", port, **ssh_options())
            ask = Ask(*(await connection.open_session(subsystem="netconf", encoding=None))[:2])
            await ask.begin()
        return connection, ask

    async def all_of_them() -> tuple[set[str], list[int]]:
        gate = asyncio.Semaphore(16)
        opened = await asyncio.gather(*(open_one(gate) for _ in range(SESSIONS)))
        open_now = len(alone.core.sessions.all())
        answers = await asyncio.gather(*(ask.twice() for _, ask in opened))
        for connection, _ in opened:
            connection.abort()
        return {answer for pair in answers for answer in pair}, [open_now]

    answers, counted = loop.run(all_of_them(), 120)
    assert counted == [SESSIONS]
    assert answers == {"ok"}
    until(lambda: not alone.core.sessions.all())
    with Peer(loop, port) as peer:
        peer.ok("<discard-changes/>")


class Ask:
    """The streams of a session of base:1.0."""

    def __init__(self, out: asyncssh.SSHWriter[bytes], back: asyncssh.SSHReader[bytes]) -> None:
        self._out, self._back = out, back

    async def begin(self) -> None:
        self._out.write(HELLO)
        await self._back.readuntil(b"]]>]]>")

    async def twice(self) -> list[str]:
        answers = []
        for number in (1, 2):
            self._out.write(
                f'<rpc xmlns="{BASE}" message-id="{number}"><discard-changes/></rpc>]]>]]>'.encode()
            )
            reply = await self._back.readuntil(b"]]>]]>")
            root = etree.fromstring(reply.removesuffix(b"]]>]]>"))
            answers.append("ok" if root.find("nc:ok", NS) is not None else "not")
        return answers


def test_sessions_that_are_over_leave_nothing_behind(
    start: Callable[..., Alone], loop: Loop
) -> None:
    alone = start()

    def files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    def round_of(count: int) -> None:
        for _ in range(count):
            with Peer(loop, alone.server.ports["test"]) as peer:
                peer.ok("<discard-changes/>")

    round_of(3)
    until(lambda: not alone.server._doors.connections)
    before = files()
    round_of(20)

    until(lambda: not alone.server._doors.connections)
    until(lambda: not alone.server._doors.talking)
    assert not alone.server.service.statistics.sessions
    assert not alone.core.sessions.all()
    until(lambda: files() <= before)
