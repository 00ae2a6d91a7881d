"""Several edits, one after the other, as one transaction of the running configuration.

An `<edit-config>` cannot delete a node and give it another value at once; a gNMI Set can. Either
all steps are in force afterwards or none is. The transaction may wait for its confirmation.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nf.errors import YangError
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from nf._native.yang import Diff
    from nf.mgmt.core import Core, DefaultOperation
    from nf.mgmt.session import Session

__all__ = ["Confirm", "Step", "StepRefused", "edit_in_steps", "set_timeout"]


@dataclass(frozen=True, slots=True)
class Step:
    """One edit.

    Attributes:
        config: The `<config>` element.
        number: Of the request's operation that it belongs to; given back when it is refused.
        default_operation: For nodes without an operation of their own.
    """

    config: bytes
    number: int
    default_operation: "DefaultOperation" = "merge"


@dataclass(frozen=True, slots=True)
class Confirm:
    """The transaction goes back unless it is confirmed.

    Attributes:
        timeout: Seconds until then.
        persist: By which whoever confirms or cancels names it; None for the session that edits,
            with whose end it goes back.
    """

    timeout: int
    persist: str | None


class StepRefused(RpcErrors):
    """A step is refused; nothing has changed.

    Attributes:
        number: Of its operation.
    """

    def __init__(self, refused: RpcErrors, number: int) -> None:
        super().__init__(refused.errors)
        self.number = number


def edit_in_steps(
    core: "Core", session: "Session", steps: Iterable[Step], confirm: Confirm | None = None
) -> bool:
    """Edits the running configuration; whether anything changed.

    Secrets in clear text are converted as in any other edit.

    Args:
        core: Whose configuration.
        session: Who edits.
        steps: In order, each on what those before have made.
        confirm: Wait for a confirmation.

    Raises:
        StepRefused: A step cannot be carried out.
        RpcErrors: Locked, another commit waits, not permitted, not valid, refused by a provider.
    """
    commits, confirming = core.commits, core.confirming
    with commits.writing:
        core.locks.may_write(session, "running")
        if confirm is not None and confirming.remaining is not None:
            raise RpcErrors.of(
                type="protocol", tag="in-use", message="another commit waits for its confirmation"
            )
        confirming.may_change(session)
        if confirm is not None and confirm.persist is None and not core.sessions.is_open(session):
            # Its end, which would take the commit back, has been already.
            raise RpcErrors.of(
                type="protocol", tag="operation-failed", message="the session has ended meanwhile"
            )
        work = commits.running.tree.copy()
        diffs: list[Diff] = []
        for step in steps:
            try:
                diffs.append(
                    work.edit(
                        step.config,
                        default_operation=step.default_operation,
                        error_option="rollback-on-error",
                    )
                )
            except YangError as error:
                raise StepRefused(RpcErrors.from_yang(error), step.number) from error
        # What one step takes away and another brings back has not changed, least of all for access
        # control: the steps' own differences would say both.
        whole = diffs[0] if len(diffs) == 1 else commits.running.tree.diff(work)
        is_exact = not commits.convert(work)
        if confirm is None:
            return commits.transact(session, work, whole, is_exact=is_exact)
        rollback = confirming.note()
        try:
            changed = commits.transact(session, work, whole, is_exact=is_exact)
        except BaseException:
            confirming.drop_note()
            raise
        confirming.wait(session, rollback, confirm.timeout, confirm.persist)
        return changed


def set_timeout(core: "Core", session: "Session", persist: str, timeout: int) -> None:
    """Gives a commit that waits another time, from now on.

    Raises:
        RpcErrors: Nothing waits, or something else.
    """
    with core.commits.writing:
        core.confirming.may_change(session, persist)
        core.confirming.wait(session, core.confirming.note(), timeout, persist)
