"""Runs the engine over one capture and returns what it wrote as rows."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPORTS = ("session", "transaction")
SECONDS_PER_CAPTURE = 300
PARTIAL = 4  # the exit code of `nf read` for a file that ended early

Row = Mapping[str, Any]


class EngineFailed(Exception):
    """The engine did not read a capture."""


@dataclass(frozen=True)
class Reading:
    """The rows of one capture, in the engine's order."""

    sessions: Sequence[Row]
    transactions: Sequence[Row]

    def by_session(self) -> dict[int, list[Row]]:
        """Transactions under the identifier of their session."""
        found: dict[int, list[Row]] = {}
        for row in self.transactions:
            found.setdefault(row["session_id"], []).append(row)
        return found


@dataclass(frozen=True)
class Engine:
    """A program that reads captures: `nf`, or the engine's own binary."""

    program: Path

    @classmethod
    def installed(cls) -> "Engine":
        """The `nf` beside the Python that runs this."""
        return cls(Path(sys.executable).with_name("nf"))

    def read(self, capture: Path) -> Reading:
        """Sessions and transactions of a capture; EngineFailed says why there are none."""
        rows: dict[str, list[Row]] = {report: [] for report in REPORTS}
        for command in self.commands(capture):
            for row in self.rows(command):
                if row.get("type") not in rows:
                    raise EngineFailed(f"{capture}: a row of type {row.get('type')!r}")
                rows[row["type"]].append(row)
        return Reading(rows["session"], rows["transaction"])

    def commands(self, capture: Path) -> list[list[str]]:
        """What to run so that every report gets written."""
        if self.is_bare:
            return [[str(self.program), "--report", ",".join(REPORTS), str(capture)]]
        read = [str(self.program), "read", "-o", "jsonl", "--threads", "1"]
        return [[*read, "--report", report, str(capture)] for report in REPORTS]

    @property
    def is_bare(self) -> bool:
        """Whether this is the engine's own binary, without Python around it."""
        return self.program.name == "nf-engine"

    def rows(self, command: Sequence[str]) -> Iterator[Row]:
        """The lines that a command writes, parsed."""
        for line in self.output(command).splitlines():
            yield json.loads(line)

    def output(self, command: Sequence[str]) -> bytes:
        """What a command writes."""
        try:
            run = subprocess.run(
                command, capture_output=True, timeout=SECONDS_PER_CAPTURE, check=False
            )
        except OSError as error:
            raise EngineFailed(f"{command[0]}: {error.strerror} · run `make setup`") from error
        except subprocess.TimeoutExpired as error:
            raise EngineFailed(f"{command[-1]}: not read in {error.timeout} s") from error
        if run.returncode not in (0, PARTIAL):
            said = run.stderr.decode(errors="replace").strip().splitlines()
            raise EngineFailed(
                f"{command[-1]}: exit code {run.returncode}: {said[-1] if said else 'no message'}"
            )
        return run.stdout
