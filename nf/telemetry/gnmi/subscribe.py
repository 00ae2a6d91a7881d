"""Subscribe (specification section 3.5): ONCE, POLL and STREAM."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from gnmi_pb.gnmi_pb2 import (
    Path,
    SubscribeRequest,
    Subscription,
    SubscriptionList,
    SubscriptionMode,
)
from grpc import StatusCode

from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.schema_nodes import SchemaNode
from nf.mgmt.subscriptions.engine import Handle, Subscriptions
from nf.mgmt.subscriptions.feeds import Feed, Selection
from nf.mgmt.subscriptions.outbox import Frame, Outbox, Overrun
from nf.mgmt.subscriptions.patterns import Keep, everything
from nf.mgmt.subscriptions.reading import Reader, rights_of
from nf.telemetry.gnmi.capabilities import modules_of
from nf.telemetry.gnmi.errors import Refused, invalid, unimplemented
from nf.telemetry.gnmi.extensions import Extensions
from nf.telemetry.gnmi.get import check_encoding, echo
from nf.telemetry.gnmi.paths import CLI, Query, query
from nf.telemetry.gnmi.settings import Intervals, Settings
from nf.telemetry.gnmi.values import STRUCTURED
from nf.telemetry.gnmi.wire import SYNC, WireEncoder

if TYPE_CHECKING:
    from nf.mgmt.session import Session

__all__ = ["Streams", "Subscribing"]

log = logging.getLogger(__name__)

MAX_INTERVAL = 24 * 3600 * 1_000_000_000

FeedKey = tuple[Any, ...]
Begun = asyncio.Future[tuple[list[Frame], list[Handle]]]


@dataclass(frozen=True, slots=True)
class _Part:
    """One subscription, or the part of one that is told in one way.

    Attributes:
        selection: What of the data.
        encoder: How it is written.
        mode: `on-change` or `sample`.
        interval: Nanoseconds; of the samples, or of looks at state.
        suppress: Samples tell only changes.
        heartbeat: Nanoseconds; 0 for none.
        config: Whether it is about configuration alone.
    """

    selection: Selection
    encoder: WireEncoder
    mode: Any
    interval: int
    suppress: bool = False
    heartbeat: int = 0
    config: bool = False

    def key(self, session: "Session") -> FeedKey:
        """Equal for parts that get the same octets."""
        return (
            rights_of(session),
            self.selection,
            self.encoder.identity,
            self.mode,
            self.interval,
            self.suppress,
            self.heartbeat,
        )

    def feed(self, root: SchemaNode, session: "Session") -> Feed:
        """A new feed for it."""
        return Feed(
            root,
            self.selection,
            session,
            self.encoder,
            mode=self.mode,
            interval=self.interval,
            suppress=self.suppress,
            heartbeat=self.heartbeat,
        )


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

    def __init__(
        self,
        reader: Reader,
        engine: Subscriptions,
        config_engine: Subscriptions,
        settings: Settings,
    ) -> None:
        """For engines that run: one for everything, one for configuration alone.

        Whoever waits for a change of configuration must not wait for a slow source of state.
        """
        self._reader = reader
        self._schema = reader.schema
        self._engines = {False: engine, True: config_engine}
        self.settings = settings
        self.streams = Streams()

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
        parts = list(self._parts(first))
        modes = SubscriptionList.Mode
        if asked.mode == modes.STREAM:
            await self._stream(session, parts, requests, context, quiet=asked.updates_only)
        elif asked.mode == modes.ONCE:
            await self._once(session, parts, context, quiet=asked.updates_only)
        else:
            # What there is comes before the first poll, too (sections 3.5.1.2 and 3.5.2.3).
            await self._once(session, parts, context, quiet=asked.updates_only)
            async for request in requests:
                if request.WhichOneof("request") != "poll":
                    _out_of_order()
                await self._once(session, parts, context, quiet=asked.updates_only)

    # Once and poll ------------------------------------------------------------------------------

    async def _once(
        self, session: "Session", parts: Sequence[_Part], context: Any, *, quiet: bool
    ) -> None:
        if not quiet:
            for message in await asyncio.to_thread(self._all, session, parts):
                await self._write(context, message)
        await self._write(context, SYNC)

    def _all(self, session: "Session", parts: Sequence[_Part]) -> list[bytes]:
        feeds = [part.feed(self._schema.root, session) for part in parts]
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
        self.streams.messages += 1

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

    async def _stream(
        self,
        session: "Session",
        parts: Sequence[_Part],
        requests: Any,
        context: Any,
        *,
        quiet: bool,
    ) -> None:
        loop = asyncio.get_running_loop()
        outbox = Outbox(self.settings.limits)
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
            while True:
                await self._write(context, await outbox.get())
        except Overrun as error:
            raise self._exhausted(str(error)) from error
        finally:
            self.streams.coalesced += outbox.coalesced
            if watching is not None:
                watching.cancel()
            for engine, one in begun:
                one.add_done_callback(partial(_leave, engine))

    def _join(
        self, engine: Subscriptions, session: "Session", parts: Sequence[_Part], outbox: Outbox
    ) -> Begun:
        """Joins the feeds of one engine; the future has what there is now."""
        loop = asyncio.get_running_loop()
        begun: Begun = loop.create_future()

        def on_begun(
            frames: list[Frame] | None, handles: list[Handle], error: BaseException | None
        ) -> None:
            _soon(loop, _resolve, begun, frames, handles, error)

        root = self._schema.root
        engine.subscribe(
            [(part.key(session), partial(part.feed, root, session)) for part in parts],
            lambda frame: _soon(loop, outbox.put, frame),
            on_begun,
        )
        return begun

    # Reading the request ------------------------------------------------------------------------

    def _parts(self, request: SubscribeRequest) -> Iterator[_Part]:
        asked = request.subscribe
        extensions = Extensions.of(request.extension, "depth", "history")
        if extensions.history is not None:
            raise unimplemented(
                "no samples of the past are kept", hint="leave the extension history out"
            )
        if not asked.subscription:
            raise invalid("the SubscriptionList has no subscription")
        if len(asked.subscription) > self.settings.max_subscriptions:
            raise invalid(
                f"a SubscriptionList has {self.settings.max_subscriptions} subscriptions at most"
            )
        if asked.mode not in SubscriptionList.Mode.values():
            raise invalid(f"there is no mode {asked.mode}")
        modules = modules_of(self._schema, list(asked.use_models))
        for one in asked.subscription:
            where = query(one.path, asked.prefix)
            check_encoding(where, asked.encoding)
            if where.origin == CLI:
                raise unimplemented(
                    "origin cli cannot be subscribed to", hint="use Get, or the native origin"
                )
            where.resolve(self._schema)
            selection = Selection(
                where.pattern,
                _kept("all", modules),
                ("all", modules),
                extensions.depth,
                asked.allow_aggregation and asked.encoding in STRUCTURED,
            )
            yield from self._modes(asked, one, selection, self._encoder(where, asked, one))

    def _encoder(self, where: Query, asked: SubscriptionList, one: Subscription) -> WireEncoder:
        echoed, skip = echo(self._schema, where, asked.prefix)
        prefix = Path()
        prefix.CopyFrom(echoed)
        if one.path.origin:
            prefix.origin = one.path.origin
        return WireEncoder(asked.encoding, prefix, skip, qualified=where.qualified)

    def _modes(
        self, asked: SubscriptionList, one: Subscription, whole: Selection, encoder: WireEncoder
    ) -> Iterator[_Part]:
        intervals = self.settings.intervals
        if asked.mode != SubscriptionList.Mode.STREAM:
            yield _Part(whole, encoder, "sample", 0)
            return
        heartbeat = _heartbeat(one, intervals)
        if one.mode == SubscriptionMode.SAMPLE:
            interval = _interval(one, intervals)
            yield _Part(whole, encoder, "sample", interval, one.suppress_redundant, heartbeat)
        elif one.mode == SubscriptionMode.ON_CHANGE:
            yield from self._on_change(whole, encoder, heartbeat, "state")
        elif one.mode == SubscriptionMode.TARGET_DEFINED:
            yield from self._on_change(whole, encoder, heartbeat, "events")
            yield _Part(_only(whole, "counters"), encoder, "sample", intervals.sample)
        else:
            raise invalid(f"there is no subscription mode {one.mode}")

    def _on_change(
        self, whole: Selection, encoder: WireEncoder, heartbeat: int, state: str
    ) -> Iterator[_Part]:
        """Configuration says itself when it changes; state has to be looked at."""
        config, watched = _only(whole, "config"), _only(whole, state)
        yield _Part(config, encoder, "on-change", 0, heartbeat=heartbeat, config=True)
        if watched.schema(self._schema.root):
            interval = self.settings.intervals.change
            yield _Part(watched, encoder, "on-change", interval, heartbeat=heartbeat)


_KINDS: dict[str, Keep] = {
    "all": everything,
    "config": lambda node: node.config,
    "state": lambda node: not node.config,
    "events": lambda node: not node.config and not _counts(node),
    "counters": lambda node: not node.config and _counts(node),
}


def _counts(node: SchemaNode) -> bool:
    """Whether a leaf is a number that is no key."""
    return node.numeric and not is_key(node)


def _kept(kind: str, modules: frozenset[str] | None) -> Keep:
    """Leaves of one kind and of some modules, of all for None."""
    test = _KINDS[kind]
    if modules is None:
        return test
    return lambda node: node.module in modules and test(node)


def _only(whole: Selection, kind: str) -> Selection:
    """A selection's leaves of one kind."""
    modules = whole.kept[1]
    kept = _kept(kind, modules)
    return Selection(whole.pattern, kept, (kind, modules), whole.depth, whole.aggregate)


def is_key(node: SchemaNode) -> bool:
    """Whether a leaf is a key of its list."""
    return node.parent is not None and node.name in node.parent.keys


def _interval(one: Subscription, intervals: Intervals) -> int:
    interval: int = one.sample_interval or intervals.minimum
    if not intervals.minimum <= interval <= MAX_INTERVAL:
        raise invalid(
            f"sample_interval {one.sample_interval} ns is not supported: the minimum is"
            f" {intervals.minimum} ns, the maximum {MAX_INTERVAL} ns",
            hint="use an interval in between, or 0 for the minimum",
        )
    return interval


def _heartbeat(one: Subscription, intervals: Intervals) -> int:
    interval: int = one.heartbeat_interval
    if interval and not intervals.minimum <= interval <= MAX_INTERVAL:
        raise invalid(
            f"heartbeat_interval {interval} ns is not supported: the minimum is"
            f" {intervals.minimum} ns, the maximum {MAX_INTERVAL} ns"
        )
    return interval


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
