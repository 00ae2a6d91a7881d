"""What a command asks, done through a door: that of this process's core, or one over NETCONF.

So `nf config` says the same with and without `--host`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, Protocol
from xml.sax.saxutils import escape, quoteattr

from nf._native.yang import Context, Tree
from nf.errors import ConfigurationError, Refused, YangError
from nf.mgmt import local
from nf.mgmt.datastores import Store
from nf.mgmt.naming import Names
from nf.mgmt.paths import Step, parse
from nf.mgmt.rpc_error import RpcErrors

__all__ = ["Answering", "Door", "edit_of", "wrapped"]

NETCONF = "urn:ietf:params:xml:ns:netconf:base:1.0"


class Door(Protocol):
    """Configuration and state as one user sees them; every method may raise `RpcErrors`."""

    def read(self, store: local.Store, path: str, *, defaults: bool) -> Tree:
        """What lies at a data path of a datastore with its ancestors; all of it for no path.

        Args:
            store: The datastore.
            path: The path; empty for all.
            defaults: Whether values that nobody has set have to be there.
        """

    def edit(
        self, target: Store, config: bytes, default: Literal["merge", "replace", "none"]
    ) -> None:
        """Carries out a `<config>`."""

    def validate(self, config: bytes) -> None:
        """Checks a `<config>`."""

    def copy(self, source: Store | bytes, target: Store) -> None:
        """Copies a datastore or a `<config>`."""

    def past(self) -> Sequence[local.HistoryEntry]:
        """The history, newest first."""

    def past_config(self, number: int) -> Tree:
        """A configuration of the history."""

    def rollback(self, number: int) -> None:
        """Puts one in force again."""

    def operations(self) -> Sequence[str]:
        """Schema paths of the RPCs that can be called."""

    def operate(self, operation: bytes) -> bytes:
        """Calls one; gives the children of the reply."""


class Answering:
    """Answers calls; methods block.

    Args:
        context: The schema, on both sides of the door.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._names = Names(context.nodes())
        self._spaces = {module["name"]: module["namespace"] for module in context.modules()}
        self._works: dict[type, Callable[[Door, Any], Any]] = {
            local.Read: self._read,
            local.SetNode: self._set,
            local.RemoveNode: self._remove,
            local.Edit: self._edit,
            local.Load: self._load,
            local.Difference: self._difference,
            local.CopyStore: self._copy,
            local.ReadHistory: self._history,
            local.Rollback: self._rollback,
            local.Run: self._run,
        }

    def answer(self, door: Door, body: Any) -> Any:
        """What a call asks for.

        Raises:
            Refused: It cannot be done; nothing has changed.
        """
        try:
            answer = self._works[type(body)](door, body)
        except RpcErrors as error:
            raise refusal(error) from error
        except YangError as error:
            raise refusal(RpcErrors.from_yang(error)) from error
        except ConfigurationError as error:
            raise Refused(error.what, error.place, error.hint) from error
        return local.Text() if answer is None else answer

    def _read(self, door: Door, body: local.Read) -> local.Text:
        path = self._names.path(body.path) if body.path.strip("/ ") else ""
        everything = body.defaults or body.store == "operational"
        tree = door.read(body.store, path, defaults=everything)
        mode: Literal["report-all", "explicit"] = "report-all" if everything else "explicit"
        made = (
            tree.to_json(defaults=mode, indent=True)
            if body.form == "json"
            else tree.to_xml(defaults=mode, indent=True)
        )
        return local.Text(made.decode())

    def _set(self, door: Door, body: local.SetNode) -> None:
        tree = self._context.empty()
        for path, value in body.values:
            tree.set(self._names.path(path), value)
        door.edit(body.target, wrapped(tree.to_xml()), "merge")

    def _remove(self, door: Door, body: local.RemoveNode) -> None:
        edits = [edit_of(parse(self._names.path(path)), self._spaces) for path in body.paths]
        door.edit(body.target, wrapped("".join(edits).encode()), "none")

    def _edit(self, door: Door, body: local.Edit) -> None:
        del self
        door.edit(body.target, wrapped(body.config.encode()), body.default_operation)

    def _load(self, door: Door, body: local.Load) -> None:
        data = body.config.encode()
        form: Literal["xml", "json"] = "xml" if data.lstrip().startswith(b"<") else "json"
        config = wrapped(self._context.parse(data, form).to_xml())
        if body.mode == "check":
            door.validate(config)
        elif body.mode == "replace":
            door.copy(config, "running")
        else:
            door.edit("running", config, "merge")

    def _tree_of(self, door: Door, name: str) -> Tree:
        if name.isdecimal():
            return door.past_config(int(name))
        if name not in {"running", "candidate", "startup"}:
            raise Refused(
                f"no configuration {name!r}",
                "NAME",
                "running, candidate, startup, or a number of nf config history",
            )
        return door.read(name, "", defaults=False)  # type: ignore[arg-type]

    def _difference(self, door: Door, body: local.Difference) -> local.Changes:
        before, after = (self._tree_of(door, name) for name in (body.before, body.after))
        # What nobody has set is the same in both, although only one may have it written out.
        before, after = before.copy(), after.copy()
        before.validate()
        after.validate()
        rows = before.diff(after).changes()
        return local.Changes(tuple(local.ChangeRow(*row) for row in rows))

    def _copy(self, door: Door, body: local.CopyStore) -> None:
        del self
        door.copy(body.source, body.target)

    def _history(self, door: Door, body: local.ReadHistory) -> local.Entries:
        del self, body
        return local.Entries(tuple(sorted(door.past(), key=lambda entry: -entry.number)))

    def _rollback(self, door: Door, body: local.Rollback) -> None:
        del self
        door.rollback(body.number)

    def _run(self, door: Door, body: local.Run) -> local.Text:
        known = {path.rpartition(":")[2]: path for path in door.operations()}
        path = known.get(body.name.rpartition(":")[2])
        if path is None:
            raise Refused(f"no operation {body.name!r}", "NAME", "one of " + ", ".join(known))
        module, _, name = path.lstrip("/").partition(":")
        leaves = "".join(f"<{leaf}>{escape(value)}</{leaf}>" for leaf, value in body.given)
        asked = f"<{name} xmlns={quoteattr(self._spaces[module])}>{leaves}</{name}>"
        return local.Text(door.operate(asked.encode()).decode())


def wrapped(content: bytes) -> bytes:
    """A `<config>` with a content."""
    return f'<config xmlns="{NETCONF}">'.encode() + content + b"</config>"


def edit_of(steps: Sequence[Step], spaces: dict[str, str]) -> str:
    """XML that deletes the node at a path."""
    made, module = "", ""
    close = partial("</{}>".format)
    ends: list[str] = []
    for number, step in enumerate(steps):
        space = f" xmlns={quoteattr(spaces[step.module])}" if step.module != module else ""
        module = step.module
        last = number == len(steps) - 1
        operation = f' xmlns:nc="{NETCONF}" nc:operation="delete"' if last else ""
        made += f"<{step.name}{space}{operation}>"
        for key, value in step.keys:
            made += escape(value) if key == "." else f"<{key}>{escape(value)}</{key}>"
        ends.append(close(step.name))
    return made + "".join(reversed(ends))


def refusal(error: RpcErrors) -> Refused:
    """All errors of a request, for a person at a terminal."""
    first = error.errors[0]
    what = "\n".join(one.message for one in error.errors[:20])
    refused = Refused(what, first.path or "the request", error.hint)
    refused.app_tag = first.app_tag or first.tag
    return refused
