"""Answers the command line: each call is an operation of the core, in a session of its own."""

import pwd
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal
from xml.sax.saxutils import escape, quoteattr

from nf.errors import ConfigurationError, Refused, YangError
from nf.mgmt import local
from nf.mgmt.core import Core
from nf.mgmt.naming import Names
from nf.mgmt.paths import Step, parse
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import Session
from nf.process.frames import Peer

__all__ = ["Desk", "edit_of"]

NETCONF = "urn:ietf:params:xml:ns:netconf:base:1.0"


class Desk:
    """Answers; methods block, and are called off the event loop.

    Args:
        core: What is asked.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._names = Names(core.context.nodes())
        self._spaces = {module["name"]: module["namespace"] for module in core.context.modules()}
        self._operations = {
            path.rpartition(":")[2]: path for path in core.operations.paths() if "/" not in path[1:]
        }

    def answer(self, peer: Peer, body: Any) -> Any:
        """What a call asks for.

        Raises:
            Refused: It cannot be done; nothing has changed.
        """
        asked = getattr(body, "user", "")
        # Root may say for whom it acts (sudo); nobody else may.
        user = asked if asked and peer.uid == 0 else name_of(peer.uid)
        # Whoever else the socket lets in is subject to access control.
        session = self._core.sessions.open(user, "cli", "", recovery=peer.is_trusted)
        try:
            return self._do(session, body)
        except RpcErrors as error:
            raise refusal(error) from error
        except YangError as error:
            raise refusal(RpcErrors.from_yang(error)) from error
        except ConfigurationError as error:
            raise Refused(error.what, error.place, error.hint) from error
        finally:
            self._core.sessions.close(session, "closed")

    def _do(self, session: Session, body: Any) -> Any:
        works: dict[type, Callable[[Session, Any], Any]] = {
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
        answer = works[type(body)](session, body)
        return local.Text() if answer is None else answer

    def _read(self, session: Session, body: local.Read) -> local.Text:
        path = self._names.path(body.path) if body.path.strip("/ ") else ""
        wanted = {f"{step.module}:{step.name}" for step in parse(path)[:1]} if path else None
        if body.store == "operational":
            tree = self._core.get_data(session, "operational", wanted=wanted)
        else:
            tree = self._core.get_config(session, body.store)
        if path:
            tree = tree.select_xpath(path)
        mode: Literal["report-all", "explicit"]
        mode = "report-all" if body.defaults or body.store == "operational" else "explicit"
        made = (
            tree.to_json(defaults=mode, indent=True)
            if body.form == "json"
            else tree.to_xml(defaults=mode, indent=True)
        )
        return local.Text(made.decode())

    def _set(self, session: Session, body: local.SetNode) -> None:
        tree = self._core.context.empty()
        for path, value in body.values:
            tree.set(self._names.path(path), value)
        self._core.edit_config(session, body.target, wrapped(tree.to_xml()))

    def _remove(self, session: Session, body: local.RemoveNode) -> None:
        edits = [edit_of(parse(self._names.path(path)), self._spaces) for path in body.paths]
        self._core.edit_config(
            session, body.target, wrapped("".join(edits).encode()), default_operation="none"
        )

    def _edit(self, session: Session, body: local.Edit) -> None:
        self._core.edit_config(
            session,
            body.target,
            wrapped(body.config.encode()),
            default_operation=body.default_operation,
        )

    def _load(self, session: Session, body: local.Load) -> None:
        data = body.config.encode()
        form: Literal["xml", "json"] = "xml" if data.lstrip().startswith(b"<") else "json"
        config = wrapped(self._core.context.parse(data, form).to_xml())
        if body.mode == "check":
            self._core.validate(session, config)
        elif body.mode == "replace":
            self._core.copy_config(session, config, "running")
        else:
            self._core.edit_config(session, "running", config)

    def _tree_of(self, session: Session, name: str) -> Any:
        if name.isdecimal():
            return self._core.commits.entry(int(name))
        if name not in {"running", "candidate", "startup"}:
            raise Refused(
                f"no configuration {name!r}",
                "NAME",
                "running, candidate, startup, or a number of nf config history",
            )
        return self._core.get_config(session, name)  # type: ignore[arg-type]

    def _difference(self, session: Session, body: local.Difference) -> local.Changes:
        before, after = (self._tree_of(session, name) for name in (body.before, body.after))
        # What nobody has set is the same in both, although only one may have it written out.
        before, after = before.copy(), after.copy()
        before.validate()
        after.validate()
        rows = before.diff(after).changes()
        return local.Changes(tuple(local.ChangeRow(*row) for row in rows))

    def _copy(self, session: Session, body: local.CopyStore) -> None:
        self._core.copy_config(session, body.source, body.target)

    def _history(self, session: Session, body: local.ReadHistory) -> local.Entries:
        del session, body
        notes = sorted(self._core.history.entries(), key=lambda note: -note.number)
        return local.Entries(
            tuple(
                local.HistoryEntry(
                    note.number,
                    note.when,
                    note.user,
                    note.protocol,
                    note.source,
                    note.what,
                    note.more,
                )
                for note in notes
            )
        )

    def _rollback(self, session: Session, body: local.Rollback) -> None:
        self._core.rollback(session, body.number)

    def _run(self, session: Session, body: local.Run) -> local.Text:
        path = self._operations.get(body.name.rpartition(":")[2])
        if path is None:
            raise Refused(
                f"no operation {body.name!r}", "NAME", "one of " + ", ".join(self._operations)
            )
        module, _, name = path.lstrip("/").partition(":")
        leaves = "".join(f"<{leaf}>{escape(value)}</{leaf}>" for leaf, value in body.given)
        asked = f"<{name} xmlns={quoteattr(self._spaces[module])}>{leaves}</{name}>"
        return local.Text(self._core.operate(session, asked.encode()).decode())


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


def name_of(uid: int) -> str:
    """A user's name; the number of one without."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
