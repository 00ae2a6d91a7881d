"""partial-lock and partial-unlock (RFC 5717)."""

from xml.sax.saxutils import escape, quoteattr

from nf.errors import YangError
from nf.mgmt.netconf.names import PARTIAL_LOCK
from nf.mgmt.netconf.reply import Reply, qualified
from nf.mgmt.netconf.request import Request, number, text, wrong
from nf.mgmt.netconf.xpath import with_modules
from nf.mgmt.rpc_error import RpcErrors

__all__ = ["partial_lock", "partial_unlock"]


def partial_lock(request: Request) -> Reply:
    """Keeps others from changing what expressions select in running."""
    request.parameters("select", several=("select",))
    selects = request.each("select")
    if not selects:
        raise wrong("missing-element", "select", "partial-lock needs a select")
    running = request.core.get_config(request.session, "running")
    nodes: dict[str, None] = {}
    expressions = []
    for node in selects:
        expression = with_modules(text(node), node.nsmap, request.modules.names)
        expressions.append(expression)
        try:
            nodes.update(dict.fromkeys(path for path, _ in running.find(expression)))
        except YangError as error:
            raise RpcErrors.of(
                type="protocol",
                tag="invalid-value",
                message=error.errors[0].message,
                app_tag="not-a-node-set",
                info=(("bad-element", "select"),),
            ) from error
    if not nodes:
        raise RpcErrors.of(
            type="protocol",
            tag="operation-failed",
            message="the expressions select nothing that you may read in running",
            app_tag="no-matches",
        )
    lock = request.core.partial_lock(request.session, expressions, list(nodes))
    told = f'<lock-id xmlns="{PARTIAL_LOCK}">{lock.id}</lock-id>'
    for path in lock.nodes:
        shown, used = qualified(path, request.modules.namespaces)
        declared = "".join(f" xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in used.items())
        told += f'<locked-node xmlns="{PARTIAL_LOCK}"{declared}>{escape(shown)}</locked-node>'
    return Reply(told.encode())


def partial_unlock(request: Request) -> Reply:
    """Gives a partial lock back."""
    given = request.parameters("lock-id")
    if "lock-id" not in given:
        raise wrong("missing-element", "lock-id", "partial-unlock needs a lock-id")
    request.core.partial_locks.release(request.session, number(given["lock-id"], 0, 2**32 - 1))
    return Reply()
