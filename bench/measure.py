"""Runs a command and measures it from outside: wall and processor time, memory."""

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

KIB = 1024
SAMPLES_PER_SECOND = 50
LAST_LINES = 5


@dataclass(frozen=True)
class Measurement:
    """One run of a command."""

    wall: float
    user: float
    system: float
    peak_rss: int
    peak_anonymous: int

    @property
    def processor(self) -> float:
        """Processor seconds, the kernel's among them."""
        return self.user + self.system


class CommandFailed(Exception):
    """A measured command did not end well."""


def measure(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> Measurement:
    """Runs a command to its end with its output to /dev/null.

    Processor time and peak memory are the kernel's account of the process and of the children that
    it waited for. The peak counts pages of mapped files, and is never less than what this process
    holds when it starts the command; anonymous memory, which is sampled, counts neither.
    """
    log = folder / "stderr.txt"
    with log.open("wb") as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=None if environment is None else dict(os.environ) | dict(environment),
        )
        watch = AnonymousMemory(process.pid)
        watch.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        finally:
            watch.stop()
        wall = time.perf_counter() - begun
    # The process has been waited for; without this, Popen would try again.
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        said = " / ".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
        raise CommandFailed(f"{' '.join(command)}: exit code {process.returncode}: {said}")
    return Measurement(wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss * KIB, watch.peak)


class AnonymousMemory(threading.Thread):
    """Watches how much memory a process holds that no file backs."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.status = Path(f"/proc/{pid}/status")
        self.over = threading.Event()
        self.peak = 0

    def run(self) -> None:
        """Looks until told to stop or the process is gone."""
        while not self.over.wait(1 / SAMPLES_PER_SECOND):
            try:
                text = self.status.read_text()
            except OSError:
                return
            self.peak = max(self.peak, anonymous(text))

    def stop(self) -> None:
        """Ends the watch."""
        self.over.set()
        self.join()


def anonymous(status: str) -> int:
    """Octets of anonymous memory in the text of /proc/PID/status; 0 where it does not say."""
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * KIB
    return 0


def median(runs: Sequence[Measurement]) -> Measurement:
    """The median of each quantity on its own."""
    return Measurement(
        wall=statistics.median(run.wall for run in runs),
        user=statistics.median(run.user for run in runs),
        system=statistics.median(run.system for run in runs),
        peak_rss=int(statistics.median(run.peak_rss for run in runs)),
        peak_anonymous=int(statistics.median(run.peak_anonymous for run in runs)),
    )
