"""Sends UDP packets through v0, octet by octet our own: sender.py COUNT PORT [PER_SECOND]."""

import socket
import struct
import sys
import time

count, port = int(sys.argv[1]), int(sys.argv[2])
pause = 1 / float(sys.argv[3]) if len(sys.argv) > 3 else 0.0


def checksum(octets: bytes) -> int:
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


payload = b"known packet of a test"
udp = struct.pack(">HHHH", 40_000, port, 8 + len(payload), 0) + payload
ip = struct.pack(
    ">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 7, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2"
)
ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
frame = b"\x02\0\0\0\0\2" + b"\x02\0\0\0\0\1" + b"\x08\0" + ip + udp

with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sending:
    sending.bind(("v0", 0))
    for _ in range(count):
        sending.send(frame)
        if pause:
            time.sleep(pause)
