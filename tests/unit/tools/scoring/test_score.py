import json
from pathlib import Path

import pytest

from tools import score
from tools.scoring import printing
from tools.scoring.agreement import Agreement, Count
from tools.scoring.engine import Engine, EngineFailed


def program(folder: Path, text: str, name: str = "nf-engine") -> Engine:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return Engine(path)


def test_without_captures_nothing_is_compared_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NF_SHARED", str(tmp_path / "nowhere"))

    assert score.main([]) == 0
    assert score.main(["--fail-under", "90"]) == 1
    assert "NOTHING COMPARED" in capsys.readouterr().err


def test_rows_are_parted_by_report(tmp_path: Path) -> None:
    rows = [{"type": "session", "session_id": 1}, {"type": "transaction", "session_id": 1}]
    lines = "".join(f"echo '{json.dumps(row)}'\n" for row in rows)

    reading = program(tmp_path, lines).read(tmp_path / "a.pcap")

    assert [row["type"] for row in reading.sessions] == ["session"]
    assert list(reading.by_session()) == [1]


def test_a_capture_that_ended_early_still_counts(tmp_path: Path) -> None:
    assert program(tmp_path, "exit 4").read(tmp_path / "a.pcap").sessions == []


@pytest.mark.parametrize("text", ["echo broken >&2; exit 1", 'echo \'{"type":"odd"}\''])
def test_an_engine_that_fails_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(EngineFailed, match=r"broken|odd"):
        program(tmp_path, text).read(tmp_path / "a.pcap")


def test_a_missing_engine_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match="make setup"):
        Engine(tmp_path / "nf").read(tmp_path / "a.pcap")


def test_percentages_of_nothing_are_complete() -> None:
    assert printing.percent(0, 0) == 100.0
    assert printing.percent(1, 4) == 25.0


def test_the_rows_of_a_table_line_up() -> None:
    assert list(printing.table(["a", "b"], [["long", "1"], ["x", "22"]])) == [
        "a      b",
        "long   1",
        "x     22",
    ]


def test_long_lists_say_how_much_is_left_out() -> None:
    assert list(printing.listed("things", ["a", "b", "c"], 2))[-1].startswith("  … 1 more")


def test_a_score_has_a_sum_and_names_what_was_said_instead() -> None:
    agreement = Agreement(
        protocols={
            "dns": Count(expected=3, answered=2, agreed=1, instead={"http": 1, "nothing": 1}),
            "tls": Count(expected=1, answered=1, agreed=1),
        }
    )

    lines = "\n".join(printing.ndpi_text(agreement, 10))

    assert "http 1, nothing 1" in lines
    assert "50.0" in next(line for line in lines.splitlines() if line.startswith("all"))
