"""The results as tables for people and as an object for machines."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.goals import Inputs, Outcome, Results, rate
from bench.measure import Measurement
from bench.tools import Tool

MEBI = 1 << 20


def processor_model(text: str) -> str:
    """The processor's name in the text of /proc/cpuinfo."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model"):
            return value.strip()
    return platform.machine()


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "processor": processor_model(Path("/proc/cpuinfo").read_text()),
        "processors": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines with the first two columns to the left, the others to the right."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        cells = [
            f"{cell:<{width}}" if place < 2 else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def measured(results: Results, inputs: Inputs) -> Iterator[str]:
    """The table of runs."""
    rows = [
        ["input", "tool", "Mpps", "Gbit/s", "wall s", "user s", "sys s", "peak MiB", "anon MiB"]
    ]
    for (place, tool), run in results.items():
        bits = inputs[place].octets * 8 / run.wall / 1e9 if run.wall > 0 else 0
        rows.append(
            [
                place,
                tool,
                f"{rate(run, inputs[place].packets):.3f}",
                f"{bits:.2f}",
                f"{run.wall:.2f}",
                f"{run.user:.2f}",
                f"{run.system:.2f}",
                f"{run.peak_rss / MEBI:.0f}",
                f"{run.peak_anonymous / MEBI:.0f}",
            ]
        )
    return columns(rows)


def shown(figure: float | None) -> str:
    """A figure, or a dash where there is none."""
    return "-" if figure is None else f"{figure:.2f}"


def goals(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The table of goals."""
    rows = [["goal", "verdict", "figure", "by processor", "goal"]]
    for outcome in outcomes:
        sign = "≤" if outcome.at_most else "≥"
        rows.append(
            [
                outcome.title,
                outcome.verdict,
                shown(outcome.figure),
                shown(outcome.by_processor),
                f"{sign} {outcome.limit:g} {outcome.unit}",
            ]
        )
    return columns(rows)


def text(
    tools: Mapping[str, Tool],
    inputs: Inputs,
    results: Results,
    outcomes: Sequence[Outcome],
    notes: Sequence[str],
) -> Iterator[str]:
    """Everything for a terminal."""
    about = machine()
    yield f"{about['processor']}, {about['processors']} processors, Linux {about['kernel']}"
    yield f"load {about['load']:.1f} when this was written"
    yield ""
    for tool in tools.values():
        yield f"{tool.name} {tool.version}: {tool.about}: {' '.join(tool.command(Path('FILE')))}"
    yield ""
    for made in inputs.values():
        flows = f", {made.flows} flows" if made.flows else ""
        yield f"{made.name}: {made.packets} packets, {made.octets} octets{flows}"
        yield f"  {made.command}"
        yield f"  sha256 {made.sha256}"
    yield ""
    yield from measured(results, inputs)
    yield ""
    yield from goals(outcomes)
    for note in notes:
        yield f"NOTE: {note}"


def as_object(
    tools: Mapping[str, Tool],
    inputs: Inputs,
    runs: Mapping[tuple[str, str], Sequence[Measurement]],
    outcomes: Sequence[Outcome],
    notes: Sequence[str],
) -> dict[str, Any]:
    """Everything for a program, each single run included."""
    return {
        "machine": machine(),
        "tools": {
            name: {
                "version": tool.version,
                "about": tool.about,
                "command": list(tool.command(Path("FILE"))),
            }
            for name, tool in tools.items()
        },
        "inputs": {name: asdict(made) | {"path": made.path.name} for name, made in inputs.items()},
        "runs": [
            {"input": place, "tool": tool, "runs": [asdict(run) for run in many]}
            for (place, tool), many in runs.items()
        ],
        "goals": [asdict(outcome) | {"verdict": outcome.verdict} for outcome in outcomes],
        "notes": list(notes),
    }
