#!/usr/bin/env python3
"""Fuzz the parsers: libFuzzer with coverage, on the stable toolchain.

    python tools/fuzz.py [TARGET...] [--seconds 60] [--jobs 1]
    python tools/fuzz.py --list
    python tools/fuzz.py TARGET --replay FILE...
    python tools/fuzz.py --seed CAPTURE...

Targets are every registered protocol, `session` (classification and hand-overs), `wire` (headers
of a frame) and `yang` (XML, JSON, edits and differences as the binding to libyang reads them).
Each begins with its folder of its crate's `fuzz/corpus`, which the tests replay; what a run adds
is kept in the build folder. A crash is written there too and its path printed: once the cause is
mended, the file belongs into the corpus.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUZZ = ROOT / "nf/datapath/engine/fuzz"
CORPUS = FUZZ / "corpus"
# The engine's crates know no YANG, so its target is a crate and a binary of its own.
YANG = "yang"
YANG_FUZZ = ROOT / "nf/mgmt/libyang/fuzz"
# What libFuzzer listens to: edges, and the operands of comparisons.
COVERAGE = (
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
)
LONGEST_INPUT = 8192
SECONDS_PER_INPUT = 10
MEGABYTES = 2048


class FuzzError(Exception):
    """Fuzzing cannot begin; says what is missing and what to try."""


@dataclass(frozen=True)
class Outcome:
    """How one target's run ended."""

    target: str
    ok: bool
    runs: int
    edges: int
    log: Path

    def line(self) -> str:
        """One line for people."""
        word = "ok" if self.ok else "FAILED"
        return f"{self.target:<16} {word:<7} {self.runs:>11,} runs {self.edges:>7,} edges"


def build_folder() -> Path:
    """Where builds and finds are kept."""
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "fuzz"


def host() -> str:
    """The triple of this machine, as the compiler names it."""
    about = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"^host: (\S+)$", about, re.MULTILINE)
    if found is None:
        raise FuzzError("rustc -vV names no host · is this rustc?")
    return found.group(1)


def cargo_build(binary: str, *options: str, flags: str | None = None, crate: Path = FUZZ) -> None:
    """Build one binary of a fuzz crate."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(build_folder())}
    environment.pop("RUSTFLAGS", None)
    if flags is not None:
        environment["RUSTFLAGS"] = flags
    command = ["cargo", "build", "--release", "--locked", "--bin", binary, *options]
    done = subprocess.run(command, cwd=crate, env=environment, check=False)
    if done.returncode != 0:
        raise FuzzError(f"{' '.join(command)} failed in {crate}")


def built_seeder() -> Path:
    """Build the binary that knows the registry."""
    cargo_build("seed")
    return build_folder() / "release/seed"


def built_fuzzer(target: str) -> Path:
    """Build the instrumented binary that runs a target."""
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        raise FuzzError("libFuzzer needs a C++ compiler · apt-get install g++")
    triple = host()
    # With a target named, build scripts and macros are left without instrumentation.
    binary, crate = ("fuzz-yang", YANG_FUZZ) if target == YANG else ("fuzz", FUZZ)
    options = ("--features", "libfuzzer", "--target", triple)
    cargo_build(binary, *options, flags=" ".join(COVERAGE), crate=crate)
    return build_folder() / triple / "release" / binary


def targets(seeder: Path) -> list[str]:
    """Names of all targets."""
    listed = subprocess.run([seeder, "--list"], capture_output=True, text=True, check=True)
    return [*listed.stdout.split(), YANG]


def dictionary(seeder: Path, target: str, work: Path) -> list[str]:
    """Write the protocol's patterns for libFuzzer; the option that names them, if there are any."""
    made = subprocess.run(
        [seeder, "--dictionary", target], capture_output=True, text=True, check=True
    )
    if not made.stdout:
        return []
    path = work / "dictionary"
    path.write_text(made.stdout)
    return [f"-dict={path}"]


def numbers(log: str) -> tuple[int, int]:
    """Runs and edges of a log of libFuzzer."""
    runs = re.findall(r"^#(\d+)", log, re.MULTILINE)
    edges = re.findall(r"\bcov: (\d+)", log)
    return int(runs[-1]) if runs else 0, int(edges[-1]) if edges else 0


def fuzz(fuzzer: Path, seeder: Path, target: str, seconds: int) -> Outcome:
    """Run one target."""
    work = build_folder() / "work" / target
    found = work / "corpus"
    found.mkdir(parents=True, exist_ok=True)
    seeds = (YANG_FUZZ / "corpus" if target == YANG else CORPUS) / target
    command = [
        str(fuzzer),
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST_INPUT}",
        f"-timeout={SECONDS_PER_INPUT}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-artifact_prefix={work}/",
        "-print_final_stats=1",
        *dictionary(seeder, target, work),
        str(found),
        *([str(seeds)] if seeds.is_dir() else []),
    ]
    log = work / "log"
    with log.open("w") as output:
        done = subprocess.run(
            command,
            env={**os.environ, "NF_FUZZ_TARGET": target},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    runs, edges = numbers(log.read_text(errors="replace"))
    return Outcome(target, done.returncode == 0 and runs > 0, runs, edges, log)


def report(outcome: Outcome) -> None:
    """Print how a run ended; of a failed one, how to see it again."""
    print(outcome.line(), flush=True)
    if outcome.ok:
        return
    text = outcome.log.read_text(errors="replace")
    artifact = re.search(r"Test unit written to (\S+)", text)
    print(f"  log: {outcome.log}")
    if artifact is not None:
        print(f"  again: python tools/fuzz.py {outcome.target} --replay {artifact.group(1)}")
    for line in re.findall(r"^(?:thread .*|.*panicked at.*|SUMMARY: .*)$", text, re.MULTILINE):
        print(f"  {line}")


def replay(fuzzer: Path, target: str, files: list[str]) -> int:
    """Run one target on files, once each."""
    paths = [str(Path(file).resolve()) for file in files]
    environment = {**os.environ, "NF_FUZZ_TARGET": target, "RUST_BACKTRACE": "1"}
    return subprocess.run([str(fuzzer), *paths], env=environment, check=False).returncode


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(description="Fuzz the parsers.")
    parser.add_argument("target", nargs="*", help="protocols, session, wire, yang; left out: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    parser.add_argument("--jobs", type=int, default=1, help="targets at once (default 1)")
    parser.add_argument("--list", action="store_true", help="print the targets")
    parser.add_argument("--replay", nargs="+", metavar="FILE", help="run one target on files")
    parser.add_argument("--seed", nargs="+", metavar="CAPTURE", help="make seeds of captures")
    options = parser.parse_args(arguments)
    if options.replay and len(options.target) != 1:
        parser.error("--replay needs the one target that the files are for")
    try:
        return run(options)
    except FuzzError as error:
        print(f"fuzz: {error}", file=sys.stderr)
        return 1


def run(options: argparse.Namespace) -> int:
    """Do what the options say."""
    seeder = built_seeder()
    if options.seed:
        captures = [str(Path(file).resolve()) for file in options.seed]
        return subprocess.run([seeder, CORPUS, *captures], check=False).returncode
    known = targets(seeder)
    if options.list:
        print("\n".join(known))
        return 0
    unknown = [name for name in options.target if name not in known]
    if unknown:
        raise FuzzError(f"no target is called {', '.join(unknown)} · --list prints them")
    if options.replay:
        [target] = options.target
        return replay(built_fuzzer(target), target, options.replay)
    chosen = options.target or known
    # Built before any runs: two builds at once would wait for each other's folder.
    fuzzers = {target: built_fuzzer(target) for target in chosen}
    failed = 0
    with ThreadPoolExecutor(max_workers=max(1, options.jobs)) as pool:
        for outcome in pool.map(lambda t: fuzz(fuzzers[t], seeder, t, options.seconds), chosen):
            report(outcome)
            failed += not outcome.ok
    print(f"{len(chosen)} targets, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
