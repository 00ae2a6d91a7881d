"""What the target refuses, as a gRPC status with details."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc import StatusCode
from grpc_status import rpc_status

from nf.errors import NfError
from nf.mgmt.rpc_error import RpcError, RpcErrors

if TYPE_CHECKING:
    import asyncio

__all__ = ["MAX_RESULTS", "MAX_TEXT", "Refused", "code_of", "of_rpc_errors", "short", "trailing"]

MAX_TEXT, MAX_VIOLATIONS, MAX_RESULTS = 600, 2000, 2000
"""Octets of a text, and of what the details name one by one. Clients take 8 KiB of trailing
metadata, in which the details are in base64 and a text is written twice, once with escapes."""

DOMAIN = "nf"

_CODES: dict[str, StatusCode] = {
    "access-denied": StatusCode.PERMISSION_DENIED,
    "in-use": StatusCode.FAILED_PRECONDITION,
    "lock-denied": StatusCode.FAILED_PRECONDITION,
    "data-exists": StatusCode.ALREADY_EXISTS,
    "operation-not-supported": StatusCode.UNIMPLEMENTED,
    "too-big": StatusCode.RESOURCE_EXHAUSTED,
    "resource-denied": StatusCode.UNAVAILABLE,
}

_OF_APP_TAG: dict[str, StatusCode] = {
    "prepare-timeout": StatusCode.UNAVAILABLE,
    "internal": StatusCode.INTERNAL,
}


class Refused(NfError):
    """A request is refused; nothing has changed.

    Attributes:
        code: gRPC status.
        errors: Every single error, where there are several or they have paths.
        more: Further messages for the status's details.
        after: A message that is being sent; the status can follow it only.
    """

    def __init__(
        self,
        code: StatusCode,
        what: str,
        *,
        place: str = "the request",
        hint: str = "see the gNMI specification",
        errors: Sequence[RpcError] = (),
    ) -> None:
        super().__init__(what, place, hint)
        self.code = code
        self.errors = tuple(errors)
        self.more: list[Any] = []
        self.after: asyncio.Future[None] | None = None


def invalid(what: str, *, place: str = "the request", hint: str = "correct the request") -> Refused:
    """INVALID_ARGUMENT."""
    return Refused(StatusCode.INVALID_ARGUMENT, what, place=place, hint=hint)


def unimplemented(what: str, *, hint: str, place: str = "the request") -> Refused:
    """UNIMPLEMENTED."""
    return Refused(StatusCode.UNIMPLEMENTED, what, place=place, hint=hint)


def code_of(error: RpcError) -> StatusCode:
    """The gRPC status for an error of management."""
    if error.app_tag in _OF_APP_TAG:
        return _OF_APP_TAG[error.app_tag]
    # What the model or a provider refuses is the argument's fault: value, must, leafref, unknown
    # element, a name that does not exist here.
    return _CODES.get(error.tag, StatusCode.INVALID_ARGUMENT)


def of_rpc_errors(refused: RpcErrors) -> Refused:
    """What management refused."""
    first = refused.errors[0]
    return Refused(
        code_of(first),
        refused.what,
        place=refused.place,
        hint=refused.hint,
        errors=refused.errors,
    )


def status_of(refused: Refused) -> status_pb2.Status:
    """The whole status with details: path and app-tag of every error."""
    details: list[Any] = []
    if refused.errors:
        details.append(_violations(refused.errors))
        first = refused.errors[0]
        metadata = {"error-tag": first.tag}
        if first.path:
            metadata["error-path"] = short(first.path)
        if first.app_tag:
            metadata["error-app-tag"] = first.app_tag
        details.append(
            error_details_pb2.ErrorInfo(
                reason=_reason(first.app_tag or first.tag), domain=DOMAIN, metadata=metadata
            )
        )
    details += refused.more
    text = short(f"{short(refused.what)} at {short(refused.place)}; try: {refused.hint}")
    return status_pb2.Status(
        code=code_pb2.Code.Value(refused.code.name),
        message=text,
        details=list(_packed(details)),
    )


def trailing(refused: Refused) -> Any:
    """The status as grpc takes it: code, text and trailing metadata."""
    return rpc_status.to_status(status_of(refused))


def short(text: str, most: int = MAX_TEXT) -> str:
    """A text of so many octets at most: clients say what they like, and it comes back in errors."""
    octets = text.encode(errors="replace")
    return text if len(octets) <= most else octets[: most - 3].decode(errors="ignore") + "…"


def _violations(errors: Sequence[RpcError]) -> Any:
    """As many as there is room for; the first one always."""
    made = error_details_pb2.BadRequest()
    for error in errors:
        made.field_violations.add(
            field=short(error.path or ""),
            description=short(error.message),
            reason=_reason(error.app_tag or error.tag),
        )
        if made.ByteSize() > MAX_VIOLATIONS and len(made.field_violations) > 1:
            del made.field_violations[-1]
            break
    return made


def _reason(tag: str) -> str:
    """google.rpc writes reasons in capitals."""
    return tag.upper().replace("-", "_").replace(" ", "_")[:63]


def _packed(messages: Iterable[Any]) -> Iterable[any_pb2.Any]:
    for message in messages:
        packed = any_pb2.Any()
        packed.Pack(message)
        yield packed
