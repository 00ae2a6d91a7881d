"""Who is who: LDAP and RADIUS; and what machines write down: syslog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalogue import recorded
from lab import SERVER_IPV4, SERVER_IPV6, Ends, Pair, Process
from services import certificate

if TYPE_CHECKING:
    from pathlib import Path

_SLAPD = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
sasl-secprops none
database mdb
suffix "dc=example,dc=org"
rootdn "cn=keeper,dc=example,dc=org"
rootpw lantern
directory {folder}/tree
"""
_TREE = """\
dn: dc=example,dc=org
objectClass: domain
dc: example

dn: uid=ada,dc=example,dc=org
objectClass: inetOrgPerson
uid: ada
cn: Ada
sn: L
mail: ada@example.org

dn: uid=ben,dc=example,dc=org
objectClass: inetOrgPerson
uid: ben
cn: Ben
sn: M
"""
_CHANGE = "dn: uid=ben,dc=example,dc=org\nchangetype: modify\nadd: mail\nmail: ben@example.org\n"


def slapd(lab: Ends) -> Process:
    """Starts slapd with an empty tree."""
    server = lab.server
    certificate(server, "directory.example.org")
    (server.folder / "tree").mkdir()
    configuration = server.file("slapd.conf", _SLAPD.format(folder=server.folder))
    places = f"ldap://{SERVER_IPV4} ldap://[{SERVER_IPV6}] ldap://{SERVER_IPV4}:10389"
    process = server.spawn(["slapd", "-d", "0", "-h", places, "-f", str(configuration)])
    for port in (389, 10389):
        server.wait_listening("tcp", port, process)
    return process


_ROOT = f"ldap://{SERVER_IPV4}"


def _ldap(
    lab: Ends, tool: str, *words: str, url: str = _ROOT, stdin: str = "", ok: int = 0
) -> None:
    login = ["-x", "-D", "cn=keeper,dc=example,dc=org", "-w", "lantern"]
    if "-D" in words or "-A" in words or "-Y" in words:
        login = []
    words = tuple(word for word in words if word != "-A")
    lab.client.run(
        [tool, "-H", url, *login, *words],
        ok=(ok,),
        stdin=stdin.encode(),
        env={"LDAPTLS_REQCERT": "never"},
    )


@recorded(
    "ldap.pcap",
    tools=("slapd", "ldap-utils"),
    expect={
        "ldap.bindRequest_element": 8,
        "ldap.addRequest_element": 3,
        "ldap.searchRequest_element": 2,
        "ldap.modifyRequest_element": 1,
        "ldap.modDNRequest_element": 1,
        "ldap.compareRequest_element": 1,
        "ldap.delRequest": 1,
        "ldap.extendedReq_element": 1,
        "ldap.resultCode == 49": 1,
        "tcp.port == 10389": 10,
        "ipv6": 10,
    },
)
def ldap(target: Path) -> None:
    """LDAP in clear: entries added, searched, compared, changed, renamed and deleted, who am I, an
    anonymous search, a bad login, a search for what is not there, over IPv6, and on another
    port."""
    with Pair() as lab:
        slapd(lab)
        base = "dc=example,dc=org"
        with lab.recording(target, only="tcp"):
            _ldap(lab, "ldapadd", stdin=_TREE)
            _ldap(lab, "ldapsearch", "-b", base, "(&(objectClass=person)(|(uid=a*)(cn=*e*)))", "cn")
            _ldap(lab, "ldapmodify", stdin=_CHANGE)
            _ldap(lab, "ldapcompare", f"uid=ada,{base}", "cn:Ada", ok=6)
            _ldap(lab, "ldapmodrdn", "-r", f"uid=ben,{base}", "uid=benjamin")
            _ldap(lab, "ldapdelete", f"uid=benjamin,{base}")
            _ldap(lab, "ldapwhoami")
            anonymous = ["-x", "-A", "-b", base, "-s", "base", "-z", "5", "-l", "10"]
            _ldap(lab, "ldapsearch", *anonymous, url=f"ldap://[{SERVER_IPV6}]")
            _ldap(lab, "ldapsearch", "-b", f"ou=none,{base}", url=f"{_ROOT}:10389", ok=32)
            wrong = ["-x", "-D", f"uid=ada,{base}", "-w", "wrong"]
            _ldap(lab, "ldapsearch", *wrong, "-b", base, ok=49)


@recorded(
    "ldap-starttls.pcap",
    tools=("slapd", "ldap-utils"),
    expect={
        'ldap.requestName == "1.3.6.1.4.1.1466.20037"': 1,
        "tls.handshake.type == 1": 1,
        "tcp.port == 10389": 20,
    },
)
def ldap_starttls(target: Path) -> None:
    """LDAP that turns to TLS by StartTLS, on its port and on another."""
    with Pair() as lab:
        slapd(lab)
        with lab.recording(target, only="tcp"):
            for url in (_ROOT, f"{_ROOT}:10389"):
                _ldap(lab, "ldapwhoami", "-ZZ", url=url)


_RADIUS = """\
prefix = /usr
libdir = /usr/lib/freeradius
dictionary = /usr/share/freeradius/dictionary
logdir = {folder}
run_dir = {folder}
log {{
  destination = stdout
}}
security {{
  status_server = yes
}}
client laboratory {{
  ipaddr = *
  secret = anchor
}}
client laboratory6 {{
  ipv6addr = ::
  secret = anchor
}}
modules {{
  pap {{ }}
  chap {{ }}
  files {{
    filename = {folder}/people
  }}
  always ok {{
    rcode = ok
  }}
}}
server harbour {{
  listen {{
    type = auth
    ipaddr = {four}
    port = 1812
  }}
  listen {{
    type = auth
    ipaddr = {four}
    port = 21812
  }}
  listen {{
    type = auth
    ipv6addr = {six}
    port = 1812
  }}
  listen {{
    type = acct
    ipaddr = {four}
    port = 1813
  }}
  authorize {{
    files
    chap
    pap
  }}
  authenticate {{
    pap
    chap
  }}
  preacct {{ }}
  accounting {{
    ok
  }}
}}
"""
_PEOPLE = """\
keeper Cleartext-Password := "lantern"
\tFramed-IP-Address = 192.0.2.77, Session-Timeout = 3600, Reply-Message = "Welcome aboard"

DEFAULT Auth-Type := Reject
\tReply-Message = "Unknown on this quay"
"""
_ASK = """\
User-Name = "{user}"
{how} = "{password}"
NAS-IP-Address = 192.0.2.10
NAS-Port = 7
NAS-Port-Type = Ethernet
Called-Station-Id = "02-00-00-00-00-01:quay"
Calling-Station-Id = "02-00-00-00-00-02"
"""
_COUNT = """\
User-Name = "keeper"
Acct-Status-Type = {kind}
Acct-Session-Id = "S-42"
NAS-Identifier = "gate"
Framed-IP-Address = 192.0.2.77
Acct-Session-Time = 60
Acct-Input-Octets = 1200
Acct-Output-Octets = 3400
Acct-Input-Gigawords = 1
Acct-Input-Packets = 12
Acct-Output-Packets = 34
Event-Timestamp = "Jan  1 2024 00:00:00 UTC"
3GPP-IMSI = "001010123456789"
3GPP-RAT-Type = 6
"""


def _radius(lab: Ends, place: str, kind: str, asked: str, ok: tuple[int, ...] = (0,)) -> None:
    lab.client.run(
        ["radclient", "-r", "1", "-x", place, kind, "anchor"], stdin=asked.encode(), ok=ok
    )


@recorded(
    "radius.pcap",
    tools=("freeradius", "freeradius-utils"),
    expect={
        "radius.code == 1": 4,
        "radius.code == 2": 3,
        "radius.code == 3": 1,
        "radius.code == 4": 3,
        "radius.code == 5": 3,
        "radius.code == 12": 1,
        "ipv6": 2,
    },
)
def radius(target: Path) -> None:
    """RADIUS: logins by PAP and CHAP, one refused, one over IPv6, one on another port, accounting of
    a session from its start to its end, and a question whether the server lives."""
    with Pair() as lab:
        server = lab.server
        server.file("people", _PEOPLE)
        filled = _RADIUS.format(folder=server.folder, four=SERVER_IPV4, six=SERVER_IPV6)
        server.file("radius/radiusd.conf", filled)
        process = server.spawn(["freeradius", "-f", "-l", "stdout", "-d", str(server.folder / "radius")])
        for port in (1812, 1813, 21812):
            server.wait_listening("udp", port, process)
        good = {"user": "keeper", "password": "lantern"}
        with lab.recording(target, only="udp"):
            auth = f"{SERVER_IPV4}:1812"
            _radius(lab, auth, "auth", _ASK.format(how="User-Password", **good))
            _radius(lab, auth, "auth", _ASK.format(how="CHAP-Password", **good))
            stranger = _ASK.format(user="ada", how="User-Password", password="x")
            _radius(lab, auth, "auth", stranger, ok=(1,))
            _radius(lab, f"[{SERVER_IPV6}]:1812", "auth", _ASK.format(how="User-Password", **good))
            elsewhere = f"{SERVER_IPV4}:21812"
            _radius(lab, elsewhere, "auth", _ASK.format(how="User-Password", **good))
            for kind in ("Start", "Interim-Update", "Stop"):
                _radius(lab, f"{SERVER_IPV4}:1813", "acct", _COUNT.format(kind=kind))
            _radius(lab, auth, "status", "Message-Authenticator = 0x00\n")


_RSYSLOG = """\
module(load="imudp")
module(load="imtcp")
input(type="imudp" port="514")
input(type="imtcp" port="514")
input(type="imudp" port="10514")
global(workDirectory="{folder}")
*.* action(type="omfile" file="{folder}/all.log")
"""


@recorded(
    "syslog.pcap",
    tools=("rsyslog", "bsdutils"),
    expect={
        "udp && syslog": 3,
        "tcp.port == 514 && tcp.len > 0": 3,
        'syslog.version == "1"': 1,
        "udp.port == 10514": 1,
        "ipv6 && udp": 1,
    },
)
def syslog(target: Path) -> None:
    """Syslog: messages of the old and of the new form, over UDP, over TCP in lines and counted, over
    IPv6, and to another port."""
    with Pair() as lab:
        filled = _RSYSLOG.format(folder=lab.server.folder)
        words = ["rsyslogd", "-n", "-f", str(lab.server.file("rsyslog.conf", filled))]
        process = lab.server.spawn([*words, "-i", str(lab.server.folder / "pid")])
        lab.server.wait_listening("udp", 10514, process)
        lab.server.wait_listening("tcp", 514, process)

        def log(*words: str, server: str = SERVER_IPV4, port: int = 514) -> None:
            lab.client.run(["logger", "-n", server, "-P", str(port), *words])

        data = ["--sd-id", "tide@32473", "--sd-param", 'height="3"', "--msgid", "TIDE"]
        with lab.recording(target, only="udp or tcp"):
            log("-d", "--rfc3164", "-t", "harbour", "-i", "-p", "local0.notice", "The ferry is late")
            log("-d", "--rfc5424", "-t", "harbour", "-p", "auth.crit", *data, "The tide is high")
            log("-T", "--rfc5424", "-t", "harbour", "-p", "daemon.err", "A lamp went out")
            log("-T", "--octet-count", "--rfc5424", "-t", "harbour", "-p", "user.info", "Counted\nlines")
            log("-T", "--rfc3164", "-t", "harbour", "-p", "cron.debug", "Bells")
            log("-d", "--rfc5424", "-t", "harbour", "Over six", server=SERVER_IPV6)
            log("-d", "--rfc3164", "-t", "harbour", "Elsewhere", port=10514)
