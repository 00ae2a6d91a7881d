"""`tools/fuzz.py` reads what libFuzzer says, and calls nothing a success that did not run."""

from pathlib import Path

import pytest

from tools import fuzz

LOG = """\
INFO: Running with entropic power schedule (0xFF, 100).
#2	INITED cov: 105 ft: 107 corp: 1/1b exec/s: 0 rss: 31Mb
#4096	pulse  cov: 1340 ft: 6021 corp: 402/55Kb lim: 4096 exec/s: 2048 rss: 88Mb
#561981	DONE   cov: 1350 ft: 6410 corp: 441/60Kb lim: 8192 exec/s: 51089 rss: 402Mb
"""


def fake(tmp_path: Path, script: str) -> Path:
    """Make a program in the place of a built binary."""
    path = tmp_path / "binary"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def outcome_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> fuzz.Outcome:
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path))
    seeder = Path("/bin/true")
    return fuzz.fuzz(fake(tmp_path, script), seeder, "dns", seconds=1)


def test_runs_and_edges_are_the_last_ones() -> None:
    assert fuzz.numbers(LOG) == (561_981, 1350)
    assert fuzz.numbers("nothing of the kind") == (0, 0)


def test_a_run_that_ends_well_is_a_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = outcome_of(tmp_path, monkeypatch, 'echo "#7 DONE cov: 3 ft: 3"')

    assert outcome.ok
    assert (outcome.runs, outcome.edges) == (7, 3)


def test_a_target_that_never_ran_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not outcome_of(tmp_path, monkeypatch, "exit 0").ok


def test_of_a_crash_the_way_to_see_it_again_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = 'echo "#9 NEW cov: 3 ft: 3"; echo "Test unit written to /x/crash-1"; exit 77'
    outcome = outcome_of(tmp_path, monkeypatch, script)
    fuzz.report(outcome)

    assert not outcome.ok
    assert "tools/fuzz.py dns --replay /x/crash-1" in capsys.readouterr().out
