"""The YANG modules as pyang understands them: their nodes, trees and findings, for docs and tests.

pyang is a tool of the build; what nf does with its modules at run time it does with libyang.
"""

import io
import optparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pyang import error
from pyang.context import Context
from pyang.plugins import tree as tree_plugin
from pyang.repository import FileRepository

from nf.mgmt.schema import YANG_DIR, ModuleSet

__all__ = ["Model", "Node", "own_modules"]

DATA = ("container", "leaf", "leaf-list", "list", "choice", "case", "anydata", "anyxml")
OPERATIONS = ("rpc", "action", "input", "output", "notification")
CHOICES = ("choice", "case")


def own_modules() -> list[Path]:
    """Files of the modules that are ours, in the order of names."""
    return sorted(YANG_DIR.glob("nf-*.yang"))


@dataclass(frozen=True)
class Node:
    """A schema node.

    Attributes:
        path: As a data path without keys, the module before each step where it changes.
        module: Name of its module.
        kind: Keyword of YANG.
        config: Whether it is configuration; None inside operations and notifications.
        statement: As pyang parsed it.
    """

    path: str
    module: str
    kind: str
    config: bool | None
    statement: Any = field(repr=False)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.statement.arg)

    def text(self, keyword: str) -> str | None:
        """The argument of a statement below it."""
        found = self.statement.search_one(keyword)
        return None if found is None else str(found.arg)

    def all(self, keyword: str | tuple[str, str]) -> list[Any]:
        """Every statement of a kind below it."""
        return list(self.statement.search(keyword))

    @property
    def extensions(self) -> list[dict[str, str]]:
        """Extensions with their arguments, named as prefixes are in our modules."""
        prefixes = {"nf-probe": "nf", "ietf-netconf-acm": "nacm"}
        return [
            {
                "name": f"{prefixes.get(one.keyword[0], one.keyword[0])}:{one.keyword[1]}",
                "argument": one.arg or "",
            }
            for one in self.statement.substmts
            if isinstance(one.keyword, tuple)
        ]

    @cached_property
    def types(self) -> list[Any]:
        """Its type, or the members of a union, each with the types that it is derived from."""
        found = self.statement.search_one("type")
        return [] if found is None else list(_derivation(found))


def _derivation(kind: Any) -> Iterator[Any]:
    yield kind
    if kind.arg == "union":
        for member in kind.search("type"):
            yield from _derivation(member)
    definition = getattr(kind, "i_typedef", None)
    if definition is not None:
        yield from _derivation(definition.search_one("type"))


class Model:
    """Our modules and all that they need.

    Args:
        features: Enabled features by module; a module that is missing has all. None: all of all.
        search: Folders in which modules are looked for; None for ours.
    """

    def __init__(
        self,
        features: Mapping[str, list[str]] | None = None,
        search: list[Path] | None = None,
    ) -> None:
        folders = list(ModuleSet.read().search) if search is None else search
        repository = FileRepository(
            ":".join(map(str, folders)), use_env=False, no_path_recurse=True
        )
        self.context = Context(repository)
        self.context.opts = _options()
        self.context.strict = True
        self.context.features = dict(features or {})
        self.modules: dict[str, Any] = {}

    @classmethod
    def ours(cls, *, enabled: bool = False) -> "Model":
        """The whole module set: with all features, or with those only that are enabled."""
        chosen = ModuleSet.read()
        model = cls({name: [*on] for name, on in chosen.modules} if enabled else None)
        for name, _ in chosen.modules:
            path = next(
                folder / f"{name}.yang"
                for folder in chosen.search
                if (folder / f"{name}.yang").exists()
            )
            model.add(path)
        model.context.validate()
        # Takes away what belongs to features that are off, and what deviations take away.
        for parsed in model.modules.values():
            parsed.prune()
        return model

    def add(self, path: Path) -> None:
        """Parses a module.

        Raises:
            ValueError: It cannot be parsed.
        """
        text = path.read_text(encoding="utf-8")
        parsed = self.context.add_module(str(path), text, expect_modulename=path.stem)
        if parsed is None:
            raise ValueError(f"{path}: {self.findings()}")
        self.modules[path.stem] = parsed

    def findings(self) -> list[str]:
        """What pyang found: file, line and complaint."""
        return [
            f"{Path(position.ref).name}:{position.line}: {error.err_to_str(tag, arguments)}"
            for position, tag, arguments in self.context.errors
        ]

    def nodes(self, module: str | None = None) -> Iterator[Node]:
        """Every node, depth first: of a module, also below the nodes of others, or of all."""
        for parsed in self.modules.values():
            for child in getattr(parsed, "i_children", ()):
                for node in _walk(child, "", ""):
                    if module in {None, node.module}:
                        yield node

    def tree(self, module: str) -> str:
        """The diagram of RFC 8340."""
        out = io.StringIO()
        tree_plugin.emit_tree(self.context, [self.modules[module]], out, None, None, None)
        return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def _options() -> optparse.Values:
    """What pyang's tree finds on its command line when nothing is said there."""
    parser = optparse.OptionParser()
    tree_plugin.TreePlugin().add_opts(parser)
    values, _ = parser.parse_args([])
    values.tree_print_yang_data = None
    values.tree_print_structures = None
    return values


def _walk(statement: Any, above: str, module_above: str) -> Iterator[Node]:
    if statement.keyword not in (*DATA, *OPERATIONS):
        return
    module = statement.i_module.i_modulename
    step = statement.arg if statement.keyword not in {"input", "output"} else statement.keyword
    name = step if module == module_above else f"{module}:{step}"
    path = f"{above}/{name}"
    config = getattr(statement, "i_config", None)
    yield Node(path, module, statement.keyword, config, statement)
    # A choice is no node of data: what is below it belongs to what is above it.
    hidden = statement.keyword in CHOICES
    for child in getattr(statement, "i_children", ()):
        yield from _walk(child, above if hidden else path, module_above if hidden else module)


def is_leaf(node: Node) -> bool:
    """Whether a node holds a value."""
    return node.kind in {"leaf", "leaf-list"}


def resolve(statement: Any, keyword: str) -> Any:
    """The first statement of a kind in a type or in one that it is derived from."""
    for kind in _derivation(statement):
        found = kind.search_one(keyword)
        if found is not None:
            return found
    return None
