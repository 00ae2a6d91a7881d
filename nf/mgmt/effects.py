"""What a change of configuration brings with it: nothing, or sources, sessions or a process anew.

The model says so at its nodes, with the extension `nf:reset`; what it says holds for all below.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol

from nf.errors import ConfigurationError

__all__ = ["Effect", "Resets", "schema_path"]

Effect = Literal["live", "capture", "flows", "process"]
ORDER: tuple[Effect, ...] = ("live", "capture", "flows", "process")
"""From the least to the most that begins anew."""

EXTENSIONS = ("nf:reset", "nf-probe:reset")
HIDDEN = ("choice", "case")
PREDICATES = re.compile(r"""\[(?:[^\]'"]|'[^']*'|"[^"]*")*\]""")


class _Changed(Protocol):
    @property
    def path(self) -> str:
        """Data path."""


class Resets:
    """What begins anew, by node.

    Args:
        nodes: Every schema node as the YANG context lists it, parents first: `path`, `kind` and
            `extensions`.

    Raises:
        ConfigurationError: The model names a scope that there is not.
    """

    def __init__(self, nodes: Iterable[Mapping[str, Any]]) -> None:
        self._scopes: dict[str, Effect] = {}
        # Where a node is in data: choices and their cases are no steps of its path there.
        in_data: dict[str, str] = {}
        for node in nodes:
            path = schema_path(node["path"])
            above, _, step = path.rpartition("/")
            data_path = in_data.get(above, above)
            if node["kind"] not in HIDDEN:
                data_path = f"{data_path}/{step}"
            in_data[path] = data_path
            for extension in node["extensions"]:
                if extension["name"] in EXTENSIONS:
                    self._scopes[data_path] = _scope(extension["argument"], data_path)

    def effect_of(self, changes: Iterable[_Changed]) -> Effect:
        """What the changes bring with them together."""
        effects = [self.effect_at(change.path) for change in changes]
        return max(effects, key=ORDER.index, default="live")

    def effect_at(self, path: str) -> Effect:
        """What a change of the node at a data path, or schema path, brings with it."""
        steps = schema_path(path)
        while steps:
            if steps in self._scopes:
                return self._scopes[steps]
            steps = steps.rpartition("/")[0]
        return "live"


def _scope(argument: str, path: str) -> Effect:
    for effect in ORDER[1:]:
        if argument == effect:
            return effect
    hint = f"one of {', '.join(ORDER[1:])}"
    raise ConfigurationError(f"there is nothing to reset that is called {argument!r}", path, hint)


def schema_path(path: str) -> str:
    """A data path without keys, every step with its module."""
    module, steps = "", []
    for step in PREDICATES.sub("", path).split("/")[1:]:
        named, colon, name = step.rpartition(":")
        module = named if colon else module
        steps.append(f"/{module}:{name}")
    return "".join(steps)
