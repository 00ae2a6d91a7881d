"""From a message to its reply; runs in a thread, knows nothing of the transport."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nf.mgmt.netconf.lanes import Lane
from nf.mgmt.netconf.names import ACTION, BASE
from nf.mgmt.netconf.operations.registry import OPERATIONS
from nf.mgmt.netconf.reply import OK, Reply, errors
from nf.mgmt.netconf.request import Modules, Operation, Request
from nf.mgmt.netconf.xml import Limits, element, local, name_of
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from lxml import etree

    from nf.mgmt.netconf.service import Service
    from nf.mgmt.session import Session

__all__ = ["Asked", "asked", "carry_out", "is_light", "refusal"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an `<rpc>` asks for.

    Attributes:
        rpc: The element.
        operation: Its child.
        known: How it is carried out; None for what the core's operations do.
        lane: Where it runs.
    """

    rpc: "etree._Element"
    operation: "etree._Element"
    known: Operation | None
    lane: Lane


def asked(root: "etree._Element", modules: Modules) -> Asked:
    """Reads the envelope of a request (RFC 6241 section 4.1).

    Raises:
        RpcErrors: It is no `<rpc>` with one operation and a message-id.
    """
    uri, name = name_of(root)
    if name != "rpc":
        raise _rpc_layer("unknown-element", name, f"{name} is no message of a client")
    if uri != BASE:
        raise RpcErrors.of(
            type="rpc",
            tag="unknown-namespace",
            message=f"an rpc is in the namespace {BASE}",
            info=(("bad-element", name), ("bad-namespace", uri)),
        )
    if "message-id" not in root.attrib:
        raise RpcErrors.of(
            type="rpc",
            tag="missing-attribute",
            message="an rpc needs a message-id",
            info=(("bad-attribute", "message-id"), ("bad-element", "rpc")),
        )
    if len(root) != 1:
        tag = "missing-element" if not len(root) else "bad-element"
        raise _rpc_layer(tag, "rpc", f"an rpc has one operation, this one has {len(root)}")
    operation = root[0]
    where, what = name_of(operation)
    known = OPERATIONS.get((where, what))
    if known is not None:
        return Asked(root, operation, known, known.lane)
    if (where, what) not in modules.operations and (where, what) != (ACTION, "action"):
        raise RpcErrors.of(
            type="protocol",
            tag="operation-not-supported",
            message=f"there is no operation {what} in the namespace {where or '(none)'}",
            info=(("bad-element", what),),
        )
    return Asked(root, operation, None, "operate")


def _rpc_layer(tag: str, name: str, message: str) -> RpcErrors:
    return RpcErrors.of(type="rpc", tag=tag, message=message, info=(("bad-element", name),))


def is_light(service: "Service", session: "Session", what: Asked) -> bool:
    """Whether an operation costs less than a change of threads, and cannot wait for anybody."""
    light = what.known.light if what.known is not None else None
    return light is not None and light(service.core, session, what.operation)


def carry_out(service: "Service", session: "Session", what: Asked, subscribed: bool) -> Reply:
    """Carries an operation out; whatever goes wrong is in the reply."""
    core, modules = service.core, service.modules
    limits = Limits(service.settings.max_depth)
    try:
        if what.known is None:
            return Reply(core.operate(session, element(what.operation)) or OK)
        core.may_execute(session, what.known.module, what.known.name)
        return what.known.run(
            Request(
                core,
                session,
                what.operation,
                modules,
                service.publisher,
                service.files,
                limits,
                subscribed,
            )
        )
    except RpcErrors as refused:
        return refusal(refused, modules)
    except Exception as error:
        # A mistake of ours is told as one, and the session goes on.
        log.exception("%s of session %s failed", local(what.operation), session.id)
        return refusal(
            RpcErrors.of(
                tag="operation-failed",
                message=f"an error of the server itself: {type(error).__name__}; see its log",
                app_tag="internal",
            ),
            modules,
        )


def refusal(refused: RpcErrors, modules: Modules) -> Reply:
    """Errors as a reply."""
    return Reply(errors(refused.errors, modules.namespaces), failed=True)
