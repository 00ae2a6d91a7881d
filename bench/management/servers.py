"""The NETCONF servers that are measured: ours, and Debian's netconfd behind Debian's sshd."""

import contextlib
import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SERVERS", "Absent", "Server"]

YANG = Path(__file__).parent / "yang"
PASSWORD = "measured-here"  # noqa: S105 - of a server that lives for the measurement
START = 60.0


class Absent(Exception):
    """A server is not installed."""


@dataclass(frozen=True, slots=True)
class Server:
    """One that answers.

    Attributes:
        name: What it is called in the table.
        version: Its own word.
        port: On loopback.
        user: Who logs in.
        key: File of the private key, or None for the password.
        pids: Processes that it began with.
    """

    name: str
    version: str
    port: int
    user: str
    key: Path | None
    pids: tuple[int, ...]

    def processor(self) -> float:
        """Seconds of processor that its processes and their children have used."""
        return sum(_used(pid) for pid in _family(self.pids))

    def memory(self) -> int:
        """Resident octets of its processes and their children, shared ones once per process."""
        return sum(_resident(pid) for pid in _family(self.pids))


@contextlib.contextmanager
def nf(folder: Path) -> Iterator[Server]:
    """Our management process with the table beside its own modules."""
    command = [sys.executable, "-m", "nf.mgmt.netconf", "--state", str(folder / "state")]
    command += ["--listen", "127.0.0.1:0", "--search", str(YANG), "--module", "nf-bench"]
    environ = {**os.environ, "NF_ADMIN_PASSWORD": PASSWORD}
    with _running(command, folder / "nf.log", environ, stdout=subprocess.PIPE) as process:
        if process.stdout is None:
            raise RuntimeError("no standard output")
        line = process.stdout.readline()
        if not line:
            raise RuntimeError((folder / "nf.log").read_text())
        ports = json.loads(line)
        port = ports[0] if isinstance(ports, list) else next(iter(ports.values()))
        yield Server("nf", _version("nf"), port, "admin", None, (process.pid,))


@contextlib.contextmanager
def yuma(folder: Path) -> Iterator[Server]:
    """Debian's netconfd (yuma123), which sshd's subsystem reaches over a UNIX socket."""
    daemon, sshd = (
        shutil.which("netconfd"),
        shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin"),
    )
    if daemon is None or sshd is None or not Path("/usr/sbin/netconf-subsystem").exists():
        raise Absent("Debian's packages netconfd and openssh-server are not installed")
    port = _free_port()
    sock = folder / "ncx.sock"
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True
        )
    shutil.copy(folder / "user.pub", folder / "authorized")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nUsePAM no\n"
        f"AuthorizedKeysFile {folder / 'authorized'}\nStrictModes no\nPidFile none\n"
        "MaxStartups 1000\nMaxSessions 1000\n"
        "Subsystem netconf /usr/sbin/netconf-subsystem"
        f" --ncxserver-sockname={port}@{sock}\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    netconfd = [daemon, f"--modpath={YANG}:/usr/share/yuma/modules", "--module=nf-bench"]
    netconfd += ["--no-startup", f"--superuser={getpass.getuser()}", "--target=running"]
    netconfd += [f"--ncxserver-sockname={sock}", f"--port={port}", "--log-level=error"]
    # Its running configuration is written to its home after each edit.
    environ = {**os.environ, "HOME": str(folder)}
    with (
        _running(netconfd, folder / "netconfd.log", environ) as first,
        _running([sshd, "-D", "-f", str(folder / "sshd_config")], folder / "sshd.log") as second,
    ):
        _until_listening(port)
        _until(sock.exists)
        yield Server(
            "netconfd",
            _debian("netconfd"),
            port,
            getpass.getuser(),
            folder / "user",
            (first.pid, second.pid),
        )


SERVERS = {"nf": nf, "netconfd": yuma}


@contextlib.contextmanager
def _running(
    command: list[str], log: Path, environ: dict[str, str] | None = None, stdout: int | None = None
) -> Iterator["subprocess.Popen[str]"]:
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, stdout=stdout or errors, stderr=errors, env=environ, text=True
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _until_listening(port: int) -> None:
    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    _until(listens)


def _until(condition: object) -> None:
    end = time.monotonic() + START
    while not (callable(condition) and condition()):
        if time.monotonic() > end:
            raise RuntimeError("a server did not come up")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _family(pids: tuple[int, ...]) -> set[int]:
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _resident(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) << 10 for line in rollup.splitlines() if line[:4] == "Pss:")


def _used(pid: int) -> float:
    used = 0
    for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        # A thread may end meanwhile.
        with contextlib.suppress(OSError):
            used += int(task.read_text().split()[0])
    return used / 1e9


def _version(command: str) -> str:
    path = Path(sys.executable).parent / command
    done = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip().removeprefix("nf ")


def _debian(package: str) -> str:
    query = ["dpkg-query", "-W", "-f=${Version}", package]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout
