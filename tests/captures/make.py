#!/usr/bin/env python3
"""Makes the captures of this folder again, and the README that lists them.

python tests/captures/make.py all of them python tests/captures/make.py http dns only these python
tests/captures/make.py --built those that need neither root nor other programs python
tests/captures/make.py --check only look at what is there, with tshark python tests/captures/make.py
--list their names

Recordings need root and the Debian packages of packages.txt; those that use packages of PyPI
(requirements.txt) get them in a scratch environment outside the repository. Built captures come out
the same on every run; recordings differ in their random parts each time, so remake one only with a
reason."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import traceback
from pathlib import Path

import catalogue
import check
from catalogue import FOLDER, Capture
from software import versions

RECORDS = FOLDER / "made.json"
README = FOLDER / "README.md"
LIMIT_BYTES = 5_000_000

_HEAD = """\
# Captures

The project's own test captures. Each was recorded from real programs in network namespaces,
built field by field, or rewritten from another of these; `make.py` makes them again, and writes
this page.

All addresses are from the private and documentation ranges. Names of public services appear only
as names: the servers behind them are the laboratory's.

| file | packets | what is in it | how it was made |
|---|---|---|---|
"""


def _how(capture: Capture, made: dict[str, object]) -> str:
    if capture.kind == "rewritten":
        return "rewritten from " + ", ".join(f"`{name}`" for name in capture.needs)
    if capture.kind == "built":
        return "built field by field"
    used = made.get("versions", {})
    assert isinstance(used, dict)
    tools = ", ".join(f"{tool.rpartition(':')[2]} {version}" for tool, version in used.items())
    return f"recorded: {tools}"


def write_readme(captures: dict[str, Capture], records: dict[str, dict[str, object]]) -> None:
    """The list of what is there."""
    rows = []
    for capture in sorted(captures.values(), key=lambda c: c.file):
        made = records.get(capture.file)
        if made is None:
            continue
        what = capture.what.replace("|", "\\|")
        rows.append(f"| `{capture.file}` | {made['packets']} | {what} | {_how(capture, made)} |\n")
    README.write_text(_HEAD + "".join(rows))


def make(capture: Capture, records: dict[str, dict[str, object]]) -> list[str]:
    """Makes one capture and checks it; returns what is wrong with it."""
    capture.make(capture.path)
    found = check.problems(capture)
    if not found:
        octets = capture.path.read_bytes()
        records[capture.file] = {
            "bytes": len(octets),
            "packets": check.count(capture.path, "frame"),
            "sha256": hashlib.sha256(octets).hexdigest(),
        }
        if capture.tools:
            records[capture.file]["versions"] = versions(("tcpdump", *capture.tools))
    return found


def _in_order(names: list[str], captures: dict[str, Capture]) -> list[Capture]:
    """The captures asked for, sources that are missing or asked for too first."""
    ordered: dict[str, Capture] = {}

    def add(name: str) -> None:
        capture = captures[name]
        for source in capture.needs:
            if source in names or not captures[source].path.exists():
                add(source)
        ordered.setdefault(name, capture)

    for name in names:
        add(name)
    return list(ordered.values())


def _arguments(captures: dict[str, Capture]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help="captures to make; all when none is named")
    parser.add_argument("--list", action="store_true", help="list the captures and stop")
    parser.add_argument("--check", action="store_true", help="check the files that are there")
    parser.add_argument(
        "--built", action="store_true", help="only those that are built or rewritten"
    )
    parser.add_argument("--traceback", action="store_true", help="show where a failure came from")
    arguments = parser.parse_args()
    arguments.name = [Path(name).name.split(".")[0] for name in arguments.name]
    if unknown := [name for name in arguments.name if name not in captures]:
        parser.error(f"no capture is called {', '.join(unknown)}; --list shows them")
    return arguments


def main() -> int:
    """Does what the command line asks; 0 when every capture is as it claims."""
    captures = catalogue.load()
    arguments = _arguments(captures)
    names = arguments.name or list(captures)
    if arguments.built:
        names = [name for name in names if captures[name].kind != "recorded"]
    if arguments.list:
        for capture in captures.values():
            print(f"{capture.name:<22} {capture.kind:<10} {capture.what}")
        return 0
    records: dict[str, dict[str, object]] = (
        json.loads(RECORDS.read_text()) if RECORDS.exists() else {}
    )
    failed = 0
    for capture in [captures[n] for n in names] if arguments.check else _in_order(names, captures):
        try:
            found = check.problems(capture) if arguments.check else make(capture, records)
        except Exception as error:  # noqa: BLE001
            # One that fails must not keep the others from being made.
            found = [f"{type(error).__name__}: {error}"]
            if arguments.traceback:
                traceback.print_exc()
        print(f"{capture.file:<34} {'ok' if not found else 'FAILED'}", flush=True)
        for line in found:
            print("    " + line)
        failed += bool(found)
    if not arguments.check:
        known = {capture.file for capture in captures.values()}
        records = {file: records[file] for file in sorted(records) if file in known}
        RECORDS.write_text(json.dumps(records, indent=1) + "\n")
        write_readme(captures, records)
    total = sum(c.path.stat().st_size for c in captures.values() if c.path.exists())
    if total > LIMIT_BYTES:
        print(f"the captures take {total} bytes; the limit is {LIMIT_BYTES}")
        failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
