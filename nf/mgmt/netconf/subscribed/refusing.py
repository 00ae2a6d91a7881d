"""Why a subscription is refused, in the words of RFC 8640 section 7 and RFC 8641 appendix A."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal
from xml.sax.saxutils import escape

from nf.mgmt.netconf.names import PUSH, SUBSCRIBED
from nf.mgmt.rpc_error import RpcError, RpcErrors

__all__ = ["MODULE", "PUSH_MODULE", "Structure", "refusal"]

MODULE = "ietf-subscribed-notifications"
PUSH_MODULE = "ietf-yang-push"

_TAGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "encoding-unsupported": (MODULE, "invalid-value"),
        "filter-unsupported": (MODULE, "invalid-value"),
        "insufficient-resources": (MODULE, "resource-denied"),
        "no-such-subscription": (MODULE, "invalid-value"),
        "replay-unsupported": (MODULE, "operation-not-supported"),
        "datastore-not-subscribable": (PUSH_MODULE, "invalid-value"),
        "no-such-subscription-resync": (PUSH_MODULE, "invalid-value"),
        "on-change-sync-unsupported": (PUSH_MODULE, "operation-not-supported"),
        "period-unsupported": (PUSH_MODULE, "invalid-value"),
    }
)
"""Of every identity that we give: its module, and the error-tag."""

Structure = Literal[
    "establish-subscription-stream-error-info",
    "establish-subscription-datastore-error-info",
    "modify-subscription-stream-error-info",
    "modify-subscription-datastore-error-info",
    "delete-subscription-error-info",
    "resync-subscription-error",
]
"""What goes into error-info; each belongs to one operation and one kind of subscription."""

_OF_PUSH = ("datastore-error-info", "resync-subscription-error")


def refusal(
    structure: Structure, identity: str, message: str, hints: Mapping[str, str] | None = None
) -> RpcErrors:
    """An error with an identity of the RFCs as its error-app-tag.

    Args:
        structure: Of error-info.
        identity: One of those above.
        message: For people.
        hints: Leaves of the structure that say what would do.
    """
    module, tag = _TAGS[identity]
    outer = PUSH if structure.endswith(_OF_PUSH) else SUBSCRIBED
    namespace = SUBSCRIBED if module == MODULE else PUSH
    told = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in (hints or {}).items())
    details = (
        f'<{structure} xmlns="{outer}"><reason xmlns:why="{namespace}">why:{identity}</reason>'
        f"{told}</{structure}>"
    )
    return RpcErrors(
        [
            RpcError(
                type="application",
                tag=tag,
                message=message,
                app_tag=f"{module}:{identity}",
                details=details,
            )
        ]
    )
