"""The function on a disk that is full: it refuses changes, survives a kill, and goes on."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nf.errors import NfError
from tests.function.conftest import SEES, Start, eventually

SIZE = 8 << 20
"""Octets of the disk that holds the state."""

CHANGES = 250
"""More than a journal takes."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own where the function keeps its state."""
    disk = tmp_path / "state"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "nf-test", str(disk)]
    mounted = subprocess.run(words, capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_refuses_changes_and_management_that_is_killed_comes_back(
    small_disk: Path, start: Start
) -> None:
    probe = start("-i", SEES).up()
    eventually(probe.capturing)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        # One write of more than there is takes what there is.
        file.write(bytes(SIZE))

    # Changes find room in the journal while it has any; then all are refused.
    before, refusal = probe.config(), ""
    for seconds in range(20, 20 + CHANGES):
        try:
            probe.set(("engine/timeouts/short", str(seconds)))
        except NfError as error:
            refusal = error.what
            break
        before = probe.config()
    assert "cannot be written to disk" in refusal
    assert probe.config() == before

    old = probe.processes()["nf-mgmt"].pid
    os.kill(old, signal.SIGKILL)
    eventually(lambda: probe.processes()["nf-mgmt"].pid not in {0, old})
    eventually(lambda: probe.config() == before)

    ballast.unlink()
    probe.set(("engine/timeouts/short", "999"))
    assert "999" in str(probe.config("engine/timeouts/short"))
    probe.send(10)
    eventually(lambda: probe.account()["packets"] >= 10)
    assert probe.end() == 0
