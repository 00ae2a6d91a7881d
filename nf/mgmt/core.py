"""The one door to configuration and state: NETCONF, gNMI and the command line come through here.

Methods are synchronous and thread-safe; front ends call them off their event loop. Each raises
`RpcErrors` and has then changed nothing.
"""

from collections.abc import Sequence
from typing import Any, Literal

from nf._native.yang import Context, Diff, Tree
from nf.errors import ConfigurationError, YangError
from nf.mgmt.changes import changes_of
from nf.mgmt.commits import Commits, Publisher, validate
from nf.mgmt.confirming import Confirming
from nf.mgmt.datastores import Candidate, Store
from nf.mgmt.guarding import guarded
from nf.mgmt.history import History
from nf.mgmt.locks import Locks
from nf.mgmt.nacm import TOP as NACM
from nf.mgmt.operations import Operations
from nf.mgmt.partial_locks import PartialLock, PartialLocks, denied
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.schema_nodes import SchemaTree
from nf.mgmt.session import EndReason, Session, Sessions
from nf.mgmt.state import Everything, State, Wanted
from nf.mgmt.transaction import Providers
from nf.mgmt.transaction_limits import TransactionLimits

__all__ = ["Core", "DefaultOperation", "ErrorOption", "TestOption"]

DefaultOperation = Literal["merge", "replace", "none"]
TestOption = Literal["test-then-set", "set", "test-only"]
ErrorOption = Literal["stop-on-error", "continue-on-error", "rollback-on-error"]

LIGHT = 2048
"""Nodes of a configuration that is read, even as a whole, within half a millisecond."""
ORIGIN = "ietf-origin"


class Core:
    """Datastores, transactions, access control and state.

    Attributes:
        context: The schema.
        schema: The same as a tree of nodes, for all who ask what there is.
        sessions: Of every front end.
        locks: On datastores.
        partial_locks: On parts of running.
        providers: Register before `start`.
        state: Sources of operational state.
        operations: Who carries out our RPCs and actions.
    """

    def __init__(self, context: Context, history: History, events: Publisher) -> None:
        """Nothing is in force before `start`."""
        self.context = context
        self.schema = SchemaTree(context)
        self.history = history
        self.events = events
        self.locks = Locks()
        self.partial_locks = PartialLocks()
        self.providers = Providers()
        self.state = State()
        self.operations = Operations()
        self.sessions = Sessions(self._session_started, self._session_ended)
        self.commits = Commits(context, history, self.providers, events, guarded(self.schema))
        self.commits.guards.append(self.partial_locks.may_change)
        self.confirming = Confirming(self.commits, history, events)
        self._candidate: Candidate | None = None
        self.state.register(_AccessState(self.commits))
        self.providers.register(
            TransactionLimits(
                lambda seconds: setattr(self.providers, "limit", seconds),
                lambda number: setattr(history, "keep", number),
            )
        )

    def start(self, first: bytes = b"{}") -> None:
        """Puts the first configuration in force, see `Commits.start`."""
        self.commits.start(first)

    def stop(self) -> None:
        """Ends what runs by itself."""
        self.confirming.stop()
        self.providers.stop()

    def may_execute(self, session: Session, module: str, operation: str) -> None:
        """Refuses a protocol operation that the session may not execute.

        Raises:
            RpcErrors: `access-denied`.
        """
        self.commits.access.check_execute(session, module, operation)

    # Reading ------------------------------------------------------------------------------------

    def get_config(self, session: Session, source: Store) -> Tree:
        """Configuration, as far as the session may read it; never modify it, select from it."""
        return self.commits.access.readable(session, self._tree(source))

    def is_light(self, session: Session, source: str) -> bool:
        """Whether `get_config` of this is a matter of microseconds, and waits for nobody."""
        untouched = self._candidate is None or not self._candidate.modified
        return (
            (source == "running" or (source == "candidate" and untouched))
            and self.commits.running.nodes <= LIGHT
            and self.commits.access.may_read_all(session)
        )

    def get(self, session: Session, wanted: Wanted = Everything) -> Tree:
        """The running configuration with operational state (RFC 6241 section 7.7)."""
        tree = self.commits.running.tree.copy()
        self._add_state(tree, wanted)
        return self.commits.access.readable(session, tree, own=True)

    def get_data(
        self,
        session: Session,
        source: Store,
        *,
        config: bool | None = None,
        origin: bool = False,
        wanted: Wanted = Everything,
    ) -> Tree:
        """A datastore of NMDA (RFC 8526 section 3.1.1).

        Args:
            session: Who reads.
            source: `operational` is the configuration in use with all state.
            config: True for configuration only, False for state only, None for both.
            origin: Annotates where values come from (RFC 8342 section 5.3.4).
            wanted: Top-level nodes asked for.
        """
        if source != "operational":
            if origin:
                raise RpcErrors.of(
                    tag="invalid-value",
                    message="only operational has origins",
                    info=(("bad-element", "with-origin"),),
                )
            tree = self._tree(source)
            return self.commits.access.readable(
                session, self.context.empty() if config is False else tree
            )
        tree = self.commits.running.tree.copy()
        if origin:
            tree.annotate_origin(f"{ORIGIN}:intended")
        if config is not True:
            self._add_state(tree, wanted)
        if config is False:
            tree = tree.only_state()
        return self.commits.access.readable(session, tree, own=True)

    def _add_state(self, tree: Tree, wanted: Wanted) -> None:
        self.state.gather(wanted, tree.merge_data)

    def _tree(self, store: Store) -> Tree:
        if store == "candidate" and self._candidate is not None and self._candidate.modified:
            return self._candidate.tree
        if store == "startup":
            return self._startup()
        return self.commits.running.tree

    def _startup(self) -> Tree:
        try:
            entry = self.history.startup()
            tree = self.context.parse(entry.data, "json") if entry else self.context.empty()
        except ConfigurationError as error:
            raise RpcErrors.of(tag="operation-failed", message=str(error)) from error
        except YangError as error:
            raise RpcErrors.from_yang(error) from error
        return tree

    # Changing -----------------------------------------------------------------------------------

    def edit_config(  # noqa: PLR0913 - they are the operation's parameters
        self,
        session: Session,
        target: Store,
        config: bytes,
        *,
        default_operation: DefaultOperation = "merge",
        test_option: TestOption | None = None,
        error_option: ErrorOption = "stop-on-error",
    ) -> None:
        """Edits a datastore (RFC 6241 section 7.2).

        Args:
            session: Who edits.
            target: `running` or `candidate`.
            config: The `<config>` element.
            default_operation: For nodes without an operation of their own.
            test_option: None validates running always and candidate at its commit; the others as
                the RFC says, only that running is never without validation.
            error_option: A request is carried out whole or not at all, which both
                `stop-on-error` and `rollback-on-error` permit; with `continue-on-error` what is
                right is carried out and the rest reported.
        """
        if target not in ("running", "candidate"):
            raise _not_writable(target)
        with self.commits.writing:
            self._may_write(session, target)
            work = self._tree_to_edit(target)
            refused: YangError | None = None
            try:
                diff = work.edit(
                    config,
                    default_operation=default_operation,
                    error_option="continue-on-error"
                    if error_option == "continue-on-error"
                    else "rollback-on-error",
                )
            except YangError as error:
                if error_option != "continue-on-error" or error.diff is None:
                    raise RpcErrors.from_yang(error) from error
                refused, diff = error, error.diff
            changes = changes_of(diff)
            is_exact = not self.commits.convert(work, changes)
            if target == "candidate":
                self._keep_in_candidate(session, work, diff, test_option, is_exact=is_exact)
            elif test_option == "test-only":
                self.commits.check(session, work, diff)
            else:
                self.commits.transact(session, work, diff, is_exact=is_exact, changes=changes)
        if refused is not None:
            raise RpcErrors.from_yang(refused)

    def _keep_in_candidate(
        self,
        session: Session,
        work: Tree,
        diff: Diff,
        test_option: TestOption | None,
        *,
        is_exact: bool,
    ) -> None:
        if test_option in ("test-then-set", "test-only"):
            self.commits.check(session, work.copy(), diff)
        else:
            self.commits.check_access(session, diff)
        if test_option != "test-only":
            candidate = self._fresh_candidate()
            candidate.tree = work
            candidate.add(diff, session.id)
            candidate.is_exact &= is_exact
            self._candidate = candidate

    def _tree_to_edit(self, target: Store) -> Tree:
        if target == "running":
            return self.commits.running_to_edit()
        return self._fresh_candidate().tree.copy()

    def _fresh_candidate(self) -> Candidate:
        """The candidate; of today's running configuration unless somebody has edited it."""
        if self._candidate is not None and self._candidate.modified:
            return self._candidate
        running = self.commits.running
        return Candidate(running.tree, running.revision, running.tree)

    def _may_write(self, session: Session, store: str) -> None:
        self.locks.may_write(session, store)
        if store == "running":
            self.confirming.may_change(session)

    def copy_config(self, session: Session, source: Store | bytes, target: Store) -> None:
        """Replaces a whole datastore (RFC 6241 section 7.3); `source` may be a `<config>`."""
        if source == target:
            raise RpcErrors.of(tag="invalid-value", message=f"source and target are both {target}")
        with self.commits.writing:
            self._may_write(session, target)
            tree = self._source(session, source)
            if target == "startup":
                validate(tree)
                self._write_startup(session, tree)
            elif target == "running":
                validate(tree)
                self.commits.replace(session, tree)
            elif target == "candidate":
                running = self.commits.running
                diff = running.tree.diff(tree)
                self.commits.check_access(session, diff)
                self._candidate = Candidate(tree, running.revision, running.tree)
                self._candidate.add(diff, session.id)
            else:
                raise _not_writable(target)

    def source(self, session: Session, source: Store | bytes) -> Tree:
        """A copy of a datastore that may be read as a whole, or what a `<config>` says.

        Raises:
            RpcErrors: `access-denied` where a part would be missing; or the `<config>` is wrong.
        """
        return self._source(session, source)

    def _source(self, session: Session, source: Store | bytes) -> Tree:
        """A copy of a datastore, or what a `<config>` says."""
        if not isinstance(source, bytes):
            tree = self._tree(source)
            readable = self.commits.access.readable(session, tree)
            if len(readable) != len(tree):
                raise RpcErrors.of(
                    type="protocol",
                    tag="access-denied",
                    message=f"{session.user} may not read all of {source}, a copy would lose"
                    " the rest",
                )
            return tree.copy()
        tree = self.context.empty()
        try:
            tree.edit(source)
        except YangError as error:
            raise RpcErrors.from_yang(error) from error
        self.commits.convert(tree)
        return tree

    def _write_startup(self, session: Session, tree: Tree) -> None:
        try:
            self.commits.keep_beside(tree)
            self.history.write_startup(tree.to_json(), user=session.user)
        except OSError as error:
            raise RpcErrors.of(
                tag="resource-denied",
                message=f"the start-up configuration cannot be written: {error.strerror}",
                app_tag="persist",
            ) from error

    def delete_config(self, session: Session, target: Store) -> None:
        """Deletes the start-up configuration, the only one that may be missing."""
        if target != "startup":
            raise _not_writable(target)
        with self.commits.writing:
            self._may_write(session, target)
            self.history.delete_startup()

    def validate(self, session: Session, source: Store | bytes) -> None:
        """Validates a datastore or a `<config>` (RFC 6241 section 8.6.4.1)."""
        validate(self._source(session, source))

    def past_config(self, session: Session, number: int) -> Tree:
        """A configuration of the history, as far as the session may read it."""
        return self.commits.access.readable(session, self.commits.entry(number))

    def rollback(self, session: Session, number: int) -> None:
        """Puts a configuration of the history in force again."""
        with self.commits.writing:
            self._may_write(session, "running")
            self.commits.replace(session, self.commits.entry(number))

    # Candidate ----------------------------------------------------------------------------------

    def commit(
        self,
        session: Session,
        *,
        confirmed: bool = False,
        timeout: int = 600,
        persist: str | None = None,
        persist_id: str | None = None,
    ) -> None:
        """Puts the candidate in force (RFC 6241 sections 8.3.4.1 and 8.4).

        A candidate that was copied from a running configuration which others have changed since
        is refused: to put it in force would take their changes back.
        """
        with self.commits.writing:
            self.locks.may_write(session, "running")
            self.locks.may_write(session, "candidate")
            self.confirming.may_change(session, persist_id)
            candidate = self._candidate
            if candidate is not None and candidate.modified:
                self._refuse_stale(candidate)
            rollback = self.confirming.note() if confirmed else None
            try:
                if candidate is not None and candidate.modified and candidate.pending is not None:
                    # It is the tree in force, which is made use of again if nobody holds it.
                    candidate.begun = None
                    self.commits.transact(
                        session,
                        candidate.tree.copy(),
                        candidate.pending,
                        is_exact=candidate.is_exact,
                    )
            except BaseException:
                if candidate is not None:
                    candidate.begun = self.commits.running.tree
                if rollback is not None:
                    self.confirming.drop_note()
                raise
            self._candidate = None
            if rollback is not None:
                self.confirming.wait(session, rollback, timeout, persist)
            else:
                self.confirming.confirm(session)

    def _refuse_stale(self, candidate: Candidate) -> None:
        if candidate.base != self.commits.running.revision:
            raise RpcErrors.of(
                tag="operation-failed",
                message="the running configuration has changed since the candidate was begun:"
                " discard the changes and edit anew",
                app_tag="candidate-stale",
            )

    def cancel_commit(self, session: Session, persist_id: str | None = None) -> None:
        """Takes back a commit that waits for its confirmation."""
        self.confirming.cancel(session, persist_id)

    def discard_changes(self, session: Session) -> None:
        """Makes the candidate what is running."""
        with self.commits.writing:
            self.locks.may_write(session, "candidate")
            self._candidate = None

    # Locks and sessions -------------------------------------------------------------------------

    def lock(self, session: Session, target: Store) -> None:
        """Locks a datastore (RFC 6241 section 7.5)."""
        with self.commits.writing:
            candidate = self._candidate
            if target == "candidate" and candidate is not None and candidate.modified:
                raise RpcErrors.of(
                    type="protocol",
                    tag="lock-denied",
                    message="the candidate has changes that nobody has committed or discarded",
                    info=(("session-id", str(candidate.editor)),),
                )
            if target == "running":
                self.confirming.may_change(session)
                self.partial_locks.may_lock_all(session)
            self.locks.take(session, target)

    def partial_lock(
        self, session: Session, selects: Sequence[str], nodes: Sequence[str]
    ) -> PartialLock:
        """Locks parts of running (RFC 5717); `nodes` are what `selects` select.

        Raises:
            RpcErrors: `lock-denied`, with the session that holds any of it, or all.
        """
        with self.commits.writing:
            try:
                self.confirming.may_change(session)
            except RpcErrors as error:
                raise RpcErrors.of(
                    type="protocol",
                    tag="lock-denied",
                    message=error.errors[0].message,
                    app_tag="outstanding-confirmed-commit",
                    info=error.errors[0].info,
                ) from error
            holder = self.locks.holder("running")
            if holder is not None and holder.session.id != session.id:
                raise denied(holder.session)
            return self.partial_locks.take(session, selects, nodes)

    def unlock(self, session: Session, target: Store) -> None:
        """Gives a datastore back."""
        self.locks.release(session, target)

    def _session_started(self, session: Session) -> None:
        if session.protocol.startswith("netconf"):
            self._tell("netconf-session-start", session, {})

    def _session_ended(self, session: Session, reason: EndReason, killer: int | None) -> None:
        with self.commits.writing:
            held = self.locks.release_all(session)
            self.partial_locks.release_all(session)
            # RFC 6241 section 8.3.5.2: what the holder of the lock did not commit goes.
            if "candidate" in held:
                self._candidate = None
            self.confirming.session_ended(session)
        if session.protocol.startswith("netconf"):
            killed = {"killed-by": killer} if killer else {}
            self._tell("netconf-session-end", session, {**killed, "termination-reason": reason})

    def _tell(self, event: str, session: Session, more: dict[str, Any]) -> None:
        common = {"username": session.user, "session-id": session.id}
        host = {"source-host": session.source} if session.source else {}
        self.events.publish({f"ietf-netconf-notifications:{event}": {**common, **host, **more}})

    # RPCs and actions ---------------------------------------------------------------------------

    def operate(self, session: Session, operation: bytes) -> bytes:
        """Carries out one of our RPCs or actions.

        Args:
            session: Who asks.
            operation: The child of `<rpc>`; for an action the `<action>` element.

        Returns:
            Children of `<rpc-reply>` as XML; empty for `<ok/>`.
        """
        try:
            asked = self.context.parse_operation(operation)
        except YangError as error:
            raise RpcErrors.from_yang(error) from error
        access = self.commits.access
        if asked.target:
            access.check_action(session, asked.target, asked.path)
        else:
            module, _, name = asked.path.lstrip("/").partition(":")
            access.check_execute(session, module, name)
        run = self.operations.find(asked.path)
        given = {name.rpartition(":")[2]: value for name, value in asked.input().items()}
        return asked.reply(run(session, asked.target, given))


class _AccessState:
    """Counters of access control (RFC 8341)."""

    def __init__(self, commits: Commits) -> None:
        self._denials = commits.denials

    def top(self) -> str:
        return NACM

    def get(self) -> dict[str, Any]:
        return {
            NACM: {
                "denied-operations": self._denials.operations,
                "denied-data-writes": self._denials.data_writes,
                "denied-notifications": self._denials.notifications,
            }
        }


def _not_writable(target: str) -> RpcErrors:
    return RpcErrors.of(
        type="protocol",
        tag="operation-not-supported",
        message=f"{target} cannot be changed like this",
    )
