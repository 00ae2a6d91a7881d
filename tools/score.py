"""Compares with the expectations of the reference captures: `python -m tools.score`.

The captures are not part of the repository: they stand in the folder `captures` of NF_SHARED, or of
../shared. Nothing is compared without them, and that is said. What the numbers mean, and what they
do not, stands in docs/score.md.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.scoring import certainty, eve, ndpi, printing, suricata
from tools.scoring.agreement import Agreement
from tools.scoring.engine import Engine, EngineFailed

ROOT = Path(__file__).resolve().parent.parent
MADE_SESSIONS = 4000
FAILED, USAGE = 1, 2


class NoCaptures(Exception):
    """There is no folder of reference captures."""


def shared_captures() -> Path:
    """The folder of reference captures."""
    stated = os.environ.get("NF_SHARED")
    folder = (Path(stated).expanduser() if stated else ROOT.parent / "shared") / "captures"
    if not folder.is_dir():
        where = f"NF_SHARED={stated}" if stated else str(folder.parent)
        raise NoCaptures(f"no folder of reference captures · {where} · set NF_SHARED to it")
    return folder


class Progress:
    """Where the work is, on standard error while that is a terminal."""

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total, self.done = title, total, 0

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        if sys.stderr.isatty():
            end = "\n" if self.done == self.total else ""
            print(f"\r{self.title} {self.done}/{self.total}", end=end, file=sys.stderr, flush=True)


def captures_of_ndpi(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Each capture with what nDPI printed for it."""
    for result in sorted((folder / "result").glob("*.out")):
        capture = folder / "pcap" / result.stem
        if capture.is_file():
            yield capture, result


def score_ndpi(
    engine: Engine, folder: Path, scored: frozenset[str] | None, failed: list[str]
) -> Agreement:
    """Compares every capture of nDPI's."""
    score, names = Agreement(), ndpi.Names.load()
    pairs = list(captures_of_ndpi(folder))
    progress = Progress("nDPI", len(pairs))
    for capture, result in pairs:
        try:
            reading = engine.read(capture)
        except EngineFailed as error:
            failed.append(str(error))
        else:
            lines = result.read_text(errors="replace").splitlines()
            score.compare(capture.name, ndpi.flows(lines), reading, names, scored)
        progress.step()
    return score


def score_suricata(engine: Engine, folder: Path, failed: list[str]) -> suricata.Result:
    """Evaluates every case of suricata-verify."""
    result = suricata.Result()
    cases = list(suricata.cases(folder))
    progress = Progress("suricata-verify", len(cases))
    for case in cases:
        if any(check.event_type in eve.EVENT_TYPES for check in case.checks):
            try:
                events = eve.events(engine.read(case.capture))
            except EngineFailed as error:
                failed.append(str(error))
                progress.step()
                continue
        else:
            events = []
        suricata.evaluate(case, events, result)
        progress.step()
    return result


def score_certainty(folder: Path) -> dict[str, certainty.Wrong]:
    """What is said of payloads that mean nothing."""
    captures = [*captures_of_ndpi(folder / "ndpi")]
    found = certainty.of_generated(MADE_SESSIONS)
    found["shuffled captures of nDPI"] = certainty.of_shuffled(capture for capture, _ in captures)
    cases = (case.capture for case in suricata.cases(folder / "suricata-verify"))
    found["shuffled captures of suricata-verify"] = certainty.of_shuffled(cases)
    return found


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.score", description="Compares with the reference captures."
    )
    parser.add_argument(
        "--engine", type=Path, metavar="PROGRAM", help="`nf`, or `nf-engine` as cargo builds it"
    )
    parser.add_argument(
        "--only",
        choices=("ndpi", "suricata", "certainty"),
        help="one of the two sets of captures, or what is said of payloads that mean nothing",
    )
    parser.add_argument(
        "--protocols",
        metavar="A,B,…",
        type=lambda text: frozenset(text.split(",")),
        help="nDPI's flows of these protocols only (default: all with a name in the table)",
    )
    parser.add_argument(
        "--differences", type=int, default=40, metavar="N", help="differences to print (40)"
    )
    parser.add_argument(
        "--json", metavar="FILE", help="write everything to a file as JSON; `-`: instead of text"
    )
    parser.add_argument(
        "--fail-under",
        type=float,
        metavar="PERCENT",
        help="exit with 1 when either agreement is lower, or a capture was not read",
    )
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Runs the comparison; the exit code tells no score unless --fail-under asks for it."""
    args = arguments(words)
    try:
        folder = shared_captures()
    except NoCaptures as error:
        print(f"NOTHING COMPARED: {error}", file=sys.stderr)
        return FAILED if args.fail_under is not None else 0
    engine = Engine(args.engine) if args.engine else Engine.installed()
    failed: list[str] = []
    shares: list[float] = []
    found: dict[str, Any] = {}
    text: list[str] = []
    try:
        score = None
        if args.only in (None, "ndpi"):
            score = score_ndpi(engine, folder / "ndpi", args.protocols, failed)
            every = printing.together(score)
            shares.append(printing.percent(every.agreed, every.expected))
            found["ndpi"] = printing.ndpi_object(score)
            text += [*printing.ndpi_text(score, args.differences), ""]
        if args.only in (None, "certainty"):
            made = score_certainty(folder)
            found["certainty"] = {name: asdict(one) for name, one in made.items()}
            text += printing.certainty_text(score, made)
        if args.only in (None, "suricata"):
            result = score_suricata(engine, folder / "suricata-verify", failed)
            compared, passed = printing.compared_and_passed(result)
            shares.append(printing.percent(passed, compared))
            found["suricata_verify"] = printing.suricata_object(result)
            text += printing.suricata_text(result, args.differences)
    except (EngineFailed, ndpi.Unreadable, suricata.BadCase) as error:
        print(f"score: {error}", file=sys.stderr)
        return USAGE
    found["not_read"] = failed
    if args.json == "-":
        print(json.dumps(found, indent=1))
    else:
        print("\n".join(text))
        if args.json:
            Path(args.json).write_text(json.dumps(found, indent=1) + "\n")
    for message in failed:
        print(f"NOT READ: {message}", file=sys.stderr)
    if args.fail_under is None:
        return 0
    return FAILED if failed or min(shares, default=100.0) < args.fail_under else 0


if __name__ == "__main__":
    sys.exit(main())
