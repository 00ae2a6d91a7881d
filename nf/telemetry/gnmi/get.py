"""Get (specification section 3.3): a snapshot, one Notification per path."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gnmi_pb.gnmi_pb2 import (
    Encoding,
    GetRequest,
    GetResponse,
    Notification,
    Path,
    TypedValue,
    Update,
)

from nf.mgmt.schema_nodes import SchemaNode, SchemaTree
from nf.mgmt.subscriptions.patterns import nodes_of
from nf.telemetry.gnmi import cli_text
from nf.telemetry.gnmi.capabilities import modules_of
from nf.telemetry.gnmi.errors import invalid, unimplemented
from nf.telemetry.gnmi.extensions import Extensions
from nf.telemetry.gnmi.feeds import ENCODED
from nf.telemetry.gnmi.model import Kind, Model, Wanted
from nf.telemetry.gnmi.paths import CLI, Query, not_found, query
from nf.telemetry.gnmi.values import STRUCTURED, encoding_name

if TYPE_CHECKING:
    from nf._native.yang import Tree
    from nf.mgmt.core import Core
    from nf.mgmt.session import Session

__all__ = ["check_encoding", "concrete", "echo", "get"]

MAX_PATHS = 1024
# The model has no applied copies of configuration: STATE and OPERATIONAL are the same.
_KINDS: dict[str, Kind] = {
    "ALL": "all",
    "CONFIG": "config",
    "STATE": "state",
    "OPERATIONAL": "state",
}
SUPPORTED = STRUCTURED | {Encoding.PROTO}


@dataclass(frozen=True, slots=True)
class _Asked:
    encoding: int
    wanted: Wanted
    depth: int
    prefix: Path


def get(core: "Core", model: Model, session: "Session", request: GetRequest) -> GetResponse:
    """Answers a Get.

    Raises:
        Refused: See spec section 3.3.4: NOT_FOUND, UNIMPLEMENTED, INVALID_ARGUMENT.
        RpcErrors: Of the core.
    """
    schema = model.tree
    extensions = Extensions.of(request.extension, "depth")
    if len(request.path) > MAX_PATHS:
        raise invalid(f"a Get has {MAX_PATHS} paths at most", hint="use Subscribe with mode ONCE")
    queries = [query(path, request.prefix) for path in request.path or (Path(),)]
    modules = modules_of(schema, list(request.use_models))
    kind = GetRequest.DataType.Name(request.type) if request.type in range(4) else ""
    if not kind:
        raise unimplemented(f"there is no type {request.type} of data", hint="use ALL")
    resolved = [(asked, _resolved(schema, asked, request.encoding)) for asked in queries]
    tops = {
        node.top.qualified for _, nodes in resolved for node in nodes if node is not schema.root
    }
    whole = any(node is schema.root for _, nodes in resolved for node in nodes)
    if kind == "CONFIG" or all(asked.origin == CLI for asked in queries):
        timestamp = time.time_ns()
        tree = core.get_config(session, "running")
    else:
        timestamp = core.state.timestamp()
        tree = core.get_data(session, "operational", wanted=None if whole else tops)
    asked_for = _Asked(request.encoding, (_KINDS[kind], modules), extensions.depth, request.prefix)
    response = GetResponse()
    for asked, _ in resolved:
        if asked.origin == CLI:
            made = _text(core, schema, session, asked, kind)
        else:
            made = _notification(model, asked, tree, asked_for)
        made.timestamp = timestamp
        response.notification.append(made)
    return response


def _resolved(schema: SchemaTree, asked: Query, encoding: int) -> list[SchemaNode]:
    check_encoding(asked, encoding)
    if asked.origin == CLI:
        return []
    nodes = asked.resolve(schema)
    if not nodes:
        raise not_found(asked)
    return nodes


def check_encoding(asked: Query, encoding: int) -> None:
    """Refuses an encoding that the target does not have for a path.

    Raises:
        Refused: UNIMPLEMENTED.
    """
    supported = frozenset({Encoding.ASCII}) if asked.origin == CLI else SUPPORTED
    if encoding not in supported:
        names = ", ".join(sorted(encoding_name(one) for one in supported))
        raise unimplemented(
            f"the encoding {encoding_name(encoding)} is not supported here",
            place=asked.text if asked.origin != CLI else "origin cli",
            hint=f"use {names}",
        )


def concrete(schema: SchemaTree, asked: Query, length: int | None = None) -> bool:
    """Whether the first `length` elements name one node: no wildcard, every key said."""
    pattern = asked.pattern[:length]
    for at, element in enumerate(pattern):
        if element.wild or any(value == "*" for _, value in element.keys):
            return False
        for node in nodes_of(schema.root, pattern[: at + 1]):
            if node.kind == "list" and {name.rpartition(":")[2] for name, _ in element.keys} != set(
                node.keys
            ):
                return False
    return True


def echo(schema: SchemaTree, asked: Query, prefix: Path) -> tuple[Path, int]:
    """The prefix of an answer, and how many elements of each path it takes over.

    It is the request's; only elements that could stand for several nodes go to the paths.
    """
    if concrete(schema, asked, asked.base):
        return prefix, asked.base
    return Path(origin=prefix.origin, target=prefix.target), 0


def _notification(model: Model, asked: Query, tree: "Tree", how: _Asked) -> Notification:
    prefix, skip = echo(model.tree, asked, how.prefix)
    made = Notification()
    if how.prefix.ByteSize():
        made.prefix.CopyFrom(prefix)
    shown = model.shown(
        asked.pattern,
        how.wanted,
        ENCODED[how.encoding],
        skip=skip,
        qualified=asked.qualified,
        depth=how.depth,
    )
    before = Path(origin=asked.stated.origin).SerializeToString()
    updates, found, only_terminals = shown.selected(tree, before)
    if concrete(model.tree, asked) and not (updates if only_terminals else found):
        raise not_found(asked)
    made.MergeFromString(updates)
    return made


def _text(
    core: "Core", schema: SchemaTree, session: "Session", asked: Query, kind: str
) -> Notification:
    if kind not in ("ALL", "CONFIG"):
        raise unimplemented(
            "origin cli is the configuration", place="origin cli", hint="use ALL or CONFIG"
        )
    stated = core.get_config(session, "running").to_data(defaults=False)
    text = cli_text.write(schema, stated)
    made = Notification(update=[Update(path=asked.stated, val=TypedValue(ascii_val=text))])
    if asked.target:
        made.prefix.target = asked.target
    return made
