"""The measurement of streaming gives a row for each size."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_a_short_run_measures_both_servers(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    words = ("--seconds", "0.5", "--updates", "100", "--subscribers", "2", "--json", str(file))
    command = [sys.executable, "-m", "bench.telemetry", *words]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )

    [row] = json.loads(file.read_text())
    assert row["updates"] == 166
    assert row["target"] > 0
    assert row["bare"] > 0
    assert "%" in done.stdout
