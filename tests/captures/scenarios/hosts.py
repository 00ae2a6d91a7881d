"""What hosts say to be configured and to keep time: DHCP, DHCPv6, NTP."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from catalogue import recorded
from lab import SERVER_IPV4, SERVER_IPV6, Ends, Host, Pair, Process, wait_for

if TYPE_CHECKING:
    from pathlib import Path

_DHCP = """\
port=0
no-daemon
user=root
group=root
pid-file=
log-facility=-
log-dhcp
bind-dynamic
interface=client
dhcp-leasefile={folder}/leases
dhcp-authoritative
no-ping
dhcp-range=192.0.2.100,192.0.2.150,255.255.255.0,10m
dhcp-range=2001:db8::1000,2001:db8::1fff,64,10m
dhcp-option=option:router,192.0.2.1
dhcp-option=option:dns-server,192.0.2.53,192.0.2.54
dhcp-option=option:ntp-server,192.0.2.123
dhcp-option=option:domain-name,example.com
dhcp-option=121,198.51.100.0/24,192.0.2.2
dhcp-option=option6:dns-server,[2001:db8::53]
{more}
"""
_DHCLIENT = """\
send host-name "heron";
send dhcp-client-identifier "heron-1";
send vendor-class-identifier "harbour-client";
request subnet-mask, broadcast-address, routers, domain-name, domain-name-servers, ntp-servers,
        host-name, interface-mtu;
timeout 10;
initial-interval 1;
"""


def dhcp_server(lab: Ends, more: str = "") -> Process:
    """Starts dnsmasq as a server of addresses."""
    configuration = lab.server.file("dhcp.conf", _DHCP.format(folder=lab.server.folder, more=more))
    process = lab.server.spawn(["dnsmasq", f"--conf-file={configuration}"])
    lab.server.wait_listening("udp", 67, process)
    return process


def dhclient(host: Host, *words: str, interface: str = "server") -> str:
    """Runs dhclient; it asks for an address but leaves the interface alone."""
    script = host.file("dhclient-script", "#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    configuration = host.file("dhclient.conf", _DHCLIENT)
    files = ["-cf", str(configuration), "-sf", str(script)]
    files += ["-lf", str(host.folder / "leases"), "-pf", str(host.folder / "dhclient.pid")]
    return host.run(["dhclient", "-v", *files, *words, interface])


@recorded(
    "dhcp.pcap",
    tools=("dnsmasq-base", "isc-dhcp-client"),
    expect={
        "dhcp.option.dhcp == 1": 1,
        "dhcp.option.dhcp == 2": 1,
        "dhcp.option.dhcp == 3": 3,
        "dhcp.option.dhcp == 5": 2,
        "dhcp.option.dhcp == 6": 1,
        "dhcp.option.dhcp == 7": 1,
        'dhcp.option.hostname == "heron"': 1,
        "dhcp.option.vendor_class_id": 1,
    },
)
def dhcp(target: Path) -> None:
    """A lease from DISCOVER to ACK, the same client again with REQUEST and ACK, then a REQUEST for
    an address of another network that the server refuses with NAK, the lease that follows, and
    RELEASE."""
    with Pair() as lab:
        dhcp_server(lab)
        with lab.recording(target, only="udp port 67 or udp port 68 or arp"):
            dhclient(lab.client, "-1")
            number = lab.client.folder / "dhclient.pid"
            for address in ("192.0.2.1", "198.51.100.1"):
                wait_for(
                    "dhclient's process number",
                    lambda: number.exists() and bool(number.read_text().strip()),
                )
                running = number.read_text().strip()
                number.unlink()
                lab.client.run(["kill", running])
                leases = lab.client.folder / "leases"
                leases.write_text(leases.read_text().replace("192.0.2.1", address))
                dhclient(lab.client, "-1")
            dhclient(lab.client, "-r")


@recorded(
    "dhcpv6.pcap",
    tools=("dnsmasq-base", "isc-dhcp-client"),
    expect={
        "dhcpv6.msgtype == 1": 1,
        "dhcpv6.msgtype == 2": 1,
        "dhcpv6.msgtype == 3": 1,
        "dhcpv6.msgtype == 7": 1,
    },
)
def dhcpv6(target: Path) -> None:
    """A DHCPv6 lease: SOLICIT, ADVERTISE, REQUEST, REPLY, RELEASE."""
    with Pair() as lab:
        dhcp_server(lab)
        with lab.recording(target, only="udp port 546 or udp port 547"):
            dhclient(lab.client, "-6", "-1")
            dhclient(lab.client, "-6", "-r")


def chronyd(host: Host) -> Process:
    """Starts chronyd as a server that never touches the machine's clock."""
    lines = f"local stratum 3\nallow all\ncmdport 0\nport 123\npidfile {host.folder}/chronyd.pid\n"
    configuration = host.file("chrony.conf", lines)
    process = host.spawn(["chronyd", "-x", "-d", "-u", "root", "-f", str(configuration)])
    host.wait_listening("udp", 123, process)
    return process


def ask_time(host: Host, server: str) -> str:
    """Asks a server for the time, and only prints the answer."""
    lines = [
        "cmdport 0",
        f"pidfile {host.folder}/chronyc.pid",
        f"server {server} iburst maxsamples 2",
    ]
    return host.run(["chronyd", "-Q", "-x", "-u", "root", "-f", "/dev/null", *lines])


@recorded(
    "ntp.pcap",
    tools=("chrony", "socat"),
    expect={
        "ntp.flags.mode == 3": 3,
        "ntp.flags.mode == 4": 3,
        "ntp.flags.mode == 6": 1,
        "ntp.flags.mode == 7": 1,
        "ntp.flags.mode == 5": 1,
        "ntp.flags.vn == 3": 1,
        "ntp && ipv6": 2,
    },
)
def ntp(target: Path) -> None:
    """NTP version 4 between chronyd and its server over IPv4 and IPv6, a version 3 request, and,
    written by hand, a broadcast, a control message (mode 6) and a private one (mode 7), which get
    no answer."""
    with Pair() as lab:
        chronyd(lab.server)
        with lab.recording(target):
            ask_time(lab.client, SERVER_IPV4)
            ask_time(lab.client, SERVER_IPV6)
            version3 = struct.pack("!B3x44x", 0x1B)
            read_variables = struct.pack("!BBHHHHH", 0x16, 2, 1, 0, 0, 0, 0)
            monitor_list = struct.pack("!BBBB40x", 0x17, 0, 3, 42)
            for said in (version3, read_variables, monitor_list):
                lab.client.run(["socat", "-t", "0.2", "-", f"UDP4:{SERVER_IPV4}:123"], stdin=said)
            broadcast = struct.pack(
                "!BBbbII4s4Q", 0x25, 2, 6, -20, 0, 0x100, b"GPS\0", *[0xE5000000 << 32] * 4
            )
            lab.client.run(
                ["socat", "-u", "-", "UDP4-DATAGRAM:192.0.2.255:123,broadcast"], stdin=broadcast
            )
