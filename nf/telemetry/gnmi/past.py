"""The extension history (gnmi-history 0.1.0): what was, out of the samples that are kept."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gnmi_pb.gnmi_ext_pb2 import History
from gnmi_pb.gnmi_pb2 import SubscriptionList
from grpc import StatusCode

from nf.mgmt.subscriptions.past import Past
from nf.mgmt.subscriptions.reading import Snapshot
from nf.telemetry.gnmi.errors import Refused, invalid, unimplemented
from nf.telemetry.gnmi.feeds import Feed
from nf.telemetry.gnmi.model import Model
from nf.telemetry.gnmi.parts import Part

if TYPE_CHECKING:
    from nf.mgmt.session import Session
    from nf.mgmt.subscriptions.outbox import Frame

__all__ = ["check_history", "told"]


def check_history(asked: History, mode: int, past: Past) -> None:
    """Refuses what cannot be answered.

    Raises:
        Refused: INVALID_ARGUMENT for a mode that does not go with it or a range that ends before
            it begins; UNIMPLEMENTED for the future, and where nothing is kept.
    """
    modes = SubscriptionList.Mode
    kind = asked.WhichOneof("request")
    if kind is None:
        raise invalid("the extension history has neither snapshot_time nor range")
    wanted = modes.ONCE if kind == "snapshot_time" else modes.STREAM
    if mode != wanted:
        raise invalid(f"{kind} goes with the mode {modes.Name(wanted)} only")
    if kind == "range" and asked.range.start > asked.range.end:
        raise invalid("the range ends before it begins")
    if not past.keeping.interval:
        raise unimplemented(
            "no samples of the past are kept", hint="set telemetry/gnmi/history/enabled"
        )
    times = (
        (asked.snapshot_time,) if kind == "snapshot_time" else (asked.range.start, asked.range.end)
    )
    if max(times) > time.time_ns():
        raise unimplemented("the future is not waited for", hint="ask for what was")


def told(
    past: Past, model: Model, session: "Session", parts: Sequence[Part], asked: History
) -> tuple[list[bytes], list[bytes]]:
    """Messages of what there was at the beginning, and of what happened until the end.

    Raises:
        Refused: OUT_OF_RANGE: what is asked for is older than every sample.
    """
    feeds = [part.feed(model, session) for part in parts]
    if asked.WhichOneof("request") == "snapshot_time":
        return _first(feeds, _needed(past.read(session, asked.snapshot_time), past)), []
    start, end = asked.range.start, asked.range.end
    later = [at for at in past.times() if start < at < end]
    beginning = past.read(session, start)
    if beginning is None and later:
        beginning = past.read(session, later.pop(0))
    first = _first(feeds, _needed(beginning, past))
    frames: list[Frame] = []
    for feed in feeds:
        feed.subscribers[past] = frames.append
    for at in later:
        snapshot = past.read(session, at)
        if snapshot is None:
            continue  # it has left meanwhile at the other end
        for feed in feeds:
            if feed.differs:
                feed.look(snapshot)
            else:
                feed.sample(snapshot)
    return first, [message for frame in frames for message in frame.messages]


def _first(feeds: Sequence[Feed], snapshot: Snapshot) -> list[bytes]:
    made = []
    for feed in feeds:
        feed.prime(snapshot)
        made += [message for frame in feed.begin(snapshot) for message in frame.messages]
    return made


def _needed(snapshot: Snapshot | None, past: Past) -> Snapshot:
    if snapshot is not None:
        return snapshot
    times = past.times()
    what = f"the oldest sample is of {times[0]} ns" if times else "there is no sample yet"
    raise Refused(
        StatusCode.OUT_OF_RANGE, what, place="history", hint="ask for later, or keep more samples"
    )
