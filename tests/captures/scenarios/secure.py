"""TLS between openssl, curl and nginx: versions, names, certificates, resumption, failures."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from catalogue import recorded
from lab import SERVER_IPV4, SERVER_IPV6, Host, Pair, Process
from scenarios.web import curl
from services import certificate, nginx

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_HELLO, _SERVER_HELLO = "tls.handshake.type == 1", "tls.handshake.type == 2"
_CERTIFICATE = "tls.handshake.type == 11"


def secure(options: str, port: int = 443) -> str:
    """First lines of a server block for TLS."""
    listen = f"listen {port} ssl http2; listen [::]:{port} ssl http2;"
    return f"{listen} server_name www.example.com; {options}"


def s_client(
    host: Host, *words: str, port: int = 443, ok: Sequence[int] = (0,), say: bytes = b""
) -> str:
    """Runs openssl s_client; `say` is what it sends once connected."""
    say = say or b"GET / HTTP/1.0\r\n\r\n"
    connect = ["-connect", f"{SERVER_IPV4}:{port}", "-ign_eof"]
    return host.run(["openssl", "s_client", *connect, *words], stdin=say, ok=ok)


def s_server(host: Host, port: int, *words: str, stdin: int = subprocess.DEVNULL) -> Process:
    """Starts openssl s_server, which answers any request with a page about the connection."""
    pem, key = host.folder / "server.pem", host.folder / "server.key"
    argv = ["openssl", "s_server", "-accept", str(port), "-cert", str(pem), "-key", str(key)]
    return host.spawn([*argv, *words], ready="ACCEPT", stdin=stdin)


@recorded(
    "tls13.pcap",
    tools=("nginx-light", "curl"),
    expect={
        _HELLO: 3,
        "tls.handshake.extensions.supported_version == 0x0304 && " + _SERVER_HELLO: 3,
        'tls.handshake.extensions_alpn_str == "h2" && ' + _HELLO: 1,
        "tls && ipv6": 3,
    },
)
def tls13(target: Path) -> None:
    """TLS 1.3 with a server name: ALPN offering h2 and http/1.1, http/1.1 only, and over IPv6."""
    with Pair() as lab:
        nginx(lab.server, [secure("ssl_protocols TLSv1.3;")], [443])
        six = f"www.example.com:443:[{SERVER_IPV6}]"
        with lab.recording(target):
            curl(lab.client, "-k", "https://www.example.com/index.html")
            curl(lab.client, "-k", "--http1.1", "https://www.example.com/style.css")
            curl(lab.client, "-k", "--resolve", six, "https://www.example.com/style.css")


@recorded(
    "tls12.pcap",
    tools=("nginx-light", "curl", "openssl"),
    expect={
        _HELLO: 4,
        _CERTIFICATE: 4,
        'tls.handshake.extensions_alpn_str == "http/1.1" && ' + _SERVER_HELLO: 1,
        'tls.handshake.extensions_alpn_str == "h2" && ' + _SERVER_HELLO: 1,
        _HELLO + " && !tls.handshake.extensions_server_name": 1,
        "x509sat.uTF8String": 4,
    },
)
def tls12(target: Path) -> None:
    """TLS 1.2: h2 and http/1.1 by ALPN, no ALPN, no server name; the certificate is in the
    clear."""
    with Pair() as lab:
        nginx(lab.server, [secure("ssl_protocols TLSv1.2;")], [443])
        with lab.recording(target):
            curl(lab.client, "-k", "https://www.example.com/index.html")
            curl(lab.client, "-k", "--http1.1", "https://www.example.com/ledger.txt")
            curl(lab.client, "-k", "--no-alpn", "https://www.example.com/style.css")
            s_client(lab.client, "-noservername")


@recorded(
    "tls-client-certificate.pcap",
    tools=("nginx-light", "openssl"),
    expect={"tls.handshake.type == 13": 1, _CERTIFICATE: 2, "tls.handshake.type == 15": 1},
)
def tls_client_certificate(target: Path) -> None:
    """TLS 1.2 with a certificate of the client too, asked for by the server, then the same in TLS
    1.3."""
    with Pair() as lab:
        pem = certificate(lab.client, "keeper@example.com", "client")
        authority = lab.server.file("authority.pem", pem.read_bytes())
        options = "ssl_protocols TLSv1.2 TLSv1.3; ssl_verify_client on;"
        options += f"ssl_client_certificate {authority};"
        nginx(lab.server, [secure(options)], [443])
        own = ["-cert", str(pem), "-key", str(pem.with_suffix(".key"))]
        with lab.recording(target):
            s_client(lab.client, "-tls1_2", "-servername", "www.example.com", *own)
            s_client(lab.client, "-tls1_3", "-servername", "www.example.com", *own)


@recorded(
    "tls-resumption.pcap",
    tools=("nginx-light", "openssl"),
    expect={
        _HELLO: 6,
        _CERTIFICATE: 2,
        "tls.handshake.extensions.psk.identity.identity": 1,
        "tls.handshake.session_ticket": 1,
    },
)
def tls_resumption(target: Path) -> None:
    """Sessions resumed: TLS 1.2 by ticket, TLS 1.2 by session identifier, TLS 1.3 by pre-shared
    key; each after the full handshake that made it possible."""
    with Pair() as lab:
        cache = "ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:s{}:1m;"
        nginx(
            lab.server,
            [
                secure("ssl_session_tickets on;" + cache.format(1)),
                secure("ssl_session_tickets off;" + cache.format(2), 8443),
            ],
            [443, 8443],
        )
        with lab.recording(target):
            for version, port in (("-tls1_2", 443), ("-tls1_2", 8443), ("-tls1_3", 443)):
                session = str(lab.client.folder / f"session{version}{port}")
                for word in ("-sess_out", "-sess_in"):
                    s_client(
                        lab.client,
                        version,
                        "-servername",
                        "www.example.com",
                        word,
                        session,
                        port=port,
                    )


@recorded(
    "tls-old.pcap",
    tools=("openssl",),
    expect={
        "tls.handshake.version == 0x0301 && " + _SERVER_HELLO: 1,
        "tls.handshake.version == 0x0302 && " + _SERVER_HELLO: 1,
        _CERTIFICATE: 2,
    },
)
def tls_old(target: Path) -> None:
    """TLS 1.0 and TLS 1.1, whole sessions with old cipher suites."""
    weak = ["-cipher", "ALL:@SECLEVEL=0"]
    with Pair() as lab:
        certificate(lab.server, "old.example.com")
        s_server(lab.server, 443, "-www", *weak)
        with lab.recording(target):
            for version in ("-tls1", "-tls1_1"):
                s_client(lab.client, version, "-servername", "old.example.com", *weak)


@recorded(
    "tls-alerts.pcap",
    tools=("openssl", "curl", "nginx-light"),
    expect={"tls.alert_message.desc == 70": 1, "tls.alert_message.desc == 40": 1, _HELLO: 4},
)
def tls_alerts(target: Path) -> None:
    """Handshakes that fail: a version and cipher suites the server does not take, a certificate the
    client does not trust, and plain HTTP sent to a TLS port."""
    with Pair() as lab:
        nginx(
            lab.server,
            [secure("ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;")],
            [443],
        )
        with lab.recording(target):
            s_client(lab.client, "-tls1_3", ok=(1,))
            s_client(lab.client, "-tls1_2", "-cipher", "AES256-SHA", ok=(1,))
            curl(lab.client, "https://www.example.com/", ok=(60,))
            s_client(lab.client, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
            curl(
                lab.client,
                "http://www.example.com:443/",
                "--resolve",
                f"www.example.com:443:{SERVER_IPV4}",
            )


@recorded(
    "tls-hello-retry.pcap",
    tools=("openssl",),
    expect={_HELLO: 2, _SERVER_HELLO: 2, "tls.handshake.random[0:4] == cf:21:ad:74": 1},
)
def tls_hello_retry(target: Path) -> None:
    """TLS 1.3 where the server asks for another key share with a HelloRetryRequest."""
    with Pair() as lab:
        certificate(lab.server, "retry.example.com")
        s_server(lab.server, 443, "-www", "-groups", "P-384")
        with lab.recording(target):
            s_client(
                lab.client, "-tls1_3", "-servername", "retry.example.com", "-groups", "X25519:P-384"
            )


@recorded(
    "tls-rsa.pcap",
    tools=("openssl",),
    expect={_CERTIFICATE: 1, "tls.handshake.type == 16": 1},
)
def tls_rsa(target: Path) -> None:
    """TLS 1.2 with a long chain: an RSA server certificate with forty names, issued by an authority
    that is sent along, so that the Certificate message takes several segments."""
    with Pair() as lab:
        make_chain(lab.server)
        s_server(lab.server, 443, "-www", "-cert_chain", str(lab.server.folder / "authority.pem"))
        with lab.recording(target):
            s_client(lab.client, "-tls1_2", "-servername", "name07.example.com")


def make_chain(host: Host) -> None:
    """An authority (authority.pem) and an RSA server certificate with many names that it issued."""
    names = ",".join(f"DNS:name{n:02}.example.com" for n in range(40))
    host.file("names.cnf", f"subjectAltName={names}\n")
    subject = "/C=XX/O=Harbour Laboratory/CN="
    new = "req -newkey rsa:2048 -nodes"
    for command, name in (
        (f"{new} -x509 -days 3650 -keyout authority.key -out authority.pem", "Authority"),
        (f"{new} -keyout server.key -out server.csr", "name00.example.com"),
        (
            (
                "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial"
                " -days 3650 -extfile names.cnf -out server.pem"
            ),
            "",
        ),
    ):
        words = command.split() + (["-subj", subject + name] if name else [])
        subprocess.run(["openssl", *words], cwd=host.folder, check=True, capture_output=True)


@recorded(
    "dtls.pcap",
    tools=("openssl",),
    expect={"dtls.handshake.type == 1": 2, "dtls.handshake.type == 3": 1, "dtls.app_data": 1},
)
def dtls(target: Path) -> None:
    """DTLS 1.2 over UDP with the cookie exchange, data both ways."""
    with Pair() as lab:
        certificate(lab.server, "datagram.example.com")
        server = s_server(lab.server, 4433, "-dtls1_2", "-listen", stdin=subprocess.PIPE)
        connect = [
            "-connect",
            f"{SERVER_IPV4}:4433",
            "-dtls1_2",
            "-servername",
            "datagram.example.com",
        ]
        with lab.recording(target):
            client = lab.client.spawn(["openssl", "s_client", *connect], stdin=subprocess.PIPE)
            client.type("ship ahoy\n")
            server.wait_output("ship ahoy")
            server.type("keep to port\n")
            client.wait_output("keep to port")
            client.type("Q\n")
            client.wait()
