"""DNS between dig and dnsmasq, and multicast DNS answered by avahi."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from catalogue import recorded
from lab import SERVER_IPV4, SERVER_IPV6, Host, Pair, Process

if TYPE_CHECKING:
    from pathlib import Path

_ZONE = """\
port=53
no-resolv
no-hosts
no-daemon
bind-interfaces
listen-address={addresses}
user=root
group=root
pid-file=
log-facility=-
local=/example.com/
local=/in-addr.arpa/
auth-ttl=300
local-ttl=300
host-record=www.example.com,192.0.2.80,2001:db8::80
host-record=mail.example.com,192.0.2.25
host-record=quay.example.com,192.0.2.81
address=/many.example.com/192.0.2.101
{many}
cname=shop.example.com,front.example.com
cname=front.example.com,www.example.com
mx-host=example.com,mail.example.com,10
mx-host=example.com,backup.example.com,20
txt-record=example.com,"v=spf1 mx -all"
{long}
srv-host=_sip._tcp.example.com,quay.example.com,5060,10,60
srv-host=_xmpp-server._tcp.example.com,quay.example.com,5269,0,5
ptr-record=80.2.0.192.in-addr.arpa,www.example.com
naptr-record=4.3.2.1.e164.arpa,100,10,u,E2U+sip,!^.*$!sip:keeper@example.com!
caa-record=example.com,0,issue,authority.example
dns-rr=svc.example.com,65,0001000001000602683302683200040004c0000250
dns-rr=odd.example.com,65280,0badcafe
{more}
"""


def dnsmasq(host: Host, addresses: str, more: str = "") -> Process:
    """Starts dnsmasq with the laboratory's zone; `more` are further lines of its configuration."""
    many = "\n".join(f"host-record=many.example.com,192.0.2.{n}" for n in range(101, 117))
    log = "wind and clouds over the bay " * 7
    long = "\n".join(f'txt-record=long.example.com,"log {n:02} {log}"' for n in range(8))
    zone = _ZONE.format(addresses=addresses, many=many, long=long, more=more)
    process = host.spawn(["dnsmasq", f"--conf-file={host.file('dnsmasq.conf', zone)}"])
    host.wait_listening("udp", 53, process)
    return process


def dig(host: Host, *words: str, server: str = SERVER_IPV4) -> str:
    """One run of dig against the laboratory's server."""
    return host.run(["dig", f"@{server}", "+tries=1", "+nocookie", *words])


@recorded(
    "dns.pcap",
    tools=("dnsmasq-base", "bind9-dnsutils"),
    expect={
        "dns.qry.type == 1 && dns.flags.response == 1": 3,
        "dns.resp.type == 28": 1,
        "dns.resp.type == 15": 1,
        "dns.resp.type == 16": 1,
        "dns.resp.type == 33": 1,
        "dns.resp.type == 12": 1,
        "dns.resp.type == 5": 1,
        "dns.resp.type == 35": 1,
        "dns.resp.type == 257": 1,
        "dns.resp.type == 65": 1,
        "dns.resp.type == 41": 2,
        "dns.flags.rcode == 3": 1,
        "dns.flags.rcode == 5": 1,
        "dns && ipv6": 2,
    },
)
def dns(target: Path) -> None:
    """Queries over UDP: A, AAAA, MX, TXT, SRV, PTR, NAPTR, CAA, HTTPS, an unknown type, a chain of
    two CNAMEs, sixteen addresses, EDNS with and without options, mixed case, NXDOMAIN, no data and
    REFUSED."""
    with Pair() as lab:
        dnsmasq(lab.server, f"{SERVER_IPV4},{SERVER_IPV6}")
        with lab.recording(target):
            go = lab.client
            dig(go, "+noedns", "www.example.com", "A")
            dig(go, "+noedns", "www.example.com", "AAAA")
            dig(go, "+noedns", "example.com", "MX")
            dig(go, "+noedns", "example.com", "TXT")
            dig(go, "+noedns", "_sip._tcp.example.com", "SRV")
            dig(go, "+noedns", "-x", "192.0.2.80")
            dig(go, "4.3.2.1.e164.arpa", "NAPTR")
            dig(go, "example.com", "CAA")
            dig(go, "svc.example.com", "TYPE65")
            dig(go, "odd.example.com", "TYPE65280")
            dig(go, "shop.example.com", "A")
            dig(go, "many.example.com", "A")
            dig(go, "+cookie", "+nsid", "+subnet=192.0.2.0/24", "+dnssec", "www.example.com", "A")
            dig(go, "wWw.ExAmPlE.cOm", "A")
            dig(go, "nobody.example.com", "A")
            dig(go, "mail.example.com", "AAAA")
            dig(go, "www.example.net", "A")
            dig(go, "www.example.com", "A", server=SERVER_IPV6)


@recorded(
    "dns-tcp.pcap",
    tools=("dnsmasq-base", "bind9-dnsutils"),
    expect={
        "dns.flags.truncated == 1": 1,
        "dns && tcp && dns.flags.response == 0": 5,
        "dns && tcp && dns.flags.response == 1": 5,
        "tcp.flags.syn == 1 && tcp.flags.ack == 0": 3,
    },
)
def dns_tcp(target: Path) -> None:
    """Queries over TCP: one to a connection, three on one connection, and one that follows a
    truncated answer over UDP and takes two segments."""
    with Pair() as lab:
        dnsmasq(lab.server, SERVER_IPV4)
        with lab.recording(target):
            dig(lab.client, "+tcp", "www.example.com", "A")
            keep = ["+tcp", "+keepopen"]
            dig(
                lab.client,
                *keep,
                "www.example.com",
                "A",
                *keep,
                "example.com",
                "MX",
                *keep,
                "example.com",
                "TXT",
            )
            dig(lab.client, "+noedns", "long.example.com", "TXT")


_AVAHI = """\
[server]
host-name=lighthouse
domain-name=local
use-ipv4=yes
use-ipv6=yes
allow-interfaces=client
enable-dbus=no
[publish]
publish-hinfo=yes
publish-workstation=no
[rlimits]
"""
_SERVICE = """\
<?xml version="1.0" standalone='no'?><!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group><name>Ledger on lighthouse</name>
<service><type>_http._tcp</type><port>80</port><txt-record>path=/ledger.txt</txt-record></service>
</service-group>
"""


@recorded(
    "mdns.pcap",
    tools=("avahi-daemon", "socat"),
    expect={
        "udp.port == 5353": 8,
        'mdns && dns.resp.name == "lighthouse.local"': 1,
        "mdns && dns.resp.type == 33": 1,
        "mdns && ipv6": 1,
    },
)
def mdns(target: Path) -> None:
    """Multicast DNS: a host that probes for and announces its name and a web service, answers
    queries sent to the group, and says goodbye."""
    with Pair() as lab:
        lab.server.etc("avahi/services/ledger.service", _SERVICE)
        configuration = lab.server.file("avahi.conf", _AVAHI)
        with lab.recording(target, only="udp port 5353"):
            folder = lab.server.folder / "etc" / "avahi" / "services"
            start = 'mount --bind "$0" /etc/avahi/services; exec avahi-daemon "$@"'
            options = ["-f", str(configuration), "--no-drop-root", "--no-chroot", "--no-proc-title"]
            avahi = lab.server.spawn(
                ["sh", "-c", start, str(folder), *options], ready='Service "Ledger on lighthouse"'
            )
            for question in (_question(b"lighthouse.local", 1), _question(b"_http._tcp.local", 12)):
                lab.client.run(["socat", "-t", "1", "-", _GROUP], stdin=question)
            avahi.stop()


_GROUP = "UDP4-DATAGRAM:224.0.0.251:5353,bind=192.0.2.10:5353,ip-add-membership=224.0.0.251:server"


def _question(name: bytes, kind: int) -> bytes:
    """A multicast query for one name."""
    labels = b"".join(bytes([len(label)]) + label for label in name.split(b"."))
    return struct.pack("!6H", 0, 0, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, kind, 1)
