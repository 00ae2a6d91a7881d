"""Protocols of small things: CoAP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalogue import FOLDER, recorded
from lab import SERVER_IPV4, SERVER_IPV6, Pair
from software import environment

if TYPE_CHECKING:
    from pathlib import Path


@recorded(
    "coap.pcap",
    tools=("pypi:aiocoap",),
    expect={
        "udp && coap.code == 1": 4,
        "udp && coap.code == 3": 2,
        "coap.code == 132": 2,
        "udp && coap.opt.block_number": 4,
        "coap.opt.name contains Observe": 2,
        "tcp && coap.code == 225": 2,
        "ipv6 && coap": 4,
    },
    flaws=("_ws.malformed",),  # tshark takes the options of signals for those of requests
)
def coap(target: Path) -> None:
    """CoAP over UDP and TCP, IPv4 and IPv6: a resource that is observed and set, one that comes and
    one that goes in blocks, an answer that takes its time, one that is not there."""
    peer = [str(environment()), str(FOLDER / "scenarios" / "coap_peer.py")]
    with Pair() as lab, lab.recording(target):
        for address in (SERVER_IPV4, SERVER_IPV6):
            # Each has its own: a server goes on telling observers that are gone.
            server = lab.server.spawn([*peer, "server", "::"], ready="listening")
            lab.client.run([*peer, "client", address])
            server.stop()
