"""What networks of Windows machines speak: SMB with DCE/RPC in its pipes, Kerberos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalogue import recorded
from content import text
from lab import SERVER_IPV4, SERVER_IPV6, Ends, Host, Pair

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ACCOUNTS = """\
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
keeper:x:1000:1000::/:/bin/sh
"""
_GROUPS = "root:x:0:\nnogroup:x:65534:\nkeeper:x:1000:\n"
_SAMBA = """\
[global]
workgroup = HARBOUR
netbios name = QUAY
server string = Harbour files
server min protocol = NT1
client min protocol = NT1
private dir = {folder}/private
lock directory = {folder}/lock
state directory = {folder}/state
cache directory = {folder}/cache
pid directory = {folder}/pid
ncalrpc dir = {folder}/ncalrpc
log file = {folder}/log.%m
map to guest = Bad User
load printers = no
printing = bsd
printcap name = /dev/null
disable spoolss = yes
disable netbios = no
smb ports = 445 139
bind interfaces only = no
{more}
[charts]
path = {folder}/charts
read only = no
[sealed]
path = {folder}/charts
server smb encrypt = required
"""
# The account's password.
_PASSWORD = "lantern"  # noqa: S105 (of an account that exists only in the laboratory)
_USER = f"HARBOUR/keeper%{_PASSWORD}"


def samba(lab: Ends, more: str = "") -> None:
    """Starts smbd with one account and two shares."""
    server = lab.server
    for name in ("private", "lock", "state", "cache", "pid", "ncalrpc"):
        (server.folder / name).mkdir()
    server.etc("passwd", _ACCOUNTS)
    server.etc("group", _GROUPS)
    server.file("charts/README.txt", text(700))
    server.file("charts/letters/first.txt", text(300))
    server.run(["chown", "-R", "1000:1000", str(server.folder / "charts")])
    filled = _SAMBA.format(folder=server.folder, more=more)
    configuration = server.file("smb.conf", filled)
    typed = f"{_PASSWORD}\n{_PASSWORD}\n".encode()
    server.run(["pdbedit", "-s", str(configuration), "-a", "-t", "keeper"], stdin=typed)
    smbd = server.spawn(["smbd", "--foreground", "--no-process-group", "-s", str(configuration)])
    server.wait_listening("tcp", 445, smbd)
    client = "[global]\nworkgroup = HARBOUR\nnetbios name = HERON\nclient min protocol = NT1\n"
    for name in ("private", "lock", "state", "cache"):
        (lab.client.folder / name).mkdir()
        option = {"private": "private dir", "lock": "lock directory"}.get(name, f"{name} directory")
        client += f"{option} = {lab.client.folder}/{name}\n"
    lab.client.file("smb.conf", client)
    lab.client.file("tide.txt", text(900))


def _smbclient(
    client: Host, where: str, commands: str, *words: str, ok: Sequence[int] = (0,)
) -> str:
    configuration = ["-s", str(client.folder / "smb.conf")]
    said = ["-c", commands.replace("{home}", str(client.folder))]
    return client.run(["smbclient", *configuration, where, *words, *said], ok=ok)


_VISIT = (
    "put {home}/tide.txt tide.txt; rename tide.txt ebb.txt; get ebb.txt /dev/null; dir letters\\*;"
    " get missing.txt /dev/null; mkdir new; rmdir new; del ebb.txt"
)


@recorded(
    "smb3.pcap",
    tools=("samba", "smbclient"),
    expect={
        "smb2.cmd == 0": 2,
        "smb2.cmd == 5 && smb2.nt_status == 0xc0000034": 1,
        "smb2.cmd == 9": 2,
        "smb2.cmd == 8": 2,
        'ntlmssp.auth.username == "keeper"': 1,
        "smb2.nt_status == 0xc000006d": 1,
        "ipv6 && smb2": 4,
    },
)
def smb3(target: Path) -> None:
    """SMB 3.1.1 on port 445: a login by NTLM, files written, renamed, read, listed and deleted, one
    that is missing; over IPv6 a wrong password, and a share that is not there."""
    with Pair() as lab:
        samba(lab)
        with lab.recording(target, only="tcp"):
            share = f"//{SERVER_IPV4}/charts"
            _smbclient(lab.client, share, _VISIT, "-U", _USER, ok=(0, 1))
            six = f"//{SERVER_IPV6}/charts"
            _smbclient(lab.client, six, "dir", "-U", "HARBOUR/keeper%wrong", ok=(1,))
            absent = f"//{SERVER_IPV6}/cellar"
            _smbclient(lab.client, absent, "dir", "-U", _USER, ok=(1,))


@recorded(
    "smb3-encrypted.pcap",
    tools=("samba", "smbclient"),
    expect={"smb2.cmd == 3": 2, "smb2.header.transform.flags": 4},
)
def smb3_encrypted(target: Path) -> None:
    """SMB 3.1.1 with a share that demands encryption."""
    with Pair() as lab:
        samba(lab)
        with lab.recording(target, only="tcp"):
            share = f"//{SERVER_IPV4}/sealed"
            _smbclient(lab.client, share, "get README.txt /dev/null", "-U", _USER)


@recorded(
    "smb2.pcap",
    tools=("samba", "smbclient"),
    expect={"smb2.dialect == 0x0202": 1, "tcp.port == 8445 && frame contains fe:53:4d:42": 8},
)
def smb2(target: Path) -> None:
    """SMB 2.0.2 and 2.1, the latter on port 8445."""
    with Pair() as lab:
        samba(lab, "smb ports = 445 8445\n")
        with lab.recording(target, only="tcp"):
            share = f"//{SERVER_IPV4}/charts"
            _smbclient(lab.client, share, _VISIT, "-U", _USER, "-m", "SMB2_02", ok=(0, 1))
            visit = "get README.txt /dev/null"
            _smbclient(lab.client, share, visit, "-U", _USER, "-m", "SMB2_10", "-p", "8445")


@recorded(
    "smb1.pcap",
    tools=("samba", "smbclient"),
    expect={
        "smb.cmd == 0x72": 4,
        "smb.cmd == 0x73": 4,
        "smb.cmd == 0xa2": 2,
        "smb.cmd == 0x2f": 1,
        "smb.nt_status == 0xc0000034": 1,
        "nbss.type == 0x81": 1,
    },
)
def smb1(target: Path) -> None:
    """SMB version 1: on port 445, and on port 139 by the name of the server; files written,
    renamed, read, listed and deleted, one that is missing."""
    with Pair() as lab:
        samba(lab)
        lab.client.etc("hosts", f"127.0.0.1 localhost\n{SERVER_IPV4} quay\n")
        with lab.recording(target, only="tcp"):
            share = f"//{SERVER_IPV4}/charts"
            _smbclient(lab.client, share, _VISIT, "-U", _USER, "-m", "NT1", ok=(0, 1))
            old = ["-m", "NT1", "-p", "139", "-N"]
            _smbclient(lab.client, "//quay/charts", "dir", *old, ok=(0, 1))


@recorded(
    "smb-pipes.pcap",
    tools=("samba", "smbclient"),
    expect={
        "dcerpc.pkt_type == 11": 3,
        "srvsvc": 2,
        "lsarpc": 2,
        "samr": 2,
    },
)
def smb_pipes(target: Path) -> None:
    """DCE/RPC through pipes of SMB: the list of shares, names and numbers of accounts, over version
    3 and version 1."""
    with Pair() as lab:
        samba(lab)
        configuration = str(lab.client.folder / "smb.conf")
        with lab.recording(target, only="tcp"):
            for version in ("SMB3", "NT1"):
                ask = ["rpcclient", "-s", configuration, SERVER_IPV4, "-U", _USER, "-m", version]
                asked = "netshareenum;lookupnames keeper;enumdomusers"
                lab.client.run([*ask, "-c", asked], ok=(0, 1))


_REALM = """\
[libdefaults]
default_realm = HARBOUR.EXAMPLE
dns_lookup_kdc = false
dns_canonicalize_hostname = false
udp_preference_limit = {limit}
allow_weak_crypto = true
{types}
[realms]
HARBOUR.EXAMPLE = {{
 kdc = {kdc}
}}
"""
_KDC = """\
[kdcdefaults]
kdc_ports = 88
kdc_tcp_ports = 88
[realms]
HARBOUR.EXAMPLE = {{
 database_name = {folder}/principal
 key_stash_file = {folder}/stash
 acl_file = {folder}/acl
 supported_enctypes = aes256-cts:normal aes128-cts:normal arcfour-hmac:normal
 default_principal_flags = +preauth
}}
"""


@recorded(
    "kerberos.pcap",
    tools=("krb5-kdc", "krb5-admin-server", "krb5-user"),
    expect={
        "kerberos.as_req_element": 6,
        "kerberos.as_rep_element": 3,
        "kerberos.tgs_req_element": 3,
        "kerberos.error_code == 25": 1,
        "kerberos.error_code == 6": 1,
        "kerberos.error_code == 7": 1,
        "kerberos.error_code == 24": 1,
        "tcp.port == 88 && kerberos": 2,
        "ipv6 && kerberos": 2,
    },
)
def kerberos(target: Path) -> None:
    """Kerberos by UDP, TCP and IPv6: logins with pre-authentication, tickets for services, an
    unknown client, an unknown service, a wrong password, and a login that asks for AES-128."""
    with Pair() as lab:
        server, client = lab.server, lab.client
        secrets = {"keeper": "lantern", "host/quay.harbour.example": "anchor"}
        filled = _REALM.format(limit=1465, types="", kdc="127.0.0.1")
        env = {
            "KRB5_CONFIG": str(server.file("krb5.conf", filled)),
            "KRB5_KDC_PROFILE": str(server.file("kdc.conf", _KDC.format(folder=server.folder))),
        }
        server.run(["kdb5_util", "create", "-s", "-P", "ballast"], env=env)
        for name, secret in secrets.items():
            server.run(["kadmin.local", "-q", f"addprinc -pw {secret} {name}"], env=env)
        kdc = server.spawn(["krb5kdc", "-n"], env=env)
        server.wait_listening("tcp", 88, kdc)
        short = "default_tkt_enctypes = aes128-cts\ndefault_tgs_enctypes = aes128-cts"
        with lab.recording(target, only="port 88"):
            for number, (limit, types, address) in enumerate(
                (
                    (1465, "", SERVER_IPV4),
                    (1, "", SERVER_IPV4),
                    (1465, short, f"[{SERVER_IPV6}]"),
                )
            ):
                filled = _REALM.format(limit=limit, types=types, kdc=address)
                mine = {
                    "KRB5_CONFIG": str(client.file("krb5.conf", filled)),
                    "KRB5CCNAME": f"FILE:{client.folder}/tickets-{number}",
                }
                client.run(["kinit", "-f", "-r", "2d", "keeper"], stdin=b"lantern\n", env=mine)
                client.run(["kvno", "host/quay.harbour.example"], env=mine)
                if number == 0:
                    client.run(["kvno", "http/absent.harbour.example"], env=mine, ok=(1,))
                    client.run(["kinit", "nobody"], stdin=b"lantern\n", env=mine, ok=(1,))
                    client.run(["kinit", "keeper"], stdin=b"wrong\n", env=mine, ok=(1,))
