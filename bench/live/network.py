"""A cable between two interfaces in a network of its own, and who is at its ends."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.inputs import WORK

__all__ = ["Cable", "Received", "Sent", "cable", "wire"]

ROOT = Path(__file__).parents[2]
NF = ROOT / ".venv" / "bin" / "nf"
PATIENCE_SECONDS = 30.0
SETTLE_SECONDS = 0.3
"""Longer than packets wait in a ring until its receiver gets them."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent: packets, in how many seconds of the clock, and of the processor."""

    packets: int
    seconds: float
    processor: float


@dataclass(frozen=True, slots=True)
class Received:
    """What came at the other end.

    Attributes:
        packets: Those that were taken.
        dropped: Those that there was no room for.
        processor: Seconds that the processor spent on the receiver meanwhile.
    """

    packets: int
    dropped: int
    processor: float


def wire() -> Path:
    """The program at the ends, built where it is not."""
    build = "cargo build --quiet --release --package nf-capture --example wire"
    command = ["bash", "-c", f'eval "$(tools/toolchain.sh)"; exec {build}']
    made = subprocess.run(command, cwd=ROOT, check=False)
    if made.returncode != 0:
        raise RuntimeError("the sender could not be built: run make setup first")
    built = ROOT / "target" / "release" / "examples" / "wire"
    WORK.mkdir(parents=True, exist_ok=True)
    # A later build does not change what is running.
    return Path(shutil.copy2(built, WORK / "wire"))


@dataclass(frozen=True, slots=True)
class Cable:
    """A cable in the network `name`; what goes in at `near` comes out at `far`."""

    name: str
    program: Path
    near: str = "near0"
    far: str = "far0"

    def inside(self, words: Sequence[str | Path], processors: set[int]) -> list[str]:
        """A command in the network, on some processors only."""
        on = ["taskset", "--cpu-list", ",".join(map(str, sorted(processors)))]
        return ["ip", "netns", "exec", self.name, *on, *map(str, words)]

    def send(self, octets: int, seconds: float, sessions: int) -> Sent:
        """Sends as fast as it goes."""
        words = [self.program, "send", self.near, str(octets), str(seconds), str(sessions)]
        command = self.inside(words, _sending())
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        packets, taken, processor = run.stdout.split()
        return Sent(int(packets), float(taken), float(processor))

    def bare(
        self, buffer: int, octets: int, seconds: float, sessions: int
    ) -> tuple[Sent, Received]:
        """Sends to a receiver that only walks over the packets of its ring."""
        command = self.inside([self.program, "receive", self.far, str(buffer)], _receiving())
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as receiver:
            if receiver.stdin is None or receiver.stdout is None:
                raise RuntimeError("a process without pipes")
            if receiver.stdout.readline() != "ready\n":
                raise RuntimeError("the bare receiver could not begin")
            before = _processor_seconds(receiver.pid)
            sent = self.send(octets, seconds, sessions)
            time.sleep(SETTLE_SECONDS)
            spent = _processor_seconds(receiver.pid) - before
            receiver.stdin.close()
            packets, _octets, dropped = receiver.stdout.read().split()
        return sent, Received(int(packets), int(dropped), spent)

    def nf(
        self, buffer: int, octets: int, seconds: float, sessions: int, options: Sequence[str] = ()
    ) -> tuple[Sent, Received]:
        """Sends to `nf live`, which keeps sessions, classifies them and writes a row for each."""
        words = [
            NF, "live", "-i", self.far, "--buffer", str(buffer), "-o", "jsonl",
            "--output", "/dev/null", "--stats=json", *options,
        ]  # fmt: skip
        command = self.inside(words, _receiving())
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
            self._wait_for_listener(run)
            before = _processor_seconds(run.pid)
            sent = self.send(octets, seconds, sessions)
            time.sleep(SETTLE_SECONDS)
            spent = _processor_seconds(run.pid) - before
            run.terminate()
            _, told = run.communicate(timeout=PATIENCE_SECONDS)
        if run.returncode != 0:
            raise RuntimeError(f"nf live failed: {told}")
        # Where packets were dropped, a word on that follows.
        [counted] = [line for line in told.splitlines() if line.startswith("{")]
        account = json.loads(counted)["account"]
        return sent, Received(account["processed"], account["kernel_drops"], spent)

    def _wait_for_listener(self, run: "subprocess.Popen[str]") -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        sockets = Path(f"/proc/{run.pid}/net/packet")
        while time.monotonic() < deadline and run.poll() is None:
            if any(line.split()[3] == "0003" for line in sockets.read_text().splitlines()[1:]):
                return
            time.sleep(0.05)
        run.kill()
        told = run.stderr.read() if run.stderr else ""
        raise RuntimeError(f"nf live does not listen: {told}")


def _processor_seconds(process: int) -> float:
    """Seconds that the processor has spent on a process, the kernel's work for it included."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _processors() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def _sending() -> set[int]:
    """The processor that sends; the kernel puts packets into rings there, too."""
    return {_processors()[-1]}


def _receiving() -> set[int]:
    """Those that are left, so that both receivers have the same."""
    return set(_processors()[:-1]) or {_processors()[-1]}


@contextmanager
def cable(program: Path) -> Iterator[Cable]:
    """A cable in a network of its own, which are gone at the end."""
    made = Cable(f"nf-bench-{os.getpid()}", program)
    _ip("netns", "add", made.name)
    try:
        # What the kernel says by itself would be counted with what is sent.
        quiet = "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"
        _ip("netns", "exec", made.name, "sh", "-c", quiet)
        inside = ("-n", made.name)
        _ip(*inside, "link", "add", made.near, "type", "veth", "peer", "name", made.far)
        for name in (made.near, made.far):
            _ip(*inside, "link", "set", name, "up")
        time.sleep(SETTLE_SECONDS)
        yield made
    finally:
        _ip("netns", "del", made.name)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
