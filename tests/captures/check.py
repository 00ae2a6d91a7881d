"""Asks tshark whether a capture holds what it claims, and nothing malformed that is not meant."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from catalogue import Capture

_PREFERENCES = (
    "ip.check_checksum:TRUE",
    "tcp.check_checksum:TRUE",
    "udp.check_checksum:TRUE",
    "sctp.checksum:CRC 32c",
)

FLAWS = (
    "_ws.malformed",
    "ip.checksum.status == 0",
    "tcp.checksum.status == 0",
    "udp.checksum.status == 0",
    "icmp.checksum.status == 0",
    "icmpv6.checksum.status == 0",
    "igmp.checksum.status == 0",
    "sctp.checksum.status == 0",
    "_ws.short",
)


def count(path: Path, display_filter: str) -> int:
    """How many packets of a capture match a display filter."""
    argv = [
        "tshark",
        "-n",
        "-r",
        str(path),
        "-Y",
        display_filter,
        "-T",
        "fields",
        "-e",
        "frame.number",
    ]
    for preference in _PREFERENCES:
        argv += ["-o", preference]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"tshark {display_filter!r} on {path.name}: {done.stderr.strip()}")
    return len(done.stdout.split())


def problems(capture: Capture) -> list[str]:
    """What a capture lacks of its claims, and the flaws it has against them."""
    found = []
    for display_filter, least in capture.expect.items():
        number = count(capture.path, display_filter)
        if least == 0 and number:
            found.append(f"{display_filter}: {number} packets, none expected")
        if number < least:
            found.append(f"{display_filter}: {number} packets, at least {least} expected")
    unmeant = [flaw for flaw in FLAWS if flaw not in capture.flaws]
    if not capture.flaws and not count(capture.path, " || ".join(unmeant)):
        return found
    for flaw in FLAWS:
        number = count(capture.path, flaw)
        if number and flaw not in capture.flaws:
            found.append(f"{flaw}: {number} packets, none expected")
        if not number and flaw in capture.flaws:
            found.append(f"{flaw}: meant to be there, but no packet has it")
    return found
