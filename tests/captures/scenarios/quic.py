"""QUIC: versions 1, 2 and draft 29, Retry, version negotiation, early data, large ClientHellos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalogue import FOLDER, recorded
from lab import SERVER_IPV4, SERVER_IPV6, Pair
from services import certificate
from software import DRAFTS, REQUIREMENTS, environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

V1, V2, DRAFT_29 = "00000001", "6b3343cf", "ff00001d"
_HELLO = "tls.handshake.type == 1"


def talk(
    target: Path,
    *,
    client: Sequence[str] = (),
    server: Sequence[str] = (),
    address: str = SERVER_IPV4,
    requirements: Path = REQUIREMENTS,
) -> None:
    """Records one run of the client of `quic_peer.py` against its server."""
    peer = [str(environment(requirements)), str(FOLDER / "scenarios" / "quic_peer.py")]
    with Pair() as lab:
        pem = certificate(lab.server, "quic.example.com")
        own = ["--certificate", str(pem), "--key", str(pem.with_suffix(".key"))]
        lab.server.spawn([*peer, "server", address, *own, *server], ready="listening")
        with lab.recording(target):
            lab.client.run([*peer, "client", address, *client])


@recorded(
    "quic-v1.pcap",
    tools=("pypi:aioquic",),
    expect={
        f"quic.version == 0x{V1}": 3,
        'tls.handshake.extensions_server_name == "quic.example.com"': 1,
        'tls.handshake.extensions_alpn_str == "h3"': 1,
        "quic.header_form == 0": 3,
    },
)
def quic_v1(target: Path) -> None:
    """QUIC version 1: handshake, three HTTP/3 requests on one connection, close."""
    talk(target, client=["--version", V1], server=["--version", V1])


@recorded(
    "quic-v2.pcap",
    tools=("pypi:aioquic",),
    expect={f"quic.version == 0x{V2}": 3, "udp.port == 443": 8},
)
def quic_v2(target: Path) -> None:
    """QUIC version 2 from the first packet on, over IPv6."""
    talk(target, client=["--version", V2], server=["--version", V2], address=SERVER_IPV6)


@recorded(
    "quic-v1-to-v2.pcap",
    tools=("pypi:aioquic",),
    expect={f"quic.version == 0x{V1}": 1, f"quic.version == 0x{V2}": 1, _HELLO: 1},
)
def quic_v1_to_v2(target: Path) -> None:
    """A connection that starts as version 1 and goes on as version 2 by compatible version
    negotiation."""
    talk(
        target,
        client=["--version", V2, "--version", V1, "--first", V1],
        server=["--version", V2, "--version", V1],
    )


@recorded(
    "quic-draft29.pcap",
    tools=("pypi-drafts:aioquic",),
    expect={f"quic.version == 0x{DRAFT_29}": 4, 'tls.handshake.extensions_alpn_str == "h3-29"': 1},
)
def quic_draft29(target: Path) -> None:
    """QUIC draft 29 with the application protocol h3-29."""
    options = ["--version", DRAFT_29, "--alpn", "h3-29"]
    talk(target, client=options, server=options, requirements=DRAFTS)


@recorded(
    "quic-retry.pcap",
    tools=("pypi:aioquic",),
    expect={
        "quic.long.packet_type == 3": 1,
        "quic.token_length > 0": 1,
        "quic.crypto.offset == 0 && udp.dstport == 443": 2,
    },
)
def quic_retry(target: Path) -> None:
    """A server that answers the first Initial with a Retry; the client comes back with its
    token."""
    talk(target, client=["--version", V1], server=["--version", V1, "--retry"])


@recorded(
    "quic-negotiation.pcap",
    tools=("pypi:aioquic",),
    expect={"quic.version == 0": 1, f"quic.version == 0x{V2}": 1, f"quic.version == 0x{V1}": 2},
)
def quic_negotiation(target: Path) -> None:
    """A client that starts with version 2 against a server that has only version 1: a Version
    Negotiation packet, and the client starts again."""
    talk(
        target,
        client=["--version", V1, "--version", V2, "--first", V2],
        server=["--version", V1],
    )


@recorded(
    "quic-early-data.pcap",
    tools=("pypi:aioquic",),
    expect={"quic.long.packet_type == 1": 1, _HELLO: 2},
)
def quic_early_data(target: Path) -> None:
    """Two connections: the second resumes the first and sends its request as 0-RTT data."""
    talk(target, client=["--version", V1, "--resume"], server=["--version", V1])


@recorded(
    "quic-large-hello.pcap",
    tools=("pypi:aioquic",),
    expect={
        "quic.long.packet_type == 0 && udp.dstport == 443 && quic.crypto.offset > 0": 1,
        _HELLO: 1,
    },
)
def quic_large_hello(target: Path) -> None:
    """A ClientHello that takes several Initial packets in several datagrams."""
    talk(target, client=["--version", V1, "--large"], server=["--version", V1])


@recorded(
    "quic-echo.pcap",
    tools=("pypi:aioquic",),
    expect={'tls.handshake.extensions_alpn_str == "echo"': 1, _HELLO: 1},
)
def quic_echo(target: Path) -> None:
    """QUIC version 1 without a server name and with an application protocol of its own."""
    options = ["--version", V1, "--alpn", "echo"]
    talk(target, client=[*options, "--no-name"], server=options)
