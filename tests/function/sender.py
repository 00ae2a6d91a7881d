"""Sends UDP packets through v0, octet by octet our own: sender.py COUNT PORT [PER_SECOND].

With `--ports` each packet is of a session of its own, from PORT upwards.
"""

import socket
import struct
import sys
import time

of_their_own = "--ports" in sys.argv
words = [word for word in sys.argv[1:] if word != "--ports"]
count, first = int(words[0]), int(words[1])
pause = 1 / float(words[2]) if len(words) > 2 else 0.0
PAYLOAD = b"known packet of a test"


def checksum(octets: bytes) -> int:
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(port: int) -> bytes:
    udp = struct.pack(">HHHH", 40_000, port, 8 + len(PAYLOAD), 0) + PAYLOAD
    ip = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 7, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2"
    )
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    return b"\x02\0\0\0\0\2" + b"\x02\0\0\0\0\1" + b"\x08\0" + ip + udp


with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sending:
    sending.bind(("v0", 0))
    for number in range(count):
        sending.send(frame(first + number if of_their_own else first))
        if pause:
            time.sleep(pause)
