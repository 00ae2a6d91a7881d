"""Screens seen from afar: VNC."""

from __future__ import annotations

from pathlib import Path

from catalogue import recorded
from lab import SERVER_IPV4, SERVER_IPV6, Pair
from services import certificate

_PEER = Path(__file__).with_name("vnc_peer.py")


@recorded(
    "vnc.pcap",
    tools=("tigervnc-standalone-server",),
    expect={
        'vnc.server_proto_ver == "003.008"': 4,
        'vnc.client_proto_ver == "003.003"': 1,
        "vnc.desktop_name": 3,
        "vnc.auth_result == 1": 1,
        "ipv6 && tcp.port == 5900": 4,
        "tls.handshake.type == 1 || tcp contains 16:03:01": 1,
    },
)
def vnc(target: Path) -> None:
    """VNC of versions 3.3, 3.7 and 3.8: without a password, with one that is wrong, over IPv6, and
    by VeNCrypt, which turns to TLS."""
    with Pair() as lab:
        server = lab.server
        certificate(server, "screen.example.com")
        secret = server.file("passwd", bytes.fromhex("7a1c3d4e5f60718a"))
        for port, kinds in ((5900, "None"), (5901, "VncAuth"), (5902, "X509None")):
            options = ["-rfbport", str(port), "-SecurityTypes", kinds, "-desktop", "Harbour screen"]
            files = ["-rfbauth", str(secret), "-X509Cert", f"{server.folder}/server.pem"]
            files += ["-X509Key", f"{server.folder}/server.key", "-geometry", "64x48"]
            screen = server.spawn(["Xtigervnc", f":{port - 5840}", *options, *files])
            server.wait_listening("tcp", port, screen)
        with lab.recording(target, only="tcp"):
            for address, port, version, security in (
                (SERVER_IPV4, 5900, "003.008", "none"),
                (SERVER_IPV6, 5900, "003.007", "none"),
                (SERVER_IPV4, 5900, "003.003", "none"),
                (SERVER_IPV4, 5901, "003.008", "wrong"),
                (SERVER_IPV4, 5902, "003.008", "tls"),
            ):
                peer = ["/usr/bin/python3", str(_PEER), address, str(port), version, security]
                lab.client.run(peer)
