"""What networks are run with: SNMP, BGP, SOCKS proxies, OpenVPN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalogue import FOLDER, recorded
from lab import CLIENT_IPV4, SERVER_IPV4, SERVER_IPV6, Host, Pair, Process, wait_for
from scenarios.names import dnsmasq
from scenarios.web import PLAIN
from services import certificate, nginx

if TYPE_CHECKING:
    from pathlib import Path

_SNMPD = """\
rocommunity harbour
rwcommunity6 harbour
rouser keeper authpriv
createUser keeper SHA "anchorage one" AES "anchorage two"
sysLocation quay 7
sysContact keeper@example.com
sysName heron
"""


@recorded(
    "snmp.pcap",
    tools=("snmp", "snmpd"),
    expect={
        "snmp.version == 0 && snmp.data == 0": 2,
        "snmp.version == 1 && snmp.data == 5": 1,
        "snmp.error_status == 2": 1,
        "snmp.data == 3": 1,
        "snmp.data == 4": 1,
        "snmp.data == 6": 1,
        "snmp.data == 7": 1,
        "snmp.data == 8": 1,
        "snmp.encryptedPDU": 2,
        "snmp && ipv6": 2,
        "snmp && tcp": 2,
    },
)
def snmp(target: Path) -> None:
    """SNMP 1, 2c and 3: get, getnext, getbulk, a refused set, errors, traps of both versions, an
    inform nobody answers, discovery and encryption of version 3, an unknown user; IPv6, TCP, and
    a port of its own."""
    with Pair() as lab:
        settings = str(lab.server.file("snmpd.conf", _SNMPD))
        where = "udp:161,udp6:161,tcp:161,udp:10161"
        daemon = lab.server.spawn(
            ["snmpd", "-f", "-Lo", "-r", "-C", "-c", settings, where],
            env={"SNMP_PERSISTENT_DIR": str(lab.server.folder), "MIBS": ""},
        )
        lab.server.wait_listening("udp", 161, daemon)

        def go(program: str, *words: str, ok: tuple[int, ...] = (0,)) -> None:
            lab.client.run(
                [program, "-r", "0", "-t", "1", *words],
                ok=ok,
                env={"MIBS": "", "SNMP_PERSISTENT_DIR": str(lab.client.folder)},
            )

        name, location = ".1.3.6.1.2.1.1.5.0", ".1.3.6.1.2.1.1.6.0"
        v1, v2 = ["-v", "1", "-c", "harbour"], ["-v", "2c", "-c", "harbour"]
        v3 = ["-v", "3", "-u", "keeper", "-a", "SHA", "-A", "anchorage one"]
        v3 += ["-x", "AES", "-X", "anchorage two", "-l", "authPriv"]
        with lab.recording(target):
            go("snmpget", *v1, SERVER_IPV4, name, location)
            go("snmpget", *v1, SERVER_IPV4, ".1.3.6.1.2.1.1.99.0", ok=(0, 2))
            go("snmpgetnext", *v2, SERVER_IPV4, ".1.3.6.1.2.1.1.4")
            go("snmpbulkget", *v2, "-Cn1", "-Cr5", SERVER_IPV4, name, ".1.3.6.1.2.1.1")
            go("snmpset", *v2, SERVER_IPV4, location, "s", "quay 8", ok=(0, 2))
            go("snmpget", *v2, f"udp6:[{SERVER_IPV6}]", name)
            go("snmpget", *v2, f"tcp:{SERVER_IPV4}", name)
            go("snmpget", *v2, f"{SERVER_IPV4}:10161", name)
            go("snmpget", *v3, SERVER_IPV4, name)
            go(
                "snmpget",
                "-v",
                "3",
                "-u",
                "nobody",
                "-l",
                "noAuthNoPriv",
                SERVER_IPV4,
                name,
                ok=(1,),
            )
            trap = [".1.3.6.1.4.1.8072.2.3", CLIENT_IPV4]
            go("snmptrap", *v1, SERVER_IPV4, *trap, "6", "17", "55", name, "s", "heron")
            go("snmptrap", *v2, SERVER_IPV4, "55", ".1.3.6.1.6.3.1.1.5.3", name, "s", "heron")
            go("snmpinform", *v2, SERVER_IPV4, "55", ".1.3.6.1.6.3.1.1.5.4", ok=(1,))


_DANTE = """\
logoutput: {folder}/danted.log
internal: {address} port = 1080
external: {address}
socksmethod: none
clientmethod: none
user.privileged: root
user.unprivileged: root
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks block {{ from: 0.0.0.0/0 to: 0.0.0.0/0 port = 81 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 command: bind connect udpassociate }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 command: bindreply udpreply }}
"""

# Associates, and asks a name server through the proxy.
_ASSOCIATE = """\
import socket, struct, sys
proxy, server = sys.argv[1:]
c = socket.create_connection((proxy, 1080))
c.sendall(b"\\5\\1\\0"); c.recv(2)
c.sendall(b"\\5\\3\\0\\1" + bytes(6)); answer = c.recv(64)
port = struct.unpack("!H", answer[8:10])[0]
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(5)
u.bind((c.getsockname()[0], 40053))
query = bytes.fromhex("000701000001000000000000") + b"\\3www\\7example\\3com\\0\\0\\1\\0\\1"
u.sendto(b"\\0\\0\\0\\1" + socket.inet_aton(server) + b"\\0\\x35" + query, (proxy, port))
u.recv(512); c.close()
"""


@recorded(
    "socks.pcap",
    tools=("dante-server", "microsocks", "curl", "nginx-light"),
    expect={
        "socks.version == 4": 2,
        "socks.version == 5": 6,
        "http.request && tcp.port == 1080": 3,
        "http.request && tcp.port == 9050": 1,
        "tls.handshake.type == 1": 1,
        "udp.srcport == 40053": 1,
    },
)
def socks(target: Path) -> None:
    """SOCKS: versions 4, 4a and 5 to a web server, TLS through it, a login and a refused one on a
    port of its own, a forbidden target, and a name asked by datagrams."""
    with Pair() as lab:
        server = lab.server
        nginx(server, [PLAIN, f"listen {SERVER_IPV4}:443 ssl;"], [80, 443])
        dnsmasq(server, SERVER_IPV4)
        server.etc("resolv.conf", f"nameserver {SERVER_IPV4}\n")
        settings = _DANTE.format(folder=server.folder, address=SERVER_IPV4)
        dante = server.spawn(["danted", "-f", str(server.file("danted.conf", settings))])
        server.wait_listening("tcp", 1080, dante)
        micro = server.spawn(
            ["microsocks", "-i", SERVER_IPV4, "-p", "9050", "-u", "keeper", "-P", "lantern"]
        )
        server.wait_listening("tcp", 9050, micro)

        def curl(*words: str, ok: tuple[int, ...] = (0,)) -> None:
            lab.client.run(["curl", "-sS", "-o", "/dev/null", *words], ok=ok)

        site, by = f"http://{SERVER_IPV4}/style.css", f"{SERVER_IPV4}:1080"
        with lab.recording(target, only="tcp port 1080 or tcp port 9050 or udp"):
            curl("--socks4", by, site)
            curl("--socks5", by, site)
            curl("--socks5", by, "-k", f"https://{SERVER_IPV4}/style.css")
            curl("--socks5-hostname", by, f"http://{SERVER_IPV4}/visit")
            curl("--socks5", by, f"http://{SERVER_IPV4}:81/", ok=(97,))
            curl("--socks5", f"keeper:lantern@{SERVER_IPV4}:9050", site)
            curl("--socks5", f"keeper:candle@{SERVER_IPV4}:9050", site, ok=(97,))
            lab.client.run(["/usr/bin/python3", "-c", _ASSOCIATE, SERVER_IPV4, SERVER_IPV4])


_BIRD = """\
router id {own};
protocol device {{ }}
protocol static four {{ ipv4; {routes4} }}
protocol static six {{ ipv6; {routes6} }}
protocol bgp peer {{
  local {own} port {port} as {asn};
  neighbor {other} port {port} as {other_asn};
  hold time 9;
  connect delay time 1;
  {passive}
  ipv4 {{ import all; export all; add paths on; }};
  ipv6 {{ import all; export all; }};
}}
"""


def _bird(host: Host, settings: str, name: str) -> Process:
    configuration = str(host.file(f"{name}.conf", settings))
    control = str(host.folder / f"{name}.ctl")
    return host.spawn(["bird", "-f", "-c", configuration, "-s", control])


def _birdc(host: Host, name: str, *words: str) -> str:
    return host.run(["birdc", "-s", str(host.folder / f"{name}.ctl"), *words])


@recorded(
    "bgp.pcap",
    tools=("bird2",),
    expect={
        "bgp.type == 1": 2,
        "tcp.port == 1790 && tcp.len > 0": 3,
        "bgp.type == 2 && bgp.update.nlri": 1,
        "bgp.update.withdrawn_routes.length > 0": 1,
        "bgp.type == 3": 1,
        "bgp.type == 4": 2,
        "bgp.update.path_attribute.mp_reach_nlri": 1,
    },
)
def bgp(target: Path) -> None:
    """BGP between two routers: opening, routes of IPv4 and IPv6, a withdrawal, the end of each
    table, a shutdown with words; and, on a port of its own, a neighbour of the wrong number."""
    four = "".join(f"route 198.51.{n}.0/24 blackhole; " for n in (100, 101, 102))
    six = "route 2001:db8:a::/48 blackhole; route 2001:db8:b::/48 blackhole;"
    with Pair() as lab:
        ends = (
            (lab.client, CLIENT_IPV4, SERVER_IPV4, 65010, 65020),
            (lab.server, SERVER_IPV4, CLIENT_IPV4, 65020, 65010),
        )
        with lab.recording(target, only="tcp"):
            for name, port, wrong in (("right", 179, 0), ("wrong", 1790, 1)):
                for host, own, other, asn, other_asn in ends:
                    passive = "passive;" if host is lab.server else ""
                    routes = (four, six) if host is lab.client else ("", "")
                    expected = other_asn + (wrong if host is lab.server else 0)
                    settings = _BIRD.format(
                        own=own,
                        other=other,
                        asn=asn,
                        other_asn=expected,
                        port=port,
                        passive=passive,
                        routes4=routes[0],
                        routes6=routes[1],
                    )
                    _bird(host, settings, name)
                control = lab.client.folder / f"{name}.ctl"
                wait_for("the control socket", control.exists)
                if name == "right":
                    wait_for(
                        "the routes",
                        lambda: "2001:db8:b::/48" in _birdc(lab.server, "right", "show", "route"),
                    )
                    _birdc(lab.client, "right", "disable", "four")
                    wait_for(
                        "the withdrawal",
                        lambda: "198.51.100.0" not in _birdc(lab.server, "right", "show", "route"),
                    )
                    _birdc(lab.client, "right", "disable", "peer", '"low tide"')
                else:
                    wait_for(
                        "the refusal",
                        lambda: "Error" in _birdc(lab.client, "wrong", "show", "protocols", "all"),
                    )
                    _birdc(lab.client, "wrong", "disable", "peer")


@recorded(
    "openvpn.pcap",
    tools=("openvpn", "openssl"),
    expect={
        "udp && openvpn.opcode == 7": 1,
        "udp && openvpn.opcode == 8": 1,
        "udp.port == 4433": 6,
        "tcp && openvpn.opcode == 7": 1,
        "udp && openvpn.opcode == 9": 2,
    },
    # tshark takes the code and what is encrypted for something else.
    flaws=("_ws.malformed",),
)
def openvpn(target: Path) -> None:
    """OpenVPN: control packets in clear over UDP, with a code (tls-auth) over TCP, encrypted
    (tls-crypt) over UDP on a port of its own; each with a few packets that keep it alive."""
    with Pair() as lab:
        for host in (lab.client, lab.server):
            certificate(host, f"{host.name}.example.com", stem="own")
        own = {host: (host.folder / "own.pem").read_text() for host in (lab.client, lab.server)}
        key = lab.server.run(["openvpn", "--genkey", "secret", "/dev/stdout"])
        with lab.recording(target):
            for protocol, port, wrap in (
                ("udp", 1194, ()),
                ("tcp", 1194, ("--tls-auth",)),
                ("udp", 4433, ("--tls-crypt",)),
            ):
                running = []
                for host, other, role in (
                    (lab.server, lab.client, "server"),
                    (lab.client, lab.server, "client"),
                ):
                    words = ["openvpn", "--dev", "null", "--verb", "3", "--ping", "1"]
                    words += ["--port" if role == "server" else "--rport", str(port)]
                    side = f"tcp-{role}" if protocol == "tcp" else "udp"
                    words += ["--proto", side, f"--tls-{role}", "--auth", "SHA256"]
                    if role == "server":
                        words += ["--dh", "none"]
                    else:
                        words += ["--remote", SERVER_IPV4, "--nobind"]
                    words += ["--ca", str(host.file("peer.pem", own[other]))]
                    words += ["--cert", str(host.folder / "own.pem")]
                    words += ["--key", str(host.folder / "own.key")]
                    if wrap:
                        words += [*wrap, str(host.file("shared.key", key))]
                        words += ["--key-direction", "0" if role == "server" else "1"]
                    running.append(host.spawn(words))
                    if role == "server":
                        host.wait_listening(protocol, port, running[0])
                for process in running:
                    process.wait_output("Initialization Sequence Completed")
                lab.client.run(["sleep", "2.5"])
                for process in running:
                    process.stop()


@recorded(
    "netflow.pcap",
    tools=("softflowd", "socat"),
    needs=("demo",),
    expect={
        "cflow.version == 5": 2,
        "cflow.version == 9 && ip": 2,
        "cflow.version == 9 && ipv6": 2,
        "cflow.version == 10 && udp.dstport == 4739": 2,
        "cflow.version == 10 && tcp": 1,
        "udp.dstport == 4000": 2,
    },
)
def netflow(target: Path) -> None:
    """Flows of the demonstration's traffic, exported as NetFlow 5, as NetFlow 9 over IPv4 and IPv6,
    and as IPFIX over UDP, over TCP and on a port of its own."""
    with Pair() as lab:
        source = lab.client.file("demo.pcap", (FOLDER / "demo.pcap").read_bytes())
        for port in (2055, 9996, 4739, 4000):
            lab.server.spawn(["socat", "-u", f"UDP6-RECV:{port}", "OPEN:/dev/null"])
            lab.server.wait_listening("udp", port)
        lab.server.spawn(["socat", "-u", "TCP4-LISTEN:4739,fork", "OPEN:/dev/null"])
        lab.server.wait_listening("tcp", 4739)

        def export(version: int, where: str, *words: str) -> None:
            files = ["-p", f"{lab.client.folder}/pid", "-c", "none"]
            program = ["softflowd", "-d", "-r", str(source), *files, "-v", str(version)]
            lab.client.run([*program, "-n", where, *words])

        with lab.recording(target):
            export(5, f"{SERVER_IPV4}:2055")
            export(9, f"{SERVER_IPV4}:2055", "-s", "4")
            export(9, f"[{SERVER_IPV6}]:9996", "-6")
            export(10, f"{SERVER_IPV4}:4739", "-6", "-b")
            export(10, f"{SERVER_IPV4}:4739", "-P", "tcp")
            export(10, f"{SERVER_IPV4}:4000", "-A", "milli")
