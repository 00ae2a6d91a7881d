"""commit, cancel-commit, discard-changes, validate (RFC 6241 sections 8.3, 8.4 and 8.6)."""

from nf.mgmt.netconf.reply import Reply
from nf.mgmt.netconf.request import Request, number, text, wrong

__all__ = ["cancel_commit", "commit", "discard_changes", "validate"]


def commit(request: Request) -> Reply:
    """Puts the candidate in force, for good or until a time has passed."""
    given = request.parameters("confirmed", "confirm-timeout", "persist", "persist-id")
    confirmed = "confirmed" in given
    for name in ("confirm-timeout", "persist"):
        if name in given and not confirmed:
            raise wrong("bad-element", name, f"{name} belongs to a confirmed commit only")
    timeout = number(given["confirm-timeout"], 1, 2**32 - 1) if "confirm-timeout" in given else 600
    request.core.commit(
        request.session,
        confirmed=confirmed,
        timeout=timeout,
        persist=text(given["persist"]) if "persist" in given else None,
        persist_id=text(given["persist-id"]) if "persist-id" in given else None,
    )
    return Reply()


def cancel_commit(request: Request) -> Reply:
    """Takes back a confirmed commit."""
    given = request.parameters("persist-id")
    request.core.cancel_commit(
        request.session, text(given["persist-id"]) if "persist-id" in given else None
    )
    return Reply()


def discard_changes(request: Request) -> Reply:
    """Makes the candidate what is running."""
    request.parameters()
    request.core.discard_changes(request.session)
    return Reply()


def validate(request: Request) -> Reply:
    """Says what is wrong with a datastore or a configuration."""
    given = request.parameters("source")
    request.core.validate(request.session, request.store_or_config(given, "source"))
    return Reply()
