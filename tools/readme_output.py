"""Keeps the outputs in README.md and in the manual real: `python -m tools.readme_output [--check]`.

A block there is a marker, then a console block whose first line is the command:

    <!-- output:NAME -->
    ```console
    $ nf …
    what it printed
    ```

Without arguments every command is run and its output written into the file; with --check nothing is
written, and a block that differs from what its command prints now is an error.
"""

import argparse
import difflib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
MANUAL = ROOT / "docs" / "plugins.md"
MARKER = re.compile(r"^<!-- output:", flags=re.MULTILINE)
BLOCK = re.compile(
    r"^<!-- output:(?P<name>[a-z-]+) -->\n+"
    r"```console\n\$ (?P<command>[^\n]+)\n(?P<output>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)
# A fixed width, so that the output does not depend on who runs it.
TERMINAL = {"COLUMNS": "100", "LINES": "50", "NO_COLOR": "1", "TERM": "dumb", "LC_ALL": "C.UTF-8"}


class BadBlock(Exception):
    """A block cannot be read, or its command fails."""


@dataclass(frozen=True)
class Block:
    """One command of the README and what stands there as its output."""

    name: str
    command: str
    output: str
    start: int
    end: int


def blocks_of(text: str) -> Iterator[Block]:
    """Every block; a marker without a block that can be read is an error."""
    found = list(BLOCK.finditer(text))
    if len(found) != len(MARKER.findall(text)):
        raise BadBlock("a marker `<!-- output:NAME -->` has no console block right below it")
    for match in found:
        start, end = match.span("output")
        yield Block(match["name"], match["command"], match["output"], start, end)


def run(block: Block) -> str:
    """What the block's command prints; only `nf` is run, and it must succeed."""
    program, *arguments = shlex.split(block.command)
    if program != "nf":
        raise BadBlock(f"{block.name}: the command must be nf, not {program}")
    done = subprocess.run(
        [Path(sys.executable).parent / "nf", *arguments],
        cwd=ROOT,
        env=os.environ | TERMINAL,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise BadBlock(f"{block.name}: {block.command} ended with {done.returncode}\n{done.stderr}")
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def refreshed(text: str) -> str:
    """The text with every output replaced by what the command prints now."""
    for block in reversed(list(blocks_of(text))):
        text = text[: block.start] + run(block) + text[block.end :]
    return text


def main(arguments: list[str] | None = None) -> int:
    """Refreshes or checks the pages; returns 1 when one is stale or a command fails."""
    parser = argparse.ArgumentParser(prog="readme_output", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare, write nothing")
    check = parser.parse_args(arguments).check
    return max(refresh(page, check=check) for page in (README, MANUAL))


def refresh(page: Path, *, check: bool) -> int:
    """Refreshes or checks one page."""
    before = page.read_text()
    try:
        after = refreshed(before)
    except BadBlock as error:
        print(f"readme_output: {error} · {page}", file=sys.stderr)
        return 1
    if before == after:
        return 0
    if not check:
        page.write_text(after)
        print(f"readme_output: {page.name} is refreshed")
        return 0
    lines = (before.splitlines(), after.splitlines())
    print("\n".join(difflib.unified_diff(*lines, page.name, "now", lineterm="")))
    print(f"readme_output: {page.name} is stale · run make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
