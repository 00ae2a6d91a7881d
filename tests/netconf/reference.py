"""Datastores of the tests' box as plain dictionaries, with rules of their own.

Nothing here knows libyang, trees or transactions: what RFC 6241 and the module say is written down
once more, so that the function and this cannot be wrong in the same way.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Box = dict[str, Any]
"""Leaves by name as text; `port` is a dictionary of the ports' own leaves, absent when empty."""

OK: frozenset[str] = frozenset({"ok"})
DEFAULTS = {"low": "1", "high": "10"}


def refused(*tags: str) -> frozenset[str]:
    """Any of these error-tags is right."""
    return frozenset(tags)


@dataclass(frozen=True)
class Change:
    """One node of an edit: a leaf, an entry of `port`, or a leaf in one.

    Attributes:
        operation: merge, replace, create, delete or remove.
        leaf: Which leaf; None is the entry itself.
        value: Its value.
        port: Which entry; None is the box.
    """

    operation: str
    leaf: str | None
    value: str | None = None
    port: str | None = None


@dataclass
class Reference:
    """What a function has, and what it answers. Sessions are numbers.

    Attributes:
        running: In force.
        startup: What a restart of the machine would begin with.
        candidate: Being edited; None follows running.
    """

    running: Box = field(default_factory=dict)
    startup: Box = field(default_factory=dict)
    candidate: Box | None = None
    begun: Box = field(default_factory=dict)
    begun_at: int = 0
    revision: int = 0
    locks: dict[str, int] = field(default_factory=dict)
    waiting: tuple[int, Box] | None = None

    def copy(self) -> "Reference":
        return deepcopy(self)

    @property
    def modified(self) -> bool:
        return self.candidate is not None and self.candidate != self.begun

    def shown(self, store: str) -> Box:
        """What reading a datastore gives."""
        if store == "candidate":
            return self.candidate if self.modified and self.candidate is not None else self.running
        found: Box = getattr(self, store)
        return found

    # Operations: each gives the answers that are right -----------------------------------------

    def edit(
        self, session: int, target: str, changes: tuple[Change, ...], test: bool
    ) -> frozenset[str]:
        if denied := self._may_write(session, target):
            return denied
        work = deepcopy(self.shown(target))
        wrong = [tag for change in changes if (tag := apply(work, change))]
        if wrong:
            return refused(*wrong)
        if (target == "running" or test) and not is_valid(work):
            return refused("operation-failed")
        if test:
            return OK
        if target == "running":
            self._put_in_force(work)
        else:
            self._edit_candidate(work)
        return OK

    def _edit_candidate(self, work: Box) -> None:
        if not self.modified:
            self.begun, self.begun_at = deepcopy(self.running), self.revision
        self.candidate = work

    def commit(self, session: int, confirmed: bool) -> frozenset[str]:
        if any(self.locks.get(store, session) != session for store in ("running", "candidate")):
            return refused("in-use")
        if self._is_anothers(session):
            return refused("in-use")
        before = deepcopy(self.running)
        if self.modified and self.candidate is not None:
            if self.begun_at != self.revision or not is_valid(self.candidate):
                return refused("operation-failed")
            self._put_in_force(self.candidate)
        self.candidate = None
        if confirmed:
            self.waiting = (session, self.waiting[1] if self.waiting else before)
        else:
            self.waiting = None
        return OK

    def cancel(self, session: int) -> frozenset[str]:
        if self.waiting is None:
            return refused("operation-failed")
        if self._is_anothers(session):
            return refused("in-use")
        self._go_back()
        return OK

    def discard(self, session: int) -> frozenset[str]:
        if self.locks.get("candidate", session) != session:
            return refused("in-use")
        self.candidate = None
        return OK

    def copy_store(self, session: int, source: str, target: str) -> frozenset[str]:
        if denied := self._may_write(session, target):
            return denied
        content = deepcopy(self.shown(source))
        if target != "candidate" and not is_valid(content):
            return refused("operation-failed")
        if target == "running":
            self._put_in_force(content)
        elif target == "startup":
            self.startup = content
        else:
            self.begun, self.begun_at = deepcopy(self.running), self.revision
            self.candidate = content
        return OK

    def validate(self, store: str) -> frozenset[str]:
        return OK if is_valid(self.shown(store)) else refused("operation-failed")

    def lock(self, session: int, store: str) -> frozenset[str]:
        if store in self.locks or (store == "candidate" and self.modified):
            return refused("lock-denied", "in-use")
        if store == "running" and self._is_anothers(session):
            return refused("lock-denied", "in-use")
        self.locks[store] = session
        return OK

    def unlock(self, session: int, store: str) -> frozenset[str]:
        if self.locks.get(store) != session:
            return refused("operation-failed")
        del self.locks[store]
        return OK

    def end(self, session: int) -> None:
        """A session is over, however."""
        held = [store for store, holder in self.locks.items() if holder == session]
        for store in held:
            del self.locks[store]
        if "candidate" in held:
            self.candidate = None
        if self.waiting and self.waiting[0] == session:
            self._go_back()

    def restart(self) -> None:
        """The process is over, however; the machine is not."""
        self.candidate = None
        self.locks = {}
        if self.waiting:
            self._go_back()

    # Rules -------------------------------------------------------------------------------------

    def _may_write(self, session: int, store: str) -> frozenset[str]:
        if self.locks.get(store, session) != session:
            return refused("in-use")
        if store == "running" and self._is_anothers(session):
            return refused("in-use")
        return frozenset()

    def _is_anothers(self, session: int) -> bool:
        return self.waiting is not None and self.waiting[0] != session

    def _put_in_force(self, content: Box) -> None:
        if content != self.running:
            self.running = deepcopy(content)
            self.revision += 1

    def _go_back(self) -> None:
        assert self.waiting is not None
        content = self.waiting[1]
        self.waiting = None
        self._put_in_force(content)


def apply(box: Box, change: Change) -> str | None:
    """Changes a box; gives the error-tag of what is wrong."""
    if change.port is not None and change.leaf is None:
        return _apply_entry(box, change)
    if change.port is None:
        return _apply_leaf(box, change)
    # The entry around a leaf is merged: it is made if it is not there.
    ports = box.setdefault("port", {})
    return _apply_leaf(ports.setdefault(change.port, {}), change)


def _apply_leaf(parent: Box, change: Change) -> str | None:
    name = change.leaf
    assert name is not None
    if change.operation in {"delete", "remove"}:
        if name not in parent:
            return "data-missing" if change.operation == "delete" else None
        del parent[name]
        return None
    if not fits(name, change.value):
        return "invalid-value"
    if change.operation == "create" and name in parent:
        return "data-exists"
    parent[name] = change.value
    return None


def _apply_entry(box: Box, change: Change) -> str | None:
    ports = box.setdefault("port", {})
    there = change.port in ports
    match change.operation:
        case "create" if there:
            return "data-exists"
        case "delete" if not there:
            tidy(box)
            return "data-missing"
        case "delete" | "remove":
            ports.pop(change.port, None)
        case "replace":
            ports[change.port] = {}
        case _:
            ports.setdefault(change.port, {})
    tidy(box)
    return None


def tidy(box: Box) -> None:
    """No entries are no list."""
    if not box.get("port", True):
        del box["port"]


def fits(name: str, value: str | None) -> bool:
    """Whether a value is one of its type."""
    if name == "name":
        return value is not None and 1 <= len(value) <= 32
    if name in {"low", "high", "mtu"}:
        low, high = (64, 9216) if name == "mtu" else (0, 255)
        return value is not None and value.isdecimal() and low <= int(value) <= high
    return name == "hidden"


def is_valid(box: Box) -> bool:
    """What the module says of the whole."""
    low, high = (int(box.get(name, DEFAULTS[name])) for name in ("low", "high"))
    return low <= high
