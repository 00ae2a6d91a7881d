"""get-schema (RFC 6022 section 3)."""

from typing import Any, Literal, cast
from xml.sax.saxutils import escape

from nf.errors import YangError
from nf.mgmt.netconf.names import MONITORING
from nf.mgmt.netconf.reply import Reply
from nf.mgmt.netconf.request import Request, identity, text, wrong
from nf.mgmt.rpc_error import RpcErrors

__all__ = ["get_schema", "schemas"]


def schemas(context: Any) -> list[tuple[str, str, str]]:
    """Identifier, revision (empty without one) and namespace of every module and submodule."""
    found = []
    for module in context.modules():
        found.append((module["name"], module["revision"] or "", module["namespace"]))
        for submodule in module["submodules"]:
            name, revision = (
                (submodule["name"], submodule["revision"])
                if isinstance(submodule, dict)
                else (submodule, None)
            )
            found.append((name, revision or "", module["namespace"]))
    return sorted(set(found))


def get_schema(request: Request) -> Reply:
    """The text of a module."""
    given = request.parameters("identifier", "version", "format")
    if "identifier" not in given:
        raise wrong("missing-element", "identifier", "get-schema needs an identifier")
    name = text(given["identifier"])
    version = text(given["version"]) if "version" in given else None
    kind = identity(given["format"], MONITORING) if "format" in given else "yang"
    if kind not in ("yang", "yin"):
        raise wrong("invalid-value", "format", "schemas are there as yang and yin")
    revisions = [revision for found, revision, _ in schemas(request.core.context) if found == name]
    if version is not None:
        revisions = [one for one in revisions if one == version]
    if not revisions:
        raise wrong("invalid-value", "identifier", f"there is no schema {name} {version or ''}")
    if len(revisions) > 1:
        raise RpcErrors.of(
            type="application",
            tag="operation-failed",
            app_tag="data-not-unique",
            message=f"there are several versions of {name}: {', '.join(revisions)}",
        )
    try:
        schema = request.core.context.schema_text(
            name, revisions[0] or None, cast("Literal['yang', 'yin']", kind)
        )
    except YangError as error:
        raise RpcErrors.from_yang(error) from error
    return Reply(f'<data xmlns="{MONITORING}">{escape(schema)}</data>'.encode())
