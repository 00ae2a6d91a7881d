"""MGCP between a call agent and a gateway, for which Debian has no programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from built.dialogue import datagrams, write
from built.packet import ethernet
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path


def _lines(*lines: str) -> bytes:
    return "".join(line + "\r\n" for line in lines).encode()


def _description(address: str, port: int) -> tuple[str, ...]:
    family = "IP6" if ":" in address else "IP4"
    return (
        "",
        "v=0",
        f"o=- 25678 753849 IN {family} {address}",
        "s=-",
        f"c=IN {family} {address}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0 96",
        "a=rtpmap:96 G726-32/8000",
    )


def _call(agent: str, gateway: str) -> list[tuple[bool, bytes]]:
    end = "aaln/1@gateway.example.com"
    return [
        (False, _lines(f"RSIP 1 {end} MGCP 1.0", "RM: restart")),
        (True, _lines("200 1 OK")),
        (True, _lines(f"RQNT 1201 {end} MGCP 1.0", "X: 1", "R: L/hd(N)", "N: ca@example.com")),
        (True, _lines(f"RQNT 1201 {end} MGCP 1.0", "X: 1", "R: L/hd(N)", "N: ca@example.com")),
        (False, _lines("200 1201 OK")),
        (False, _lines(f"NTFY 2001 {end} MGCP 1.0", "X: 1", "O: L/hd")),
        (True, _lines("200 2001 OK", ".", f"CRCX 1204 {end} MGCP 1.0", "C: A3C47F", "M: recvonly")),
        (False, _lines("100 1204 Trying")),
        (False, _lines("200 1204 OK", "I: FDE234C8", *_description(gateway, 3456))),
        (
            True,
            _lines(
                f"MDCX 1209 {end} MGCP 1.0",
                "C: A3C47F",
                "I: FDE234C8",
                "M: sendrecv",
                *_description(agent, 4000),
            ),
        ),
        (False, _lines("200 1209 OK")),
        (True, _lines(f"DLCX 1210 {end} MGCP 1.0", "C: A3C47F", "I: FDE234C8")),
        (
            False,
            _lines("250 1210 OK", "P: PS=1245, OS=62345, PR=780, OR=45123, PL=10, JI=27, LA=48"),
        ),
        (True, _lines("AUEP 1211 aaln/9@gateway.example.com MGCP 1.0")),
        (False, _lines("500 1211 No such endpoint")),
        (True, b"nothing of the kind\r\n"),
    ]


@built(
    "mgcp.pcap",
    expect={
        "mgcp.req": 16,
        'mgcp.req.verb == "RQNT"': 4,
        "mgcp.rsp.rspcode == 250": 2,
        "mgcp && ipv6": 14,
        "udp.port == 12427": 16,
    },
)
def mgcp(target: Path) -> None:
    """MGCP: a gateway restarts, a call is made and ended with what was counted, an end that does
    not exist, a command sent twice and a line of nonsense; again over IPv6 on another port."""
    frames = []
    for agent, gateway, port in ((NEAR, FAR, 2427), (NEAR6, FAR6, 12427)):
        turns = datagrams((agent, 2727), (gateway, port), _call(agent, gateway))
        frames += [ethernet(turn.packet) for turn in turns]
    write(target, frames)
