"""What management refuses, in the terms of RFC 6241 section 4.3, for every front end."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from nf.errors import NfError

if TYPE_CHECKING:
    from nf.errors import YangError

__all__ = ["ErrorType", "RpcError", "RpcErrors", "Severity"]

ErrorType = Literal["transport", "rpc", "protocol", "application"]
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class RpcError:
    """One `<rpc-error>`.

    Attributes:
        type: Layer where it happened.
        tag: One of RFC 6241 appendix A.
        message: For people.
        path: Instance-identifier whose prefixes are module names, or None.
        app_tag: The model's `error-app-tag`, or one of RFC 7950 section 15.
        severity: `warning` is reserved by the RFC and unused.
        info: Name and text of every child of `<error-info>`.
        details: Further children of `<error-info>` as XML, where a model defines them.
    """

    type: ErrorType
    tag: str
    message: str
    path: str | None = None
    app_tag: str | None = None
    severity: Severity = "error"
    info: tuple[tuple[str, str], ...] = ()
    details: str = ""


class RpcErrors(NfError):
    """A request is refused; nothing has changed.

    Attributes:
        errors: Everything that is wrong, in order, at least one.
    """

    def __init__(self, errors: Iterable[RpcError]) -> None:
        self.errors = tuple(errors)
        first = self.errors[0]
        more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
        super().__init__(first.message + more, first.path or "the request", _hint(first))

    @classmethod
    def of(  # noqa: PLR0913 - they are the fields of an rpc-error
        cls,
        *,
        tag: str,
        message: str,
        type: ErrorType = "application",  # noqa: A002 - the RFC's word
        path: str | None = None,
        app_tag: str | None = None,
        info: tuple[tuple[str, str], ...] = (),
    ) -> "RpcErrors":
        """A single error."""
        return cls([RpcError(type, tag, message, path, app_tag, "error", info)])

    @classmethod
    def from_yang(cls, error: "YangError", type: ErrorType = "application") -> "RpcErrors":  # noqa: A002
        """What libyang or the edit engine refused."""
        return cls(
            RpcError(
                type,
                problem.tag,
                problem.message,
                problem.path,
                problem.app_tag,
                "error",
                (("bad-element", problem.element),) if problem.element else (),
            )
            for problem in error.errors
        )


def _hint(error: RpcError) -> str:
    """What to try, by tag, where the message does not say it."""
    return {
        "access-denied": "ask for a NACM rule that permits it, or use another account",
        "in-use": "wait until the other session is done, or kill it",
        "lock-denied": "wait until the other session is done, or kill it",
        "data-exists": "merge or replace instead of create",
        "data-missing": "remove instead of delete, or create it first",
        "operation-not-supported": "see the capabilities of the hello",
    }.get(error.tag, "see the model: nf yang tree")
