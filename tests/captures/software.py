"""The programs that make recordings: their versions, and the scratch environment for those of
PyPI."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from catalogue import FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence

REQUIREMENTS = FOLDER / "requirements.txt"
DRAFTS = FOLDER / "requirements-drafts.txt"
INDUSTRY = FOLDER / "requirements-industry.txt"
_ENVIRONMENTS = {"pypi": REQUIREMENTS, "pypi-drafts": DRAFTS, "pypi-industry": INDUSTRY}


@functools.cache
def environment(requirements: Path = REQUIREMENTS) -> Path:
    """The interpreter of a scratch environment that holds what a file requires; made when
    missing."""
    wanted = requirements.read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME", "/var/cache"))
    folder = cache / f"nf-captures-{hashlib.sha256(wanted).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    complete = folder / "complete"
    if not complete.exists():
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)], check=True
        )
        complete.touch()
    return python


def _version(tool: str) -> str:
    source, _, package = tool.rpartition(":")
    if source:
        code = "import sys,importlib.metadata as m;print(m.version(sys.argv[1]))"
        requirements = _ENVIRONMENTS[source]
        argv = [str(environment(requirements)), "-c", code, package]
    else:
        argv = ["dpkg-query", "-W", "-f", "${Version}", tool]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{tool} is not installed; see packages.txt ({done.stderr.strip()})")
    return done.stdout.strip()


def versions(tools: Sequence[str]) -> dict[str, str]:
    """The installed version of each tool."""
    return {tool: _version(tool) for tool in tools}
