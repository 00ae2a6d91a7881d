"""A disk that is full, and no pretended one: changes are refused until there is room again."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nf.errors import ConfigurationError
from nf.mgmt.core import Core
from nf.mgmt.session import Session

from .conftest import box, config, refused

SIZE = 2 << 20
"""Octets of the small disk: room for a journal and a few configurations."""


@pytest.fixture(autouse=True)
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own where cores keep their state."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("to mount a small disk needs root")
    disk = tmp_path / "state"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "nf-test", str(disk)]
    mounted = subprocess.run(words, capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Takes all the room there is."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        # One write of more than there is takes what there is; the next one finds nothing.
        file.write(bytes(SIZE))
        with pytest.raises(OSError, match="No space left"):
            file.write(b"x")
    return ballast


def administrator(core: Core) -> Session:
    return core.sessions.open("ada", "netconf-ssh", "192.0.2.1", recovery=True)


def refuse(core: Core, ada: Session, name: str) -> None:
    error = refused(core.edit_config, ada, "running", config(f"<name>{name}</name>"))
    assert (error.tag, error.app_tag) == ("resource-denied", "persist")
    assert "No space left" in error.message


def test_without_room_the_first_change_is_refused_and_done_once_there_is(
    small_disk: Path, make_core: Callable[..., Core]
) -> None:
    core = make_core()
    ada = administrator(core)
    ballast = fill(small_disk)

    refuse(core, ada, "lost")
    assert box(core) == {}
    ballast.unlink()
    core.edit_config(ada, "running", config("<name>kept</name>"))

    assert box(core) == {"name": "kept"}
    assert box(make_core()) == {"name": "kept"}


def test_a_disk_that_fills_up_while_changes_go_on_loses_none_that_was_accepted(
    small_disk: Path, make_core: Callable[..., Core]
) -> None:
    core = make_core()
    ada = administrator(core)
    core.edit_config(ada, "running", config("<name>first</name>"))
    ballast = fill(small_disk)
    # Whole configurations need room of their own, whatever room smaller changes have kept.
    number = core.commits.running.number
    error = refused(core.copy_config, ada, config(f"<name>second</name>{ports(4000)}"), "running")
    assert (error.tag, error.app_tag) == ("resource-denied", "persist")

    assert box(core) == {"name": "first"}
    assert core.commits.running.number == number
    core.stop()

    # Whoever is killed now comes back, with what was in force and nothing of what was refused.
    again = make_core()
    assert box(again) == {"name": "first"}
    assert again.commits.running.number == number
    ballast.unlink()
    again.edit_config(administrator(again), "running", config("<name>last</name>"))
    assert again.history.entries()[0].number == number + 1
    assert box(make_core()) == {"name": "last"}


def test_a_first_start_without_room_is_refused_with_what_to_do(
    small_disk: Path, make_core: Callable[..., Core]
) -> None:
    (small_disk / "running").mkdir()
    fill(small_disk)

    with pytest.raises(ConfigurationError, match="--state-dir") as caught:
        make_core()

    assert "No space left" in caught.value.what


def test_a_commit_of_the_candidate_can_be_repeated_when_there_is_room(
    small_disk: Path, make_core: Callable[..., Core]
) -> None:
    core = make_core()
    ada = administrator(core)
    core.edit_config(ada, "candidate", config("<name>waits</name>"))
    ballast = fill(small_disk)

    error = refused(core.commit, ada, confirmed=True, timeout=600)
    assert (error.tag, error.app_tag) == ("resource-denied", "persist")
    assert box(core) == {}
    assert box(core, "candidate") == {"name": "waits"}
    ballast.unlink()
    core.commit(ada)

    assert box(core) == {"name": "waits"}
    assert core.confirming.remaining is None


def ports(count: int) -> str:
    """So many entries of a list, which no journal has room for."""
    return "".join(f"<port><name>port {n:0200}</name></port>" for n in range(count))
