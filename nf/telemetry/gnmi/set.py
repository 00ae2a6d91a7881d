"""Set (specification section 3.4): delete, replace, update, union_replace as one transaction."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gnmi_pb.gnmi_pb2 import Error, Path, SetRequest, SetResponse, TypedValue, UpdateResult
from google.rpc import code_pb2
from grpc import StatusCode

from nf.mgmt.paths import parse as parse_data_path
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.schema_nodes import SchemaNode, SchemaTree
from nf.mgmt.stepwise import Step, StepRefused, edit_in_steps
from nf.mgmt.subscriptions.patterns import Element, Instance, Pattern, Place, select
from nf.telemetry.gnmi import cli_text
from nf.telemetry.gnmi.confirmed import Action, action_of
from nf.telemetry.gnmi.editing import Editor, data_path
from nf.telemetry.gnmi.errors import (
    MAX_RESULTS,
    MAX_TEXT,
    Refused,
    invalid,
    of_rpc_errors,
    short,
    unimplemented,
)
from nf.telemetry.gnmi.extensions import Arbiter, Extensions
from nf.telemetry.gnmi.paths import CLI, Query, not_found, query
from nf.telemetry.gnmi.values import stated

if TYPE_CHECKING:
    from nf.mgmt.core import Core
    from nf.mgmt.session import Session

__all__ = ["Setter"]

MAX_OPERATIONS = 10_000


@dataclass(frozen=True, slots=True)
class _Operation:
    """One operation of a request.

    Attributes:
        kind: `UpdateResult.Operation`.
        path: As the request has it.
        query: The same, with the prefix.
        value: None for a delete.
    """

    kind: int
    path: Path
    query: Query
    value: TypedValue | None = None


class Setter:
    """Carries Sets out.

    Attributes:
        arbiter: Masters elected by role.
    """

    def __init__(self, core: "Core", schema: SchemaTree) -> None:
        """For a core."""
        self._core = core
        self._schema = schema
        self._editor = Editor(schema)
        self.arbiter = Arbiter()

    def set(self, session: "Session", request: SetRequest) -> SetResponse:
        """Answers a Set.

        Raises:
            Refused: Nothing has changed; the details tell each operation's result.
            RpcErrors: Of the core.
        """
        extensions = Extensions.of(request.extension, "commit", "arbitration")
        self.arbiter.check(extensions.arbitration)
        operations = list(_operations(request))
        if len(operations) > MAX_OPERATIONS:
            raise invalid(f"a Set has {MAX_OPERATIONS} operations at most")
        action = action_of(extensions.commit, has_operations=bool(operations))
        if operations:
            self._core.may_execute(session, "ietf-netconf", "edit-config")
        try:
            if action is not None and not action.edits:
                action.carry_out(self._core, session)
            else:
                self._transact(session, operations, action)
        except RpcErrors as error:
            raise self._explained(error, operations, request.prefix) from error
        return self._response(operations, request.prefix)

    def _transact(
        self, session: "Session", operations: Sequence[_Operation], action: Action | None
    ) -> None:
        # The data that paths are expanded over must be those that are edited.
        with self._core.commits.writing:
            steps = list(self._steps(operations))
            edit_in_steps(self._core, session, steps, None if action is None else action.confirm)

    # Steps --------------------------------------------------------------------------------------

    def _steps(self, operations: Sequence[_Operation]) -> Iterator[Step]:
        removed: list[Place] = []
        replaces_cli = False
        for number, operation in enumerate(operations):
            try:
                if operation.kind == UpdateResult.Operation.UNION_REPLACE:
                    continue
                if operation.query.origin == CLI:
                    if operation.kind == UpdateResult.Operation.REPLACE:
                        if replaces_cli:
                            raise invalid(
                                "the text of origin cli can be replaced once", place="origin cli"
                            )
                        replaces_cli = True
                    yield from self._of_text(number, operation, removed)
                elif operation.kind == UpdateResult.Operation.DELETE:
                    yield from self._delete(number, operation.query, removed)
                else:
                    replace = operation.kind == UpdateResult.Operation.REPLACE
                    yield from self._put(number, operation, replace=replace)
            except Refused as error:
                error.more.append(_results(operations, number, error))
                raise
        yield from self._union(operations)

    def _delete(self, number: int, asked: Query, removed: list[Place]) -> Iterator[Step]:
        nodes = asked.resolve(self._schema)
        if nodes and all(not node.config for node in nodes) and nodes != [self._schema.root]:
            raise invalid("this is state, it cannot be deleted", place=asked.text)
        found = [
            one
            for one in self._present(asked.pattern)
            if not any(one.place[: len(gone)] == gone for gone in removed)
        ]
        # The parts of what is removed anyway would make their parents again.
        outer = _outermost(found)
        removed += [one.place for one in outer]
        if (config := self._editor.remove(outer)) is not None:
            yield Step(config, number)

    def _present(self, pattern: Pattern) -> Iterator[Instance]:
        """Configuration that is there; the top-level nodes for the root."""
        data = self._core.commits.running.data
        for one in select(self._schema.root, data, pattern or (Element("*"),)):
            if one.place and one.node.config:
                yield one

    def _put(self, number: int, operation: _Operation, *, replace: bool) -> Iterator[Step]:
        asked = operation.query
        value = operation.value or TypedValue()
        if not asked.pattern:
            content = stated(value, None, "/")
            if replace and (config := self._editor.remove(self._present(()))) is not None:
                yield Step(config, number)
            yield Step(self._editor.root(content), number)
            return
        node, place = self._target(asked)
        content = stated(value, node, asked.text)
        if node.kind == "list" and not place[-1][1]:
            yield from self._collection(number, place, node, content, replace=replace)
            return
        if replace and node.kind == "leaf-list":
            if (config := self._editor.remove(self._present(asked.pattern))) is not None:
                yield Step(config, number)
            replace = False
        yield Step(self._editor.put(place, content, replace=replace), number)

    def _collection(
        self, number: int, place: Place, node: SchemaNode, content: Any, *, replace: bool
    ) -> Iterator[Step]:
        if not isinstance(content, list):
            raise invalid(
                f"the path has no keys of the list {node.name}",
                place=data_path(place),
                hint="give every key, or an array of entries",
            )
        pattern = tuple(
            Element(one.name, one.module, tuple(zip(one.keys, keys, strict=False)))
            for one, keys in place
        )
        if replace and (config := self._editor.remove(self._present(pattern))) is not None:
            yield Step(config, number)
        yield Step(self._editor.entries(place[:-1], node, content), number)

    def _target(self, asked: Query) -> tuple[SchemaNode, Place]:
        """The one node that a replace or update names; a list as a whole has no keys."""
        nodes = asked.resolve(self._schema)
        if asked.wild or any(
            value == "*" for element in asked.pattern for _, value in element.keys
        ):
            raise invalid("wildcards are for deletes only", place=asked.text)
        if not nodes:
            raise not_found(asked)
        node = nodes[0]
        if not node.config:
            raise invalid("this is state, it cannot be set", place=asked.text)
        chain: list[SchemaNode] = []
        at: SchemaNode | None = node
        while at is not None:
            chain.insert(0, at)
            at = at.parent
        place: list[tuple[SchemaNode, tuple[str, ...]]] = []
        for one, element in zip(chain, asked.pattern, strict=True):
            stated_keys = {name.rpartition(":")[2]: value for name, value in element.keys}
            if one.kind == "list" and set(stated_keys) != set(one.keys):
                if one is not node or stated_keys:
                    missing = [name for name in one.keys if name not in stated_keys]
                    raise invalid(
                        f"the path has no {', '.join(missing)} of the list {one.name}",
                        place=asked.text,
                        hint="give every key",
                    )
                place.append((one, ()))
                continue
            place.append((one, tuple(stated_keys[name] for name in one.keys)))
        return node, tuple(place)

    # Origin cli and union_replace ---------------------------------------------------------------

    def _of_text(self, number: int, operation: _Operation, removed: list[Place]) -> Iterator[Step]:
        if operation.kind == UpdateResult.Operation.DELETE:
            raise unimplemented(
                "origin cli is not deleted as a whole",
                place="origin cli",
                hint="update it with a text of delete lines, or replace it",
            )
        if operation.kind == UpdateResult.Operation.REPLACE and (
            config := self._editor.remove(self._present(()))
        ):
            yield Step(config, number)
        yield from self._lines(number, operation, removed)

    def _lines(self, number: int, operation: _Operation, removed: list[Place]) -> Iterator[Step]:
        value = operation.value or TypedValue()
        if value.WhichOneof("value") != "ascii_val":
            raise unimplemented(
                "the value for origin cli is ascii_val", place="origin cli", hint="send text"
            )
        for line in cli_text.parse(value.ascii_val):
            asked = Query(CLI, "", line.pattern, 0, qualified=True, stated=operation.path)
            if line.delete:
                yield from self._delete(number, asked, removed)
                continue
            node, place = self._target(asked)
            if node.kind == "list" and not place[-1][1]:
                raise invalid("the path has no keys", place=f"origin cli, line {line.number}")
            content = {} if line.value is None and not node.terminal else line.value
            yield Step(self._editor.put(place, content, replace=False), number)

    def _union(self, operations: Sequence[_Operation]) -> Iterator[Step]:
        """What all paths of union_replace have goes first, then their values are merged."""
        parts = [
            (number, operation)
            for number, operation in enumerate(operations)
            if operation.kind == UpdateResult.Operation.UNION_REPLACE
        ]
        if not parts:
            return
        whole = any(operation.query.origin == CLI for _, operation in parts)
        patterns = [()] if whole else [operation.query.pattern for _, operation in parts]
        found = _outermost([one for pattern in patterns for one in self._present(pattern)])
        if (config := self._editor.remove(found)) is not None:
            yield Step(config, parts[0][0])
        for number, operation in parts:
            try:
                if operation.query.origin == CLI:
                    yield from self._lines(number, operation, [])
                else:
                    yield from self._put(number, operation, replace=False)
            except Refused as error:
                error.more.append(_results(operations, number, error))
                raise

    # Results ------------------------------------------------------------------------------------

    def _response(self, operations: Sequence[_Operation], prefix: Path) -> SetResponse:
        timestamp = time.time_ns()
        response = SetResponse(
            response=[
                UpdateResult(path=operation.path, op=operation.kind) for operation in operations
            ],
            timestamp=timestamp,
        )
        if prefix.ByteSize():
            response.prefix.CopyFrom(prefix)
        return response

    def _explained(
        self, error: RpcErrors, operations: Sequence[_Operation], prefix: Path
    ) -> Refused:
        refused = of_rpc_errors(error)
        number = error.number if isinstance(error, StepRefused) else self._blamed(error, operations)
        if operations:
            results = _results(operations, number, refused)
            if prefix.ByteSize():
                results.prefix.CopyFrom(prefix)
            refused.more.append(results)
        return refused

    def _blamed(self, error: RpcErrors, operations: Sequence[_Operation]) -> int | None:
        """The last operation whose path is that of the error or leads to it."""
        path = error.errors[0].path
        if path is None:
            return 0 if len(operations) == 1 else None
        try:
            steps = parse_data_path(path)
        except ValueError:
            return None
        for number in reversed(range(len(operations))):
            pattern = operations[number].query.pattern
            if len(pattern) <= len(steps) and all(
                element.name in (step.name, "*")
                and all((name, value) in step.keys for name, value in element.keys if value != "*")
                for element, step in zip(pattern, steps, strict=False)
            ):
                return number
        return 0 if len(operations) == 1 else None


def _operations(request: SetRequest) -> Iterator[_Operation]:
    """In the order in which they are carried out, which is that of their results."""
    kinds = UpdateResult.Operation
    for path in request.delete:
        yield _Operation(kinds.DELETE, path, query(path, request.prefix))
    parts = (
        (kinds.REPLACE, request.replace),
        (kinds.UPDATE, request.update),
        (kinds.UNION_REPLACE, request.union_replace),
    )
    for kind, updates in parts:
        for update in updates:
            if update.HasField("value"):
                raise invalid(
                    "the field `value` was taken out of use with gNMI 0.4", hint="use val"
                )
            yield _Operation(kind, update.path, query(update.path, request.prefix), update.val)


def _outermost(found: Iterable[Instance]) -> list[Instance]:
    """Without what lies inside another of them, and each once."""
    places = {one.place: one for one in found}
    return [
        one
        for place, one in places.items()
        if not any(place[:length] in places for length in range(1, len(place)))
    ]


def _results(operations: Sequence[_Operation], number: int | None, refused: Refused) -> SetResponse:
    """Results of a Set that failed: why for the operation at fault, ABORTED for the others.

    That of the operation at fault is there always, those of the others while there is room.
    """
    made = SetResponse(timestamp=time.time_ns())
    full = False
    for at, operation in enumerate(operations):
        if at != number and full:
            continue
        if at == number:
            code = code_pb2.Code.Value(refused.code.name)
            text = short(f"{short(refused.what)} at {short(refused.place)}")
        else:
            code = code_pb2.Code.Value(StatusCode.ABORTED.name)
            text = "nothing has changed: the transaction failed"
        result = UpdateResult(op=operation.kind, message=Error(code=code, message=text))
        if operation.path.ByteSize() <= MAX_TEXT:
            result.path.CopyFrom(operation.path)
        if at == number or made.ByteSize() + result.ByteSize() <= MAX_RESULTS:
            made.response.append(result)
        else:
            full = True
    return made
