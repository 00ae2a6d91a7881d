"""HTTP/1.x between curl, hand-written clients and nginx; WebSocket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalogue import FOLDER, recorded
from content import text
from lab import SERVER_IPV4, SERVER_IPV6, Host, Pair
from services import nginx
from software import environment

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = "listen 80; listen [::]:80; server_name www.example.com;"


def curl(host: Host, *words: str, ok: tuple[int, ...] = (0,)) -> str:
    """Runs curl with the laboratory's names for the server."""
    resolve = [f"www.example.com:80:{SERVER_IPV4}", f"www.example.com:443:{SERVER_IPV4}"]
    resolve += [f"files.example.com:80:{SERVER_IPV4}", f"six.example.com:80:[{SERVER_IPV6}]"]
    options = [w for entry in resolve for w in ("--resolve", entry)]
    return host.run(["curl", "-sS", *options, *words], ok=ok)


def say(host: Host, octets: bytes, port: int = 80) -> str:
    """Sends octets over one TCP connection and reads until the server closes."""
    target = f"TCP:{SERVER_IPV4}:{port},shut-none"
    return host.run(["socat", "-t", "5", "-", target], stdin=octets)


@recorded(
    "http.pcap",
    tools=("nginx-light", "curl"),
    expect={
        'http.request.method == "GET"': 9,
        'http.request.method == "HEAD"': 1,
        'http.request.method == "POST"': 3,
        'http.request.method == "PUT"': 1,
        'http.request.method == "OPTIONS"': 1,
        'http.request.method == "DELETE"': 1,
        "http.response.code == 100": 1,
        "http.response.code == 201": 3,
        "http.response.code == 206": 1,
        "http.response.code == 301": 1,
        "http.response.code == 304": 1,
        "http.response.code == 401": 1,
        "http.response.code == 404": 1,
        "http.response.code == 500": 1,
        'http.content_encoding == "gzip"': 1,
        'http.transfer_encoding == "chunked"': 2,
        "http.cookie": 1,
        "http.referer": 1,
        "http && ipv6": 2,
    },
)
def http(target: Path) -> None:
    """HTTP/1.1 one request to a connection: GET, HEAD, POST of a form and of a file in parts, PUT,
    DELETE, OPTIONS, gzip, ranges, chunked both ways, 100-continue, redirect, not modified, basic
    authentication, cookies, referer, 401, 404 and 500, over IPv4 and IPv6."""
    with Pair() as lab:
        nginx(lab.server, [PLAIN], [80])
        root = "http://www.example.com"
        upload = str(lab.client.file("report.txt", text(3000)))
        with lab.recording(target):
            go = lab.client
            curl(go, f"{root}/index.html")
            curl(go, "-I", f"{root}/index.html")
            curl(go, "-H", "Accept-Encoding: gzip", f"{root}/long.html", "-o", "/dev/null")
            curl(go, "-d", "boat=Heron&crew=4", f"{root}/orders/new")
            curl(go, "-F", "name=log", "-F", f"file=@{upload}", f"{root}/orders/file")
            curl(go, "-H", "Expect: 100-continue", "-d", f"@{upload}", f"{root}/orders/large")
            curl(go, "-H", "Transfer-Encoding: chunked", "-T", upload, f"{root}/orders/7")
            curl(go, "-X", "DELETE", f"{root}/orders/7")
            curl(go, "-X", "OPTIONS", f"{root}/orders/")
            curl(go, "-r", "100-299", f"{root}/ledger.txt")
            tag = curl(go, "-I", f"{root}/style.css").split("ETag: ")[1].split()[0]
            curl(go, "-H", f"If-None-Match: {tag}", f"{root}/style.css")
            curl(go, "-L", "-e", f"{root}/index.html", f"{root}/old")
            curl(go, "-A", "HarbourBrowser/1.0 (X11; Linux x86_64)", f"{root}/missing?tide=low&n=1")
            curl(go, f"{root}/broken")
            curl(go, "-c", "/dev/null", "-b", "visitor=41; lang=fr", f"{root}/visit")
            curl(go, f"{root}/private/key.txt")
            curl(go, "-u", "keeper:lantern", f"{root}/private/key.txt")
            curl(go, "http://six.example.com/tides.json", "-o", "/dev/null")


@recorded(
    "http-keepalive.pcap",
    tools=("nginx-light", "curl"),
    expect={"http.request": 6, "tcp.flags.syn == 1 && tcp.flags.ack == 0": 1},
)
def http_keepalive(target: Path) -> None:
    """Six requests one after the other on one connection, one of them of another name of the
    server."""
    with Pair() as lab:
        nginx(lab.server, [PLAIN], [80])
        with lab.recording(target):
            root = "http://www.example.com"
            pages = [
                "index.html",
                "style.css",
                "tides.json",
                "missing.png",
                "ledger.txt",
                "index.html",
            ]
            urls = [w for page in pages for w in (f"{root}/{page}", "-o", "/dev/null")]
            curl(lab.client, *urls)


@recorded(
    "http-pipelined.pcap",
    tools=("nginx-light", "socat"),
    expect={'tcp contains "HTTP/1.1 20"': 4, "tcp.flags.syn == 1 && tcp.flags.ack == 0": 1},
)
def http_pipelined(target: Path) -> None:
    """Four requests, one of them a POST with a body, written at once before any answer is read."""
    with Pair() as lab:
        nginx(lab.server, [PLAIN], [80])
        host = b"Host: www.example.com\r\n"
        requests = (
            b"GET /index.html HTTP/1.1\r\n" + host + b"\r\n"
            b"POST /orders/1 HTTP/1.1\r\n" + host + b"Content-Length: 9\r\n\r\nboat=Gull"
            b"HEAD /ledger.txt HTTP/1.1\r\n" + host + b"\r\n"
            b"GET /style.css HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n"
        )
        with lab.recording(target):
            say(lab.client, requests)


@recorded(
    "http-odd.pcap",
    tools=("nginx-light", "socat"),
    expect={
        "http.response": 7,
        "http.response.code == 400": 2,
        'http.request.version == "HTTP/1.0"': 1,
    },
    flaws=("_ws.malformed",),  # how tshark takes the empty line before a request
)
def http_odd(target: Path) -> None:
    """Requests of unusual shape by hand: HTTP/1.0, absolute URI, bare line feeds, a leading empty
    line, upper and lower case header names, an unknown method, no Host, two Content-Length values,
    a URI of 3,000 octets, HTTP/0.9, and a request that arrives in ten small segments."""
    host = b"host: www.example.com\r\n"
    with Pair() as lab:
        nginx(lab.server, [PLAIN], [80])
        with lab.recording(target):
            for request in (
                b"GET /index.html HTTP/1.0\r\n\r\n",
                b"GET http://www.example.com/style.css HTTP/1.1\r\n"
                + host
                + b"Connection: close\r\n\r\n",
                b"GET /style.css HTTP/1.1\nHost: www.example.com\nConnection: close\n\n",
                (
                    b"\r\nGET /style.css HTTP/1.1\r\nHOST: www.example.com\r\n"
                    b"cOnNeCtIoN: close\r\n\r\n"
                ),
                b"BREW /pot HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n",
                b"GET /style.css HTTP/1.1\r\n\r\n",
                b"POST /orders HTTP/1.1\r\n"
                + host
                + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
                b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n",
                b"GET /style.css\r\n",
            ):
                say(lab.client, request)
            slow = b"GET /style.css HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n"
            pieces = [slow[n : n + 7] for n in range(0, len(slow), 7)]
            code = (
                "import socket,sys\n"
                f"s=socket.create_connection(('{SERVER_IPV4}',80))\n"
                "s.setsockopt(socket.IPPROTO_TCP,socket.TCP_NODELAY,1)\n"
                f"for p in {pieces!r}: s.send(p)\n"
                "while s.recv(4096): pass\n"
            )
            lab.client.run(["/usr/bin/python3", "-c", code])


@recorded(
    "http-download.pcap",
    tools=("nginx-light", "curl"),
    expect={"http.response.code == 200": 1, "tcp.len > 1000": 35},
)
def http_download(target: Path) -> None:
    """A download of 60,000 octets of binary data."""
    with Pair() as lab:
        nginx(lab.server, [PLAIN], [80])
        with lab.recording(target):
            curl(lab.client, "http://files.example.com/chart.bin", "-o", "/dev/null")


@recorded(
    "websocket.pcap",
    tools=("pypi:websockets",),
    expect={"http.upgrade": 2, "http.response.code == 101": 1, "websocket": 5},
)
def websocket(target: Path) -> None:
    """An Upgrade to WebSocket, text, binary, ping, pong and close frames."""
    peer = [str(environment()), str(FOLDER / "scenarios" / "websocket_peer.py")]
    with Pair() as lab:
        lab.server.spawn([*peer, "server", SERVER_IPV4], ready="listening")
        with lab.recording(target):
            lab.client.run([*peer, "client", SERVER_IPV4])


@recorded(
    "websocket-pieces.pcap",
    tools=("pypi:websockets",),
    expect={
        "ipv6 && http.response.code == 101": 2,
        "websocket.fin == 0": 2,
        "websocket.opcode == 8": 4,
        "websocket.rsv == 4 || websocket.payload": 4,
    },
)
def websocket_pieces(target: Path) -> None:
    """WebSocket over IPv6: a message in four fragments, a long one, a close with a code of the
    user's, messages that are compressed."""
    peer = [str(environment()), str(FOLDER / "scenarios" / "websocket_peer.py")]
    with Pair() as lab:
        lab.server.spawn([*peer, "server", SERVER_IPV6], ready="listening")
        with lab.recording(target):
            lab.client.run([*peer, "sailor", SERVER_IPV6])
