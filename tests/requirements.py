"""What protocols ask for, and the tests that show it: the lists `tests/*/requirements.toml`.

An entry has `id`, `source`, `title` and `tests`, each as `path::name` from the root of the
repository. `refuses` are tests of what is refused, `interop` those with others' programs, where a
list tells them apart. What is not met has a `note` that says so; an entry without tests must have
one.
"""

import ast
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["LISTS", "ROOT", "Requirement", "faults", "read"]

ROOT = Path(__file__).resolve().parents[1]
LISTS = sorted((ROOT / "tests").glob("*/requirements.toml"))
MORE = ("refuses", "interop")
KEYS = {"id", "source", "title", "tests", "note", *MORE}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of a list.

    Attributes:
        id: Short and unique in its list.
        source: Where it is asked for: a section of a standard, or a client that needs it.
        title: What is asked for.
        tests: Which show it.
        refuses: Those that show what is refused.
        interop: Those with others' programs.
        note: What is not met, or is met otherwise; empty where nothing is to be said.
    """

    id: str
    source: str
    title: str
    tests: tuple[str, ...]
    note: str = ""
    refuses: tuple[str, ...] = ()
    interop: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[str, ...]:
        """All tests, each once."""
        return tuple(dict.fromkeys((*self.tests, *self.refuses, *self.interop)))


def read(path: Path) -> list[Requirement]:
    """The entries of a list, in its order.

    Raises:
        ValueError: An entry has an unknown key, or lacks one.
    """
    made = []
    for entry in tomllib.loads(path.read_text())["requirement"]:
        if unknown := set(entry) - KEYS:
            raise ValueError(f"{path}: {entry.get('id')}: unknown {', '.join(sorted(unknown))}")
        if missing := KEYS - {"note", *MORE} - set(entry):
            raise ValueError(f"{path}: {entry.get('id')}: lacks {', '.join(sorted(missing))}")
        tests = {key: tuple(entry.get(key, ())) for key in ("tests", *MORE)}
        made.append(Requirement(**entry | tests))
    return made


def faults(requirements: Sequence[Requirement]) -> list[str]:
    """What is wrong with a list."""
    return list(_faults(requirements))


def _faults(requirements: Sequence[Requirement]) -> Iterator[str]:
    counts = Counter(one.id for one in requirements)
    yield from (f"{name} is there {count} times" for name, count in counts.items() if count > 1)
    for one in requirements:
        if not (one.id and one.source and one.title):
            yield f"{one.id}: id, source and title must say something"
        if not one.tests and not one.note:
            yield f"{one.id}: no test shows it, and no note says why"
        for test in one.every:
            place, _, name = test.partition("::")
            if name not in _tests_in(place):
                yield f"{one.id}: there is no test {test}"


@cache
def _tests_in(place: str) -> frozenset[str]:
    file = ROOT / place
    if not file.is_file():
        return frozenset()
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )
