"""Where the YANG modules are, which of them are implemented, and the context made of them.

`yang/modules.toml` is the one list. The files are package data: they are beside this package in
a checkout and in an installed wheel alike.
"""

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nf._native.yang import Context
from nf.errors import ConfigurationError, YangError
from nf.mgmt.effects import Resets

__all__ = ["YANG_DIR", "Module", "ModuleSet", "Schema"]

YANG_DIR = Path(__file__).resolve().parent.parent / "yang"
"""Folder of the modules; `modules.toml` lies there."""


@dataclass(frozen=True, slots=True)
class ModuleSet:
    """The modules that are implemented.

    Attributes:
        search: Folders in which modules are looked for.
        modules: Name and enabled features of each.
        off: Features that are off, by module, with what each waits for.
    """

    search: tuple[Path, ...]
    modules: tuple[tuple[str, tuple[str, ...]], ...]
    off: dict[str, dict[str, str]]

    @classmethod
    def read(cls, path: Path = YANG_DIR / "modules.toml") -> "ModuleSet":
        """The set that a file describes.

        Raises:
            ConfigurationError: The file is not there, or is not as it should be.
        """
        try:
            stated = tomllib.loads(path.read_text(encoding="utf-8"))
            return cls(
                tuple(path.parent / folder for folder in stated["search"]),
                tuple((one["name"], tuple(one["features"])) for one in stated["module"]),
                {one["name"]: dict(one.get("off", {})) for one in stated["module"]},
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            what = f"the list of YANG modules cannot be used: {error!r}"
            hint = "reinstall nf, or restore yang/modules.toml"
            raise ConfigurationError(what, str(path), hint) from error

    def for_context(self) -> tuple[list[str], list[tuple[str, list[str]]]]:
        """The two arguments of a libyang context: folders, and modules with features."""
        return [str(one) for one in self.search], [(name, [*on]) for name, on in self.modules]


@dataclass(frozen=True, slots=True)
class Module:
    """A module that is implemented.

    Attributes:
        name: Its name.
        revision: Its revision; empty where it has none.
        namespace: Its namespace.
        features: Its features that are on.
    """

    name: str
    revision: str
    namespace: str
    features: tuple[str, ...]


class Schema:
    """The modules, loaded; read-only and shared between threads after that.

    Args:
        modules: Which; None for those of this build.

    Raises:
        ConfigurationError: A module is missing or wrong.
    """

    def __init__(self, modules: ModuleSet | None = None) -> None:
        self.modules = ModuleSet.read() if modules is None else modules
        folders, chosen = self.modules.for_context()
        try:
            self.context = Context(folders, chosen)
        except YangError as error:
            what = f"the YANG modules cannot be loaded: {error}"
            hint = "reinstall nf, or correct the module"
            raise ConfigurationError(what, ", ".join(folders), hint) from error

    def implemented(self) -> tuple[Module, ...]:
        """The modules that are implemented, those that libyang brings along included."""
        return tuple(
            Module(one["name"], one["revision"] or "", one["namespace"], tuple(one["features"]))
            for one in self.context.modules()
            if one["implemented"]
        )

    @cached_property
    def nodes(self) -> tuple[dict[str, Any], ...]:
        """Every schema node, parents first, as `Context.nodes` describes them."""
        return tuple(self.context.nodes())

    @cached_property
    def resets(self) -> Resets:
        """What begins anew when nodes change."""
        return Resets(self.nodes)
