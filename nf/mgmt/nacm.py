"""Access control for every front end (RFC 8341).

`Access` is made from a configuration and never changes; the core makes another one when the
configuration does. What a rule says of a node holds for everything below it. Reading leaves out
what is not permitted; writing and executing are refused.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from nf.mgmt.changes import Change
from nf.mgmt.paths import Step, covers, parse
from nf.mgmt.rpc_error import RpcError, RpcErrors
from nf.mgmt.session import Session

if TYPE_CHECKING:
    from nf._native.yang import Tree

__all__ = ["TOP", "Access", "Denials", "Guarded"]

TOP = "ietf-netconf-acm:nacm"

ALWAYS_PERMITTED = ("ietf-netconf", "close-session")
"""RFC 8341 section 3.4.4, step 2."""

DENIED_BY_DEFAULT = frozenset(
    {
        ("ietf-netconf", "delete-config"),
        ("ietf-netconf", "kill-session"),
        *(("nf-telemetry", f"file-{what}") for what in ("get", "stat", "put", "remove")),
        *(("nf-telemetry", f"cert-{what}") for what in ("install", "rotate", "revoke")),
        ("nf-telemetry", "ping"),
    }
)
"""RFC 8341 sections 3.2.8 and 3.2.10; their module says nothing of it. Those of gNOI stand in no
module: NETCONF has no such operations, but rules name them like others."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """Nodes that the model itself protects (`nacm:default-deny-write`, `-all`).

    Attributes:
        no_write: Steps of every schema node that denies writing.
        no_access: Steps of every schema node that denies all.
        operations: Module and name of every RPC that denies all.
        borders: Data paths without keys of nodes whose module is not their parent's.
    """

    no_write: tuple[tuple[Step, ...], ...] = ()
    no_access: tuple[tuple[Step, ...], ...] = ()
    operations: frozenset[tuple[str, str]] = frozenset()
    borders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rule:
    module: str
    operations: frozenset[str]
    permits: bool
    path: tuple[Step, ...] | None
    text: str
    rpc: str | None
    notification: str | None

    def allows_for(self, operation: str) -> bool:
        return "*" in self.operations or operation in self.operations

    @property
    def of_any_type(self) -> bool:
        return self.path is None and self.rpc is None and self.notification is None


class Denials:
    """What was denied since the start: the counters of RFC 8341; thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.operations = 0
        self.data_writes = 0
        self.notifications = 0

    def count(self, what: str) -> None:
        """One more of `operations`, `data_writes` or `notifications`."""
        with self._lock:
            setattr(self, what, getattr(self, what) + 1)


class Access:
    """Rules in force."""

    def __init__(self, config: dict[str, Any], guarded: Guarded, denials: Denials) -> None:
        """`config` is the content of the `nacm` container, with defaults."""
        self._guarded = guarded
        self._denials = denials
        self._enabled = bool(config.get("enable-nacm", True))
        self._read = bool(config.get("read-default", "permit") == "permit")
        self._write = bool(config.get("write-default", "deny") == "permit")
        self._exec = bool(config.get("exec-default", "permit") == "permit")
        self._groups: dict[str, set[str]] = {}
        for group in config.get("groups", {}).get("group", ()):
            for user in group.get("user-name", ()):
                self._groups.setdefault(user, set()).add(group["name"])
        self._lists = [
            (set(entry.get("group", ())), [_rule(rule) for rule in entry.get("rule", ())])
            for entry in config.get("rule-list", ())
        ]

    def _free(self, session: Session) -> bool:
        return session.recovery or not self._enabled

    def _rules(self, user: str) -> Iterator[_Rule]:
        groups = self._groups.get(user, set())
        for wanted, rules in self._lists:
            if "*" in wanted or groups & wanted:
                yield from rules

    # Executing ----------------------------------------------------------------------------------

    def may_execute(self, session: Session, module: str, operation: str) -> bool:
        """Whether a protocol operation is permitted (RFC 8341 section 3.4.4)."""
        if self._free(session) or (module, operation) == ALWAYS_PERMITTED:
            return True
        for rule in self._rules(session.user):
            if (
                rule.module in ("*", module)
                and (rule.of_any_type or rule.rpc in ("*", operation))
                and rule.allows_for("exec")
            ):
                return rule.permits
        named = (module, operation)
        return self._exec and not (named in DENIED_BY_DEFAULT or named in self._guarded.operations)

    def check_execute(self, session: Session, module: str, operation: str) -> None:
        """Refuses a protocol operation.

        Raises:
            RpcErrors: `access-denied`.
        """
        if not self.may_execute(session, module, operation):
            self._denials.count("operations")
            raise RpcErrors.of(
                type="protocol",
                tag="access-denied",
                message=f"{session.user} may not execute {module}:{operation}",
                path=f"/{module}:{operation}",
            )

    def check_action(self, session: Session, target: str, schema: str) -> None:
        """Refuses an action: its parents have to be readable and it executable (section 3.1.3).

        Raises:
            RpcErrors: `access-denied`.
        """
        action = parse(schema)[-1]
        steps = parse(target)
        rules = list(self._rules(session.user))
        allowed = self._free(session) or (
            all(self._data(rules, steps[:depth], "read") for depth in range(1, len(steps) + 1))
            and self._data(rules, (*steps, action), "exec")
        )
        if not allowed:
            self._denials.count("operations")
            raise RpcErrors.of(
                type="protocol",
                tag="access-denied",
                message=f"{session.user} may not execute {action.name} at {target}",
                path=target,
            )

    def may_receive(self, session: Session, module: str, notification: str) -> bool:
        """Whether a notification may be delivered (section 3.4.6)."""
        if self._free(session):
            return True
        for rule in self._rules(session.user):
            if (
                rule.module in ("*", module)
                and (rule.of_any_type or rule.notification in ("*", notification))
                and rule.allows_for("read")
            ):
                return rule.permits
        return (module, notification) not in self._guarded.operations and self._read

    def count_withheld(self) -> None:
        """A notification was not delivered for want of a right."""
        self._denials.count("notifications")

    # Data ---------------------------------------------------------------------------------------

    def _data(self, rules: Sequence[_Rule], path: tuple[Step, ...], operation: str) -> bool:
        """Whether rules, the model or a default permit an operation on one node (3.4.5)."""
        module = path[-1].module
        for rule in rules:
            if (
                rule.module in ("*", module)
                and rule.allows_for(operation)
                and (rule.of_any_type or (rule.path is not None and covers(rule.path, path)))
            ):
                return rule.permits
        if any(covers(guarded, path) for guarded in self._guarded.no_access):
            return False
        if operation == "read":
            return self._read
        if operation == "exec":
            return self._exec
        return self._write and not any(covers(node, path) for node in self._guarded.no_write)

    def check_write(self, session: Session, changes: Iterable[Change]) -> None:
        """Refuses a transaction with every change that is not permitted.

        Raises:
            RpcErrors: `access-denied` for each of the first nodes.
        """
        if self._free(session):
            return
        changes = list(changes)
        rules = list(self._rules(session.user))
        if all(_permits_all(rules, one) for one in {change.operation for change in changes}):
            return
        denied = [
            change for change in changes if not self._data(rules, change.steps, change.operation)
        ]
        if denied:
            self._denials.count("data_writes")
            raise RpcErrors(
                RpcError(
                    "application",
                    "access-denied",
                    f"{session.user} may not {change.operation} this node",
                    change.path,
                )
                for change in denied[:16]
            )

    def may_read_all(self, session: Session) -> bool:
        """Whether there is nothing that the session may not read."""
        return self._free(session) or self._points(list(self._rules(session.user))) is None

    def readable(self, session: Session, tree: "Tree", *, own: bool = False) -> "Tree":
        """The tree without what the session may not read: the same one if it may read all.

        Args:
            session: Who reads.
            tree: What there is.
            own: Whether it is the caller's alone, who wants nothing else of it: then it is changed.
        """
        if self._free(session):
            return tree
        rules = list(self._rules(session.user))
        points = self._points(rules)
        if points is None:
            return tree
        # Decisions change only at these nodes; a parent comes before what lies below it, so that
        # what a removed parent held is not there any more when its turn comes.
        places = {path: parse(path) for point in points for path, _ in tree.find(point)}
        removed: dict[str, tuple[Step, ...]] = {}
        for path, steps in sorted(places.items(), key=lambda place: len(place[1])):
            gone = any(covers(one, steps) for one in removed.values())
            if not gone and not self._data(rules, steps, "read"):
                removed[path] = steps
        if not removed:
            return tree
        pruned = tree if own else tree.copy()
        for path in removed:
            pruned.remove(path)
        return pruned

    def _points(self, rules: Sequence[_Rule]) -> list[str] | None:
        """XPaths of the nodes where a decision on reading can change; None if all is readable."""
        reading: list[_Rule] = []
        for rule in rules:
            if rule.allows_for("read"):
                reading.append(rule)
                if rule.of_any_type and rule.module == "*":
                    # It decides for every node: what comes after it is never asked.
                    if all(one.permits for one in reading):
                        return None
                    break
        if self._read and all(rule.permits for rule in reading) and not self._guarded.no_access:
            return None
        points = ["/*", *(_xpath(steps) for steps in self._guarded.no_access)]
        points += [rule.text for rule in reading if rule.path is not None and rule.text != "/"]
        if any(rule.path is None and rule.module != "*" for rule in reading):
            points += self._guarded.borders
        return points


def _permits_all(rules: Sequence[_Rule], operation: str) -> bool:
    """Whether the first rule on an operation permits it on every node."""
    for rule in rules:
        if rule.allows_for(operation):
            return rule.permits and rule.of_any_type and rule.module == "*"
    return False


def _rule(rule: dict[str, Any]) -> _Rule:
    operations = rule.get("access-operations", "*")
    text = rule.get("path")
    return _Rule(
        module=rule.get("module-name", "*"),
        operations=frozenset(operations.split()),
        permits=rule["action"] == "permit",
        path=None if text is None else parse(text),
        text=text or "",
        rpc=rule.get("rpc-name"),
        notification=rule.get("notification-name"),
    )


def _xpath(steps: tuple[Step, ...]) -> str:
    return "".join(f"/{step.module}:{step.name}" for step in steps)
