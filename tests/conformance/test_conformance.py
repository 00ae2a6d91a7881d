"""A capture in, rows out: each folder `<protocol>/<case>` says which rows, and what they must be.

`config.json` has the capture (from the repository's root, or `input.pcap` beside it) and any of:
`report`, `where`, `events` as in `nf.read`; `fields`, the columns to compare; `options`, what else
`nf.read` takes; `anomalies`, true to compare what was counted as malformed too, as a last line;
`threads`, the numbers of workers to run with, which must not make a difference.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest

import nf

HERE = Path(__file__).resolve().parent
CASES = sorted(path.parent for path in HERE.glob("*/*/config.json"))
KEYS = {"capture", "report", "where", "events", "fields", "options", "anomalies", "threads"}
THREADS = (0, 3)


def case_name(case: Path) -> str:
    return case.relative_to(HERE).as_posix()


def settings_of(case: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((case / "config.json").read_text())
    unknown = settings.keys() - KEYS
    assert not unknown, f"{case_name(case)}/config.json has keys no one reads: {sorted(unknown)}"
    return settings


def capture_of(case: Path, settings: dict[str, Any], root: Path) -> Path:
    beside = case / "input.pcap"
    stated = settings.get("capture")
    assert (stated is None) == beside.exists(), "a case has `capture` or an input.pcap, one of them"
    return beside if stated is None else root / stated


def assert_accounted_for(stats: nf.Stats) -> None:
    account = stats.account
    causes = (
        account.kernel_drops,
        account.dispatch_drops,
        account.filtered,
        account.light_only,
        account.decode_errors,
        account.processed,
    )
    assert account.packets == sum(causes)
    assert account.processed == account.in_sessions + account.non_session
    assert account.decode_errors == sum(stats.decode_errors.values())
    assert stats.complete


def lines_of(capture: Path, settings: dict[str, Any], threads: int) -> Iterator[str]:
    chosen = {name: settings[name] for name in ("report", "where", "events") if name in settings}
    options = settings.get("options", {})
    with nf.read(capture, threads=threads, **chosen, **options) as reading:
        for batch in reading.batches():
            yield from batch.to_jsonl(settings.get("fields")).decode().rstrip("\n").split("\n")
    assert_accounted_for(reading.stats)
    if settings.get("report") == "summary":
        yield json.dumps(asdict(reading.stats.account))
    if settings.get("anomalies"):
        yield json.dumps({"anomalies": dict(sorted(reading.stats.anomalies.items()))})


def parsed(lines: list[str]) -> list[Any]:
    # Floats would drop the nanoseconds of times.
    return [json.loads(line, parse_float=Decimal) for line in lines]


def test_cases_are_found() -> None:
    assert CASES


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_capture_gives_the_rows_that_the_case_expects(
    case: Path, root: Path, update_golden: bool
) -> None:
    settings = settings_of(case)
    capture = capture_of(case, settings, root)
    golden = case / "expect.jsonl"

    runs = {
        threads: list(lines_of(capture, settings, threads))
        for threads in settings.get("threads", THREADS)
    }
    if update_golden:
        golden.write_text("".join(line + "\n" for line in next(iter(runs.values()))))

    assert (case / "README.md").read_text().strip()
    expected = golden.read_text().splitlines()
    assert expected, f"{case_name(case)} expects nothing, so it shows nothing"
    for threads, lines in runs.items():
        found = f"found with {threads} threads"
        difference = unified_diff(expected, lines, "expected", found, n=1, lineterm="")
        assert parsed(lines) == parsed(expected), f"{case_name(case)}\n" + "\n".join(difference)
