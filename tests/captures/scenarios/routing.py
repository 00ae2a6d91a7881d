"""What routers and switches say to each other: RIP, OSPF, VRRP, PIM, EIGRP, LLDP, CDP, spanning
tree."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from catalogue import recorded
from lab import CLIENT_IPV4, SERVER_IPV4, Host, Pair, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FRR = "/usr/lib/frr"


def _routing(host: Host, **settings: str) -> None:
    """Starts FRR's daemons, each with its settings."""
    sockets = host.folder / "frr"
    sockets.mkdir()
    sockets.chmod(0o777)  # the daemons become a user of their own
    for daemon, text in {"zebra": "", **settings}.items():
        file = host.file(f"{daemon}.conf", text)
        words = [f"{_FRR}/{daemon}", "-P", "0", "-f", str(file)]
        words += ["--vty_socket", str(sockets), "-z", str(sockets / "zserv"), "--log", "stdout"]
        process = host.spawn([*words, "-i", str(sockets / f"{daemon}.pid")])
        wait_for(
            f"the socket of {daemon}",
            lambda daemon=daemon, process=process: (  # type: ignore[misc]
                (sockets / f"{daemon}.vty").exists() or process.check_alive()
            ),
        )


def _seen(host: Host, raw: Path, condition: str, least: int) -> None:
    """Waits until tshark finds enough packets in what has been recorded."""

    def enough() -> bool:
        words = ["tshark", "-r", str(raw), "-Y", condition, "-T", "fields", "-e", "frame.number"]
        numbers = [word for word in host.run(words, ok=(0, 2)).split() if word.isdigit()]
        return len(numbers) >= least

    wait_for(f"{least} packets of {condition}", enough, patience_s=90)


@contextmanager
def _routers(target: Path, only: str) -> Iterator[tuple[Pair, Path]]:
    """A pair of hosts with networks of their own behind them."""
    with Pair() as lab:
        for host, number in ((lab.client, 1), (lab.server, 2)):
            host.ip("link", "add", "quay", "type", "veth", "peer", "name", "pier")
            for end in ("pier", "quay"):
                host.ip("link", "set", end, "up")
            for address in (f"198.51.10{number}.1/24", f"2001:db8:{number}::1/48"):
                host.ip("address", "add", address, "dev", "quay")
            host.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        with lab.recording(target, only=only) as raw:
            yield lab, raw


@recorded(
    "rip.pcap",
    tools=("frr",),
    expect={
        "rip.version == 2 && rip.command == 1": 2,
        "rip.version == 2 && rip.command == 2": 2,
        "rip.auth.type == 3": 2,
        "rip.version == 1 && rip.command == 2": 1,
        "ripng.cmd == 1": 2,
        "ripng.cmd == 2": 2,
    },
)
def rip(target: Path) -> None:
    """RIP between two routers: requests for the whole table and updates of version 2 with a digest,
    updates of version 1, and RIPng."""
    common = "router rip\n network 192.0.2.0/24\n network quay\n timers basic 5 30 20\n"
    key = "key chain tide\n key 7\n  key-string harbour\n"
    with _routers(target, "udp port 520 or udp port 521") as (lab, raw):
        for host in (lab.client, lab.server):
            link = host.interfaces[0]
            digest = f"interface {link}\n ip rip authentication mode md5\n"
            digest += " ip rip authentication key-chain tide\n"
            ng = f"router ripng\n network {link}\n network quay\n timers basic 5 30 20\n"
            _routing(host, ripd=key + digest + common, ripngd=ng)
        _seen(lab.server, raw, "rip.command == 2", 4)
        _seen(lab.server, raw, "ripng.cmd == 2", 3)
        for process in lab.processes[1:]:
            if "ripd" in process.argv[0]:
                process.stop()
        old = f"interface client\n ip rip send version 1\n{common} version 1\n"
        (lab.server.folder / "frr/ripd.vty").unlink(missing_ok=True)
        file = lab.server.file("old.conf", old)
        sockets = lab.server.folder / "frr"
        words = [f"{_FRR}/ripd", "-P", "0", "-f", str(file)]
        words += ["--vty_socket", str(sockets), "-z", str(sockets / "zserv")]
        lab.server.spawn([*words, "-i", str(sockets / "old.pid")])
        _seen(lab.server, raw, "rip.version == 1 && rip.command == 2", 2)


@recorded(
    "ospf.pcap",
    tools=("frr",),
    expect={
        "ospf.version == 2 && ospf.msg.hello": 4,
        "ospf.version == 2 && ospf.msg.dbdesc": 4,
        "ospf.version == 2 && ospf.msg.lsreq": 1,
        "ospf.version == 2 && ospf.msg.lsupdate": 2,
        "ospf.version == 2 && ospf.msg.lsack": 1,
        "ospf.version == 3 && ospf.msg.hello": 4,
        "ospf.version == 3 && ospf.msg.dbdesc": 4,
        "ospf.version == 3 && ospf.msg.lsupdate": 2,
    },
)
def ospf(target: Path) -> None:
    """OSPF between two routers, for IPv4 with digests and for IPv6: hellos, the choice of a
    designated router, the exchange of both databases, routes from elsewhere."""
    with _routers(target, "ip proto 89 or ip6 proto 89") as (lab, raw):
        for number, host in ((1, lab.client), (2, lab.server)):
            link = host.interfaces[0]
            timers = "hello-interval 1\n {0} dead-interval 4\n"
            four = f"interface {link}\n ip ospf authentication message-digest\n"
            four += " ip ospf message-digest-key 7 md5 harbour\n"
            four += " ip ospf " + timers.format("ip ospf")
            four += f"router ospf\n ospf router-id 10.0.0.{number}\n redistribute connected\n"
            four += " network 192.0.2.0/24 area 0.0.0.5\n"
            six = f"interface {link}\n ipv6 ospf6 area 0.0.0.5\n"
            six += " ipv6 ospf6 " + timers.format("ipv6 ospf6")
            six += f"router ospf6\n ospf6 router-id 10.0.0.{number}\n redistribute connected\n"
            _routing(host, ospfd=four, ospf6d=six)
        _seen(lab.server, raw, "ospf.version == 2 && ospf.msg.lsack", 2)
        _seen(lab.server, raw, "ospf.version == 3 && ospf.msg.lsack", 2)


@recorded(
    "vrrp.pcap",
    tools=("keepalived",),
    expect={"vrrp.version == 2": 3, "vrrp.version == 3 && ip": 3, "vrrp.prio == 0": 1},
)
def vrrp(target: Path) -> None:
    """VRRP: a router with version 2 and a password, and one of version 3; a better one takes over,
    and gives up."""

    def instance(name: str, link: str, priority: int, extra: str) -> str:
        return (
            f"vrrp_instance {name} {{ state BACKUP\n interface {link}\n priority {priority}\n"
            f"{extra}\n}}\n"
        )

    with _routers(target, "ip proto 112") as (lab, raw):
        running = []
        for host, priority in ((lab.client, 100), (lab.server, 150)):
            link = host.interfaces[0]
            old = "version 2\n virtual_router_id 7\n advert_int 1\n"
            old += " authentication {\n auth_type PASS\n auth_pass harbour\n }"
            old += "\n virtual_ipaddress {\n 192.0.2.254/24\n }"
            new = "version 3\n virtual_router_id 8\n advert_int 0.5"
            new += "\n virtual_ipaddress {\n 192.0.2.253/24\n 192.0.2.252/24\n }"
            text = instance("old", link, priority, old) + instance("new", link, priority, new)
            file = host.file("keepalived.conf", text)
            pids = [f"--{kind}={host.folder}/{kind}" for kind in ("pid", "vrrp_pid")]
            words = ["keepalived", "-n", "-l", "-P", "-f", str(file), *pids]
            running.append(host.spawn(words))
            sender = CLIENT_IPV4 if host is lab.client else SERVER_IPV4
            _seen(lab.server, raw, f"vrrp.version == 2 && ip.src == {sender}", 2)
        running[1].stop()
        _seen(lab.server, raw, f"vrrp.prio == 0 && ip.src == {SERVER_IPV4}", 2)


@recorded(
    "pim.pcap",
    tools=("frr",),
    expect={"pim.type == 0": 2, "pim.type == 3": 1},
)
def pim(target: Path) -> None:
    """PIM between two routers: hellos, and a group that one of them joins and leaves."""
    with _routers(target, "ip proto 103") as (lab, raw):
        for host in (lab.client, lab.server):
            link = host.interfaces[0]
            text = f"ip pim rp {SERVER_IPV4} 239.0.0.0/8\n"
            text += f"interface {link}\n ip pim\n ip pim hello 2\n"
            group = " ip igmp\n ip igmp join 239.1.1.1\n ip igmp join 239.2.2.2 198.51.102.9\n"
            text += "interface quay\n ip pim\n" + (group if host is lab.client else "")
            _routing(host, pimd=text)
        lab.client.ip("route", "add", "198.51.102.0/24", "via", SERVER_IPV4)
        _seen(lab.server, raw, "pim.type == 3", 1)
        _seen(lab.server, raw, "pim.type == 0", 4)


@recorded(
    "eigrp.pcap",
    tools=("frr",),
    expect={"eigrp.opcode == 5": 4, "eigrp.opcode == 1": 2, "eigrp.tlv_type == 0x0102": 1},
)
def eigrp(target: Path) -> None:
    """EIGRP between two routers: hellos, and the exchange of both tables."""
    with _routers(target, "ip proto 88") as (lab, raw):
        for host in (lab.client, lab.server):
            text = "router eigrp 100\n network 192.0.2.0/24\n network 198.51.0.0/16\n"
            _routing(host, eigrpd=text)
        _seen(lab.server, raw, "eigrp.tlv_type == 0x0102", 2)


@recorded(
    "lldp.pcap",
    tools=("lldpd",),
    expect={"lldp": 3, "cdp": 2, "lldp.time_to_live == 0": 1},
)
def lldp(target: Path) -> None:
    """A host that tells by LLDP what it is, and takes it back; another that does so by CDP, too."""
    chosen = "ether proto 0x88cc or ether[20:2] == 0x2000"
    with Pair() as lab, lab.recording(target, only=chosen) as raw:
        running = []
        for host in (lab.client, lab.server):
            file = host.file("lldpd.conf", "configure lldp tx-interval 2\n")
            words = ["lldpd", "-d", "-u", str(host.folder / "lldpd.socket")]
            words += ["-cc"] if host is lab.server else []
            words += ["-S", f"{host.name} of the harbour", "-P", "heron", "-O", str(file)]
            running.append(host.spawn(words))
        _seen(lab.server, raw, "cdp", 2)
        _seen(lab.server, raw, "lldp", 2)
        running[0].stop()
        _seen(lab.server, raw, "lldp.time_to_live == 0", 1)


@recorded(
    "stp.pcap",
    tools=("iproute2",),
    expect={"stp.type == 0": 3, "stp.type == 0x80": 1, "stp.flags.tc == 1": 1},
)
def stp(target: Path) -> None:
    """Spanning tree of two of the kernel's bridges: who is root, and a change of the topology that
    the other bridge tells of."""
    with Pair() as lab, lab.recording(target, only="ether dst 01:80:c2:00:00:00") as raw:
        for host, priority in ((lab.client, 0x8000), (lab.server, 0x4000)):
            host.ip("link", "add", "bridge", "type", "bridge", "forward_delay", "200")
            options = ["stp_state", "1", "priority", str(priority), "hello_time", "100"]
            host.ip("link", "set", "bridge", "type", "bridge", *options)
            host.ip("link", "set", host.interfaces[0], "master", "bridge")
            host.ip("link", "add", "quay", "type", "veth", "peer", "name", "pier")
            host.ip("link", "set", "quay", "master", "bridge")
            host.ip("link", "set", "bridge", "up")
        _seen(lab.server, raw, "stp.type == 0", 6)
        for end in ("pier", "quay"):
            lab.client.ip("link", "set", end, "up")
        _seen(lab.server, raw, "stp.type == 0x80", 1)
        _seen(lab.server, raw, "stp.flags.tc == 1", 1)
