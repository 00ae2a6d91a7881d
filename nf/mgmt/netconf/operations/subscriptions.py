"""establish-, modify-, delete-, kill- and resync-subscription (RFC 8639, RFC 8641)."""

from nf.mgmt.moments import rfc3339
from nf.mgmt.netconf.names import SUBSCRIBED
from nf.mgmt.netconf.reply import Reply
from nf.mgmt.netconf.request import Request, number, wrong
from nf.mgmt.netconf.subscribed.holding import Holding
from nf.mgmt.netconf.subscribed.pushing import Pushing
from nf.mgmt.netconf.subscribed.refusing import refusal
from nf.mgmt.netconf.subscribed.terms import EventTerms, OnChange, establishing, modifying
from nf.mgmt.rpc_error import RpcErrors

__all__ = [
    "delete_subscription",
    "establish_subscription",
    "kill_subscription",
    "modify_subscription",
    "resync_subscription",
]

MOST = 2**32 - 1


def establish_subscription(request: Request) -> Reply:
    """Begins a subscription; a session may have several."""
    if request.subscribed:
        # RFC 8640 section 4.
        raise RpcErrors.of(
            type="protocol",
            tag="operation-not-supported",
            message="this session has a subscription of RFC 5277: use another session",
        )
    terms = establishing(request)
    subscription = request.publisher.establish(request.session, terms)
    told = [_leaf("id", str(subscription.id))]
    if isinstance(terms, EventTerms) and terms.since is not None:
        earliest = request.publisher.earliest()
        if terms.since < earliest:
            told.append(_leaf("replay-start-time-revision", rfc3339(earliest)))
    return Reply(b"".join(told), before=subscription.start)


def modify_subscription(request: Request) -> Reply:
    """Changes the terms of a subscription of this session."""
    asked = _id(request, "*")
    found = request.publisher.register.find(asked, request.session.id)
    if not isinstance(found, Holding):
        raise refusal("modify-subscription-stream-error-info", "no-such-subscription", _none(asked))
    terms = modifying(request, found.terms)
    return Reply(before=lambda channel: found.modify(terms))  # noqa: ARG005


def delete_subscription(request: Request) -> Reply:
    """Ends a subscription of this session."""
    asked = _id(request)
    found = request.publisher.register.find(asked, request.session.id)
    if found is None:
        raise refusal("delete-subscription-error-info", "no-such-subscription", _none(asked))
    return Reply(before=lambda channel: found.stop())  # noqa: ARG005


def kill_subscription(request: Request) -> Reply:
    """Ends a subscription of any session, which is told."""
    asked = _id(request)
    found = request.publisher.register.find(asked)
    if found is None:
        raise refusal("delete-subscription-error-info", "no-such-subscription", _none(asked))
    return Reply(before=lambda channel: found.terminate("no-such-subscription"))  # noqa: ARG005


def resync_subscription(request: Request) -> Reply:
    """Has everything be sent once more to an on-change subscription of this session."""
    asked = _id(request)
    found: object = request.publisher.register.find(asked, request.session.id)
    if not isinstance(found, Pushing):
        raise refusal("resync-subscription-error", "no-such-subscription-resync", _none(asked))
    trigger = found.terms.trigger
    if not isinstance(trigger, OnChange) or not trigger.sync:
        raise refusal(
            "resync-subscription-error",
            "on-change-sync-unsupported",
            "only on-change subscriptions with sync-on-start are sent everything",
        )
    return Reply(before=lambda channel: found.resync())  # noqa: ARG005


def _id(request: Request, others: str = "") -> int:
    """The parameter `id`; with `*` other parameters are read by somebody else."""
    if others != "*":
        request.parameters("id")
    found = request.each("id")
    if len(found) != 1:
        raise wrong("missing-element", "id", "the id of the subscription is missing")
    return number(found[0], 0, MOST)


def _none(asked: int) -> str:
    return f"there is no subscription {asked} that you could mean"


def _leaf(name: str, value: str) -> bytes:
    return f'<{name} xmlns="{SUBSCRIBED}">{value}</{name}>'.encode()
