"""Writes which test shows what of NETCONF: `python -m tools.netconf_requirements [--check]`.

`docs/netconf-requirements.md` comes from `tests/netconf/requirements.toml`. With --check nothing is
written, and a page that differs from what would be written is an error.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGE", "Requirement", "requirements", "text"]

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "tests" / "netconf" / "requirements.toml"
PAGE = ROOT / "docs" / "netconf-requirements.md"
KINDS = {"does": "it can", "refuses": "it refuses", "interop": "with others' programs"}
"""Kinds of tests, and how a page calls them."""
ABOUT = """\
# NETCONF: what shows it

<!-- Written by `make docs` from tests/netconf/requirements.toml; edit that. -->

What the RFCs ask of the server, and the tests that show it. A test of the tests sees to it that
each of them is there and run. `—` stands where nobody else's program can be had that does it."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What an RFC asks for.

    Attributes:
        rfc: Its number.
        section: Of it.
        subject: In a few words.
        tests: Node ids of pytest, from the root of the repository, by kind.
    """

    rfc: str
    section: str
    subject: str
    tests: dict[str, tuple[str, ...]]


def requirements() -> list[Requirement]:
    """All of the table.

    Raises:
        ValueError: An entry lacks something, or has something else.
    """
    listed = tomllib.loads(TABLE.read_text(encoding="utf-8"))["requirement"]
    return [_requirement(entry) for entry in listed]


def _requirement(entry: dict[str, object]) -> Requirement:
    known = {"rfc", "section", "subject"}
    if missing := known - entry.keys():
        raise ValueError(f"{entry} has no {', '.join(sorted(missing))}")
    if strange := entry.keys() - known - KINDS.keys():
        raise ValueError(f"{entry['subject']} has {', '.join(sorted(strange))}")
    tests = {}
    for kind in KINDS:
        names = entry.get(kind, [])
        if not isinstance(names, list):
            raise ValueError(f"{kind} of {entry['subject']} is no list")  # noqa: TRY004
        tests[kind] = tuple(_node_id(str(name)) for name in names)
    return Requirement(str(entry["rfc"]), str(entry["section"]), str(entry["subject"]), tests)


def _node_id(name: str) -> str:
    folder = "tests" if "/" in name.partition("::")[0] else "tests/netconf"
    return f"{folder}/{name}"


def text() -> str:
    """What the page has to be."""
    return "".join(f"{line}\n" for line in _lines(requirements()))


def _lines(found: list[Requirement]) -> Iterator[str]:
    yield from (ABOUT, "", f"| RFC | section | what | {' | '.join(KINDS.values())} |")
    yield "|---|---|---|---|---|---|"
    for one in found:
        cells = " | ".join(str(len(one.tests[kind]) or "—") for kind in KINDS)
        yield f"| {one.rfc} | {one.section} | {one.subject} | {cells} |"
    for one in found:
        yield from ("", f"## RFC {one.rfc}, {one.section}: {one.subject}", "")
        for kind, called in KINDS.items():
            if one.tests[kind]:
                yield f"- {called}:"
                yield from (f"    - `{test}`" for test in one.tests[kind])


def main(arguments: list[str] | None = None) -> int:
    """Writes the page, or compares it."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.netconf_requirements", description=__doc__
    )
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args(arguments).check
    made = text()
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == made:
        return 0
    if check:
        print(f"{PAGE.name} is not what the table says: make docs", file=sys.stderr)
        return 1
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
