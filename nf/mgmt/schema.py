"""Where the YANG modules are, which of them are implemented, and the context made of them.

`yang/modules.toml` is the one list. The files are package data: they are beside this package in
a checkout and in an installed wheel alike.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from nf.errors import ConfigurationError

__all__ = ["YANG_DIR", "ModuleSet"]

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
