"""Sends the frames of a classic capture through v0: replayer.py FILE.

The kernel stamps them anew, so that its sessions go on when it is over.
"""

import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

LARGEST = 1514
"""What a pair of interfaces takes."""


def frames_of(octets: bytes) -> Iterator[bytes]:
    """The frames of a capture in this machine's order of octets."""
    at = 24
    while at < len(octets):
        _, _, captured, _ = struct.unpack_from("=IIII", octets, at)
        yield octets[at + 16 : at + 16 + captured]
        at += 16 + captured


if __name__ == "__main__":
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sending:
        sending.bind(("v0", 0))
        for frame in frames_of(Path(sys.argv[1]).read_bytes()):
            if len(frame) <= LARGEST:
                sending.send(frame)
