"""What this machine gives a probe: rights, interfaces, kernel features and limits.

Every check tries the thing itself where that harms nobody (a socket is opened, not a permission
bit guessed), says what it found, and what to do where that is not enough.
"""

import ctypes.util
import os
import platform
import resource
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Check", "Verdict", "examine"]

Verdict = Literal["ok", "limited", "missing"]

ETH_P_ALL = 0x0003
SOL_PACKET = 263
PACKET_VERSION = 10
TPACKET_V3 = 2
PACKET_FANOUT = 18
PACKET_FANOUT_CBPF = 6

CAPABILITIES = {
    12: ("CAP_NET_ADMIN", "promiscuous mode, and offloads of an interface"),
    13: ("CAP_NET_RAW", "live capture"),
    23: ("CAP_SYS_NICE", "priority of the workers"),
    38: ("CAP_PERFMON", "light inspection in the kernel"),
    39: ("CAP_BPF", "light inspection in the kernel"),
}
SYS_ADMIN = 21
"""Stands for CAP_BPF and CAP_PERFMON in kernels before 5.8 and still includes them."""

MIN_KERNEL = (5, 10)
MIN_FILES = 4096
MIN_STATE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        topic: What was looked at.
        verdict: `ok`; `limited`, something works less well; `missing`, something does not work.
        found: What it is like here.
        advice: What to do; empty when all is well.
    """

    topic: str
    verdict: Verdict
    found: str
    advice: str = ""


def examine(state_folder: Path | None = None, root: Path = Path("/")) -> list[Check]:
    """Looks at the machine.

    Args:
        state_folder: Where configurations are kept.
        root: Where `/proc` and `/sys` are found.
    """
    return [
        *_kernel(root),
        *_capabilities(root),
        *_live_capture(),
        *_libpcap(),
        *_interfaces(root),
        *_in_kernel(root),
        *_processors(),
        *_limits(),
        *_state_folder(state_folder),
    ]


def _kernel(root: Path) -> Iterator[Check]:
    release = _text(root / "proc/sys/kernel/osrelease") or platform.release()
    numbers = release.split("-")[0].split(".")
    version = tuple(int(number) for number in numbers[:2] if number.isdigit())
    system = f"{platform.system()} {release}"
    if platform.system() != "Linux":
        yield Check("kernel", "missing", system, "live capture needs Linux; nf read works anywhere")
    elif version < MIN_KERNEL:
        wanted = ".".join(map(str, MIN_KERNEL))
        yield Check("kernel", "limited", system, f"light inspection needs {wanted} or later")
    else:
        yield Check("kernel", "ok", system)


def _capabilities(root: Path) -> Iterator[Check]:
    for line in (_text(root / "proc/self/status") or "").splitlines():
        if line.startswith("CapEff:"):
            mask = int(line.split()[1], 16)
            break
    else:
        yield Check("capabilities", "limited", "unknown", "/proc is not mounted: mount it")
        return
    for bit, (name, use) in CAPABILITIES.items():
        held = bool(mask >> bit & 1) or (bit in (38, 39) and bool(mask >> SYS_ADMIN & 1))
        yield Check(
            name,
            "ok" if held else "missing" if bit == 13 else "limited",
            "held" if held else f"not held: no {use}",
            ""
            if held
            else f"run as root, or give the capability: see docs/run.md ({name.lower()})",
        )


def _live_capture() -> Iterator[Check]:
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
            sock.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
            yield Check("AF_PACKET", "ok", "raw sockets with TPACKET_V3 rings")
            yield from _fanout(sock)
    except AttributeError:
        yield Check("AF_PACKET", "missing", "not on this system", "capture on Linux")
    except PermissionError:
        yield Check("AF_PACKET", "missing", "not permitted", "needs CAP_NET_RAW: see docs/run.md")
    except OSError as error:
        yield Check(
            "AF_PACKET",
            "missing",
            error.strerror or str(error),
            "the kernel lacks CONFIG_PACKET: load the module af_packet, or use libpcap",
        )


def _fanout(sock: socket.socket) -> Iterator[Check]:
    try:
        sock.bind(("lo", ETH_P_ALL))
        sock.setsockopt(
            SOL_PACKET, PACKET_FANOUT, (os.getpid() & 0xFFFF) | PACKET_FANOUT_CBPF << 16
        )
        yield Check("packet fanout", "ok", "several sockets share an interface")
    except OSError as error:
        yield Check(
            "packet fanout",
            "limited",
            error.strerror or str(error),
            "one socket reads each interface; the workers still share what it reads",
        )


def _libpcap() -> Iterator[Check]:
    library = ctypes.util.find_library("pcap")
    if library:
        yield Check("libpcap", "ok", library)
    else:
        yield Check(
            "libpcap",
            "limited",
            "not found: no packet filters in its language, no capture through it",
            "install it (Debian: apt-get install libpcap0.8)",
        )


def _interfaces(root: Path) -> Iterator[Check]:
    folder = root / "sys/class/net"
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if not names:
        yield Check("interfaces", "missing", "none", "give the container or VM one to capture on")
    for name in names:
        state = _text(folder / name / "operstate") or "unknown"
        mtu = _text(folder / name / "mtu") or "?"
        driver = folder / name / "device/driver"
        kind = driver.resolve().name if driver.exists() else "virtual"
        up = state == "up" or (name == "lo" and state == "unknown")
        yield Check(
            f"interface {name}",
            "ok" if up else "limited",
            f"{state}, {kind}, MTU {mtu}",
            "" if up else f"it carries nothing: ip link set {name} up",
        )


def _in_kernel(root: Path) -> Iterator[Check]:
    btf = (root / "sys/kernel/btf/vmlinux").exists()
    yield Check(
        "kernel types (BTF)",
        "ok" if btf else "limited",
        "there" if btf else "not there: light inspection runs in user space",
        "" if btf else "a kernel built with CONFIG_DEBUG_INFO_BTF has them",
    )
    mounted = "bpf" in (_text(root / "proc/mounts") or "").split()
    yield Check(
        "BPF file system",
        "ok" if mounted else "limited",
        "mounted" if mounted else "not mounted: kernel counters do not survive a restart",
        "" if mounted else "mount -t bpf bpf /sys/fs/bpf",
    )


def _processors() -> Iterator[Check]:
    usable = len(os.sched_getaffinity(0))
    yield Check(
        "processors",
        "ok" if usable > 1 else "limited",
        f"{usable} usable of {os.cpu_count()}",
        "" if usable > 1 else "capture and management share one: give the function two",
    )


def _limits() -> Iterator[Check]:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = files == resource.RLIM_INFINITY
    enough = unlimited or files >= MIN_FILES
    yield Check(
        "open files",
        "ok" if enough else "limited",
        "unlimited" if unlimited else f"{files}",
        "" if enough else f"each management session needs one: ulimit -n {MIN_FILES}",
    )
    locked, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    free = locked == resource.RLIM_INFINITY
    yield Check(
        "locked memory",
        "ok",
        "unlimited" if free else f"{locked >> 10} KiB (kernels from 5.11 do not count BPF maps)",
    )


def _state_folder(folder: Path | None) -> Iterator[Check]:
    if folder is None:
        return
    there = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        yield Check(
            "state folder",
            "missing",
            f"{folder} cannot be written",
            "give another one with --state-dir, or its owner the right to write",
        )
        return
    free = shutil.disk_usage(there).free
    enough = free >= MIN_STATE_BYTES
    yield Check(
        "state folder",
        "ok" if enough else "limited",
        f"{folder}, {free >> 20} MiB free",
        "" if enough else "configurations and records need room: free some, or use another disk",
    )


def _text(path: Path) -> str | None:
    """Contents of a small file of the kernel's; None where it is not there."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
