"""The probe without root: it runs with two capabilities, and says what is missing without them."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nf.mgmt.local import LocalClient, Read
from nf.process.monitoring import MonitorClient
from nf.process.places import Places
from tests.function.conftest import PATIENCE, SEES, eventually

CAPABILITIES = "cap_net_raw,cap_net_admin"


@pytest.fixture
def limited() -> list[str]:
    """Begins a command without privileges: as nobody, who may not be able to read this Python.

    Then it is root's number without root's capabilities, which is as much as the kernel asks.
    """
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    nobody = ["setpriv", "--reuid=nobody", "--clear-groups"]
    reads = subprocess.run([*nobody, "test", "-r", sys.executable], check=False)
    return nobody if reads.returncode == 0 else ["setpriv"]


def run_with(
    limited: list[str], space: str, state: Path, capabilities: str
) -> subprocess.Popen[str]:
    if "--reuid=nobody" in limited:
        os.chown(state.parent, pwd.getpwnam("nobody").pw_uid, -1)
    plus = "".join(f",+{one}" for one in capabilities.replace("cap_", "").split(",") if one)
    return subprocess.Popen(
        [
            *("ip", "netns", "exec", space, *limited, f"--inh-caps=-all{plus}"),
            *(f"--ambient-caps=-all{plus}", f"--bounding-set=-all{plus}", "--no-new-privs"),
            *(sys.executable, "-m", "nf.cli", "run", "-i", SEES, "--netconf-port", "8300"),
            *("--state-dir", str(state)),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "NF_ADMIN_PASSWORD": "a password of the test"},
        cwd=Path(__file__).parents[2],
    )


def test_with_two_capabilities_it_captures(limited: list[str], space: str, tmp_path: Path) -> None:
    place = tmp_path / "own"
    place.mkdir()
    process = run_with(limited, space, place / "state", CAPABILITIES)
    places = Places.of(place / "state", None)

    def up() -> bool:
        with MonitorClient(places.monitor_socket) as monitor:
            return all(one.state == "running" for one in monitor.processes())

    try:
        eventually(up)
    finally:
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, log
    assert "effect=flows" in log


def test_without_them_it_says_which_are_missing_and_can_still_be_managed(
    limited: list[str], space: str, tmp_path: Path
) -> None:
    place = tmp_path / "own"
    place.mkdir()
    process = run_with(limited, space, place / "state", "")
    places = Places.of(place / "state", None)

    def told() -> bool:
        with LocalClient(places.management_socket) as management:
            text: str = management.call(Read("operational", "capture/state/error")).text
        return "not permitted" in text

    try:
        eventually(told)
    finally:
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "CAP_NET_RAW" in log
    assert "Traceback" not in log
