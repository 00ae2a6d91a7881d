"""create-subscription (RFC 5277 section 2.1.1)."""

from datetime import UTC, datetime

from nf.mgmt.events import STREAM
from nf.mgmt.netconf.filters import of_filter
from nf.mgmt.netconf.matching import Matches
from nf.mgmt.netconf.reply import Reply
from nf.mgmt.netconf.request import Request, moment, text, wrong
from nf.mgmt.rpc_error import RpcErrors

__all__ = ["create_subscription"]


def create_subscription(request: Request) -> Reply:
    """Has the session receive notifications."""
    given = request.parameters("stream", "filter", "startTime", "stopTime")
    if "stream" in given and (stream := text(given["stream"])) != STREAM:
        raise wrong("invalid-value", "stream", f"there is no stream {stream}, only {STREAM}")
    chosen = of_filter(given.get("filter"), request.modules)
    since, until = moment(given.get("startTime")), moment(given.get("stopTime"))
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
