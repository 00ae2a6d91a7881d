"""Measures speed and memory beside other tools: `python -m bench`. See docs/benchmarks.md."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import goals, report
from bench.inputs import RECIPES, WORK, Input, NoInputs, obtain, warm
from bench.measure import CommandFailed, Measurement, measure, median
from bench.tools import OURS, PEERS, Absent, Tool

QUICK_SCALE = 0.02
REPEAT = 3


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measures speed and memory beside other tools."
    )
    parser.add_argument(
        "--scale",
        type=float,
        default=float(os.environ.get("NF_BENCH_SCALE", "1")),
        help="size of the inputs, 1 being 1 GB or 1 to 3 million packets (or NF_BENCH_SCALE)",
    )
    parser.add_argument(
        "--quick", action="store_true", help=f"scale {QUICK_SCALE}, one run each: does it work?"
    )
    parser.add_argument("--repeat", type=int, default=REPEAT, help=f"runs of each ({REPEAT})")
    parser.add_argument(
        "--inputs", metavar="A,B,…", default=",".join(goals.PLAN), help="only these inputs"
    )
    parser.add_argument("--tools", metavar="A,B,…", help="only these tools")
    parser.add_argument(
        "--json", type=Path, default=WORK / "results.json", metavar="FILE", help="results go here"
    )
    args = parser.parse_args(words)
    if args.quick:
        args.scale, args.repeat = QUICK_SCALE, 1
    if args.scale <= 0 or args.repeat < 1:
        parser.error("--scale and --repeat must be greater than 0")
    args.inputs = args.inputs.split(",")
    for name in args.inputs:
        if name not in goals.PLAN:
            parser.error(f"no input {name!r}; there are {', '.join(goals.PLAN)}")
    args.tools = args.tools.split(",") if args.tools else None
    for name in args.tools or []:
        if name not in OURS and name not in PEERS:
            parser.error(f"no tool {name!r}; there are {', '.join([*OURS, *PEERS])}")
    return args


def present(names: Sequence[str], notes: list[str]) -> dict[str, Tool]:
    """The tools that are there; a peer that is not is noted, `nf` must be there."""
    found = {}
    for name, make in {**OURS, **PEERS}.items():
        if name in names:
            try:
                found[name] = make()
            except Absent as error:
                if name in OURS:
                    raise
                notes.append(f"{name} NOT MEASURED: {error}")
                say(notes[-1])
    return found


def say(line: str) -> None:
    """Progress."""
    print(line, file=sys.stderr, flush=True)


def run_all(
    made: Input, tools: Sequence[Tool], repeat: int, notes: list[str]
) -> dict[tuple[str, str], list[Measurement]]:
    """Every tool on one input, in turn, so that a busy moment strikes them alike."""
    warm(made.path)
    runs: dict[tuple[str, str], list[Measurement]] = {}
    failed: set[str] = set()
    for turn in range(repeat):
        for tool in tools:
            if tool.name in failed:
                continue
            try:
                run = measure(tool.command(made.path), WORK)
            except CommandFailed as error:
                failed.add(tool.name)
                runs.pop((made.name, tool.name), None)
                notes.append(f"{tool.name} FAILED on {made.name}: {error}")
                say(notes[-1])
                continue
            runs.setdefault((made.name, tool.name), []).append(run)
            say(f"{made.name} {tool.name} {turn + 1}/{repeat}: {run.wall:.2f} s")
    return runs


def main(words: Sequence[str] | None = None) -> int:
    """Measures; the exit code tells of failures, never of speed."""
    args = arguments(words)
    notes: list[str] = []
    inputs: dict[str, Input] = {}
    runs: dict[tuple[str, str], list[Measurement]] = {}
    wanted = {tool for name in args.inputs for tool in goals.PLAN[name]}
    try:
        tools = present(args.tools or sorted(wanted), notes)
        for recipe in RECIPES:
            if recipe.name in args.inputs:
                say(f"{recipe.name}: input")
                inputs[recipe.name] = obtain(recipe, args.scale)
                order = [tools[name] for name in goals.PLAN[recipe.name] if name in tools]
                runs |= run_all(inputs[recipe.name], order, args.repeat, notes)
    except NoInputs as error:
        say(f"NOTHING MEASURED: {error}")
        return 0
    except Absent as error:
        say(f"bench: {error}")
        return 1
    if args.scale != 1:
        notes.append(f"inputs at {args.scale:g} of their size: the start of a program weighs more")
    results = {place: median(many) for place, many in runs.items()}
    outcomes = goals.judge(results, inputs, full_size=args.scale == 1)
    args.json.parent.mkdir(parents=True, exist_ok=True)
    found = report.as_object(tools, inputs, runs, outcomes, notes)
    args.json.write_text(json.dumps(found, indent=1) + "\n")
    print("\n".join(report.text(tools, inputs, results, outcomes, notes)))
    return 1 if any("FAILED" in note and note.startswith("nf ") for note in notes) else 0


if __name__ == "__main__":
    sys.exit(main())
