"""What a Subscribe asks for, taken apart into what is told in one way."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gnmi_pb.gnmi_pb2 import (
    Path,
    SubscribeRequest,
    Subscription,
    SubscriptionList,
    SubscriptionMode,
)

from nf.mgmt.subscriptions.patterns import nodes_of
from nf.mgmt.subscriptions.reading import rights_of
from nf.telemetry.gnmi.capabilities import modules_of
from nf.telemetry.gnmi.errors import invalid, unimplemented
from nf.telemetry.gnmi.extensions import Extensions
from nf.telemetry.gnmi.feeds import Feed, Form, Selection
from nf.telemetry.gnmi.get import check_encoding, echo
from nf.telemetry.gnmi.model import Kind, Model
from nf.telemetry.gnmi.paths import CLI, Query, query
from nf.telemetry.gnmi.settings import Intervals, Settings
from nf.telemetry.gnmi.values import STRUCTURED

if TYPE_CHECKING:
    from nf.mgmt.session import Session

__all__ = ["Part", "parts_of"]

MAX_INTERVAL = 24 * 3600 * 1_000_000_000

FeedKey = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One subscription, or the part of one that is told in one way.

    Attributes:
        selection: What of the data.
        form: How it is written.
        mode: `on-change` or `sample`.
        interval: Nanoseconds; of the samples, or of looks at state.
        suppress: Samples tell only changes.
        heartbeat: Nanoseconds; 0 for none.
        config: Whether it is about configuration alone.
    """

    selection: Selection
    form: Form
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
            self.form,
            self.mode,
            self.interval,
            self.suppress,
            self.heartbeat,
        )

    def feed(self, model: Model, session: "Session") -> Feed:
        """A new feed for it."""
        return Feed(
            model,
            self.selection,
            session,
            self.form,
            mode=self.mode,
            interval=self.interval,
            suppress=self.suppress,
            heartbeat=self.heartbeat,
        )


def parts_of(model: Model, settings: Settings, request: SubscribeRequest) -> Iterator[Part]:
    """Reads the first message of a Subscribe.

    Raises:
        Refused: INVALID_ARGUMENT or UNIMPLEMENTED.
    """
    asked = request.subscribe
    extensions = Extensions.of(request.extension, "depth", "history", "config_only")
    if not asked.subscription:
        raise invalid("the SubscriptionList has no subscription")
    if len(asked.subscription) > settings.max_subscriptions:
        raise invalid(f"a SubscriptionList has {settings.max_subscriptions} subscriptions at most")
    if asked.mode not in SubscriptionList.Mode.values():
        raise invalid(f"there is no mode {asked.mode}")
    schema = model.tree
    modules = modules_of(schema, list(asked.use_models))
    reading = _Reading(model, settings.intervals, asked)
    for one in asked.subscription:
        where = query(one.path, asked.prefix)
        check_encoding(where, asked.encoding)
        if where.origin == CLI:
            raise unimplemented(
                "origin cli cannot be subscribed to", hint="use Get, or the native origin"
            )
        where.resolve(schema)
        selection = Selection(
            where.pattern,
            ("config" if extensions.config_only else "all", modules),
            extensions.depth,
            asked.allow_aggregation and asked.encoding in STRUCTURED,
        )
        yield from reading.parts(one, selection, reading.form(where, one))


class _Reading:
    """One SubscriptionList being read."""

    def __init__(self, model: Model, intervals: Intervals, asked: SubscriptionList) -> None:
        self._model = model
        self._intervals = intervals
        self._asked = asked

    def form(self, where: Query, one: Subscription) -> Form:
        """How answers to a subscription are written."""
        echoed, skip = echo(self._model.tree, where, self._asked.prefix)
        prefix = Path()
        prefix.CopyFrom(echoed)
        if one.path.origin:
            prefix.origin = one.path.origin
        return Form(
            self._asked.encoding,
            prefix.SerializeToString(deterministic=True),
            skip,
            where.qualified,
        )

    def parts(self, one: Subscription, whole: Selection, form: Form) -> Iterator[Part]:
        """A subscription by its mode."""
        intervals = self._intervals
        if self._asked.mode != SubscriptionList.Mode.STREAM:
            yield Part(whole, form, "sample", 0)
            return
        heartbeat = _heartbeat(one, intervals)
        if one.mode == SubscriptionMode.SAMPLE:
            interval = _interval(one, intervals)
            yield Part(whole, form, "sample", interval, one.suppress_redundant, heartbeat)
        elif one.mode == SubscriptionMode.ON_CHANGE:
            yield from self._on_change(whole, form, heartbeat, "state")
        elif one.mode == SubscriptionMode.TARGET_DEFINED:
            yield from self._on_change(whole, form, heartbeat, "events")
            if whole.wanted[0] == "all":
                yield Part(_only(whole, "counters"), form, "sample", intervals.sample)
        else:
            raise invalid(f"there is no subscription mode {one.mode}")

    def _on_change(
        self, whole: Selection, form: Form, heartbeat: int, state: Kind
    ) -> Iterator[Part]:
        """Configuration says itself when it changes; state has to be looked at."""
        config, watched = _only(whole, "config"), _only(whole, state)
        yield Part(config, form, "on-change", 0, heartbeat=heartbeat, config=True)
        if whole.wanted[0] != "all":
            return
        if self._model.has_any(watched.wanted, nodes_of(self._model.tree.root, whole.pattern)):
            interval = self._intervals.change
            yield Part(watched, form, "on-change", interval, heartbeat=heartbeat)


def _only(whole: Selection, kind: Kind) -> Selection:
    """A selection's leaves of one kind."""
    return replace(whole, wanted=(kind, whole.wanted[1]))


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
