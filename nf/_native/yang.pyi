"""YANG data trees over libyang, see nf/mgmt/libyang.

Every object may be used from any thread. A tree is locked for the time of one call; what takes long
releases the GIL. What is refused raises `nf.errors.YangError`, which lists every problem.
"""

from typing import Any, Literal, TypeAlias, final

__all__ = [
    "Context",
    "Diff",
    "Operation",
    "Problem",
    "Tree",
]

_Format: TypeAlias = Literal["xml", "json"]
_Defaults: TypeAlias = Literal["explicit", "trim", "report-all", "report-all-tagged"]

@final
class Problem:
    """One thing that is wrong with data."""

    tag: str
    """NETCONF error-tag (RFC 6241, appendix A)."""
    message: str
    """What is wrong; the model's error-message where it has one."""
    path: str | None
    """Data path with module names and keys."""
    app_tag: str | None
    """The model's error-app-tag, or the one of RFC 7950, section 15."""
    line: int | None
    """Line of the input."""
    element: str | None
    """The element or attribute that is wrong, where known."""

    def __new__(
        cls,
        tag: str,
        message: str,
        path: str | None = None,
        app_tag: str | None = None,
        line: int | None = None,
        element: str | None = None,
    ) -> Problem: ...

@final
class Context:
    """Modules, loaded once; read-only and shared between threads after that."""

    def __new__(cls, search: list[str], modules: list[tuple[str, list[str]]]) -> Context:
        """Loads modules from folders.

        Args:
            search: Folders with .yang files.
            modules: Name (or name@revision) and enabled features of each; `["*"]` is all of them.

        Raises:
            YangError: A folder or module is missing, or a module is wrong.
        """

    def modules(self) -> list[dict[str, Any]]:
        """What is loaded.

        Returns:
            For each module its name, revision, namespace, prefix, implemented, features (enabled),
            all_features, submodules (name and revision), deviated_by.
        """

    def nodes(self, module: str | None = None) -> list[dict[str, Any]]:
        """Every schema node, depth first.

        Returns:
            For each node its path (with choices and cases; not below an rpc's input alone), name,
            module, kind (container, presence-container, leaf, leaf-list, list, choice, case, rpc,
            action, notification, input, output, anydata, anyxml), config, mandatory, keys, type
            (name of the built-in type), typedef, enums, bits, identities (`module:name`, derived),
            range, length, patterns (`!` before one that must not match), leafref (path), members
            (of a union; of a leafref its target's type), fraction_digits, units, default, defaults,
            description, reference, status, ordered_by, min_elements, max_elements, if_features,
            musts (expr, error_message, app_tag), whens, extensions (name as `prefix:name`,
            argument).

        Raises:
            YangError: There is no such implemented module.
        """

    def schema_text(
        self,
        module: str,
        revision: str | None,
        format: Literal["yang", "yin"],  # noqa: A002
    ) -> str:
        """A module's text; submodules are part of their module."""

    def tree_text(self, module: str) -> str:
        """A module's tree diagram (RFC 8340)."""

    def yang_library(self, datastores: list[str]) -> Tree:
        """The data of ietf-yang-library (RFC 8525).

        Args:
            datastores: Identities such as `ietf-datastores:running`.
        """

    def content_id(self) -> str:
        """Changes whenever modules, revisions or features do."""

    def empty(self) -> Tree:
        """An empty tree."""

    def parse(
        self,
        data: bytes,
        format: _Format,  # noqa: A002
        *,
        kind: Literal["config", "data"] = "config",
    ) -> Tree:
        """Reads a data tree. Values are checked against their types, constraints are not.

        Raises:
            YangError: The data are malformed, unknown to the model, or nested deeper than 128
                levels; or they are state and `kind` is config.
        """

    def parse_diff(self, data: bytes) -> Diff:
        """Reads changes as `Diff.to_xml` writes them.

        Raises:
            YangError: They are malformed, or unknown to the model.
        """

    def parse_operation(self, data: bytes) -> Operation:
        """Reads the content of an `<rpc>`: an RPC of the modules, or an `<action>`.

        Raises:
            YangError: The input is malformed or against its constraints.
        """

    def notification(self, data: bytes, format: _Format = "json") -> Tree:  # noqa: A002
        """Reads and checks a notification.

        Raises:
            YangError: It is malformed or against its constraints.
        """

@final
class Operation:
    """An RPC or action that somebody calls."""

    @property
    def path(self) -> str:
        """Schema path, such as `/nf-probe:reset-counters`."""

    @property
    def target(self) -> str:
        """Data path of the node that an action belongs to, empty for an RPC."""

    def input(self) -> dict[str, Any]:
        """The input as plain values, names qualified at the top."""

    def reply(self, output: dict[str, Any]) -> bytes:
        """The XML of the children of `<rpc-reply>`, from the output as plain values (`merge_data`).

        Raises:
            YangError: The model does not allow this output.
        """

@final
class Tree:
    """One data tree."""

    def copy(self) -> Tree:
        """A tree of its own with the same content."""

    def validate(self, *, state: bool = False) -> Diff:
        """Checks all constraints and adds defaults.

        Args:
            state: State data must be complete, too; without it there must be none.

        Returns:
            What validation itself changed: defaults that came or went, nodes whose `when` is no
            longer true. These changes are not part of an edit's.

        Raises:
            YangError: With every problem. Nothing that was set is lost.
        """

    def edit(
        self,
        config: bytes,
        *,
        default_operation: Literal["merge", "replace", "none"] = "merge",
        error_option: Literal[
            "stop-on-error", "continue-on-error", "rollback-on-error"
        ] = "rollback-on-error",
    ) -> Diff:
        """Carries out an `<edit-config>` (RFC 6241, section 7.2) in place, without validation.

        Args:
            config: The `<config>` element, or what is inside.
            default_operation: What happens to elements without an operation. `replace` replaces
                the whole configuration.
            error_option: With `rollback-on-error` the tree is as before after an error; with the
                others the exception's `diff` says what was done.

        Returns:
            What changed. It is made from what the edit touched, never by comparing whole trees.

        Raises:
            YangError: With tag and path of every node.
        """

    def apply(self, diff: Diff) -> None:
        """Carries changes out; default values that came or went meanwhile do not matter.

        Raises:
            YangError: The changes do not fit; the tree is as before.
        """

    def diff(self, other: Tree) -> Diff:
        """What makes this tree into the other, found by comparing them."""

    def merge(self, other: Tree) -> None:
        """Takes over every node of the other tree; its values win."""

    def merge_data(self, data: dict[str, Any]) -> None:
        """Takes over plain values, which win: RFC 7951 with `int` for every integer type.

        State is welcome. Values are checked against their types, nothing else is. Names may leave
        out the module of the node above. decimal64 is text, `[None]` the value of an empty leaf.

        Raises:
            YangError: A name or value that the model does not know, an entry without its keys;
                nothing has changed.
        """

    def set(self, path: str, value: str | None) -> None:
        """Sets a leaf, or creates an entry or container, with its parents.

        Raises:
            YangError: The path or the value is wrong.
        """

    def remove(self, xpath: str) -> int:
        """Removes what an XPath expression selects; says how many nodes were selected."""

    def get(self, path: str) -> str | None:
        """The canonical value of a leaf, also a default one that validation has added."""

    def exists(self, path: str) -> bool:
        """Whether there is a node at a path, default values included."""

    def find(self, xpath: str) -> list[tuple[str, str | None]]:
        """Data path and canonical value (None of an inner node) of what XPath selects."""

    def to_data(self, path: str | None = None, *, defaults: bool = True) -> dict[str, Any]:
        """As RFC 7951 JSON, but as Python objects, with int for all integer types.

        Args:
            path: A container or entry, whose members are returned, or a leaf, which is returned as
                the only member; `{}` when there is nothing.
            defaults: Also values that nobody set.
        """

    def select_subtree(self, filter: bytes) -> Tree:  # noqa: A002
        """What the content of a `<filter type="subtree">` selects (RFC 6241, section 6)."""

    def select_xpath(self, xpath: str) -> Tree:
        """What an XPath expression selects, with all ancestors and their keys.

        Prefixes are module names; a name without one has its parent's module.

        Raises:
            YangError: The expression is malformed, or computes a value.
        """

    def only_state(self) -> Tree:
        """State alone, with the containers and entries that it stands in and their keys."""

    def without_state(self) -> Tree:
        """Configuration only."""

    def at_depth(self, depth: int) -> Tree:
        """The first levels only; the top level is 1. Keys stay with their entries."""

    def annotate_origin(self, origin: str) -> None:
        """Writes the origin (RFC 8342) on top-level nodes; needs the module ietf-origin."""

    def to_xml(self, *, defaults: _Defaults = "explicit", indent: bool = False) -> bytes:
        """Top-level nodes as XML, side by side."""

    def to_json(self, *, defaults: _Defaults = "explicit", indent: bool = False) -> bytes:
        """Top-level nodes as RFC 7951 JSON."""

    def __len__(self) -> int:
        """How many nodes there are, default ones included."""

    def is_empty(self) -> bool:
        """Whether there is no node at all."""

@final
class Diff:
    """Changes from one tree to another."""

    def is_empty(self) -> bool:
        """Whether nothing changes."""

    def reversed(self) -> Diff:
        """The changes that lead back."""

    def changes(
        self,
    ) -> list[tuple[Literal["create", "delete", "replace", "move"], str, str | None, str | None]]:
        """Operation, data path, new and old value of every changed node.

        A created or deleted subtree has a row for each of its nodes, but for containers without
        presence. A value that was the default and is now set, or the other way round, is replaced
        by itself.
        """

    def to_xml(self) -> bytes:
        """As XML with libyang's yang:operation metadata."""

    def merge(self, later: Diff) -> None:
        """Adds changes that come after these."""
