"""Subscribe (specification section 3.5): ONCE, POLL and STREAM."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from gnmi_pb.gnmi_ext_pb2 import History
from gnmi_pb.gnmi_pb2 import (
    SubscribeRequest,
    SubscriptionList,
)
from grpc import StatusCode

from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.subscriptions.engine import Handle, Subscriptions
from nf.mgmt.subscriptions.outbox import Frame, Mail, Outbox, Overrun, Pump
from nf.mgmt.subscriptions.past import Past
from nf.mgmt.subscriptions.reading import Reader
from nf.telemetry.gnmi.boundaries import Boundaries
from nf.telemetry.gnmi.errors import Refused, invalid
from nf.telemetry.gnmi.extensions import Extensions
from nf.telemetry.gnmi.feeds import SYNC
from nf.telemetry.gnmi.model import Model
from nf.telemetry.gnmi.parts import Part, parts_of
from nf.telemetry.gnmi.past import check_history, told
from nf.telemetry.gnmi.settings import Settings

if TYPE_CHECKING:
    from nf.mgmt.session import Session

__all__ = ["Streams", "Subscribing"]

log = logging.getLogger(__name__)

Begun = asyncio.Future[tuple[list[Frame], list[Handle]]]


@dataclass(slots=True)
class Streams:
    """Counted over all Subscribe RPCs.

    Attributes:
        open: At the moment.
        opened: Since the start.
        coalesced: Values that a newer one replaced before they were sent.
        exhausted: Subscribers that were given up.
        stalled: Given up, but with a message that they have not taken yet: they hear of it then.
        messages: SubscribeResponses sent.
    """

    open: int = 0
    opened: int = 0
    coalesced: int = 0
    exhausted: int = 0
    stalled: int = 0
    messages: int = 0


class Subscribing:
    """Carries Subscribes out.

    Attributes:
        settings: In force; replaced, never modified.
        streams: Counters.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - they are what it brings together
        self,
        model: Model,
        reader: Reader,
        engine: Subscriptions,
        config_engine: Subscriptions,
        past: Past,
        boundaries: Boundaries,
        settings: Settings,
    ) -> None:
        """For engines that run: one for everything, one for configuration alone; and the past.

        Whoever waits for a change of configuration must not wait for a slow source of state.
        """
        self._model = model
        self._reader = reader
        self._past = past
        self._boundaries = boundaries
        self._engines = {False: engine, True: config_engine}
        self.settings = settings
        self.streams = Streams()
        self._carrier: Mail | None = None

    def check(self, request: SubscribeRequest, settings: Settings) -> None:
        """Looks whether a subscription could be served.

        Raises:
            Refused: As `serve` would.
        """
        for _ in parts_of(self._model, settings, request):
            pass

    async def serve(self, session: "Session", requests: Any, context: Any) -> None:
        """One Subscribe.

        Args:
            session: Who subscribes.
            requests: Asynchronous iterator of the requests.
            context: Of grpc.aio; `write` takes octets.

        Raises:
            Refused: Of the request, or RESOURCE_EXHAUSTED for a subscriber that is too slow.
        """
        most = self.settings.max_streams
        if self.streams.open >= most or self.streams.stalled >= most:
            raise Refused(
                StatusCode.RESOURCE_EXHAUSTED,
                f"{most} subscriptions are open already",
                hint="end one, or raise max-streams",
            )
        first = await anext(requests, None)
        if first is None or first.WhichOneof("request") != "subscribe":
            raise invalid(
                "a Subscribe begins with a SubscriptionList",
                hint="send `subscribe` in the first message",
            )
        self.streams.open += 1
        self.streams.opened += 1
        try:
            await self._serve(session, first, requests, context)
        finally:
            self.streams.open -= 1

    async def _serve(
        self, session: "Session", first: SubscribeRequest, requests: Any, context: Any
    ) -> None:
        asked = first.subscribe
        parts = list(parts_of(self._model, self.settings, first))
        extensions = Extensions.of(first.extension, "depth", "history", "config_only")
        history = extensions.history
        if history is not None:
            check_history(history, asked.mode, self._past)
            await self._once_more(session, parts, history, context, quiet=asked.updates_only)
            return
        modes = SubscriptionList.Mode
        if asked.mode == modes.STREAM:
            outbox = Outbox(self.settings.limits)
            with self._bounded(outbox, wanted=extensions.config_only):
                await self._stream(
                    session, parts, requests, context, outbox, quiet=asked.updates_only
                )
        elif asked.mode == modes.ONCE:
            await self._once(session, parts, context, quiet=asked.updates_only)
        else:
            # What there is comes before the first poll, too (sections 3.5.1.2 and 3.5.2.3).
            await self._once(session, parts, context, quiet=asked.updates_only)
            async for request in requests:
                if request.WhichOneof("request") != "poll":
                    _out_of_order()
                await self._once(session, parts, context, quiet=asked.updates_only)

    async def _once_more(
        self,
        session: "Session",
        parts: Sequence[Part],
        history: History,
        context: Any,
        *,
        quiet: bool,
    ) -> None:
        """What was: the extension history."""
        first, later = await asyncio.to_thread(
            told, self._past, self._model, session, parts, history
        )
        for message in (*(() if quiet else first), SYNC, *later):
            await self._write(context, message)

    # Once and poll ------------------------------------------------------------------------------

    async def _once(
        self, session: "Session", parts: Sequence[Part], context: Any, *, quiet: bool
    ) -> None:
        if not quiet:
            for message in await asyncio.to_thread(self._all, session, parts):
                await self._write(context, message)
        await self._write(context, SYNC)

    def _all(self, session: "Session", parts: Sequence[Part]) -> list[bytes]:
        feeds = [part.feed(self._model, session) for part in parts]
        tops = frozenset[str]().union(*(feed.tops for feed in feeds))
        snapshot = self._reader.read(session, tops)
        return [
            message
            for feed in feeds
            for frame in feed.begin(snapshot)
            for message in frame.messages
        ]

    async def _write(self, context: Any, message: bytes) -> None:
        """Sends; a client that does not take it in time is given up."""
        limit = self.settings.limits.stalled
        writing = asyncio.ensure_future(context.write(message))
        try:
            done, _ = await asyncio.wait({writing}, timeout=limit)
        except asyncio.CancelledError:
            writing.cancel()
            raise
        if not done:
            raise self._exhausted(f"nothing was taken for {limit:g} s", writing)
        writing.result()
        self._count()

    def _exhausted(self, what: str, writing: "asyncio.Future[None] | None" = None) -> Refused:
        self.streams.exhausted += 1
        refused = Refused(
            StatusCode.RESOURCE_EXHAUSTED,
            f"the subscriber is too slow: {what}",
            hint="subscribe to less, at longer intervals, or read faster",
        )
        refused.after = writing
        return refused

    # Stream -------------------------------------------------------------------------------------

    async def _stream(  # noqa: PLR0913 - a subscription, its two ends, and what lies between
        self,
        session: "Session",
        parts: Sequence[Part],
        requests: Any,
        context: Any,
        outbox: Outbox,
        *,
        quiet: bool,
    ) -> None:
        loop = asyncio.get_running_loop()
        begun = [
            (engine, self._join(engine, session, mine, outbox))
            for config, engine in self._engines.items()
            if (mine := [part for part in parts if part.config is config])
        ]
        watching: asyncio.Task[None] | None = None
        try:
            first = [frame for _, one in begun for frame in (await asyncio.shield(one))[0]]
            watching = loop.create_task(_watch(requests, outbox))
            if not quiet:
                for frame in first:
                    for message in frame.messages:
                        await self._write(context, message)
                        outbox.progress()
            await self._write(context, SYNC)
            await self._pump(outbox, context)
        except Overrun as error:
            raise self._exhausted(str(error)) from error
        finally:
            self.streams.coalesced += outbox.coalesced
            if watching is not None:
                watching.cancel()
            for engine, one in begun:
                one.add_done_callback(partial(_leave, engine))

    @contextmanager
    def _bounded(self, outbox: Outbox, *, wanted: bool) -> Iterator[None]:
        """Tells where commits end, if that is wanted."""
        if not wanted:
            yield
            return
        token = self._boundaries.join(partial(self._mail(asyncio.get_running_loop()).post, outbox))
        try:
            yield
        finally:
            self._boundaries.leave(token)

    async def _pump(self, outbox: Outbox, context: Any) -> NoReturn:
        """Hands messages on until the stream ends; looks now and then whether they are taken."""
        pump = Pump(outbox, context.write, self._count)
        pumping = asyncio.ensure_future(pump.run())
        try:
            while True:
                limit = self.settings.limits.stalled
                await asyncio.wait({pumping}, timeout=pump.left(limit))
                if pumping.done():
                    pumping.result()
                if pump.left(limit) <= 0:
                    pump.given_up = True
                    raise self._exhausted(f"nothing was taken for {limit:g} s", pumping)
        finally:
            if not pump.given_up:
                pumping.cancel()

    def _count(self) -> None:
        self.streams.messages += 1

    def _mail(self, loop: asyncio.AbstractEventLoop) -> Mail:
        """What carries frames into an event loop."""
        if self._carrier is None or self._carrier.loop is not loop:
            self._carrier = Mail(loop)
        return self._carrier

    def _join(
        self, engine: Subscriptions, session: "Session", parts: Sequence[Part], outbox: Outbox
    ) -> Begun:
        """Joins the feeds of one engine; the future has what there is now."""
        loop = asyncio.get_running_loop()
        begun: Begun = loop.create_future()

        def on_begun(
            frames: list[Frame] | None, handles: list[Handle], error: BaseException | None
        ) -> None:
            _soon(loop, _resolve, begun, frames, handles, error)

        engine.subscribe(
            [(part.key(session), partial(part.feed, self._model, session)) for part in parts],
            partial(self._mail(loop).post, outbox),
            on_begun,
        )
        return begun


def _out_of_order() -> NoReturn:
    raise invalid(
        "the subscription of a Subscribe cannot be changed, and only those of mode POLL are polled",
        hint="open another Subscribe",
    )


async def _watch(requests: Any, outbox: Outbox) -> None:
    """Whatever a client sends into a stream is wrong; that it sends no more is not."""
    async for _ in requests:
        try:
            _out_of_order()
        except Refused as error:
            outbox.end(error)
        return


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[..., Any], *args: Any) -> None:
    """From the engine's thread into the loop; when that has ended, nobody listens any more."""
    try:
        loop.call_soon_threadsafe(call, *args)
    except RuntimeError:
        log.debug("a subscriber's event loop has ended")


def _leave(engine: Subscriptions, begun: Begun) -> None:
    if not begun.cancelled() and begun.exception() is None:
        engine.unsubscribe(begun.result()[1])


def _resolve(
    begun: Begun,
    frames: list[Frame] | None,
    handles: list[Handle],
    error: BaseException | None,
) -> None:
    if begun.done():
        return
    if error is None:
        begun.set_result((frames or [], handles))
    elif isinstance(error, RpcErrors | Refused):
        begun.set_exception(error)
    else:
        begun.set_exception(
            Refused(StatusCode.INTERNAL, f"the data cannot be read: {error}", hint="see the log")
        )
