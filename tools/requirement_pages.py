"""Writes the pages of requirements: `python -m tools.requirement_pages [--check]`.

`docs/NAME-requirements.md` comes from `tests/NAME/requirements.toml`. With --check nothing is
written, and a page that differs from what would be written is an error.
"""

import argparse
import sys
from pathlib import Path

from tests.requirements import LISTS, ROOT, read

TITLES = {"gnmi": "gNMI and gNOI", "netconf": "NETCONF"}


def page(path: Path) -> Path:
    """Where the page of a list is."""
    return ROOT / "docs" / f"{path.parent.name}-requirements.md"


def text(path: Path) -> str:
    """What the page of a list has to be."""
    name, found = path.parent.name, read(path)
    shown = sum(1 for one in found if one.tests)
    lines = [
        f"# Requirements: {TITLES.get(name, name)}",
        "",
        f"<!-- Written by `make docs` from tests/{name}/requirements.toml; edit that. -->",
        "",
        f"What is asked for, and the tests that show it: {shown} of {len(found)} have some.",
        "What is not met, or met otherwise, says so.",
        "",
        "| id | from | what | tests |",
        "|---|---|---|---|",
    ]
    for one in found:
        what = f"{one.title}. *{one.note}*" if one.note else one.title
        tests = "<br>".join(f"`{test.removeprefix('tests/')}`" for test in one.every)
        cells = (one.id, one.source, what, tests)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "".join(f"{line}\n" for line in lines)


def main(arguments: list[str] | None = None) -> int:
    """Writes the pages, or compares them."""
    parser = argparse.ArgumentParser(prog="python -m tools.requirement_pages", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args(arguments).check
    stale = [
        path for path in LISTS if not page(path).exists() or page(path).read_text() != text(path)
    ]
    for path in stale:
        if check:
            print(f"{page(path)} is not what {path} says: make docs", file=sys.stderr)
        else:
            page(path).write_text(text(path))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
