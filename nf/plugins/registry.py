"""The names and ids that exist, for checking plugins against them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from nf._native import engine as _engine

__all__ = ["Registry", "registry"]


@dataclass(frozen=True, slots=True)
class Registry:
    """Protocols by name and by id.

    Attributes:
        ids: The id of every name and alias.
        names: The name of every id.
        headers: Names of headers that the engine walks, which nothing can replace.
        apps: Names of applications by their ids, which MMT counts among the protocols.
    """

    ids: dict[str, int]
    names: dict[int, str]
    headers: frozenset[str] = field(default_factory=frozenset)
    apps: dict[int, str] = field(default_factory=dict)

    def with_names(self, names: Iterable[tuple[str, int]]) -> "Registry":
        """With protocols of other plugins."""
        more = list(names)
        ids = {**self.ids, **dict(more)}
        by_id = {**self.names, **{number: name for name, number in more}}
        return Registry(ids, by_id, self.headers, self.apps)

    def nearest(self, name: str) -> str:
        """What was perhaps meant."""
        from difflib import get_close_matches  # noqa: PLC0415  # only where something is wrong

        found = get_close_matches(name, self.ids, n=3, cutoff=0.6)
        return " or ".join(found) if found else "nf protocols lists them"


@cache
def registry() -> Registry:
    """The built-in protocols."""
    ids: dict[str, int] = {}
    names: dict[int, str] = {}
    headers = []
    known = _engine.protocols()
    for one in known:
        names[one["id"]] = one["name"]
        ids.update({alias: one["id"] for alias in one["aliases"] if alias not in ids})
        if one["told"] == "header" and any(a["source"] == "header" for a in one["attributes"]):
            headers += [one["name"], *one["aliases"]]
    ids.update({one["name"]: one["id"] for one in known})
    apps = {one["id"]: one["name"] for one in _engine.applications()}
    return Registry(ids, names, frozenset(headers), apps)
