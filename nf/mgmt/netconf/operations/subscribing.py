"""create-subscription (RFC 5277 section 2.1.1)."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nf.mgmt.events import STREAM
from nf.mgmt.netconf.filters import of_filter
from nf.mgmt.netconf.matching import Matches
from nf.mgmt.netconf.reply import Reply
from nf.mgmt.netconf.request import Request, text, wrong
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from lxml import etree

__all__ = ["create_subscription"]


def create_subscription(request: Request) -> Reply:
    """Has the session receive notifications."""
    given = request.parameters("stream", "filter", "startTime", "stopTime")
    if "stream" in given and (stream := text(given["stream"])) != STREAM:
        raise wrong("invalid-value", "stream", f"there is no stream {stream}, only {STREAM}")
    chosen = of_filter(given.get("filter"), request.modules)
    since, until = _time(given.get("startTime")), _time(given.get("stopTime"))
    if since is not None and since > datetime.now(UTC):
        raise wrong("bad-element", "startTime", "what is replayed begins in the past")
    if until is not None and since is None:
        raise wrong("missing-element", "startTime", "stopTime needs a startTime")
    if until is not None and since is not None and until < since:
        raise wrong("bad-element", "stopTime", "stopTime is before startTime")
    if request.publisher.register.of(request.session.id):
        # RFC 8640 section 4.
        raise RpcErrors.of(
            type="protocol",
            tag="operation-not-supported",
            message="this session has a subscription of RFC 8639: use another session",
        )
    if request.subscribed:
        raise RpcErrors.of(
            type="protocol",
            tag="operation-failed",
            message="this session has a subscription already: use another session",
        )
    matches = None if chosen.kind == "all" else Matches(chosen)
    return Reply(before=lambda channel: channel.subscribe(matches, since, until))


def _time(node: "etree._Element | None") -> datetime | None:
    if node is None:
        return None
    try:
        when = datetime.fromisoformat(text(node))
    except ValueError as error:
        raise wrong("invalid-value", str(node.tag).rpartition("}")[2], str(error)) from error
    if when.tzinfo is None:
        raise wrong("invalid-value", str(node.tag).rpartition("}")[2], "the zone is missing")
    return when.astimezone(UTC)
