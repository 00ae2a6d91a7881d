"""Link and network layer by the kernel itself: ARP, neighbour discovery, ICMP, IGMP and MLD,
fragments, VXLAN."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from catalogue import recorded
from content import text
from lab import SERVER_IPV4, SERVER_IPV6, Host, Lab, Pair, wait_for
from pcapfile import read_pcap
from scenarios.web import PLAIN
from services import nginx

if TYPE_CHECKING:
    from pathlib import Path


class Routed(Lab):
    """A client and a server with a router between them whose far link takes small packets only."""

    def __init__(self) -> None:
        super().__init__()
        try:
            self.client, self.router, self.server = map(self.host, ("client", "router", "server"))
            self.join(
                self.client,
                self.router,
                ["192.0.2.10/24", "2001:db8::10/64"],
                ["192.0.2.1/24", "2001:db8::1/64"],
            )
            self.join(
                self.router,
                self.server,
                ["198.51.100.1/24", "2001:db8:1::1/64"],
                ["198.51.100.20/24", "2001:db8:1::20/64"],
            )
            self.router.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
            for host, four, six in (
                (self.client, "192.0.2.1", "2001:db8::1"),
                (self.server, "198.51.100.1", "2001:db8:1::1"),
            ):
                host.ip("route", "add", "default", "via", four)
                host.ip("-6", "route", "add", "default", "via", six)
            self.router.ip("link", "set", "server", "mtu", "1400")
            self.server.ip("link", "set", "router", "mtu", "1400")
        except BaseException:
            self.__exit__(None, None, None)
            raise


@recorded(
    "arp.pcap",
    tools=("iputils-arping",),
    expect={
        "arp.opcode == 1": 6,
        "arp.opcode == 2": 3,
        "arp.isgratuitous": 2,
        "arp.src.proto_ipv4 == 0.0.0.0": 1,
    },
)
def arp(target: Path) -> None:
    """ARP requests and replies, a request no one answers, a probe for a duplicate address,
    gratuitous requests and replies."""
    with Pair() as lab:
        go = lab.client
        with lab.recording(target):
            go.run(["ping", "-c", "1", SERVER_IPV4])
            go.run(["arping", "-c", "2", "-w", "3", "-I", "server", SERVER_IPV4])
            go.run(["arping", "-c", "1", "-w", "1", "-I", "server", "192.0.2.99"], ok=(1,))
            go.run(["arping", "-D", "-c", "1", "-w", "1", "-I", "server", "192.0.2.98"])
            go.run(["arping", "-U", "-c", "1", "-w", "1", "-I", "server", "192.0.2.10"])
            go.run(["arping", "-A", "-c", "1", "-w", "1", "-I", "server", "192.0.2.10"])


@recorded(
    "icmp.pcap",
    tools=("iputils-ping", "traceroute", "socat"),
    expect={
        "icmp.type == 8": 3,
        "icmp.type == 0": 3,
        "icmp.type == 11": 1,
        "icmp.type == 3 && icmp.code == 3": 1,
        "icmp.type == 3 && icmp.code == 4": 1,
        "icmp.type == 3 && icmp.code == 1": 1,
        "icmp.type == 3 && icmp.code == 13": 1,
        "ip.opt.type == 7": 1,
        "ip.opt.type == 68": 1,
    },
)
def icmp(target: Path) -> None:
    """ICMP by a router and its hosts: echo, record route and timestamp options, time exceeded,
    port, host and administratively unreachable, fragmentation needed."""
    with Routed() as lab:
        go, far = lab.client, "198.51.100.20"
        lab.router.ip("route", "add", "prohibit", "203.0.113.0/24")
        with lab.record(target, lab.client, "router"):
            go.run(["ping", "-c", "2", "-i", "0.2", far])
            go.run(["ping", "-c", "1", "-R", far])
            go.run(["ping", "-c", "1", "-T", "tsandaddr", far])
            go.run(["ping", "-c", "1", "-t", "1", far], ok=(1,))
            go.run(["traceroute", "-n", "-q", "1", "-w", "1", "-N", "1", "--sport=40010", far])
            go.run(["ping", "-c", "1", "-W", "1", "-M", "do", "-s", "1450", far], ok=(1,))
            go.run(["ping", "-c", "1", "-W", "4", "198.51.100.77"], ok=(1,))
            go.run(["ping", "-c", "1", "-W", "1", "203.0.113.7"], ok=(1,))


@recorded(
    "icmpv6.pcap",
    tools=("iputils-ping", "traceroute"),
    expect={
        "icmpv6.type == 128": 3,
        "icmpv6.type == 129": 3,
        "icmpv6.type == 1": 1,
        "icmpv6.type == 2": 1,
        "icmpv6.type == 3": 1,
        "icmpv6.type == 135": 2,
        "icmpv6.type == 136": 2,
        "icmpv6.type == 143": 1,
        "icmpv6.type == 133": 1,
        "icmpv6.type == 135 && ipv6.src == ::": 1,
        "ipv6.addr == ::1": 0,
    },
)
def icmpv6(target: Path) -> None:
    """ICMPv6 by a router and its hosts: echo, neighbour discovery, a duplicate address check, a
    router solicitation, multicast listener reports, time exceeded, unreachable, packet too big."""
    with Routed() as lab:
        go, far = lab.client, "2001:db8:1::20"
        with lab.record(target, lab.client, "router"):
            go.run(["ping", "-6", "-c", "2", "-i", "0.2", far])
            go.run(["ping", "-6", "-c", "1", "-t", "1", far], ok=(1,))
            go.run(["ping", "-6", "-c", "1", "-W", "1", "-M", "do", "-s", "1450", far], ok=(1,))
            go.run(
                ["traceroute", "-6", "-n", "-q", "1", "-w", "1", "-N", "1", "--sport=40010", far]
            )
            go.run(["ping", "-6", "-c", "1", "-W", "4", "2001:db8:1::77"], ok=(1,))
            go.sysctl(
                "net.ipv6.conf.router.accept_dad=1", "net.ipv6.conf.router.router_solicitations=1"
            )
            go.sysctl(
                "net.ipv6.conf.router.router_solicitation_delay=0",
                "net.ipv6.conf.router.accept_ra=2",
            )
            go.ip("link", "set", "router", "down")
            go.ip("link", "set", "router", "up")
            go.ip("address", "add", "2001:db8::11/64", "dev", "router")
            show = ["ip", "-6", "-br", "address", "show", "dev", "router", "tentative"]
            wait_for("the end of the address check", lambda: not go.run(show).strip())
            go.run(["ping", "-6", "-c", "1", "2001:db8::1"])


_JOIN = """\
import socket, struct, sys
kept = []
for group, source in (("232.1.1.1", "198.51.100.9"), ("239.1.2.3", None)):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    mine = socket.inet_aton("192.0.2.10")
    if source and sys.argv[1] == "3":
        option = 39  # IP_ADD_SOURCE_MEMBERSHIP
        both = mine + socket.inet_aton(source)
        s.setsockopt(socket.IPPROTO_IP, option, socket.inet_aton(group) + both)
    else:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + mine)
    kept.append(s)
sys.stdin.read()
"""


@recorded(
    "igmp.pcap",
    tools=("iproute2",),
    expect={
        "igmp.type == 0x22": 3,
        "igmp.type == 0x16": 2,
        "igmp.type == 0x17": 2,
        "igmp.type == 0x12": 1,
    },
)
def igmp(target: Path) -> None:
    """Hosts that join and leave multicast groups by IGMP version 3 with and without sources,
    version 2 and version 1."""
    with Pair() as lab, lab.recording(target, only="igmp") as raw:
        for version, left in (("3", 1), ("2", 2), ("1", 0)):
            lab.client.sysctl(f"net.ipv4.conf.server.force_igmp_version={version}")
            before = _packets(raw)
            member = ["/usr/bin/python3", "-c", _JOIN, version]
            process = lab.client.spawn(member, stdin=subprocess.PIPE)
            _wait_recorded(raw, before + 2)
            before = _packets(raw)
            process.close_input()
            process.wait()
            _wait_recorded(raw, before + left)


def _wait_recorded(raw: Path, least: int) -> None:
    """Waits until so many packets have been recorded."""
    wait_for(f"packet {least} of the recording", lambda: _packets(raw) >= least)


def _packets(raw: Path) -> int:
    """How many packets have been recorded so far."""
    return len(read_pcap(raw)[1])


def _datagram(host: Host, address: str, port: int, octets: bytes) -> None:
    host.run(["socat", "-b", "60000", "-u", "-", f"UDP:{address}:{port}"], stdin=octets)


@recorded(
    "fragments.pcap",
    tools=("iputils-ping", "socat"),
    expect={
        "ip.flags.mf == 1 && ip.frag_offset == 0": 4,
        "ip.frag_offset > 0": 6,
        "ipv6.fraghdr.more == 1": 3,
        "icmp.type == 8": 2,
        "icmpv6.type == 128": 1,
        "udp.length > 3000": 2,
    },
)
def fragments(target: Path) -> None:
    """Datagrams in fragments, IPv4 and IPv6: pings of 3,000 and 20,000 octets and UDP datagrams of
    4,000 and 9,000 octets."""
    with Pair() as lab:
        for protocol in ("UDP4", "UDP6"):
            lab.server.spawn(
                ["socat", "-u", "-b", "60000", f"{protocol}-RECV:9000", "CREATE:/dev/null"]
            )
        lab.server.wait_listening("udp", 9000)
        with lab.recording(target):
            lab.client.run(["ping", "-c", "1", "-s", "3000", SERVER_IPV4])
            lab.client.run(["ping", "-c", "1", "-s", "20000", SERVER_IPV4])
            lab.client.run(["ping", "-6", "-c", "1", "-s", "3000", SERVER_IPV6])
            _datagram(lab.client, SERVER_IPV4, 9000, text(4000).encode())
            _datagram(lab.client, f"[{SERVER_IPV6}]", 9000, text(9000).encode())


@recorded(
    "vxlan.pcap",
    tools=("iproute2", "nginx-light", "curl", "iputils-ping"),
    expect={
        "vxlan.vni == 4242": 15,
        "vxlan && http.request": 1,
        "vxlan && icmpv6": 1,
        "vxlan && arp": 2,
    },
)
def vxlan(target: Path) -> None:
    """The kernel's VXLAN between two hosts: ARP, a web request and an IPv6 ping inside."""
    with Pair() as lab:
        for host, other, number in ((lab.client, SERVER_IPV4, 10), (lab.server, "192.0.2.10", 20)):
            link = next(iter(host.interfaces))
            words = ["id", "4242", "remote", other, "dstport", "4789", "dev", link]
            host.ip("link", "add", "overlay", "type", "vxlan", *words)
            host.ip(
                "link",
                "set",
                "overlay",
                "address",
                f"02:00:00:00:01:{number:02x}",
                "mtu",
                "1400",
                "up",
            )
            host.ip("address", "add", f"10.9.0.{number}/24", "dev", "overlay")
            host.ip("-6", "address", "add", f"2001:db8:9::{number}/64", "dev", "overlay", "nodad")
        nginx(lab.server, [PLAIN], [80])
        with lab.recording(target):
            resolve = ["--resolve", "www.example.com:80:10.9.0.20"]
            lab.client.run(
                ["curl", "-sS", *resolve, "http://www.example.com/ledger.txt", "-o", "/dev/null"]
            )
            lab.client.run(["ping", "-6", "-c", "1", "2001:db8:9::20"])
