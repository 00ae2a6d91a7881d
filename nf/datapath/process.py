"""nf-datapath: the process that captures.

It waits for its configuration on the control channel; TERM, INT or a `Drain` end it after final
reports, with code 0. A crash is never code 0. Its heart beats only while the thread that takes rows
from the engine goes round, and while this loop does.
"""

import asyncio
import logging
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from nf.datapath import control
from nf.datapath.control import (
    CHANNEL,
    Call,
    Done,
    DumpBegun,
    Event,
    Prepared,
    Pulse,
    SessionList,
    SettingsRead,
    StatsRead,
)
from nf.datapath.datapath import Complete, Datapath, Outlets
from nf.datapath.settings import Logging
from nf.errors import ChannelError
from nf.process.frames import Peer
from nf.process.logs import event, follow
from nf.process.notify import Notifier
from nf.process.places import Places
from nf.process.server import Server

__all__ = ["DatapathProcess", "follow_logging"]

log = logging.getLogger(__name__)

EXIT_INCOMPLETE = 3
"""It ended when told to, but not all rows could be handed on or written."""
EXIT_PARTIAL = 4
"""It ended with what it read, which was not whole."""
EXIT_BROKEN = 70
"""The engine has a defect."""
DRAIN_SECONDS = 20.0
WRITE_SECONDS = 5.0
LOSS_SECONDS = 1.0
BEAT_SECONDS = 0.25
"""The shortest patience that can be configured is a second, and it may change at any time."""


class DatapathProcess:
    """The process around a `Datapath`.

    Args:
        places: Where the socket is.
        notifier: Who wants to hear that this process lives.
        complete: See `Datapath`.
        make_outlets: Makes where rows go, from what is to be told of an output's state and what
            takes rows to management.
        ends_with_capture: Ends when everything has been read: with code 0, or 4 when a file was not
            whole.
    """

    def __init__(
        self,
        places: Places,
        notifier: Notifier,
        complete: Complete,
        make_outlets: Callable[[Callable[..., None], Callable[[str, bytes], None]], Outlets],
        *,
        ends_with_capture: bool = False,
    ) -> None:
        self._places = places
        self._notifier = notifier
        self._ends_with_capture = ends_with_capture
        self._datapath = Datapath(
            complete, make_outlets(self._output_changed, self._hand_over), self, places.dumps
        )
        self._orders = ThreadPoolExecutor(1, "orders")
        """One thread: orders are carried out one after the other."""
        self._questions = ThreadPoolExecutor(4, "questions")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: Server | None = None
        self._end = asyncio.Event()
        self._broken = ""
        self._partial = False

    async def run(self) -> int:
        """Serves until told to end; returns the exit code.

        Raises:
            ChannelError: Another process serves there.
        """
        loop = self._loop = asyncio.get_running_loop()
        self._server = Server(self._places.datapath_socket, CHANNEL, Call, self._answer)
        await self._server.start()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        tasks = [loop.create_task(self._beat()), loop.create_task(self._watch_losses())]
        self._notifier.ready("waiting for a configuration")
        event(log, logging.INFO, "ready", socket=str(self._places.datapath_socket))
        await self._end.wait()
        self._notifier.stopping("handing on what is there")
        for task in tasks[1:]:
            task.cancel()
        whole = await asyncio.to_thread(self._datapath.end, DRAIN_SECONDS, WRITE_SECONDS)
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.stop()
        self._orders.shutdown(wait=False, cancel_futures=True)
        self._questions.shutdown(wait=False, cancel_futures=True)
        event(log, logging.INFO, "ended", complete=whole)
        if self._broken:
            return EXIT_BROKEN
        if not whole:
            return EXIT_INCOMPLETE
        return EXIT_PARTIAL if self._partial and self._ends_with_capture else 0

    # What the datapath tells: from any thread

    def tell(self, event: Event) -> None:
        """Sends an event to whoever listens."""
        if self._loop is not None and self._server is not None:
            self._loop.call_soon_threadsafe(self._server.broadcast, event)

    def broken(self, why: str) -> None:
        """Ends with a code that has the monitor start this process again."""
        self._broken = why
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end.set)

    def finished(self, why: str) -> None:
        """Ends, if that was asked for."""
        self._partial = bool(why)
        if self._ends_with_capture and self._loop is not None:
            self._loop.call_soon_threadsafe(self._end.set)

    def _output_changed(self, output: str, state: Any, why: str, dropped: int) -> None:
        level = logging.INFO if state == "up" else logging.ERROR
        event(log, level, "output", output=output, state=state, why=why, dropped_rows=dropped)
        self.tell(control.OutputState(output, state, why, dropped))

    def _hand_over(self, kind: str, lines: bytes) -> None:
        self.tell(control.RowsTold(kind, lines))

    # What is asked

    async def _answer(self, peer: Peer, body: Any) -> Any:
        del peer
        datapath = self._datapath
        answer: Any = Done()
        match body:
            case control.Heartbeat():
                answer = Pulse(
                    datapath.generation, datapath.beats, datapath.batches, datapath.capture
                )
            case control.ReadStats(sums):
                answer = StatsRead(await self._question(datapath.stats, sums))
            case control.ReadSettings():
                answer = SettingsRead(datapath.generation, datapath.settings)
            case control.ListSessions(limit, order_by, where):
                rows = await self._question(datapath.sessions, limit, order_by, where)
                answer = SessionList(rows)
            case control.Prepare(generation, settings):
                effect = await self._order(datapath.prepare, generation, settings)
                loaded = datapath.loaded()
                answer = Prepared(generation, effect, loaded.plugins, loaded.notes)
            case control.DumpPackets():
                path = await self._order(datapath.dump, body)
                answer = DumpBegun(path.name, str(path))
            case control.StopDump():
                answer = await self._question(datapath.dumps.stop)
            case control.Drain():
                self._end.set()
            case _:
                await self._carry_out(body)
        return answer

    async def _carry_out(self, body: Any) -> None:
        """Orders that are answered with nothing but that they are done."""
        datapath = self._datapath
        match body:
            case control.Apply(generation):
                await self._order(datapath.apply, generation)
                follow_logging(datapath.settings.logging)
                self._notifier.tell(STATUS=f"configuration {generation}, {datapath.capture}")
            case control.Abort(generation):
                await self._order(datapath.abort, generation)
            case control.ClearCounters():
                await self._order(datapath.clear_counters)
            case control.SetCapture(to):
                await self._order(datapath.set_capture, to)
            case control.Replay(file, pace):
                await self._order(datapath.replay, file, pace)
            case control.DeleteDump(file):
                await self._order(datapath.dumps.delete, file)
            case control.TerminateSession(session):
                await self._question(datapath.terminate, session)
            case _:
                raise ChannelError("an unknown call", CHANNEL, "restart all processes of nf")

    async def _order(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._orders, work, *arguments)

    async def _question(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._questions, work, *arguments)

    # What goes on by itself

    async def _beat(self) -> None:
        last = -1
        while True:
            beats = self._datapath.beats
            if beats != last or not self._datapath.has_engine:
                self._notifier.alive()
            last = beats
            await asyncio.sleep(BEAT_SECONDS)

    async def _watch_losses(self) -> None:
        while True:
            await asyncio.sleep(LOSS_SECONDS)
            try:
                await self._question(self._datapath.look_for_losses)
            except (TimeoutError, ChannelError) as error:
                # The engine is busy or was exchanged; the next look counts the same packets.
                event(log, logging.DEBUG, "no look at losses", why=str(error))


def follow_logging(logging_settings: Logging) -> None:
    """Has this process log as its settings say."""
    follow(
        logging_settings.level,
        logging_settings.modules,
        "json" if logging_settings.format == "json" else "logfmt",
        journald=logging_settings.destination == "journald",
    )
