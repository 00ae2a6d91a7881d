"""The monitor with real children: started, watched, started again, ended."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nf.errors import NfError, Refused
from nf.process.monitoring import MonitorClient, ProcessState, RestartProcess
from nf.process.notify import parse
from nf.process.places import Places

CHILD = Path(__file__).with_name("child.py")
PATIENCE = 20.0
PROGRAM = """
import asyncio, sys
from nf.process.logs import set_up
from nf.process.notify import Notifier
from nf.process.places import Places
from nf.supervisor.monitor import Child, Monitor
from nf.supervisor.watch import Policy
from pathlib import Path

set_up("nf-monitor")
state, hang = Path(sys.argv[1]), float(sys.argv[2])
places = Places.of(state, None)
places.make()
policy = Policy(hang_seconds=hang, stop_seconds=1.0, ready_seconds=hang * 4, burst=3)
def child(name, words):
    command = [sys.executable, sys.argv[3], str(state / name), *words.split()]
    return Child(name, command, policy, hears_hup=name == "nf-mgmt")
children = [child("nf-datapath", sys.argv[4]), child("nf-mgmt", sys.argv[5])]
sys.exit(asyncio.run(Monitor(children, places, Notifier.from_environment()).run()))
"""


def eventually(true: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    why: NfError | None = None
    while time.monotonic() < until:
        try:
            if true():
                return
        except NfError as error:
            # Its socket is there before it listens, and for a moment after it has ended.
            why = error
        time.sleep(0.01)
    raise AssertionError("it never came true") from why


class Running:
    def __init__(self, state: Path, datapath: str, mgmt: str, hang: float, notify: str) -> None:
        self.state = state
        self.places = Places.of(state, None)
        variables = {k: v for k, v in os.environ.items() if k != "NOTIFY_SOCKET"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, state, str(hang), CHILD, datapath, mgmt],
            env=variables | ({"NOTIFY_SOCKET": notify} if notify else {}),
            stderr=subprocess.PIPE,
            text=True,
        )
        self.code: int | None = None
        self.log = ""

    def processes(self) -> dict[str, ProcessState]:
        with MonitorClient(self.places.monitor_socket) as asking:
            return {one.name: one for one in asking.processes()}

    def is_up(self) -> bool:
        if not self.places.monitor_socket.exists():
            return False
        return all(one.state == "running" for one in self.processes().values())

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        _, self.log = self.process.communicate(timeout=PATIENCE)
        self.code = self.process.returncode
        return self.code


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Running] = []

    def make(
        datapath: str = "", mgmt: str = "", hang: float = 5.0, notify: str = "", up: bool = True
    ) -> Running:
        started.append(Running(tmp_path / "s", datapath, mgmt, hang, notify))
        if up:
            eventually(started[-1].is_up)
        return started[-1]

    yield make
    for one in started:
        if one.code is None:
            one.process.kill()
            # Its children hold the pipe of its log, which would never end.
            for child in one.state.glob("nf-*/[0-9]*"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(child.name), signal.SIGKILL)
            one.process.communicate(timeout=PATIENCE)


def test_it_starts_its_children_and_ends_them_properly(start: Start) -> None:
    monitor = start()
    states = monitor.processes()
    assert list(states) == ["nf-monitor", "nf-datapath", "nf-mgmt"]
    assert states["nf-monitor"].pid == monitor.process.pid
    assert states["nf-mgmt"].status == "here"
    assert monitor.end() == 0
    assert (monitor.state / "nf-datapath" / "ended").exists()
    assert (monitor.state / "nf-mgmt" / "ended").exists()
    assert monitor.log.index("ended child=nf-datapath") < monitor.log.index("ended child=nf-mgmt")
    assert list(monitor.places.run.iterdir()) == []


@pytest.mark.parametrize("name", ["nf-datapath", "nf-mgmt"])
def test_who_is_killed_is_there_again(start: Start, name: str) -> None:
    monitor = start()
    before = monitor.processes()
    os.kill(before[name].pid, signal.SIGKILL)
    eventually(lambda: monitor.processes()[name].restarts == 1)
    eventually(monitor.is_up)
    after = monitor.processes()
    assert after[name].pid not in {0, before[name].pid}
    assert after[name].last_exit == "killed by SIGKILL"
    other = ({"nf-datapath", "nf-mgmt"} - {name}).pop()
    assert after[other].pid == before[other].pid
    assert monitor.end() == 0


def test_who_gives_no_sign_of_life_is_killed_and_started_again(start: Start) -> None:
    monitor = start(datapath="hang", hang=0.5)
    eventually(lambda: monitor.processes()["nf-datapath"].restarts >= 1)
    assert monitor.processes()["nf-datapath"].last_exit == "killed by SIGKILL"
    assert monitor.processes()["nf-mgmt"].restarts == 0
    monitor.end()
    assert "no heartbeat" in monitor.log


def test_who_fails_again_and_again_rests_while_others_work(start: Start) -> None:
    monitor = start(datapath="fail", up=False)
    eventually(monitor.places.monitor_socket.exists)
    eventually(lambda: monitor.processes()["nf-datapath"].state == "failed")
    assert monitor.processes()["nf-datapath"].last_exit == "exit code 3"
    eventually(lambda: monitor.processes()["nf-mgmt"].state == "running")
    assert monitor.end() == 0


def test_when_all_have_failed_the_monitor_fails(start: Start) -> None:
    assert start(datapath="fail", mgmt="fail", up=False).wait() == 1


def test_a_restart_can_be_asked_for(start: Start) -> None:
    monitor = start()
    with MonitorClient(monitor.places.monitor_socket) as asking:
        asking.call(RestartProcess("nf-datapath"))
        eventually(lambda: monitor.processes()["nf-datapath"].restarts == 1)
        with pytest.raises(Refused, match="no process"):
            asking.call(RestartProcess("nf-other"))
    eventually(monitor.is_up)
    assert (monitor.state / "nf-datapath" / "ended").exists()
    assert monitor.end() == 0


def test_hup_goes_to_management_alone(start: Start) -> None:
    monitor = start()
    monitor.process.send_signal(signal.SIGHUP)
    eventually((monitor.state / "nf-mgmt" / "hup").exists)
    assert not (monitor.state / "nf-datapath" / "hup").exists()
    assert monitor.end() == 0


def test_who_does_not_end_is_killed_and_the_code_says_so(start: Start) -> None:
    assert start(datapath="stubborn").end() == 1


def test_a_second_interrupt_kills(start: Start) -> None:
    monitor = start(datapath="stubborn", mgmt="stubborn")
    monitor.process.send_signal(signal.SIGINT)
    eventually(lambda: monitor.processes()["nf-datapath"].state == "stopping")
    assert monitor.end(signal.SIGINT) == 130


def test_orphans_below_are_reaped(start: Start) -> None:
    monitor = start(datapath="orphan")
    below = Path(f"/proc/{monitor.process.pid}/task/{monitor.process.pid}/children")
    eventually(lambda: len(below.read_text().split()) == 2)
    assert monitor.end() == 0


def test_systemd_hears_readiness_heartbeat_and_end(start: Start, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.settimeout(PATIENCE)
        ears.bind(str(tmp_path / "n"))
        monitor = start(notify=str(tmp_path / "n"))
        heard: list[str] = []
        while "READY" not in heard:
            heard += parse(ears.recv(4096))
        heard.clear()
        while "WATCHDOG" not in heard:
            heard += parse(ears.recv(4096))
        assert monitor.end() == 0
        ears.setblocking(False)
        heard.clear()
        while True:
            try:
                heard += parse(ears.recv(4096))
            except BlockingIOError:
                break
        assert "STOPPING" in heard


def test_a_second_monitor_in_the_same_place_is_refused(start: Start) -> None:
    first = start()
    second = start(up=False)
    assert second.wait() != 0
    assert "another process listens" in second.log
    assert first.is_up()
    assert first.end() == 0


def test_the_monitor_loads_no_native() -> None:
    program = "import sys, nf.supervisor.monitor; print([n for n in sys.modules if '_native' in n])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
