"""Runs the command as a person does: in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

NF = Path(sys.executable).with_name("nf")


@dataclass(frozen=True)
class Done:
    """How a run of the command ended."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """What it printed."""
        return self.out.decode()


@pytest.fixture(scope="session")
def nf() -> Callable[..., Done]:
    """Runs `nf` with arguments; `stdin` is given to it, `variables` change its environment."""

    def run(*words: str | Path, stdin: bytes = b"", **variables: str) -> Done:
        environment = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR"}}
        done = subprocess.run(
            [NF, *map(str, words)],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=120,
            env=environment | {"LC_ALL": "C.UTF-8"} | variables,
        )
        return Done(done.returncode, done.stdout, done.stderr.decode())

    return run
