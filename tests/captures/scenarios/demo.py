"""The demonstration: a morning in a small network behind a router, recorded at the router."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from built.mobile import gtp_u
from built.packet import CLIENT_MAC, SERVER_MAC, ethernet, ipv4, udp
from catalogue import FOLDER, recorded
from content import text
from lab import Host, Lab, Process, wait_for
from pcapfile import Record, read_pcap, write_pcap
from scenarios.hosts import ask_time, chronyd, dhclient
from scenarios.shell import ssh, sshd
from scenarios.transfer import ftp, vsftpd
from services import certificate, nginx
from software import environment

if TYPE_CHECKING:
    from pathlib import Path

ROUTER = "10.20.0.1"
LAPTOP, DESK, TABLET, PHONE = (f"10.20.0.{number}" for number in (11, 12, 13, 14))
"""The tablet is on VLAN 20, the phone reaches the network through a GTP-U tunnel."""

# Names only; every address is the laboratory's.
WEB = {
    "www.youtube.com": "198.51.100.10",
    "www.google.com": "198.51.100.11",
    "www.netflix.com": "198.51.100.12",
    "www.wikipedia.org": "198.51.100.13",
    "api.github.com": "198.51.100.14",
    "open.spotify.com": "198.51.100.15",
    "web.whatsapp.com": "198.51.100.16",
    "outlook.office365.com": "198.51.100.17",
    "graph.facebook.com": "198.51.100.18",
    "www.reddit.com": "198.51.100.19",
    "eu.zoom.us": "198.51.100.20",
    "deb.debian.org": "198.51.100.21",
    "www.example.com": "198.51.100.22",
    "files.example.com": "198.51.100.23",
}
OFFICE = {
    "shell.example.com": "203.0.113.10",
    "time.example.com": "203.0.113.11",
    "broker.example.com": "203.0.113.12",
    "mail.example.com": "203.0.113.13",
}
SIX = {"www.wikipedia.org": "2001:db8:30::13", "www.example.com": "2001:db8:30::22"}

_DNSMASQ = """\
no-resolv
no-hosts
no-daemon
bind-dynamic
interface=home
user=root
group=root
pid-file=
log-facility=-
local-ttl=300
dhcp-leasefile={folder}/leases
dhcp-authoritative
no-ping
dhcp-range=10.20.0.100,10.20.0.150,255.255.255.0,1h
dhcp-option=option:router,10.20.0.1
dhcp-option=option:domain-name,example.com
address=/#/
mx-host=example.com,mail.example.com,10
txt-record=example.com,"v=spf1 mx -all"
cname=cdn.example.com,www.example.com
{records}
"""


@dataclass
class To:
    """The home and one of the servers beyond the router."""

    client: Host
    server: Host


class Town(Lab):
    """A home, a router that also gives names and addresses, a hall of web servers, an office."""

    def __init__(self) -> None:
        super().__init__()
        try:
            names = ("home", "router", "web", "office")
            self.home, self.router, self.web, self.office = map(self.host, names)
            inside = [f"{a}/24" for a in (LAPTOP, DESK, TABLET, PHONE)]
            self.join(
                self.home,
                self.router,
                [*inside, "2001:db8:20::11/64"],
                [f"{ROUTER}/24", "2001:db8:20::1/64"],
            )
            for host, addresses, gate in (
                (self.web, WEB.values(), "198.51.100.1"),
                (self.office, OFFICE.values(), "203.0.113.1"),
            ):
                self.join(self.router, host, [f"{gate}/24"], [f"{a}/24" for a in addresses])
                host.ip("route", "add", "default", "via", gate)
            self.router.ip("address", "add", "2001:db8:30::1/64", "dev", "web")
            for address in SIX.values():
                self.web.ip("address", "add", f"{address}/64", "dev", "router", "nodad")
            self.router.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
            self.home.ip("route", "add", "default", "via", ROUTER, "src", LAPTOP)
            self.home.ip("-6", "route", "add", "default", "via", "2001:db8:20::1")
            self.web.ip("-6", "route", "add", "default", "via", "2001:db8:30::1")
            self.home.etc("resolv.conf", f"nameserver {ROUTER}\n")
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def open(self) -> None:
        """Starts every server."""
        records = "\n".join(
            f"host-record={name},{address}" + (f",{SIX[name]}" if name in SIX else "")
            for name, address in (WEB | OFFICE).items()
        )
        filled = _DNSMASQ.format(folder=self.router.folder, records=records)
        configuration = self.router.file("dnsmasq.conf", filled)
        names = self.router.spawn(["dnsmasq", f"--conf-file={configuration}"])
        self.router.wait_listening("udp", 53, names)
        protocols = "ssl_protocols TLSv1.2 TLSv1.3;"
        secure = f"listen 443 ssl http2; listen [::]:443 ssl http2; {protocols}"
        nginx(self.web, ["listen 80; listen [::]:80;", secure], [80, 443])
        vsftpd(To(self.home, self.web))
        sshd(To(self.home, self.office))
        chronyd(self.office)
        settings = "listener 1883\nallow_anonymous true\nuser root\n"
        mosquitto = ["mosquitto", "-c", str(self.office.file("mosquitto.conf", settings))]
        self.office.wait_listening("tcp", 1883, self.office.spawn(mosquitto))
        pem = certificate(self.web, "www.example.com", "quic")
        for name in ("www.youtube.com", "www.google.com"):
            argv = [*_QUIC, "server", WEB[name], "--certificate", str(pem)]
            self.web.spawn([*argv, "--key", str(pem.with_suffix(".key"))], ready="listening")

    def fetch(self, url: str, *words: str, as_from: str = LAPTOP) -> Process:
        """Starts curl in the home."""
        options = ["-sS", "-k", "-o", "/dev/null"]
        if as_from != "any":
            options += ["-4", "--interface", as_from]
        return self.home.spawn(["curl", *options, *words, url])

    def visit(self, name: str, as_from: str = LAPTOP) -> Process:
        """Starts a browser that speaks QUIC, after the lookup such a browser makes."""
        self.home.run(["dig", f"@{ROUTER}", "-b", as_from, "+noall", name, "A"])
        return self.home.spawn([*_QUIC, "client", WEB[name], "--name", name])


_QUIC = [str(environment()), str(FOLDER / "scenarios" / "quic_peer.py")]


def _all(*processes: Process) -> None:
    for process in processes:
        process.wait()


def _morning(town: Town) -> None:
    """What happens, some of it at the same time."""
    dhclient(town.home, "-1", interface="router")
    ask_time(town.home, OFFICE["time.example.com"])
    fetch, example = town.fetch, "http://www.example.com"
    _all(
        fetch(f"{example}/index.html", "-A", "Mozilla/5.0 (X11; Linux x86_64) HarbourBrowser/2.1"),
        fetch("https://www.wikipedia.org/", "--tls-max", "1.2"),
        fetch("https://api.github.com/tides.json"),
        town.visit("www.youtube.com"),
    )
    pages = ("style.css", "tides.json", "missing.png", "old", "ledger.txt")
    urls = [w for page in pages for w in (f"http://cdn.example.com/{page}", "-o", "/dev/null")]
    _all(
        fetch(f"{example}/index.html", *urls, as_from=DESK),
        fetch("https://www.netflix.com/long.html", as_from=DESK),
        fetch("https://open.spotify.com/ledger.txt", "--http1.1", as_from=DESK),
        fetch("https://web.whatsapp.com/", as_from=PHONE),
        fetch("http://www.example.com/ledger.txt", as_from=PHONE),
        fetch("https://graph.facebook.com/tides.json", "--tls-max", "1.2", as_from=PHONE),
        fetch("http://deb.debian.org/chart.bin", "-A", "Debian APT-HTTP/1.3 (2.6.1)"),
    )
    _all(
        fetch("https://outlook.office365.com/orders/1", "-d", text(900), as_from=TABLET),
        fetch("http://www.example.com/orders/new", "-d", "boat=Heron&crew=4", as_from=TABLET),
        fetch("https://www.reddit.com/index.html", as_from=TABLET),
        fetch("https://eu.zoom.us/chart.bin", "-r", "0-20000", as_from=DESK),
        fetch("https://www.example.com/style.css", as_from="any"),
        fetch("http://www.wikipedia.org/index.html", as_from="any"),
        town.visit("www.google.com"),
    )
    office = To(town.home, town.office)
    ssh(office, "uptime -p; seq 200", address="shell.example.com")
    ftp(To(town.home, town.web), "ftp://files.example.com/ledger.txt", "-o", "/dev/null")
    ftp(To(town.home, town.web), "--disable-epsv", "ftp://files.example.com/")
    publish = ["mosquitto_pub", "-h", "broker.example.com", "-t", "harbour/tide", "-i", "gauge-1"]
    town.home.run([*publish, "-q", "1", "-m", '{"level_cm": 182}'])
    for words in (("example.com", "MX"), ("example.com", "TXT"), ("nobody.example.com", "A")):
        town.home.run(["dig", f"@{ROUTER}", "+noall", *words])
    town.home.run(["dig", f"@{ROUTER}", "+noall", "+tcp", "www.example.com", "A"])
    town.home.run(["ping", "-c", "3", "-i", "0.2", "www.example.com", "-4"])
    town.home.run(["ping", "-c", "1", "-6", "2001:db8:30::22"])
    trace = ["traceroute", "-n", "-q", "1", "-N", "1", "-w", "1", "--sport=40010"]
    town.home.run([*trace, WEB["www.example.com"]])
    refused = town.home.spawn(["curl", "-sS", "http://mail.example.com:8080/"])
    wait_for("the refusal", lambda: refused.popen.poll() is not None)


def _behind(record: Record, address: str) -> str:
    """`up` for IPv4 from an address, `down` for IPv4 to it, else nothing."""
    if record.data[12:14] != b"\x08\x00":
        return ""
    packed = ipaddress.IPv4Address(address).packed
    if record.data[26:30] == packed:
        return "up"
    return "down" if record.data[30:34] == packed else ""


def _placed(record: Record) -> Record:
    """The tablet's frames with the tag of VLAN 20, the phone's packets inside GTP-U."""
    if _behind(record, TABLET):
        tag = struct.pack("!HH", 0x8100, 20)
        return record.with_data(record.data[:12] + tag + record.data[12:])
    if way := _behind(record, PHONE):
        up = way == "up"
        length = struct.unpack_from("!H", record.data, 16)[0]
        container = (0x85, bytes([0x10 if up else 0x00, 9]))
        teid = 0x00010001 if up else 0x00020002
        message = gtp_u(teid, record.data[14 : 14 + length], extensions=(container,))
        ends = ("10.30.0.2", "10.30.0.1") if up else ("10.30.0.1", "10.30.0.2")
        carrier = ipv4(*ends, udp(2152, 2152, message), flags=0)
        links = (CLIENT_MAC, SERVER_MAC) if up else (SERVER_MAC, CLIENT_MAC)
        return record.with_data(ethernet(carrier, *links).octets)
    return record


@recorded(
    "demo.pcap",
    tools=(
        "nginx-light",
        "curl",
        "dnsmasq-base",
        "bind9-dnsutils",
        "isc-dhcp-client",
        "chrony",
        "openssh-server",
        "vsftpd",
        "mosquitto",
        "traceroute",
        "pypi:aioquic",
    ),
    expect={
        "http.request": 10,
        "tls.handshake.type == 1": 10,
        "quic": 8,
        "dns": 40,
        "dhcp": 2,
        "ntp": 4,
        "ssh.protocol": 2,
        "ftp.request": 10,
        "mqtt": 4,
        "icmp.type == 8": 3,
        "icmp.type == 11": 1,
        "icmpv6.type == 128": 1,
        "arp": 2,
        "gtp && http": 2,
        "gtp && tls.handshake.type == 1": 2,
        "vlan.id == 20 && tls.handshake.type == 1": 2,
        "ipv6 && http": 2,
    },
)
def demo(target: Path) -> None:
    """A morning in a small network: DHCP, DNS, NTP, HTTP, TLS and QUIC under well-known names,
    SSH, FTP, MQTT, ping, traceroute, a refused connection, IPv6; a tablet on VLAN 20 and a
    phone behind a GTP-U tunnel (tag and tunnel are added to what was recorded)."""
    with Town() as town:
        town.open()
        untouched = town.folder / "untouched.pcap"
        with town.record(untouched, town.router, "home"):
            _morning(town)
        link, records = read_pcap(untouched)
        write_pcap(target, link, [_placed(record) for record in records])
