"""People talk: XMPP and IRC; and type: Telnet."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from catalogue import FOLDER, recorded
from lab import SERVER_IPV4, SERVER_IPV6, Ends, Pair, Process, wait_for
from services import certificate

if TYPE_CHECKING:
    from pathlib import Path

_PROSODY = """\
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
certificates = "{folder}"
daemonize = false
run_as_root = true
interfaces = {{ "{four}", "{six}" }}
c2s_ports = {{ 5222, 15222 }}
s2s_ports = {{ }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping" }}
modules_disabled = {{ "s2s" }}
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
log = {{ info = "*console" }}
ssl = {{ key = "{folder}/server.key", certificate = "{folder}/server.pem" }}
VirtualHost "example.org"
"""
_PERSON = 'return {{ password = "{password}" }};\n'


def _prosody(lab: Ends) -> Process:
    server = lab.server
    certificate(server, "example.org")
    for name in ("ada", "ben"):
        server.file(f"data/example%2eorg/accounts/{name}.dat", _PERSON.format(password="lantern"))
    filled = _PROSODY.format(folder=server.folder, four=SERVER_IPV4, six=SERVER_IPV6)
    configuration = str(server.file("prosody.cfg.lua", filled))
    process = server.spawn(["prosody", "-F", "--config", configuration])
    for port in (5222, 15222):
        server.wait_listening("tcp", port, process)
    return process


def _xmpp(lab: Ends, *words: str, password: str = "lantern") -> None:
    peer = str(FOLDER / "scenarios" / "xmpp_peer.py")
    lab.client.run(["/usr/bin/python3", peer, password, *words])


@recorded(
    "xmpp.pcap",
    tools=("prosody", "python3-slixmpp"),
    expect={
        "xmpp": 20,
        "xmpp.auth": 3,
        "xmpp.message": 2,
        "xmpp.presence": 2,
        "tcp.port == 15222": 10,
        "ipv6": 10,
    },
    # tshark reads each segment as a document of its own.
    flaws=("_ws.malformed",),
)
def xmpp(target: Path) -> None:
    """XMPP in clear: logins by PLAIN and SCRAM, presence and a message to oneself, a bad login, over
    IPv6, and on another port."""
    with Pair() as lab:
        _prosody(lab)
        with lab.recording(target, only="tcp"):
            _xmpp(lab, SERVER_IPV4, "5222", "PLAIN")
            _xmpp(lab, SERVER_IPV6, "5222", "SCRAM-SHA-1")
            _xmpp(lab, SERVER_IPV4, "15222", "SCRAM-SHA-1")
            _xmpp(lab, SERVER_IPV4, "5222", "PLAIN", password="wrong")


@recorded(
    "xmpp-starttls.pcap",
    tools=("prosody", "python3-slixmpp"),
    expect={"xmpp.starttls": 1, "xmpp.proceed": 1, "tcp.port == 15222": 20},
)
def xmpp_starttls(target: Path) -> None:
    """XMPP that turns to TLS by STARTTLS, on its port and on another."""
    with Pair() as lab:
        _prosody(lab)
        with lab.recording(target, only="tcp"):
            _xmpp(lab, SERVER_IPV4, "5222", "TLS")
            _xmpp(lab, SERVER_IPV4, "15222", "TLS")


_NGIRCD = """\
[Global]
Name = irc.example.org
Info = Harbour
Listen = {four},{six}
Ports = 6667, 16667
Password = {password}
MotdPhrase = Mind the tide
PidFile = {folder}/ngircd.pid
[Options]
DNS = no
Ident = no
PAM = no
[Channel]
Name = #quay
"""


def _irc(lab: Ends, address: str, nick: str, *said: str, port: int = 6667, key: str = "") -> None:
    password = ["-k", key] if key else []
    client = lab.client.spawn(
        ["sic", "-h", address, "-p", str(port), "-n", nick, *password], stdin=subprocess.PIPE
    )
    answer = "Mind the tide" if key in ("", "lantern") else "Bad password"
    wait_for(f"'{answer}' from sic", lambda: answer in client.output())
    for line in said:
        client.type(line + "\n")
        time.sleep(0.1)
    client.stop()


@recorded(
    "irc.pcap",
    tools=("ngircd", "sic"),
    expect={
        'irc.request.command == "NICK"': 3,
        'irc.request.command == "USER"': 3,
        'irc.request.command == "JOIN"': 2,
        'irc.request.command == "PRIVMSG"': 2,
        "tcp.port == 16667": 10,
        "ipv6": 10,
    },
)
def irc(target: Path) -> None:
    """IRC: a login with a password, a channel joined and spoken to, another name, a bad
    password, over IPv6, and on another port."""
    with Pair() as lab:
        filled = _NGIRCD.format(
            folder=lab.server.folder, four=SERVER_IPV4, six=SERVER_IPV6, password="lantern"
        )
        configuration = str(lab.server.file("ngircd.conf", filled))
        process = lab.server.spawn(["ngircd", "-n", "-f", configuration])
        for port in (6667, 16667):
            lab.server.wait_listening("tcp", port, process)
        with lab.recording(target, only="tcp"):
            said = [":j #quay", "The tide is high", ":NICK lass", ":l #quay", ":QUIT :Home"]
            _irc(lab, SERVER_IPV4, "ada", *said, key="lantern")
            _irc(lab, SERVER_IPV6, "ben", ":j #quay", "Fog", key="lantern")
            _irc(lab, SERVER_IPV4, "cid", ":m cid hello", port=16667, key="lantern")
            _irc(lab, SERVER_IPV4, "dot", key="wrong")


# Accounts that exist only in the laboratory; the password of keeper is `lantern`.
_ACCOUNTS = "root:x:0:0:root:/root:/bin/sh\nkeeper:x:1000:1000::/:/bin/sh\n"


@recorded(
    "telnet.pcap",
    tools=("inetutils-telnetd", "inetutils-telnet", "socat"),
    expect={
        "telnet": 20,
        "telnet.cmd == 251": 2,
        "telnet.subcmd": 2,
        "tcp.port == 2323": 10,
        "ipv6": 10,
    },
)
def telnet(target: Path) -> None:
    """Telnet: options are negotiated, a login, a command; a bad login; over IPv6; on another
    port."""
    with Pair() as lab:
        server = lab.server
        hashed = subprocess.run(
            ["openssl", "passwd", "-6", "-salt", "harbour", "lantern"],
            capture_output=True,
            text=True,
            check=True,
        )
        server.etc("passwd", _ACCOUNTS)
        server.etc("shadow", f"keeper:{hashed.stdout.strip()}:19000:0:99999:7:::\n")
        server.etc("pam.d/login", "auth required pam_unix.so nodelay\naccount required pam_permit.so\n")
        server.etc("issue.net", "Harbour office\n")
        for place, port in (
            (f"TCP4-LISTEN:23,bind={SERVER_IPV4}", 23),
            (f"TCP6-LISTEN:23,bind=[{SERVER_IPV6}],ipv6only", 23),
            (f"TCP4-LISTEN:2323,bind={SERVER_IPV4}", 2323),
        ):
            process = server.spawn(
                ["socat", f"{place},reuseaddr,fork", "EXEC:/usr/sbin/telnetd -h,nofork"]
            )
            server.wait_listening("tcp", port, process)

        def visit(address: str, port: int, password: str, last: str) -> None:
            client = lab.client.spawn(
                ["script", "-qfc", f"telnet {address} {port}", "/dev/null"],
                stdin=subprocess.PIPE,
                env={"TERM": "vt220"},
            )
            client.wait_output("login:")
            client.type("keeper\r")
            client.wait_output("assword:")
            client.type(f"{password}\r")
            client.wait_output(last)
            if last == "$":
                client.type("exit\r")
                client.wait_output("closed")
            client.stop()

        with lab.recording(target, only="tcp"):
            visit(SERVER_IPV4, 23, "lantern", "$")
            visit(SERVER_IPV4, 23, "wrong", "incorrect")
            visit(SERVER_IPV6, 23, "lantern", "$")
            visit(SERVER_IPV4, 2323, "lantern", "$")
