"""HTTP/2 without TLS: prior knowledge, upgrade from HTTP/1.1, many streams, large headers,
trailers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalogue import recorded
from content import page, text
from lab import SERVER_IPV4, Pair, Process
from scenarios.web import curl
from services import nginx, site

if TYPE_CHECKING:
    from pathlib import Path

PORT = 80
_REQUEST = 'http2.headers.method == "{}"'
ROOT = f"http://{SERVER_IPV4}"


_PROXY = """\
frontend={address},80;no-tls
backend={address},8080
workers=1
single-process=yes
errorlog-file=/dev/stderr
accesslog-file=/dev/null
user=root
"""


def nghttpx(lab: Pair) -> Process:
    """Starts nghttpx, which takes Upgrade: h2c, in front of nginx."""
    nginx(lab.server, [f"listen {SERVER_IPV4}:8080;"], [8080])
    configuration = lab.server.file("nghttpx.conf", _PROXY.format(address=SERVER_IPV4))
    process = lab.server.spawn(["nghttpx", f"--conf={configuration}"])
    lab.server.wait_listening("tcp", PORT, process)
    return process


def nghttpd(lab: Pair, *options: str) -> Process:
    """Starts nghttpd in clear text on the server's site."""
    site(lab.server)
    root = str(lab.server.folder / "www")
    process = lab.server.spawn(["nghttpd", "--no-tls", "-d", root, *options, str(PORT)])
    lab.server.wait_listening("tcp", PORT, process)
    return process


@recorded(
    "http2.pcap",
    tools=("nginx-light", "curl", "nghttp2-client"),
    expect={
        _REQUEST.format("GET"): 4,
        _REQUEST.format("POST"): 1,
        _REQUEST.format("HEAD"): 1,
        "http2.headers.status == 404": 1,
        "http2.headers.status == 301": 1,
        "http2.magic": 6,
    },
)
def http2(target: Path) -> None:
    """HTTP/2 with prior knowledge: several requests on one connection, a POST, a HEAD, 301 and
    404."""
    with Pair() as lab:
        nginx(lab.server, ["listen 80 http2; server_name www.example.com;"], [80])
        root = "http://www.example.com"
        know = "--http2-prior-knowledge"
        with lab.recording(target):
            for page in ("index.html", "missing.png", "old"):
                curl(lab.client, know, f"{root}/{page}")
            urls = [f"{ROOT}/{page}" for page in ("index.html", "style.css", "tides.json")]
            lab.client.run(["nghttp", "-n", "-H:authority: www.example.com", *urls])
            curl(lab.client, know, "-d", "boat=Heron&crew=4", f"{root}/orders/new")
            curl(lab.client, know, "-I", f"{root}/ledger.txt")


@recorded(
    "http2-streams.pcap",
    tools=("nghttp2-server", "nghttp2-client"),
    expect={
        _REQUEST.format("GET"): 1,
        "http2.streamid == 13 || http2.streamid == 25": 2,
        "http2.type == 2": 1,
        "http2.type == 7": 1,
        "http2.type == 8": 1,
    },
)
def http2_streams(target: Path) -> None:
    """Ten requests whose answers interleave on one connection, with priorities, window updates and
    GOAWAY."""
    with Pair() as lab:
        nghttpd(lab)
        with lab.recording(target):
            pages = [
                "index.html",
                "long.html",
                "style.css",
                "tides.json",
                "ledger.txt",
                "chart.bin",
            ]
            urls = [f"{ROOT}/{page}" for page in [*pages, *pages[:4]]]
            lab.client.run(["nghttp", "-n", "-v", "--window-bits=14", *urls])


@recorded(
    "http2-upgrade.pcap",
    tools=("nghttp2-proxy", "nghttp2-client", "nginx-light"),
    expect={"http.upgrade": 2, "http.response.code == 101": 2, "http2.headers.status == 200": 2},
)
def http2_upgrade(target: Path) -> None:
    """HTTP/2 reached from HTTP/1.1 by Upgrade: h2c: two requests, then one with a query."""
    with Pair() as lab:
        nghttpx(lab)
        with lab.recording(target):
            lab.client.run(["nghttp", "-n", "-u", f"{ROOT}/index.html", f"{ROOT}/style.css"])
            lab.client.run(["nghttp", "-n", "-u", f"{ROOT}/tides.json?day=3"])


@recorded(
    "http2-continuation.pcap",
    tools=("nghttp2-server", "nghttp2-client"),
    expect={
        # tshark does not put this HEADERS frame together; this is the head of the last CONTINUATION
        "tcp.payload contains 09:04:00:00:00:0d": 1,
        "http2.type == 4": 2,
        "http2.headers.status == 200": 1,
    },
)
def http2_continuation(target: Path) -> None:
    """A request whose headers take a HEADERS frame and CONTINUATION frames."""
    with Pair() as lab:
        nghttpd(lab)
        with lab.recording(target):
            cookies = [
                w for n in range(5) for w in ("-H", f"cookie: log{n}={text(4800).encode().hex()}")
            ]
            lab.client.run(["nghttp", "-n", *cookies, f"{ROOT}/style.css"])


@recorded(
    "http2-push.pcap",
    tools=("nghttp2-server", "nghttp2-client"),
    expect={
        "http2.type == 5": 1,
        "http2.streamid == 2": 1,
        'http2.header.name == "trailer-tide"': 1,
    },
)
def http2_push(target: Path) -> None:
    """A server that pushes a style sheet with PUSH_PROMISE and ends its answers with trailers; an
    upload with trailers, padded frames."""
    with Pair() as lab:
        nghttpd(lab, "-p/index.html=/style.css", "--trailer=trailer-tide: low", "--echo-upload")
        upload = str(lab.client.file("upload.html", page("Upload", 2500)))
        with lab.recording(target):
            lab.client.run(["nghttp", "-n", f"{ROOT}/index.html"])
            lab.client.run(
                [
                    "nghttp",
                    "-n",
                    "-b",
                    "17",
                    "-d",
                    upload,
                    "--trailer=trailer-crew: 4",
                    f"{ROOT}/orders",
                ]
            )
