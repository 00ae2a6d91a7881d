"""A client of Remote Framebuffer: `vnc_peer.py ADDRESS PORT VERSION SECURITY`, where the last is
none, wrong (a password that is not right) or tls (VeNCrypt with a certificate)."""

import socket
import ssl
import struct
import sys


def read(stream: socket.socket, count: int) -> bytes:
    """So many octets."""
    octets = b""
    while len(octets) < count:
        more = stream.recv(count - len(octets))
        if not more:
            sys.exit("the server has gone")
        octets += more
    return octets


def reason(stream: socket.socket) -> None:
    """Prints why the server refuses."""
    print(read(stream, struct.unpack("!I", read(stream, 4))[0]).decode())


def main() -> None:
    """Shakes hands and asks for the corner of the screen."""
    address, port, version, security = sys.argv[1:]
    stream = socket.create_connection((address, int(port)))
    read(stream, 12)
    stream.sendall(f"RFB {version}\n".encode())
    wanted = {"none": 1, "wrong": 2, "tls": 19}[security]
    if version == "003.003":
        read(stream, 4)
    else:
        read(stream, read(stream, 1)[0])
        stream.sendall(bytes([wanted]))
    if security == "wrong":
        read(stream, 16)
        stream.sendall(bytes(range(16)))
    if security == "tls":
        read(stream, 2)
        stream.sendall(b"\0\2")
        _, count = read(stream, 2)
        read(stream, 4 * count)
        stream.sendall(struct.pack("!I", 260))
        read(stream, 1)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        stream = context.wrap_socket(stream)
    if version == "003.008" or security != "none":
        (result,) = struct.unpack("!I", read(stream, 4))
        if result:
            reason(stream)
            return
    stream.sendall(b"\1")
    head = read(stream, 24)
    read(stream, struct.unpack("!I", head[20:])[0])
    stream.sendall(struct.pack("!BBHHHH", 3, 0, 0, 0, 8, 8))
    read(stream, 4)
    stream.close()


main()
