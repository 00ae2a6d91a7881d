"""lock, unlock, close-session, kill-session (RFC 6241 sections 7.5, 7.6, 7.8 and 7.9)."""

from nf.mgmt.netconf.reply import Reply
from nf.mgmt.netconf.request import Request, number, wrong

__all__ = ["close_session", "kill_session", "lock", "unlock"]


def lock(request: Request) -> Reply:
    """Keeps others from changing a datastore."""
    request.core.lock(request.session, request.store(request.parameters("target"), "target"))
    return Reply()


def unlock(request: Request) -> Reply:
    """Gives a datastore back."""
    request.core.unlock(request.session, request.store(request.parameters("target"), "target"))
    return Reply()


def close_session(request: Request) -> Reply:
    """Ends this session, after what it has asked before is answered."""
    request.parameters()
    return Reply(last=True)


def kill_session(request: Request) -> Reply:
    """Ends another session."""
    given = request.parameters("session-id")
    if "session-id" not in given:
        raise wrong("missing-element", "session-id", "kill-session needs a session-id")
    request.core.sessions.kill(request.session, number(given["session-id"], 1, 2**32 - 1))
    return Reply()
