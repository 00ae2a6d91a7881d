#!/usr/bin/env python3
"""Lay out a new protocol from the living template, registered and with passing tests.

    python tools/new_protocol.py NAME [--id N] [--over tcp:PORT | udp:PORT]...

What it touches: the protocol's own folder, one `mod` line, one registry line, one fuzz corpus
folder and one conformance case. What comes next is printed at the end.
"""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ENGINE = Path("nf/datapath/engine")
SOURCES = ENGINE / "proto/src"
TEMPLATE_PORT = "7001"
TEMPLATE_ID = "1199"
FIRST_FREE_ID = 1200
# Ids and ports have 16 bits.
LAST = 65535
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
RUST_WORDS = """
abstract as async await become box break const continue crate do dyn else enum extern false
final fn for gen if impl in let loop macro match mod move mut override priv pub ref return self
static struct super trait true try type typeof union unsafe unsized use virtual where while
yield
"""
KEYWORDS = frozenset(RUST_WORDS.split())


class LayoutError(Exception):
    """The protocol cannot be laid out; says why, where, and what to try."""


@dataclass(frozen=True)
class Carrier:
    """A transport and the port that hints at the protocol."""

    transport: str
    port: int

    @classmethod
    def read(cls, text: str) -> Carrier:
        """Read `tcp:PORT` or `udp:PORT`."""
        transport, _, port = text.partition(":")
        if transport not in ("tcp", "udp") or not port.isdecimal() or not 0 < int(port) <= LAST:
            raise argparse.ArgumentTypeError(f"{text!r} is not tcp:PORT or udp:PORT")
        return cls(transport, int(port))


@dataclass(frozen=True)
class Plan:
    """What is to be laid out, and where."""

    root: Path
    name: str
    number: int
    over: tuple[Carrier, ...]

    @property
    def type_name(self) -> str:
        """Name of the Rust type: `gtp_c` becomes `GtpC`."""
        return "".join(part.capitalize() for part in self.name.split("_"))


def taken_ids(root: Path) -> dict[int, Path]:
    """Every protocol id that a source of the engine names, and where."""
    found: dict[int, Path] = {}
    for source in sorted((root / ENGINE).glob("*/src/**/*.rs")):
        for number in re.findall(r"ProtoId\((\d+)\)", source.read_text()):
            found.setdefault(int(number), source)
    return found


def check(plan: Plan) -> None:
    """Refuse what would not compile or would clash."""
    sources = plan.root / SOURCES
    if not (sources / "template/mod.rs").is_file():
        raise LayoutError(
            f"no template at {sources / 'template'} · give the repository's root with --root"
        )
    if not NAME.fullmatch(plan.name) or plan.name in KEYWORDS:
        raise LayoutError(
            f"{plan.name!r} cannot name a protocol · small letters, digits and _, beginning with "
            "a letter, at most 64, and no Rust keyword"
        )
    for clash in (sources / plan.name, sources / f"{plan.name}.rs"):
        if clash.exists():
            raise LayoutError(f"{clash} exists already · choose another name")
    spoken_for = re.compile(rf'"{plan.name}"')
    for source in sorted(sources.glob("*/mod.rs")):
        info = source.read_text().partition("const INFO")[2].partition("..Info::DEFAULT")[0]
        if spoken_for.search(info):
            raise LayoutError(f"{source} answers to {plan.name!r} already · choose another name")
    holder = taken_ids(plan.root).get(plan.number)
    if holder is not None:
        raise LayoutError(f"id {plan.number} is taken by {holder} · leave --id out for a free one")


def renamed(text: str, plan: Plan) -> str:
    """Turn the template's words into the protocol's."""
    first = plan.over[0]
    carriers = [f"{c.transport}(&[{c.port}])" for c in plan.over]
    imports = sorted({c.transport for c in plan.over})
    text = text.replace(f"tcp(&[{TEMPLATE_PORT}])", ", ".join(carriers))
    text = text.replace("anomalies, tcp,", f"anomalies, {', '.join(imports)},")
    text = text.replace(
        "CARRIER: Transport = Transport::Tcp",
        "CARRIER: Transport = Transport::" + first.transport.capitalize(),
    )
    text = text.replace(TEMPLATE_PORT, str(first.port)).replace(TEMPLATE_ID, str(plan.number))
    return text.replace("Template", plan.type_name).replace("template", plan.name)


def sort_key(line: str) -> str:
    """Name of the module that a `mod` or registry line is about."""
    words: list[str] = re.findall(r"\w+", line)
    return next(word for word in words if word not in ("pub", "mod", "crate"))


def insert_sorted(path: Path, marker: str, line: str, same_kind: str) -> None:
    """Insert `line` in alphabetical place among the lines like `same_kind` behind `marker`."""
    lines = path.read_text().splitlines(keepends=True)
    start = next((i for i, text in enumerate(lines) if marker in text), None)
    if start is None:
        raise LayoutError(f"{path} has no line with {marker!r} · put it back above the protocols")
    kind = re.compile(same_kind)
    at = start + 1
    for index in range(start + 1, len(lines)):
        text = lines[index]
        if kind.fullmatch(text.rstrip("\n")):
            if sort_key(text) > sort_key(line):
                break
            at = index + 1
        elif text.strip() and not text.strip().startswith("//"):
            break
    block = [f"{line}\n"]
    if at == start + 1 and at < len(lines) and not lines[at].strip():
        # The first of its kind stands apart from what follows.
        block = ["\n", *block] if "mod" in same_kind else block
    path.write_text("".join([*lines[:at], *block, *lines[at:]]))


def seed(tests: str) -> bytes:
    """Turn the tests' exchange into a fuzz input: the first carrier, then each segment."""
    exchange = tests.partition("const EXCHANGE")[2].partition("];")[0]
    segments = re.findall(r'Event::(Up|Down)\((b"(?:[^"\\]|\\.)*")\)', exchange)
    if not segments:
        raise LayoutError("the template's tests have no EXCHANGE · restore it from history")
    parts = [bytes([0])]
    for direction, literal in segments:
        octets = ast.literal_eval(literal)
        parts.append(bytes([int(direction == "Down"), len(octets)]) + octets)
    return b"".join(parts)


def case_readme(plan: Plan) -> str:
    """Text that tells what the conformance case still needs."""
    return (
        f"# {plan.name}: first exchange\n\n"
        "One request and its answer, from a real client and server.\n\n"
        "How `input.pcap` was made: (say it here; add its scenario to `tests/captures`).\n"
    )


def lay_out(plan: Plan) -> list[Path]:
    """Write the protocol's files and lines; returns what was made or changed."""
    check(plan)
    sources = plan.root / SOURCES
    folder = sources / plan.name
    folder.mkdir()
    made = []
    for template in sorted((sources / "template").glob("*.rs")):
        target = folder / template.name
        target.write_text(renamed(template.read_text(), plan))
        made.append(target)

    insert_sorted(
        sources / "lib.rs",
        "One folder per protocol, alphabetical",
        f"mod {plan.name};",
        r"(pub )?mod \w+;",
    )
    insert_sorted(
        sources / "registry.rs",
        "`make new-protocol` adds its line here",
        f"    crate::{plan.name}::{plan.type_name},",
        r"\s+crate::\w+::\w+,",
    )
    made += [sources / "lib.rs", sources / "registry.rs"]

    corpus = plan.root / ENGINE / "fuzz/corpus" / plan.name
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "exchange").write_bytes(seed((folder / "tests.rs").read_text()))
    case = plan.root / "tests/conformance" / plan.name / "first-exchange"
    case.mkdir(parents=True)
    (case / "README.md").write_text(case_readme(plan))
    (case / "config.json").write_text("{}\n")
    made += [corpus / "exchange", case / "README.md", case / "config.json"]

    rustfmt = shutil.which("rustfmt")
    if rustfmt:
        files = [str(path) for path in made if path.suffix == ".rs" and path.parent == folder]
        subprocess.run([rustfmt, "--config-path", str(plan.root), *files], check=True)
    return made


def next_steps(plan: Plan) -> str:
    """Say what the author does now."""
    module = SOURCES / plan.name
    return f"""
{plan.name} (id {plan.number}) is registered and its tests pass as they are. Now make it real:
  1. {module}/mod.rs: the standard, the record and the bounds in the module's first lines;
     INFO's title, spec, patterns, weight and timeout.
  2. {module}/message.rs: octets to messages, pure.
  3. {module}/mod.rs: probe, parse, gap, end; one transaction per question and answer.
  4. {module}/tests.rs: the standard's examples; every anomaly; negatives for the probe.
  5. {ENGINE}/fuzz/corpus/{plan.name}/: seeds in place of the template's exchange.
  6. tests/conformance/{plan.name}/first-exchange/: input.pcap, its README, then the golden
     lines (the runner's --update-golden writes them; review the diff).
Try it:  cargo test -p nf-proto {plan.name}::
         python tools/fuzz.py {plan.name} --seconds 60
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(description="Lay out a new protocol from the template.")
    parser.add_argument("name", help="path word, folder and filter word, such as gtp_c")
    parser.add_argument("--id", type=int, help="MMT-DPI's id; left out: the first free one")
    parser.add_argument(
        "--over",
        type=Carrier.read,
        action="append",
        metavar="tcp:PORT|udp:PORT",
        help="carrier and usual port (default tcp:7001); may be repeated",
    )
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).resolve().parent.parent, help=argparse.SUPPRESS
    )
    options = parser.parse_args(arguments)
    number = options.id
    if number is None:
        taken = taken_ids(options.root)
        number = next(n for n in range(FIRST_FREE_ID, LAST + 1) if n not in taken)
    elif not 0 < number <= LAST:
        parser.error(f"--id must be between 1 and {LAST}")
    over = tuple(options.over or [Carrier("tcp", int(TEMPLATE_PORT))])
    plan = Plan(options.root.resolve(), options.name, number, over)
    try:
        made = lay_out(plan)
    except LayoutError as error:
        print(f"new_protocol: {error}", file=sys.stderr)
        return 1
    for path in made:
        print(path.relative_to(plan.root))
    print(next_steps(plan))
    return 0


if __name__ == "__main__":
    sys.exit(main())
