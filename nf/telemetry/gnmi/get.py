"""Get (specification section 3.3): a snapshot, one Notification per path."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
from nf.mgmt.subscriptions.patterns import Instance, Keep, leaves, nodes_of, select
from nf.telemetry.gnmi import cli_text
from nf.telemetry.gnmi.capabilities import modules_of
from nf.telemetry.gnmi.errors import invalid, unimplemented
from nf.telemetry.gnmi.extensions import Extensions
from nf.telemetry.gnmi.paths import CLI, Query, not_found, path_of, query
from nf.telemetry.gnmi.values import (
    NOTHING,
    STRUCTURED,
    encoding_name,
    json_bytes,
    scalar,
    structure,
)

if TYPE_CHECKING:
    from nf.mgmt.core import Core
    from nf.mgmt.session import Session

__all__ = ["check_encoding", "concrete", "echo", "get", "keeper"]

MAX_PATHS = 1024
SUPPORTED = STRUCTURED | {Encoding.PROTO}


@dataclass(frozen=True, slots=True)
class _Asked:
    encoding: int
    keep: Keep
    depth: int
    prefix: Path


def get(core: "Core", schema: SchemaTree, session: "Session", request: GetRequest) -> GetResponse:
    """Answers a Get.

    Raises:
        Refused: See spec section 3.3.4: NOT_FOUND, UNIMPLEMENTED, INVALID_ARGUMENT.
        RpcErrors: Of the core.
    """
    extensions = Extensions.of(request.extension, "depth")
    if len(request.path) > MAX_PATHS:
        raise invalid(f"a Get has {MAX_PATHS} paths at most", hint="use Subscribe with mode ONCE")
    queries = [query(path, request.prefix) for path in request.path or (Path(),)]
    modules = modules_of(schema, list(request.use_models))
    kind = GetRequest.DataType.Name(request.type) if request.type in range(4) else ""
    if not kind:
        raise unimplemented(f"there is no type {request.type} of data", hint="use ALL")
    keep = keeper(kind, modules)
    resolved = [(asked, _resolved(schema, asked, request.encoding)) for asked in queries]
    tops = {
        node.top.qualified for _, nodes in resolved for node in nodes if node is not schema.root
    }
    whole = any(node is schema.root for _, nodes in resolved for node in nodes)
    if kind == "CONFIG" or all(asked.origin == CLI for asked in queries):
        timestamp = time.time_ns()
        data = core.get_config(session, "running").to_data()
    else:
        timestamp = core.state.timestamp()
        data = core.get_data(session, "operational", wanted=None if whole else tops).to_data()
    asked_for = _Asked(request.encoding, keep, extensions.depth, request.prefix)
    response = GetResponse()
    for asked, _ in resolved:
        if asked.origin == CLI:
            made = _text(core, schema, session, asked, kind)
        else:
            made = _notification(schema, asked, data, asked_for)
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


def keeper(kind: str, modules: frozenset[str] | None) -> Keep:
    """Which leaves a type and `use_models` let through.

    STATE and OPERATIONAL are the same here: the model has no applied copies of configuration.
    """
    tests: list[Callable[[SchemaNode], bool]] = []
    if kind == "CONFIG":
        tests.append(lambda node: node.config)
    elif kind in ("STATE", "OPERATIONAL"):
        tests.append(lambda node: not node.config)
    if modules is not None:
        tests.append(lambda node: node.module in modules)
    return lambda node: all(test(node) for test in tests)


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


def _notification(
    schema: SchemaTree, asked: Query, data: dict[str, Any], how: _Asked
) -> Notification:
    prefix, skip = echo(schema, asked, how.prefix)
    made = Notification()
    if how.prefix.ByteSize():
        made.prefix.CopyFrom(prefix)
    found = list(select(schema.root, data, asked.pattern))
    if not found and concrete(schema, asked):
        raise not_found(asked)
    for place, value in _values(found, how):
        path = path_of(place, qualified=asked.qualified, skip=skip)
        if asked.stated.origin:
            path.origin = asked.stated.origin
        made.update.append(Update(path=path, val=value))
    if not made.update and all(one.node.terminal for one in found) and concrete(schema, asked):
        raise not_found(asked)
    return made


def _values(found: Sequence[Instance], how: _Asked) -> Iterator[tuple[Any, TypedValue]]:
    if how.encoding == Encoding.PROTO:
        for leaf in _leaves(found, how):
            yield leaf.place, scalar(leaf.node, leaf.value)
        return
    ietf = how.encoding == Encoding.JSON_IETF
    for one in found:
        value = structure(one.node, one.value, ietf=ietf, keep=how.keep, depth=how.depth)
        if value is NOTHING:
            continue
        text = json_bytes(value)
        yield one.place, TypedValue(json_ietf_val=text) if ietf else TypedValue(json_val=text)


def _leaves(found: Iterable[Instance], how: _Asked) -> Iterator[Instance]:
    seen = set()
    for one in found:
        for leaf in leaves(one, how.keep, how.depth):
            if leaf.place not in seen:
                seen.add(leaf.place)
                yield leaf


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
