"""Short names of the configuration, for people.

`capture/filter` is `/nf-probe:probe/nf-capture:capture/filter`: modules may be left out, and so may
the root of the probe; a list takes values of keys alone, as in
`capture/interface[eth0]/promiscuous`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from nf.errors import ConfigurationError

__all__ = ["ROOT", "Names", "bare_paths", "data_nodes"]

ROOT = "/probe/"
BETWEEN = frozenset({"choice", "case"})
STEP = re.compile(
    r"""/?(?:(?P<module>[A-Za-z_][\w.-]*):)?(?P<name>[A-Za-z_][\w.-]*)"""
    r"""(?P<keys>(?:\[(?:[^\]'"]|'[^']*'|"[^"]*")*\])*)"""
)
KEY = re.compile(r"""\[((?:[^\]'"]|'[^']*'|"[^"]*")*)\]""")
FULL_KEY = re.compile(r"""\s*[\w.:-]+\s*=\s*(?:'[^']*'|"[^"]*")\s*""")


def bare_paths(path: str) -> str:
    """A path without modules and keys, with `/` in front."""
    return re.sub(r"/[^/:]+:", "/", "/" + KEY.sub("", path).strip("/"))


def data_nodes(
    nodes: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[Mapping[str, Any], tuple[str, ...]]]:
    """Nodes with their steps in data, where choices and their cases are none."""
    known: dict[str, tuple[tuple[str, ...], str]] = {"": ((), "")}
    for node in nodes:
        path: str = node["path"]
        above, _, step = path.rpartition("/")
        # A step that is left out may have named the module of what is below it.
        steps, module = known.get(above, (tuple(above.split("/")[1:]), ""))
        if node.get("kind") in BETWEEN:
            known[path] = steps, step.rpartition(":")[0] or module
            continue
        known[path] = (*steps, f"{module}:{step}" if module and ":" not in step else step), ""
        yield node, known[path][0]


class Names:
    """The names of a schema.

    Args:
        nodes: Every schema node, as `Context.nodes` lists it.
    """

    def __init__(self, nodes: Iterable[Mapping[str, Any]]) -> None:
        self._qualified: dict[str, list[str]] = {}
        self._keys: dict[str, list[str]] = {}
        for node, steps in data_nodes(nodes):
            bare = bare_paths("/".join(steps))
            self._qualified.setdefault(bare, list(steps))
            if keys := node.get("keys"):
                self._keys[bare] = list(keys)

    def path(self, text: str) -> str:
        """The data path that a person means.

        Raises:
            ConfigurationError: There is no such node.
        """
        steps = self._steps(text)
        bare = "/" + "/".join(name for name, _ in steps)
        if bare not in self._qualified and ROOT + bare[1:] in self._qualified:
            steps = [(ROOT.strip("/"), ""), *steps]
            bare = ROOT + bare[1:]
        if bare not in self._qualified:
            near = get_close_matches(bare, self._qualified, 3, 0.6)
            near += get_close_matches(ROOT + bare[1:], self._qualified, 3, 0.6)
            shown = " or ".join(one.removeprefix(ROOT) for one in dict.fromkeys(near))
            raise ConfigurationError(
                f"there is no {text}", "PATH", shown or "nf yang tree shows what there is"
            )
        made, so_far = "", ""
        for qualified, (name, keys) in zip(self._qualified[bare], steps, strict=True):
            so_far += f"/{name}"
            made += f"/{qualified}{self._full_keys(so_far, keys)}"
        return made

    def _steps(self, text: str) -> list[tuple[str, str]]:
        """Name and keys of each step."""
        steps: list[tuple[str, str]] = []
        at = 0
        stripped = text.strip().rstrip("/")
        while at < len(stripped):
            found = STEP.match(stripped, at)
            if found is None:
                raise ConfigurationError(
                    f"{text!r} is no path, at {stripped[at:]!r}",
                    "PATH",
                    "names with / between them, such as capture/interface[eth0]/promiscuous",
                )
            steps.append((found["name"], found["keys"]))
            at = found.end()
        return steps

    def _full_keys(self, bare: str, keys: str) -> str:
        """Keys as XPath writes them; a value alone is that of the first, second, … key."""
        names = self._keys.get(bare, ["."])
        made = ""
        for number, key in enumerate(KEY.findall(keys)):
            if FULL_KEY.fullmatch(key):
                made += f"[{key.strip()}]"
            elif number < len(names):
                value = key.strip().strip("'\"")
                quote = '"' if "'" in value else "'"
                made += f"[{names[number]}={quote}{value}{quote}]"
            else:
                raise ConfigurationError(
                    f"{bare} has {len(names)} keys", "PATH", "leave the others out"
                )
        return made
