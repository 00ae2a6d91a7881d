"""The extension commit-confirmed: a Set that goes back unless somebody confirms it.

The commit is one of the core, so that NETCONF sees the same timer: the id is the persist-id of
RFC 6241 section 8.4.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gnmi_pb.gnmi_ext_pb2 import Commit
from google.protobuf.duration_pb2 import Duration
from grpc import StatusCode

from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.stepwise import Confirm, set_timeout
from nf.telemetry.gnmi.errors import Refused, invalid

if TYPE_CHECKING:
    from nf.mgmt.core import Core
    from nf.mgmt.session import Session

__all__ = ["Action", "action_of"]

DEFAULT_SECONDS = 600
MAX_SECONDS = 7 * 24 * 3600
MAX_ID = 256

Kind = Literal["commit", "confirm", "cancel", "set_rollback_duration"]


@dataclass(frozen=True, slots=True)
class Action:
    """What the extension asks for.

    Attributes:
        kind: Name of its field.
        id: Of the commit.
        seconds: Until it goes back; of `commit` and `set_rollback_duration`.
    """

    kind: Kind
    id: str
    seconds: int = DEFAULT_SECONDS

    @property
    def edits(self) -> bool:
        """Whether the request's operations begin a commit."""
        return self.kind == "commit"

    @property
    def confirm(self) -> Confirm:
        """For the transaction."""
        return Confirm(self.seconds, self.id)

    def carry_out(self, core: "Core", session: "Session") -> None:
        """Confirms, cancels or gives another time.

        Raises:
            Refused: FAILED_PRECONDITION when no commit waits, INVALID_ARGUMENT when another does.
            RpcErrors: Access is denied.
        """
        operation = "cancel-commit" if self.kind == "cancel" else "commit"
        core.may_execute(session, "ietf-netconf", operation)
        with core.commits.writing:
            if core.confirming.remaining is None:
                raise Refused(
                    StatusCode.FAILED_PRECONDITION,
                    "no commit waits for its confirmation",
                    hint="it was confirmed, cancelled or rolled back already",
                )
            try:
                core.confirming.may_change(session, self.id)
            except RpcErrors as error:
                raise invalid(
                    f"the commit that waits has another id than {self.id!r}",
                    hint="give the id of the request that began it",
                ) from error
            if self.kind == "confirm":
                core.confirming.confirm(session)
            elif self.kind == "cancel":
                core.cancel_commit(session, self.id)
            else:
                set_timeout(core, session, self.id, self.seconds)


def action_of(commit: Commit | None, *, has_operations: bool) -> Action | None:
    """Reads the extension; None without it.

    Raises:
        Refused: INVALID_ARGUMENT.
    """
    if commit is None:
        return None
    kind = commit.WhichOneof("action")
    if kind is None:
        raise invalid("the extension commit has no action")
    if not commit.id or len(commit.id) > MAX_ID:
        raise invalid(f"the extension commit needs an id of 1 to {MAX_ID} characters")
    if kind == "commit":
        seconds = DEFAULT_SECONDS
        if commit.commit.HasField("rollback_duration"):
            seconds = _seconds(commit.commit.rollback_duration)
        return Action("commit", commit.id, seconds)
    if has_operations:
        raise invalid(
            f"the action {kind} takes no operations", hint="send them in a request of their own"
        )
    if kind == "set_rollback_duration":
        seconds = _seconds(commit.set_rollback_duration.rollback_duration)
        return Action("set_rollback_duration", commit.id, seconds)
    return Action("confirm" if kind == "confirm" else "cancel", commit.id)


def _seconds(duration: Duration) -> int:
    """Whole seconds, rounded up."""
    seconds: int = duration.seconds + (1 if duration.nanos > 0 else 0)
    if not 0 < seconds <= MAX_SECONDS or duration.nanos < 0:
        raise invalid(f"rollback_duration is above 0 and at most {MAX_SECONDS} s")
    return seconds
