"""Bodies of HTTP: DNS inside (RFC 8484), and content that is not what it is said to be."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from built.dialogue import dns_answer, dns_query, stream, wrapped, write
from built.packet import ethernet
from built.tunnels import FAR, FAR6, NEAR, NEAR6
from catalogue import built

if TYPE_CHECKING:
    from pathlib import Path

_HOST = b"Host: dns.example.com\r\n"


def _request(method: bytes, target: bytes, headers: bytes = b"", body: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return method + b" " + target + b" HTTP/1.1\r\n" + _HOST + headers + length + b"\r\n" + body


def _response(kind: bytes, body: bytes, headers: bytes = b"") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n" + headers
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


@built(
    "dns-over-http.pcap",
    expect={
        "http.request.method == GET": 2,
        "http.request.method == POST": 2,
        'http.content_type == "application/dns-message"': 6,
    },
)
def dns_over_http(target: Path) -> None:
    """DNS over HTTP/1.1: a query in a body and one in a target, with their answers; over IPv6 a
    query in two segments and a name that is not there."""
    dns = b"application/dns-message"
    asking = b"Content-Type: " + dns + b"\r\nAccept: " + dns + b"\r\n"

    def post(name: str, kind: int = 1) -> bytes:
        return _request(b"POST", b"/dns-query", asking, dns_query(0, name, kind))

    def get(name: str, kind: int = 1) -> bytes:
        query = base64.urlsafe_b64encode(dns_query(0, name, kind)).rstrip(b"=")
        return _request(b"GET", b"/dns-query?dns=" + query, b"Accept: " + dns + b"\r\n")

    four = [
        (True, post("heron.example.com")),
        (False, _response(dns, dns_answer(0, "heron.example.com", 1, [bytes([192, 0, 2, 7])]))),
        (True, get("quay.example.com", 28)),
        (False, _response(dns, dns_answer(0, "quay.example.com", 28, [bytes(15) + b"\1"]))),
    ]
    six = [
        (True, post("lantern.example.com")),
        (False, _response(dns, dns_answer(0, "lantern.example.com", 1, [], flags=0x8183))),
        (True, get("heron.example.com")),
        (False, _response(dns, dns_answer(0, "heron.example.com", 1, [bytes([192, 0, 2, 7])]))),
    ]
    turns = stream((NEAR, 40001), (FAR, 80), four)
    turns += stream((NEAR6, 40002), (FAR6, 8053), six, segment=90)
    write(target, wrapped(turns, lambda t: ethernet(t.packet)))


@built(
    "http-disguised.pcap",
    expect={"http.response.code == 200": 7, "http.request": 7},
    # The pictures are none, which tshark notices.
    flaws=("_ws.malformed",),
)
def http_disguised(target: Path) -> None:
    """Responses whose bodies are what they say, and others: a program that calls itself a picture,
    noise as a text, an archive as PDF; a text that is compressed; an upload."""
    program = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0" + bytes(80)
    noise = bytes((n * 73 + 11) % 256 for n in range(200))
    picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(60)
    exchanges = [
        (b"/heron.png", b"image/png", picture, b""),
        (b"/tides.html", b"text/html; charset=utf-8", b"<!DOCTYPE html>\n<p>Low water.\n", b""),
        (b"/gull.png", b"image/png", program, b""),
        (b"/log.txt", b"text/plain", noise, b""),
        (b"/chart.pdf", b"application/pdf", b"PK\x03\x04\x14\0" + bytes(60), b""),
        (b"/long.txt", b"text/plain", b"\x1f\x8b\x08\0" + noise, b"Content-Encoding: gzip\r\n"),
    ]
    turns = []
    for number, (path, kind, body, headers) in enumerate(exchanges):
        said = [(True, _request(b"GET", path)), (False, _response(kind, body, headers))]
        turns += stream((NEAR, 40010 + number), (FAR, 80), said)
    upload = _request(b"PUT", b"/gull.png", b"Content-Type: image/png\r\n", program)
    said = [(True, upload), (False, _response(b"text/plain", b"thank you\n"))]
    turns += stream((NEAR, 40020), (FAR, 80), said)
    write(target, wrapped(turns, lambda t: ethernet(t.packet)))
