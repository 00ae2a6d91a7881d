"""Starts the servers that several scenarios share."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from content import page, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab import Host, Process

_NGINX = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
user root;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/tmp-body;
  proxy_temp_path {folder}/tmp-proxy;
  fastcgi_temp_path {folder}/tmp-fastcgi;
  uwsgi_temp_path {folder}/tmp-uwsgi;
  scgi_temp_path {folder}/tmp-scgi;
  types {{ text/html html; text/css css; application/javascript js; application/json json;
           image/png png; text/plain txt; }}
  default_type application/octet-stream;
  ssl_certificate {folder}/server.pem;
  ssl_certificate_key {folder}/server.key;
  {servers}
  server {{
    listen 127.0.0.1:8081;
    location / {{ return 201 "stored\\n"; }}
  }}
}}
"""

_SITE = """\
    root {folder}/www;
    location /old {{ return 301 /index.html; }}
    location /broken {{ return 500 "the well is dry\\n"; }}
    location /orders {{ proxy_pass http://127.0.0.1:8081; }}
    location ^~ /private {{ auth_basic "harbour office"; auth_basic_user_file {folder}/users; }}
    location /visit {{ add_header Set-Cookie "visitor=42; Path=/"; add_header Set-Cookie "lang=en";
                      default_type text/plain; return 200 "welcome\\n"; }}
    location ~ \\.(html|json|txt)$ {{ gzip on; gzip_min_length 100;
                                    gzip_types text/html application/json; }}
"""


def certificate(
    host: Host, common_name: str, stem: str = "server", names: Sequence[str] = ()
) -> Path:
    """A self-signed certificate STEM.pem with its key STEM.key in the host's folder."""
    alternatives = ",".join(f"DNS:{name}" for name in (common_name, *names))
    subprocess.run(
        [
            *[
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
            ],
            *("-nodes", "-days", "3650", "-subj", f"/C=XX/O=Harbour Laboratory/CN={common_name}"),
            *("-addext", f"subjectAltName={alternatives}"),
            *("-keyout", f"{stem}.key", "-out", f"{stem}.pem"),
        ],
        cwd=host.folder,
        check=True,
        capture_output=True,
    )
    return host.folder / f"{stem}.pem"


def site(host: Host) -> None:
    """The files that web servers of a host serve, below www/."""
    host.file("www/index.html", page("The harbour"))
    host.file("www/long.html", page("The whole ledger", 6000))
    host.file("www/style.css", "body { font: 16px serif; max-width: 40em }\n")
    host.file(
        "www/tides.json", '{"tides": [' + ", ".join(str(n * 37 % 97) for n in range(200)) + "]}\n"
    )
    host.file("www/ledger.txt", text(4000))
    host.file("www/chart.bin", bytes((n * n + n // 256) & 0xFF for n in range(60_000)))
    host.file("www/private/key.txt", "under the third stone\n")
    host.file("users", "keeper:{PLAIN}lantern\n")


def nginx(host: Host, servers: Sequence[str], ports: Sequence[int]) -> Process:
    """nginx with a site; `servers` are the first lines of each server block."""
    site(host)
    if not (host.folder / "server.pem").exists():
        certificate(host, "www.example.com", names=("example.com", "api.example.com"))
    inside = _SITE.format(folder=host.folder)
    blocks = "\n".join(f"server {{\n    {server}\n{inside}  }}" for server in servers)
    configuration = host.file("nginx.conf", _NGINX.format(folder=host.folder, servers=blocks))
    process = host.spawn(
        ["nginx", "-p", str(host.folder), "-c", str(configuration), "-e", "stderr"]
    )
    for port in ports:
        host.wait_listening("tcp", port, process)
    return process
