"""A pair of interfaces in a network of their own, and what is sent over it."""

import ctypes
import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nf._native.engine import Engine
from nf.datapath.config import EngineConfig
from nf.errors import ConfigurationError
from tests.waiting import until

__all__ = [
    "Pair",
    "account",
    "drained",
    "frames_of",
    "network",
    "sender",
    "started",
    "swap",
    "udp",
]

CLONE_NEWNET = 0x40000000


def _libc(function: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


@contextmanager
def network() -> Iterator[None]:
    """Has this thread, and those it starts, live in a new network until the end."""
    with Path("/proc/self/ns/net").open("rb") as before:
        _libc("unshare", CLONE_NEWNET)
        try:
            # Whatever the kernel says by itself would be counted with what tests send.
            for which in ("all", "default"):
                Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6").write_text("1")
            yield
        finally:
            _libc("setns", before.fileno(), CLONE_NEWNET)


def ip(*words: str) -> None:
    """Runs ip(8)."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


@dataclass
class Pair:
    """Two interfaces that are joined by a cable."""

    near: str = "near0"
    far: str = "far0"
    _sender: socket.socket | None = field(default=None, init=False)

    def make(self) -> None:
        """Makes them, and has them up."""
        ip("link", "add", self.near, "type", "veth", "peer", "name", self.far)
        for name in (self.near, self.far):
            ip("link", "set", name, "up")
        until(self._is_up)

    def _is_up(self) -> bool:
        shown = subprocess.run(
            ["ip", "-br", "link", "show", self.far], capture_output=True, text=True, check=True
        )
        return "UP" in shown.stdout

    def remove(self) -> None:
        """Removes both."""
        self.hang_up()
        ip("link", "del", self.near)

    def hang_up(self) -> None:
        """Closes the sender's socket."""
        if self._sender is not None:
            self._sender.close()
            self._sender = None

    def send(self, *frames: bytes) -> int:
        """Sends frames into the near end, so that they come out at the far one; how many."""
        if self._sender is None:
            self._sender = sender(self.near)
        for frame in frames:
            self._sender.send(frame)
        return len(frames)


def sender(interface: str) -> socket.socket:
    """A socket that sends frames into an interface."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    made.bind((interface, 0))
    return made


def frames_of(path: Path) -> list[bytes]:
    """The packets of a capture of Ethernet frames (pcap, either order of octets)."""
    data = path.read_bytes()
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}.get(data[:4])
    order = order or {b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\x3c\x4d": ">"}[data[:4]]
    [link] = struct.unpack_from(order + "I", data, 20)
    assert link == 1, f"{path} has link type {link}"
    frames, at = [], 24
    while at < len(data):
        [captured] = struct.unpack_from(order + "I", data, at + 8)
        frames.append(data[at + 16 : at + 16 + captured])
        at += 16 + captured
    return frames


def udp(source: int, target: int, payload: bytes = b"x", *, host: int = 1) -> bytes:
    """A datagram from 10.0.0.`host` to 10.0.1.1 in an Ethernet frame of at least 60 octets."""
    datagram = struct.pack(">HHHH", source, target, 8 + len(payload), 0) + payload
    addresses = bytes([10, 0, 0, host, 10, 0, 1, 1])
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0) + addresses
    frame = b"\x02\0\0\0\0\x01" + b"\x02\0\0\0\0\x02" + b"\x08\0" + head + datagram
    return frame.ljust(60, b"\0")


def drained(engine: Engine) -> list[dict[str, Any]]:
    """Stops an engine and takes all of its rows; the account must balance."""
    engine.stop()
    rows: list[dict[str, Any]] = []
    while (batches := engine.poll(10_000, 1.0)) is not None:
        for batch in batches:
            rows += batch.to_dicts()
    stats = engine.stats()
    assert stats["identity"] is None
    assert stats["complete"]
    assert stats["in_flight"] == 0
    return rows


def started(config: EngineConfig) -> Engine:
    """A running engine."""
    engine = Engine(config.to_json())
    engine.start()
    return engine


def account(engine: Engine) -> dict[str, int]:
    """Its account as of now."""
    return dict(engine.stats()["account"])


def swap(engine: Any, settings: EngineConfig) -> None:
    """Changes the settings, once so many changes do not wait to be taken up."""

    def is_taken() -> bool:
        try:
            engine.swap(settings.to_json())
        except ConfigurationError as error:
            if "not been taken up" not in error.what:
                raise
            return False
        return True

    until(is_taken)
