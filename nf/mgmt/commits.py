"""The one way in which the running configuration changes.

edit → diff → access control → validation → every provider prepares → written to disk → applied
(one swap) → told. A failure before the last two leaves everything as it was
(docs/decisions/0011).
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from nf._native.yang import Context, Diff, Tree
from nf.errors import ConfigurationError, YangError
from nf.mgmt.changes import Change, changes_of
from nf.mgmt.datastores import is_implied
from nf.mgmt.history import Entry, History, Note
from nf.mgmt.nacm import TOP as NACM
from nf.mgmt.nacm import Access, Denials, Guarded
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import INTERNAL, Session
from nf.mgmt.spare import Spare
from nf.mgmt.transaction import Data, Providers, Ready

__all__ = ["Commits", "Conversion", "Publisher", "Running"]

log = logging.getLogger(__name__)

MAX_TOLD = 256
"""Edits that a notification of a change names."""


class Publisher(Protocol):
    """Takes notifications (RFC 7951 objects); never blocks and never raises."""

    def publish(self, notification: dict[str, Any]) -> None:
        """One notification."""


@dataclass(frozen=True)
class Running:
    """A configuration in force.

    A transaction works on a copy and puts it in the place of the old one, so that whoever reads
    keeps what was true when the reading began.

    Attributes:
        tree: Validated, with defaults; never modified.
        revision: Grows by one with every transaction.
        number: Of its entry in the history.
        nodes: How many it has, but for defaults that come and go.
    """

    tree: Tree
    revision: int
    number: int
    nodes: int

    @cached_property
    def data(self) -> Data:
        """As Python objects, made when first asked for."""
        return self.tree.to_data()


@dataclass(frozen=True, slots=True)
class Conversion:
    """Rewrites values of trees that somebody hands in.

    Attributes:
        top: Qualified name of the top-level node that they are below.
        apply: Does it, and says whether it has changed anything.
    """

    top: str
    apply: Callable[[Tree], bool]


class Commits:
    """Holds the running configuration and changes it.

    Attributes:
        running: What is in force.
        access: The access control that it says.
        writing: Held while anything is changed.
        conversions: Rewrite values that must never be kept as they were given, such as passwords in
            clear text, before anything else sees them.
        keepers: Write what a configuration needs beside it, such as private keys, before it is
            written itself.
        guards: Refuse changes that access control permits, by raising; part of every transaction.
        spare: For the next edit; its user holds `writing`.
        watchers: Told of every change that is in force, in order; must not block nor raise.
        appliers: Told why each provider that a change concerned did not apply it; empty for those
            that did. Must not block nor raise.
    """

    def __init__(
        self,
        context: Context,
        history: History,
        providers: Providers,
        events: Publisher,
        guarded: Guarded,
    ) -> None:
        """Nothing is in force before `start`."""
        self._context = context
        self._history = history
        self._providers = providers
        self._events = events
        self._guarded = guarded
        self.denials = Denials()
        self.writing = threading.RLock()
        self.conversions: list[Conversion] = []
        self.keepers: list[Callable[[Tree], None]] = []
        self.guards: list[Callable[[Session, Sequence[Change]], None]] = []
        self.watchers: list[Callable[[Sequence[Change]], None]] = []
        self.appliers: list[Callable[[Mapping[str, str]], None]] = []
        empty = context.empty()
        empty.validate()
        self.running = Running(empty, 0, 0, len(empty))
        self.spare = Spare()
        self.access = self._access(self.running)

    def _access(self, running: Running) -> Access:
        return Access(running.data.get(NACM, {}), self._guarded, self.denials)

    def start(self, first: bytes = b"{}") -> None:
        """Puts the first configuration in force.

        It is what was in force before the management process alone was restarted, without a
        commit that nobody had confirmed; in a new boot the start-up configuration; `first` where
        there is none.

        Raises:
            ConfigurationError: It is damaged or not valid, or a provider refuses it.
        """
        newest = self._history.newest()
        unconfirmed = self._history.unconfirmed()
        if newest is not None and newest.note.boot == self._history.boot:
            number = newest.note.number if unconfirmed is None else unconfirmed
            entry, name = self._history.entry(number), f"configuration {number}"
        elif (started := self._history.startup()) is not None:
            entry, name = started, "the start-up configuration"
        else:
            entry, name = Entry(Note(0, "", ""), first), "the first configuration"
        try:
            tree = self._tree_of(entry)
            is_exact = not self.convert(tree)
            tree.validate()
        except YangError as error:
            raise ConfigurationError(
                f"{name} is not valid: {error}",
                error.errors[0].path or name,
                "correct or remove the file in the state folder",
            ) from error
        try:
            ready = self._providers.prepare(None, tree.to_data(), None)
        except RpcErrors as error:
            raise ConfigurationError(
                f"{name} cannot be put in force: {error.what}", error.place, error.hint
            ) from error
        try:
            self.keep_beside(tree)
            number = self._history.record(tree.to_json, INTERNAL, [])
        except OSError as error:
            if newest is None or entry.note != newest.note or not is_exact:
                ready.abort()
                raise ConfigurationError(
                    f"{name} cannot be written to disk: {error.strerror}",
                    "the state folder",
                    "make room, or give another folder with --state-dir",
                ) from error
            # It is there already, as what it was read from: a full disk keeps nobody from coming
            # back to what was in force.
            log.warning("%s is not written anew: %s", name, error)
            number = newest.note.number
        self._apply(Running(tree, self.running.revision + 1, number, len(tree)), ready, [])
        if unconfirmed is not None:
            self._history.set_unconfirmed(None)

    def convert(self, tree: Tree, changes: Sequence[Change] | None = None) -> bool:
        """Applies the conversions; whether they changed anything.

        Args:
            tree: Somebody has handed it in.
            changes: What is new in it; None for all of it.

        Raises:
            RpcErrors: A value cannot be converted.
        """
        tops = None if changes is None else {change.top for change in changes}
        changed = [
            conversion.apply(tree)
            for conversion in self.conversions
            if tops is None or conversion.top in tops
        ]
        return any(changed)

    def running_to_edit(self) -> Tree:
        """A tree of the caller's own with what is running."""
        with self.writing:
            spare = self.spare.take()
        return spare if spare is not None else self.running.tree.copy()

    def for_disk(self, tree: Tree) -> None:
        """Makes a tree fit to be written: converts it, and keeps what it needs beside it.

        Raises:
            RpcErrors: A value cannot be converted.
            OSError: Something cannot be written.
        """
        self.convert(tree)
        self.keep_beside(tree)

    def keep_beside(self, tree: Tree) -> None:
        """Has the keepers write; before a configuration is.

        Raises:
            OSError: Something cannot be written.
        """
        for keep in self.keepers:
            keep(tree)

    def check_access(self, session: Session, diff: Diff) -> None:
        """Refuses changes that the session may not make.

        Raises:
            RpcErrors: `access-denied`.
        """
        self.access.check_write(session, changes_of(diff))

    def check(self, session: Session, tree: Tree, diff: Diff) -> None:
        """Refuses what access control or the model would refuse; validates `tree` in place.

        Raises:
            RpcErrors: What `transact` would say, but for the providers.
        """
        self.check_access(session, diff)
        validate(tree)

    def transact(
        self,
        session: Session,
        tree: Tree,
        diff: Diff,
        *,
        is_exact: bool = True,
        changes: tuple[Change, ...] | None = None,
    ) -> bool:
        """Puts `tree` in force, which `diff` makes of the running one; whether anything changed.

        Args:
            session: Who changes.
            tree: The caller's until now.
            diff: What changes.
            is_exact: Nothing has changed `tree` that `diff` does not say.
            changes: Those of `diff`, from who knows them already.

        Raises:
            RpcErrors: Not permitted, not valid, refused by a provider, or not to be written.
        """
        with self.writing:
            changes = changes_of(diff) if changes is None else changes
            self.access.check_write(session, changes)
            for guard in self.guards:
                guard(session, changes)
            # Defaults that came, and what a `when` took away, concern providers as much.
            implied_diff = validate(tree)
            changes, implied = without_echoes(self.running.tree, changes, changes_of(implied_diff))
            if not changes and not implied:
                self.spare.keep(tree if is_exact else None)
                return False
            everything = (*changes, *implied)
            watched = bool(self._providers.watching(everything))
            ready = self._providers.prepare(
                self.running.data if watched else {}, tree.to_data() if watched else {}, everything
            )
            # Validation brings defaults back by itself when changes are carried out again, but what
            # it has removed would have to be removed in between.
            replayable = is_exact and all(one.operation != "delete" for one in implied)
            before = self.running.tree
            self._put_in_force(session, tree, ready, changes, diff if replayable else None)
            if is_exact:
                self.spare.follow(before, diff, implied_diff)
            else:
                self.spare.keep(None)
        self._tell(session, changes)
        return True

    def catch_up(self) -> None:
        """Has a tree ready for the next edit; called when whoever made the last one has his reply.

        Does nothing while somebody edits, who sees to it himself.
        """
        if self.writing.acquire(blocking=False):
            try:
                self.spare.catch_up()
            finally:
                self.writing.release()

    def replace(self, session: Session, tree: Tree) -> bool:
        """Puts another, validated configuration in the place of the running one."""
        with self.writing:
            return self.transact(session, tree, self.running.tree.diff(tree))

    def _put_in_force(
        self,
        session: Session,
        tree: Tree,
        ready: Ready,
        changes: Sequence[Change],
        diff: Diff | None,
    ) -> None:
        """Writes it to disk, as changes only where `diff` says them all, and applies it."""
        try:
            self.keep_beside(tree)
            number = self._history.record(
                tree.to_json,
                session,
                [change.path for change in changes],
                diff.to_xml if diff is not None else None,
            )
        except OSError as error:
            ready.abort()
            raise RpcErrors.of(
                tag="resource-denied",
                message=f"the configuration cannot be written to disk: {error.strerror}",
                app_tag="persist",
            ) from error
        before = self.running
        is_same_size = all(change.operation == "update" for change in changes)
        nodes = before.nodes if is_same_size else len(tree)
        self._apply(Running(tree, before.revision + 1, number, nodes), ready, changes)

    def _apply(self, running: Running, ready: Ready, changes: Sequence[Change]) -> None:
        """Exchanges what is in force; without changes, everything is new."""
        access = (
            self._access(running)
            if not changes or any(change.top == NACM for change in changes)
            else self.access
        )
        applied = ready.apply()
        self.running, self.access = running, access
        for told in self.watchers:
            told(changes)
        for hear in self.appliers:
            hear(applied)

    def _tell(self, session: Session, changes: Sequence[Change]) -> None:
        self._events.publish(
            {
                "ietf-netconf-notifications:netconf-config-change": {
                    "changed-by": who(session),
                    "datastore": "running",
                    "edit": [
                        {
                            "target": change.path,
                            "operation": "replace"
                            if change.operation == "update"
                            else change.operation,
                        }
                        for change in changes[:MAX_TOLD]
                    ],
                }
            }
        )

    def _tree_of(self, entry: Entry) -> Tree:
        tree = self._context.parse(entry.data, "json")
        for change in entry.changes:
            # A change is one of a tree with defaults.
            tree.validate()
            tree.apply(self._context.parse_diff(change))
        return tree

    def entry(self, number: int) -> Tree:
        """A configuration of the history, validated against today's model.

        Raises:
            RpcErrors: There is none of that number, or it is not valid any more.
        """
        try:
            tree = self._tree_of(self._history.entry(number))
        except ConfigurationError as error:
            raise RpcErrors.of(tag="invalid-value", message=str(error)) from error
        except YangError as error:
            raise RpcErrors.from_yang(error) from error
        validate(tree)
        return tree


def validate(tree: Tree) -> Diff:
    """Validates a configuration and adds its defaults.

    Returns:
        What that has changed: defaults, and nodes whose `when` is not true any more.

    Raises:
        RpcErrors: Everything that is wrong with it.
    """
    try:
        return tree.validate()
    except YangError as error:
        raise RpcErrors.from_yang(error) from error


def who(session: Session) -> dict[str, Any]:
    """`changed-by-parms` of RFC 6470."""
    if session.id == 0:
        return {"server": [None]}
    return {
        "username": session.user,
        "session-id": session.id,
        **({"source-host": session.source} if _is_host(session.source) else {}),
    }


def _is_host(source: str) -> bool:
    return bool(source) and "/" not in source


def without_echoes(
    before: Tree, changes: tuple[Change, ...], implied: tuple[Change, ...]
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """Changes without defaults that an edit took away and validation has brought back.

    Whoever replaces an entry by what it says already has changed nothing.
    """
    back = {(one.path, one.value) for one in implied if one.operation == "create"}
    if not back:
        return changes, implied
    echoes = {
        one.path
        for one in changes
        if one.operation == "delete"
        and (one.path, one.old) in back
        and is_implied(before, one.path)
    }
    return (
        tuple(one for one in changes if one.path not in echoes),
        tuple(one for one in implied if one.path not in echoes),
    )
