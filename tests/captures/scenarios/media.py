"""Calls and media: SIP, RTP with RTCP, STUN and TURN, DTLS for SRTP, WebRTC, RTSP."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from catalogue import FOLDER, recorded
from lab import CLIENT_IPV4, CLIENT_IPV6, SERVER_IPV4, SERVER_IPV6, Pair
from scenarios.secure import s_server
from services import certificate
from software import environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab import Host

_REQUEST, _RESPONSE = "stun.type.class == 0x00", "stun.type.class == 0x10"


def _sipp(host: Host, own: str, *words: str) -> list[str]:
    ip = ["-i", own.strip("[]"), "-mi", own.strip("[]")]
    return ["sipp", *words, *ip, "-nostdin", "-trace_err", "-error_file", str(host.folder / "err")]


def _calls(lab: Pair, *, six: bool, tcp: bool, port: int) -> None:
    """Two calls, the second one begins when the first one has ended."""
    near, far = (CLIENT_IPV6, SERVER_IPV6) if six else (CLIENT_IPV4, SERVER_IPV4)
    bracketed = f"[{far}]" if six else far
    carrier = ["-t", "t1" if tcp else "u1"]
    answering = _sipp(lab.server, far, "-sn", "uas", "-p", str(port), *carrier, "-mp", "7000")
    server = lab.server.spawn(answering)
    lab.server.wait_listening("tcp" if tcp else "udp", port, server)
    calling = ["-sn", "uac", f"{bracketed}:{port}", "-m", "2", "-l", "1", "-d", "150"]
    lab.client.run(_sipp(lab.client, near, *calling, *carrier, "-mp", "6000"))
    server.stop()


@recorded(
    "sip.pcap",
    tools=("sip-tester",),
    expect={
        'sip.Method == "INVITE"': 6,
        "sip.Status-Code == 180": 6,
        'sip.Method == "BYE"': 6,
        "sip && tcp": 8,
        "sip && ipv6": 8,
        "udp.port == 15060 && sip": 8,
    },
)
def sip(target: Path) -> None:
    """SIP: calls that ring, are answered and end, over UDP, over TCP on IPv6, and on a port that
    is not SIP's."""
    with Pair() as lab, lab.recording(target, only="port 5060 or port 15060"):
        _calls(lab, six=False, tcp=False, port=5060)
        _calls(lab, six=True, tcp=True, port=5060)
        _calls(lab, six=False, tcp=False, port=15060)


_SIP_FAILS = """\
<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="fails">
<recv request="{method}"/>
<send><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
{header}
Content-Length: 0

]]></send>
{after}
</scenario>
"""


@recorded(
    "sip-refused.pcap",
    tools=("sip-tester",),
    expect={"sip.Status-Code == 486": 1, 'sip.Method == "INVITE"': 1, 'sip.Method == "ACK"': 1},
)
def sip_refused(target: Path) -> None:
    """SIP: a call to somebody who is busy."""
    with Pair() as lab:
        after = '<recv request="ACK"/>'
        text = _SIP_FAILS.format(
            method="INVITE", status="486 Busy Here", header="Server: desk", after=after
        )
        busy = lab.server.file("busy.xml", text)
        with lab.recording(target, only="port 5060"):
            server = lab.server.spawn(_sipp(lab.server, SERVER_IPV4, "-sf", str(busy)))
            lab.server.wait_listening("udp", 5060, server)
            calling = ["-sn", "uac", SERVER_IPV4, "-m", "1"]
            lab.client.run(_sipp(lab.client, CLIENT_IPV4, *calling), ok=(0, 1))


def _stream(codec: str, payload: str, to: str, port: int, *, loss: float = 0) -> list[str]:
    """A tone with its reports; `loss` is the share of packets that go missing on the way."""
    rate = "48000" if codec == "opusenc" else "8000"
    return [
        *("gst-launch-1.0", "-q", "rtpbin", "name=b"),
        *("audiotestsrc", "is-live=true", "num-buffers=80", "samplesperbuffer=160", "!"),
        *("audioconvert", "!", "audioresample", "!", f"audio/x-raw,rate={rate},channels=1", "!"),
        *(codec, "!", payload, "!", "b.send_rtp_sink_0", "b.send_rtp_src_0", "!"),
        *("identity", f"drop-probability={loss}", "!"),
        *("udpsink", f"host={to}", f"port={port}", f"bind-port={port}"),
        *("b.send_rtcp_src_0", "!"),
        *("udpsink", f"host={to}", f"port={port + 1}", f"bind-port={port + 1}"),
        *("sync=false", "async=false"),
    ]


@recorded(
    "rtp.pcap",
    tools=("gstreamer1.0-tools", "gstreamer1.0-plugins-good"),
    expect={"udp.dstport == 7000": 40, "udp.dstport == 7001": 1, "udp && ipv6": 40},
)
def rtp(target: Path) -> None:
    """RTP with RTCP: G.711 in full over IPv4, and with a tenth of the packets missing over IPv6."""
    with Pair() as lab, lab.recording(target, only="udp portrange 7000-7003"):
        lab.client.run(_stream("alawenc", "rtppcmapay", SERVER_IPV4, 7000))
        lab.client.run(_stream("mulawenc", "rtppcmupay", SERVER_IPV6, 7002, loss=0.1))


@recorded(
    "turn.pcap",
    tools=("coturn",),
    expect={
        "stun.type.method == 0x003 && " + _REQUEST: 2,
        "stun.type.method == 0x003 && " + _RESPONSE: 1,
        "stun.channel": 4,
        "stun.type.method == 0x001 && " + _RESPONSE: 1,
    },
)
def turn(target: Path) -> None:
    """STUN and TURN: a binding, then allocations with password, a channel and data to a peer that
    sends it back."""
    with Pair() as lab:
        server = lab.server.spawn(
            [
                *("turnserver", "-n", "--no-cli", "-a", "-u", "ann:pass", "-r", "example.com"),
                *("-L", SERVER_IPV4, "-E", SERVER_IPV4, "--no-tls", "--no-dtls"),
                *("--allow-loopback-peers", "--log-file", "stdout", "--simple-log"),
                *("--pidfile", str(lab.server.folder / "pid"), "--no-multicast-peers"),
            ]
        )
        lab.server.wait_listening("udp", 3478, server)
        echo = lab.server.spawn(["turnutils_peer", "-L", SERVER_IPV4, "-p", "3480"])
        lab.server.wait_listening("udp", 3480, echo)
        with lab.recording(target, only="port 3478"):
            lab.client.run(["turnutils_stunclient", SERVER_IPV4])
            ask = ["turnutils_uclient", "-u", "ann", "-w", "pass", "-n", "4", "-m", "1", "-c"]
            lab.client.run([*ask, "-e", SERVER_IPV4, "-r", "3480", SERVER_IPV4])
            lab.client.run([*ask, "-t", "-e", SERVER_IPV4, "-r", "3480", SERVER_IPV4])


def _datagram_session(lab: Pair, *words: str, ok: bool = True, server: Sequence[str] = ()) -> None:
    served = s_server(lab.server, 4433, *server, stdin=subprocess.PIPE)
    client = lab.client.spawn(["openssl", "s_client", *words], stdin=subprocess.PIPE)
    if ok:
        client.type("ship ahoy\n")
        served.wait_output("ship ahoy")
        client.type("Q\n")
        client.wait()
    else:
        client.popen.wait(10)
    served.stop()


@recorded(
    "dtls-srtp.pcap",
    tools=("openssl",),
    expect={
        "dtls.handshake.extension.type == 14 && dtls.handshake.type == 1": 1,
        "dtls.handshake.fragment_offset > 0": 2,
        "dtls && ipv6": 6,
        "dtls.alert_message.desc == 40": 1,
    },
)
def dtls_srtp(target: Path) -> None:
    """DTLS that agrees on keys for SRTP over IPv6, with messages in pieces, and a client that finds
    no cipher in common."""
    with Pair() as lab:
        certificate(lab.server, "datagram.example.com")
        profiles = ["-use_srtp", "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"]
        small = ["-dtls1_2", "-mtu", "300"]
        with lab.recording(target, only="udp"):
            six = ["-connect", f"[{SERVER_IPV6}]:4433", *small, *profiles]
            _datagram_session(lab, *six, server=[*small, *profiles])
            here = ["-connect", f"{SERVER_IPV4}:4433", "-dtls1_2"]
            poor = [*here, "-cipher", "ECDHE-ECDSA-AES256-SHA"]
            other = ["-dtls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"]
            _datagram_session(lab, *poor, ok=False, server=other)


@recorded(
    "webrtc.pcap",
    tools=("pypi:aiortc",),
    expect={
        "stun": 4,
        "dtls.handshake.type == 1": 1,
        "udp.payload[0:1] >= 80 && udp.payload[0:1] < c0": 20,
    },
)
def webrtc(target: Path) -> None:
    """WebRTC: ICE, DTLS, SRTP and SRTCP on one pair of ports."""
    peer = [str(environment()), str(FOLDER / "scenarios" / "media_peer.py")]
    with Pair() as lab:
        lab.server.spawn([*peer, "answer", SERVER_IPV4], ready="listening")
        with lab.recording(target, only="udp and not port 53 and not port 5353"):
            lab.client.run([*peer, "offer", SERVER_IPV4])


@recorded(
    "rtsp.pcap",
    tools=("gir1.2-gst-rtsp-server-1.0", "gstreamer1.0-tools"),
    expect={
        'rtsp.method == "DESCRIBE"': 2,
        'rtsp.method == "TEARDOWN"': 1,
        "rtsp.status == 404": 1,
        "udp": 20,
        "tcp.port == 5541 && ipv6": 20,
    },
)
def rtsp(target: Path) -> None:
    """RTSP: a tone by datagrams, the same between the messages of the connection over IPv6 on a
    port that is not RTSP's, and a stream that does not exist."""
    serve = ["/usr/bin/python3", str(FOLDER / "scenarios" / "rtsp_peer.py")]
    with Pair() as lab:
        for address, port in ((SERVER_IPV4, "8554"), (SERVER_IPV6, "5541")):
            lab.server.spawn([*serve, address, port], ready="serving")

        def play(place: str, protocols: str, ok: Sequence[int]) -> None:
            source = ["rtspsrc", f"location=rtsp://{place}", f"protocols={protocols}", "latency=0"]
            sink = ["!", "rtppcmadepay", "!", "fakesink", "num-buffers=15"]
            lab.client.run(["gst-launch-1.0", *source, *sink], ok=ok)

        with lab.recording(target):
            play(f"{SERVER_IPV4}:8554/tone", "udp", (0,))
            # Its last words may be refused: the server has hung up by then.
            play(f"[{SERVER_IPV6}]:5541/tone", "tcp", (0, 1))
            play(f"{SERVER_IPV4}:8554/nothing", "udp", (0, 1, 255))
