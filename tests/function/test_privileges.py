"""The probe without root: it runs with two capabilities, and says what is missing without them."""

import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nf.mgmt.local import LocalClient, Read
from nf.process.monitoring import MonitorClient
from nf.process.places import Places
from tests.function.conftest import PATIENCE, SEES, SENDER, eventually

USER = pwd.getpwnam("nobody")
NOBODY = f"--reuid={USER.pw_uid} --regid={USER.pw_gid} --clear-groups"
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


def hidden_from_nobody(path: Path) -> Path | None:
    """The first folder on the way to a path that others may not pass."""
    above = [*reversed(path.parents), path]
    return next((one for one in above if not one.stat().st_mode & stat.S_IXOTH), None)


def entered(path: Path, aside: Path) -> str:
    """Commands that let others pass to a path, for this namespace of mounts alone."""
    if (closed := hidden_from_nobody(path)) is None:
        return ""
    return (
        f"mkdir -p {aside} && mount --bind {path} {aside} && "
        f"mount -t tmpfs -o mode=755 tmpfs {closed} && mkdir -p {path} && "
        f"mount --move {aside} {path} && "
    )


@pytest.fixture
def interpreter() -> Iterator[Path]:
    """A copy of this Python, with the packages of its environment, that nobody may run."""
    # The folders that pytest makes are for their owner alone.
    with tempfile.TemporaryDirectory(prefix="nf-test-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        (place / "bin").mkdir()
        copied = place / "bin" / "nf-python"
        shutil.copy(Path(sys.executable).resolve(), copied)
        environment = Path(sys.prefix)
        shutil.copy(environment / "pyvenv.cfg", place)
        (place / "lib").symlink_to(environment / "lib")
        (place / "own").mkdir()
        os.chown(place / "own", pwd.getpwnam("nobody").pw_uid, -1)
        yield copied


def run_as_nobody(space: str, interpreter: Path) -> subprocess.Popen[str]:
    place = interpreter.parents[1]
    ways = "".join(
        entered(path, place / f"aside{number}")
        for number, path in enumerate(
            dict.fromkeys((Path(sys.base_prefix), Path(__file__).resolve().parents[2]))
        )
    )
    run = f"{interpreter} -m nf.cli run -i {SEES} --netconf-port 8300 --state-dir {place}/own/state"
    command = f"{ways} cd / && exec setpriv {NOBODY} {run}"
    return subprocess.Popen(
        ["ip", "netns", "exec", space, "sh", "-c", command],
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "NF_ADMIN_PASSWORD": "a password of the test"},
    )


def test_capabilities_of_the_file_are_enough_for_a_user_without_any(
    space: str, interpreter: Path
) -> None:
    if shutil.which("setcap") is None or shutil.which("setpriv") is None:
        pytest.skip("setcap and setpriv are not installed")
    subprocess.run(["setcap", f"{CAPABILITIES}=ep", str(interpreter)], check=True)
    process = run_as_nobody(space, interpreter)
    places = Places.of(interpreter.parents[1] / "own" / "state", None)

    def source() -> dict[str, object]:
        with LocalClient(places.management_socket) as management:
            text: str = management.call(Read("operational", "capture/state/source[v1]")).text
        found = json.loads(text)["nf-probe:probe"]["nf-capture:capture"]["state"]["source"][0]
        return dict(found)

    try:
        eventually(lambda: source()["state"] == "capturing")
        subprocess.run(
            ["ip", "netns", "exec", space, sys.executable, str(SENDER), "30", "5000"], check=True
        )
        eventually(lambda: int(str(source()["packets"])) >= 30)
        with MonitorClient(places.monitor_socket) as monitor:
            status = Path(f"/proc/{monitor.processes()[1].pid}/status").read_text()
    finally:
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, log
    assert f"Uid:\t{pwd.getpwnam('nobody').pw_uid}" in status
    assert "CapEff:\t0000000000003000" in status


def test_without_capabilities_of_the_file_nobody_captures(space: str, interpreter: Path) -> None:
    process = run_as_nobody(space, interpreter)
    places = Places.of(interpreter.parents[1] / "own" / "state", None)

    def told() -> bool:
        with LocalClient(places.management_socket) as management:
            text: str = management.call(Read("operational", "capture/state/error")).text
        return "not permitted" in text

    try:
        eventually(told)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


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
