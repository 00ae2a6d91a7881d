"""A laboratory of network namespaces: hosts joined by veth pairs, programs that run in them, and a
recorder.

Every program is started in the namespace of its host, with that host's name, its own /etc/hosts and
/etc/resolv.conf, and an empty environment, so that nothing of the machine shows in what is
recorded. Whatever happens, leaving the `with` block ends every process of the namespaces and
removes them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from pcapfile import read_pcap, write_pcap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

PATIENCE_S = 20.0
"""How long anything may take before the laboratory gives up."""

# Sent when a recording ends; once it is in the file, so is everything before it.
_MARKER = b"end of this recording, not part of it"
_SEND_MARKER = (
    "import socket,sys;s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW);"
    "s.bind((sys.argv[1],0));"
    "s.send(bytes.fromhex('ffffffffffff02000000ffff88b5')+sys.argv[2].encode())"
)

# $1 host name, $2 folder with the host's own /etc files, then the program.
_ENTER = (
    'hostname "$1"; cd "$2"; for f in $(cd etc && find . -type f); do '
    'mount --bind "etc/$f" "$(readlink -f "/etc/$f")"; done; cd /; shift 2; exec "$@"'
)


class LabError(Exception):
    """Something in the laboratory did not happen; the message says what and shows the output."""


def wait_for(what: str, condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Returns when the condition holds, or raises."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"{what} did not happen within {patience_s:.0f} s")
        time.sleep(0.02)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Process:
    """A program running in a host."""

    def __init__(self, argv: Sequence[str], popen: subprocess.Popen[bytes], log: Path) -> None:
        self.argv = argv
        self.popen = popen
        self.log = log

    def output(self) -> str:
        """What it has printed so far, on both streams."""
        return self.log.read_text(errors="replace")

    def wait_output(self, text: str) -> None:
        """Waits until it has printed the text."""
        wait_for(
            f"'{text}' from {self.argv[0]}", lambda: text in self.output() or self.check_alive()
        )

    def type(self, text: str) -> None:
        """Writes to its standard input; only for programs started with `stdin=subprocess.PIPE`."""
        if self.popen.stdin is None:
            raise LabError(f"{self.argv[0]} was started without an input")
        self.popen.stdin.write(text.encode())
        self.popen.stdin.flush()

    def close_input(self) -> None:
        """Ends its standard input."""
        if self.popen.stdin is not None:
            self.popen.stdin.close()

    def check_alive(self) -> bool:
        """Raises when it has ended; false otherwise, so that conditions can name it."""
        if self.popen.poll() is not None:
            raise LabError(f"{' '.join(self.argv)} ended early:\n{self.output()}")
        return False

    def wait(self) -> str:
        """Waits for its end; returns what it printed."""
        code = self.popen.wait(PATIENCE_S)
        if code:
            raise LabError(f"{' '.join(self.argv)} failed with {code}:\n{self.output()}")
        return self.output()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends it by its process id."""
        if self.popen.poll() is None:
            self.popen.send_signal(how)
            try:
                self.popen.wait(5)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(5)


class Host:
    """A network namespace with a name and programs."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab = lab
        self.name = name
        self.namespace = f"nfcap-{os.getpid()}-{name}"
        self.folder = lab.folder / name
        self.interfaces: list[str] = []
        (self.folder / "etc").mkdir(parents=True)
        self.etc("hosts", f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {name}\n")
        self.etc("resolv.conf", "options timeout:1 attempts:1\n")
        _ip("netns", "add", self.namespace)
        self.ip("link", "set", "lo", "up")
        self.sysctl("net.ipv6.conf.default.router_solicitations=0")

    def etc(self, name: str, text: str) -> None:
        """Gives the host its own version of a file of /etc (which must exist on the machine)."""
        path = self.folder / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def file(self, name: str, content: str | bytes) -> Path:
        """Writes a file of the host's own folder, for configuration and content to serve."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def ip(self, *words: str) -> None:
        """Runs ip(8) in the host."""
        _ip("-n", self.namespace, *words)

    def sysctl(self, *settings: str) -> None:
        """Sets kernel parameters of the host's network."""
        self.run(["sysctl", "-qw", *settings])

    def _command(self, argv: Sequence[str]) -> list[str]:
        enter = ["nsenter", f"--net=/run/netns/{self.namespace}", "unshare", "--uts", "--mount"]
        return [*enter, "sh", "-c", _ENTER, "sh", self.name, str(self.folder), *argv]

    def _environment(self, extra: Mapping[str, str] | None) -> dict[str, str]:
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            **(extra or {}),
        }

    def run(
        self,
        argv: Sequence[str],
        *,
        ok: Sequence[int] = (0,),
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        patience_s: float = PATIENCE_S,
    ) -> str:
        """Runs a program to its end; returns what it printed. Other exit codes than `ok` raise."""
        done = subprocess.run(
            self._command(argv),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment(env),
            timeout=patience_s,
            check=False,
        )
        text = done.stdout.decode(errors="replace")
        if done.returncode not in ok:
            raise LabError(f"{self.name}: {' '.join(argv)} gave {done.returncode}:\n{text}")
        return text

    def spawn(
        self,
        argv: Sequence[str],
        *,
        ready: str = "",
        env: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
    ) -> Process:
        """Starts a program that stays; with `ready`, waits until it has printed that."""
        log = self.folder / f"log-{len(self.lab.processes)}"
        with log.open("wb") as sink:
            popen = subprocess.Popen(
                self._command(argv),
                stdin=stdin,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=self._environment(env),
                start_new_session=True,
            )
        process = Process(argv, popen, log)
        self.lab.processes.append(process)
        if ready:
            process.wait_output(ready)
        return process

    def wait_listening(self, protocol: str, port: int, by: Process | None = None) -> None:
        """Waits until something in the host listens on a `tcp` or `udp` port."""
        option = {"tcp": "-Hlnt", "udp": "-Hlnu"}[protocol]

        def listening() -> bool:
            if by is not None:
                by.check_alive()
            return bool(self.run(["ss", option, f"sport = :{port}"]).strip())

        wait_for(f"a listener on {protocol} port {port}", listening)


class Lab:
    """Hosts and what joins them; use in a `with` statement."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise LabError("network namespaces need root; run make.py as root")
        self.folder = Path(tempfile.mkdtemp(prefix="nfcap-"))
        self.folder.chmod(0o755)  # servers that drop privileges read their content below it
        self.hosts: dict[str, Host] = {}
        self.processes: list[Process] = []
        self._interfaces = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in reversed(self.processes):
            process.stop()
        for host in self.hosts.values():
            pids = subprocess.run(
                ["ip", "netns", "pids", host.namespace], capture_output=True, text=True, check=True
            )
            for pid in map(int, pids.stdout.split()):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue  # ended by itself meanwhile
            _ip("netns", "del", host.namespace)
        shutil.rmtree(self.folder)

    def host(self, name: str) -> Host:
        """Adds a host."""
        self.hosts[name] = Host(self, name)
        return self.hosts[name]

    def join(
        self, a: Host, b: Host, a_addresses: Sequence[str], b_addresses: Sequence[str]
    ) -> None:
        """Joins two hosts by a veth pair called after the host at its other end."""
        ends = ((a, b, a_addresses), (b, a, b_addresses))
        subprocess.run(
            f"ip link add {b.name} netns {a.namespace} type veth"
            f" peer name {a.name} netns {b.namespace}".split(),
            check=True,
        )
        for this, other, addresses in ends:
            this.interfaces.append(other.name)
            self._interfaces += 1
            mac = f"02:00:00:00:00:{self._interfaces:02x}"
            # Offloads would put segments of 64 KB and unset checksums into the recording.
            off = [w for f in ("tso", "gso", "gro", "tx", "rx") for w in (f, "off")]
            this.run(["ethtool", "-K", other.name, *off])
            this.sysctl(f"net.ipv6.conf.{other.name}.accept_dad=0")
            this.ip("link", "set", other.name, "address", mac, "up")
            this.ip("route", "replace", "224.0.0.0/4", "dev", other.name)
            for address in addresses:
                this.ip("address", "add", address, "dev", other.name)

        def carrier() -> bool:
            states = [
                this.run(["ip", "-6", "-br", "addr", "show", "dev", other.name])
                for this, other, _ in ends
            ]
            return all("fe80" in s and "tentative" not in s for s in states)

        wait_for("the link to come up", carrier)

    @contextmanager
    def record(
        self,
        target: Path,
        host: Host,
        interface: str,
        *,
        only: str = "",
        options: Sequence[str] = (),
    ) -> Iterator[Path]:
        """Records what passes an interface of a host while the block runs; `only` is a pcap filter.

        Gives the file that the packets are written to meanwhile.
        """
        chosen = [f"({only}) or ether proto 0x88b5"] if only else []
        raw = self.folder / "recording.pcap"
        raw.unlink(missing_ok=True)
        tcpdump = host.spawn(
            [
                *("tcpdump", "-i", interface, "-w", str(raw), "-n", "-Z", "root"),
                *("-U", "--immediate-mode", "-B", "16384", *options, *chosen),
            ],
            ready="listening on",
        )
        yield raw
        through = host.interfaces[0] if interface == "any" else interface
        marker = _MARKER.decode()
        host.run(["/usr/bin/python3", "-c", _SEND_MARKER, through, marker])
        wait_for("the end of the recording", lambda: _MARKER in raw.read_bytes())
        tcpdump.stop(signal.SIGINT)
        if "0 packets dropped by kernel" not in tcpdump.output():
            raise LabError(f"the recording lost packets:\n{tcpdump.output()}")
        link, records = read_pcap(raw)
        write_pcap(target, link, [r for r in records if _MARKER not in r.data])


class Ends(Protocol):
    """Whatever has a client and a server."""

    client: Host
    server: Host


CLIENT_IPV4, SERVER_IPV4 = "192.0.2.10", "192.0.2.20"
CLIENT_IPV6, SERVER_IPV6 = "2001:db8::10", "2001:db8::20"


class Pair(Lab):
    """A client and a server on one link."""

    def __init__(self) -> None:
        super().__init__()
        try:
            self.client = self.host("client")
            self.server = self.host("server")
            self.join(
                self.client,
                self.server,
                [f"{CLIENT_IPV4}/24", f"{CLIENT_IPV6}/64"],
                [f"{SERVER_IPV4}/24", f"{SERVER_IPV6}/64"],
            )
        except BaseException:
            self.__exit__(None, None, None)
            raise

    @contextmanager
    def recording(
        self, target: Path, *, only: str = "", options: Sequence[str] = ()
    ) -> Iterator[Path]:
        """Records at the server's end of the link."""
        with self.record(target, self.server, "client", only=only, options=options) as raw:
            yield raw
