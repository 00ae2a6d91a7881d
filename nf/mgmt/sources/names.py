"""The engine's names as the model writes them: the same words, with `-` for `_`."""

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["kebab"]


def kebab(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Those of `values` that are named (as the engine does) and have a value."""
    return {
        name.replace("_", "-"): values[name]
        for name in names
        if values.get(name) is not None and values[name] != ""
    }
