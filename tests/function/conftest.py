"""A probe in a network namespace of its own, with a pair of interfaces to send through."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nf.errors import NfError
from nf.mgmt.local import LocalClient, Read, SetNode
from nf.process.monitoring import MonitorClient, ProcessState
from nf.process.places import Places

PATIENCE = 60.0
SENDER = Path(__file__).with_name("sender.py")
SEES = "v1"
"""The interface that the probe captures from."""


def eventually(true: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Waits until something is so, and returns what it was."""
    until = time.monotonic() + seconds
    last: Exception | None = None
    while time.monotonic() < until:
        try:
            if found := true():
                return found
        except (NfError, AssertionError, KeyError, OSError) as error:
            last = error
        time.sleep(0.02)
    raise AssertionError(f"it never came true within {seconds} s") from last


@pytest.fixture(scope="module")
def space() -> Iterator[str]:
    """A network namespace with the pair v0, v1, and nothing else."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")
    name = f"nf-test-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"no network namespaces here: {made.stderr.decode().strip()}")
    try:
        for words in (
            "link set lo up",
            f"link add v0 type veth peer name {SEES}",
            "link set v0 up arp off",
            f"link set {SEES} up arp off",
        ):
            subprocess.run(["ip", "-n", name, *words.split()], check=True)
        for interface in ("v0", SEES):
            subprocess.run(
                [
                    *("ip", "netns", "exec", name, "sysctl", "-qw"),
                    f"net.ipv6.conf.{interface}.disable_ipv6=1",
                ],
                check=False,
                capture_output=True,
            )
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=False)


class Probe:
    """`nf run` in a namespace."""

    def __init__(self, space: str, state: Path, *words: str, **variables: str) -> None:
        self.space = space
        self.places = Places.of(state, None)
        self.log = state.parent / "log"
        self._log = self.log.open("ab")
        self.out = (state.parent / "out").open("w+b")
        known = {k: v for k, v in os.environ.items() if k != "NOTIFY_SOCKET"}
        self.process = subprocess.Popen(
            [
                *("ip", "netns", "exec", space, sys.executable, "-m", "nf.cli", "run"),
                *("--state-dir", str(state), "--netconf-port", "8300", *words),
            ],
            env=known | {"NF_ADMIN_PASSWORD": "a password of the test"} | variables,
            stdout=self.out,
            stderr=self._log,
        )

    def processes(self) -> dict[str, ProcessState]:
        with MonitorClient(self.places.monitor_socket) as monitor:
            return {one.name: one for one in monitor.processes()}

    def is_up(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"nf run ended with {self.process.returncode}: {self.log.read_text()}")
        return all(one.state == "running" for one in self.processes().values())

    def up(self) -> "Probe":
        eventually(self.is_up)
        return self

    def ask(self, body: Any) -> Any:
        with LocalClient(self.places.management_socket) as management:
            return management.call(body, PATIENCE)

    def set(self, *values: tuple[str, str | None]) -> None:
        self.ask(SetNode(values))

    def config(self, path: str = "") -> Any:
        return json.loads(self.ask(Read("running", path)).text or "{}")

    def state(self, path: str) -> Any:
        """What lies at a path of operational, without the nodes above it."""
        found = json.loads(self.ask(Read("operational", path)).text or "{}")
        for name in ["probe", *path.split("/")]:
            bare = {key.rpartition(":")[2]: value for key, value in found.items()}
            found = bare.get(name, {})
        return found

    def account(self) -> dict[str, int]:
        return {k: int(v) for k, v in self.state("engine/state/account").items()}

    def capturing(self) -> bool:
        sources = self.state("capture/state").get("source", [])
        return any(one["name"] == SEES and one["state"] == "capturing" for one in sources)

    def send(self, count: int, port: int = 5000) -> None:
        """Sends so many UDP packets through v0."""
        subprocess.run(
            ["ip", "netns", "exec", self.space, sys.executable, str(SENDER), str(count), str(port)],
            check=True,
            timeout=PATIENCE,
        )

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(PATIENCE)
        self._log.flush()
        return code

    def logged(self) -> str:
        return self.log.read_text()

    def close(self) -> None:
        if self.process.poll() is None:
            pids = [one.pid for one in self._all()]
            self.process.kill()
            self.process.wait(PATIENCE)
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._log.close()
        self.out.close()

    def _all(self) -> list[ProcessState]:
        try:
            return [one for one in self.processes().values() if one.pid]
        except NfError:
            return []


Start = Callable[..., Probe]


@pytest.fixture
def start(space: str, tmp_path: Path) -> Iterator[Start]:
    probes: list[Probe] = []

    def make(*words: str, **variables: str) -> Probe:
        probes.append(Probe(space, tmp_path / "state", *words, **variables))
        return probes[-1]

    yield make
    for probe in probes:
        probe.close()


def lines_of(folder: Path, kind: str = "session") -> list[dict[str, Any]]:
    """Rows in files that are whole."""
    pattern = re.compile(rf"\d+\.\d{{6}}_{kind}_.*")
    return [
        json.loads(line)
        for path in sorted(folder.iterdir())
        if pattern.fullmatch(path.name)
        for line in path.read_text().splitlines()
    ]
