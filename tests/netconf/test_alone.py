"""`python -m nf.mgmt.netconf`: the first start, a kill, and the next start."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.netconf.conftest import BOX_MODULE
from tests.netconf.peer import Loop, Peer

Process = subprocess.Popen[bytes]


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[Callable[..., tuple[Process, int]]]:
    """Starts the process on one state folder; gives its port."""
    running: list[Process] = []

    def begin(**environ: str) -> tuple[Process, int]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("NF_")}
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "nf.mgmt.netconf"),
                *("--state", str(tmp_path / "state"), "--listen", "127.0.0.1:0"),
                *("--search", str(BOX_MODULE), "--module", "nf-test"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**clean, **environ},
        )
        running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1].decode()
        return process, json.loads(line)["first"]

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_the_first_start_shows_a_password_that_works_and_is_kept_nowhere(
    start_process: Callable[..., tuple[Process, int]], loop: Loop, tmp_path: Path
) -> None:
    process, port = start_process()
    assert process.stderr is not None
    shown = re.search(rb"password of admin at the first start: (\S+)", process.stderr.readline())
    assert shown is not None
    password = shown.group(1).decode()
    with Peer(loop, port, "admin", password) as peer:
        peer.ok("<discard-changes/>")

    kept = [path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert kept
    assert not any(password.encode() in octets for octets in kept)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_what_was_confirmed_is_there_after_a_kill_and_what_was_not_is_not(
    start_process: Callable[..., tuple[Process, int]], loop: Loop
) -> None:
    process, port = start_process(NF_ADMIN_PASSWORD="a long one")  # noqa: S106 - of the test
    with Peer(loop, port, "admin", "a long one") as peer:
        peer.ok(peer.edit("<name>kept</name>"))
        peer.ok(peer.edit("<high>99</high>", "candidate"))
        peer.ok("<commit><confirmed/><persist>token</persist></commit>")
        assert peer.box() == {"name": "kept", "high": "99"}
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL

    # The password of the environment is for the first start only.
    _, port = start_process(NF_ADMIN_PASSWORD="another one")  # noqa: S106 - of the test
    with Peer(loop, port, "admin", "a long one") as peer:
        assert peer.box() == {"name": "kept"}


def test_a_state_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    done = subprocess.run(
        [sys.executable, "-m", "nf.mgmt.netconf", "--state", str(tmp_path / "state")],
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert str(tmp_path / "state").encode() in done.stderr
    assert b"Traceback" not in done.stderr
