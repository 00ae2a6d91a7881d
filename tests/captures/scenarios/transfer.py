"""Files carried by FTP and TFTP."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from catalogue import recorded
from content import text
from lab import SERVER_IPV4, SERVER_IPV6, Ends, Pair, Process
from services import certificate

if TYPE_CHECKING:
    from pathlib import Path

_VSFTPD = """\
listen={four}
listen_ipv6={six}
background=NO
anonymous_enable=YES
anon_root={folder}/pub
local_enable=YES
local_root={folder}/home
write_enable=YES
chroot_local_user=YES
allow_writeable_chroot=YES
check_shell=NO
pam_service_name=vsftpd
secure_chroot_dir={folder}/empty
pasv_min_port=50000
pasv_max_port=50100
ftpd_banner=Harbour files
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
connect_from_port_20=YES
ascii_upload_enable=YES
ascii_download_enable=YES
ssl_enable={tls}
rsa_cert_file={folder}/server.pem
rsa_private_key_file={folder}/server.key
force_local_data_ssl=NO
force_local_logins_ssl=NO
require_ssl_reuse=NO
delay_failed_login=0
"""
# Accounts that exist only in the laboratory; the password of keeper is `lantern`.
_ACCOUNTS = """\
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
ftp:x:104:65534::/srv:/usr/sbin/nologin
keeper:x:1000:1000::/:/bin/sh
"""


def vsftpd(lab: Ends, *, six: bool = False, tls: bool = False) -> Process:
    """Starts vsftpd with one account and an anonymous area."""
    server = lab.server
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-salt", "harbour", "lantern"],
        capture_output=True,
        text=True,
        check=True,
    )
    server.etc("passwd", _ACCOUNTS)
    server.etc("shadow", f"keeper:{hashed.stdout.strip()}:19000:0:99999:7:::\n")
    server.etc("pam.d/vsftpd", "auth required pam_unix.so\naccount required pam_permit.so\n")
    server.file("pub/README.txt", text(700))
    server.file("home/ledger.txt", text(5000))
    server.file("home/chart.bin", bytes(n * 7 & 0xFF for n in range(9000)))
    (server.folder / "home" / "letters").mkdir()
    (server.folder / "empty").mkdir()
    server.run(["chown", "-R", "1000:1000", str(server.folder / "home")])
    certificate(server, "files.example.com")
    word = {True: "YES", False: "NO"}
    filled = _VSFTPD.format(folder=server.folder, four=word[not six], six=word[six], tls=word[tls])
    process = server.spawn(["vsftpd", str(server.file("vsftpd.conf", filled))])
    server.wait_listening("tcp", 21, process)
    return process


def ftp(lab: Ends, *words: str, ok: tuple[int, ...] = (0,), user: str = "keeper:lantern") -> str:
    """Runs curl as an FTP client."""
    login = ["-u", user] if user else []
    return lab.client.run(["curl", "-sS", *login, *words], ok=ok)


_ROOT = f"ftp://{SERVER_IPV4}/"


@recorded(
    "ftp-passive.pcap",
    tools=("vsftpd", "curl"),
    expect={
        'ftp.request.command == "PASV"': 3,
        'ftp.request.command == "EPSV"': 2,
        'ftp.request.command == "STOR"': 1,
        'ftp.request.command == "RETR"': 2,
        'ftp.request.command == "LIST"': 1,
        'ftp.request.command == "NLST"': 1,
        "ftp.response.code == 530": 1,
        "ftp.response.code == 550": 1,
        "ftp-data": 4,
    },
)
def ftp_passive(target: Path) -> None:
    """Passive FTP by PASV and EPSV: list, names only, download in binary and text mode, upload,
    rename, delete, resume in the middle, a missing file, an anonymous visit and a failed login."""
    with Pair() as lab:
        vsftpd(lab)
        upload = str(lab.client.file("report.txt", text(3000)))
        with lab.recording(target):
            ftp(lab, "--disable-epsv", _ROOT)
            ftp(lab, "-l", _ROOT)
            ftp(lab, "--disable-epsv", _ROOT + "ledger.txt", "-o", "/dev/null")
            ftp(lab, "-B", _ROOT + "ledger.txt", "-o", "/dev/null")
            ftp(lab, "-C", "8000", _ROOT + "chart.bin", "-o", "/dev/null")
            rename = ["-Q", "-RNFR report.txt", "-Q", "-RNTO old.txt", "-Q", "-DELE old.txt"]
            ftp(lab, "-T", upload, *rename, _ROOT + "letters/report.txt")
            ftp(lab, "--disable-epsv", _ROOT + "nothing.txt", ok=(78,))
            ftp(lab, _ROOT + "README.txt", user="")
            ftp(lab, _ROOT, user="keeper:wrong", ok=(67,))


@recorded(
    "ftp-active.pcap",
    tools=("vsftpd", "curl"),
    expect={
        'ftp.request.command == "PORT"': 1,
        'ftp.request.command == "EPRT"': 1,
        "tcp.srcport == 20": 6,
        "ftp-data": 2,
    },
)
def ftp_active(target: Path) -> None:
    """Active FTP: the server opens the data connections, told where by PORT and by EPRT."""
    with Pair() as lab:
        vsftpd(lab)
        with lab.recording(target):
            ftp(lab, "--disable-eprt", "-P", "-", _ROOT + "ledger.txt", "-o", "/dev/null")
            ftp(lab, "-P", "-", _ROOT)


@recorded(
    "ftp-ipv6.pcap",
    tools=("vsftpd", "curl"),
    expect={
        'ftp.request.command == "EPRT"': 1,
        'ftp.request.command == "EPSV"': 1,
        "ipv6 && ftp-data": 2,
    },
)
def ftp_ipv6(target: Path) -> None:
    """FTP over IPv6, passive by EPSV and active by EPRT."""
    with Pair() as lab:
        vsftpd(lab, six=True)
        root = f"ftp://[{SERVER_IPV6}]/"
        with lab.recording(target):
            ftp(lab, root + "ledger.txt", "-o", "/dev/null")
            ftp(lab, "-P", "-", root)


@recorded(
    "ftp-tls.pcap",
    tools=("vsftpd", "curl"),
    expect={
        'ftp.request.command == "AUTH"': 1,
        "ftp.response.code == 234": 1,
        "tls.handshake.type == 1": 2,
    },
)
def ftp_tls(target: Path) -> None:
    """FTP that turns to TLS by AUTH TLS, commands and data."""
    with Pair() as lab:
        vsftpd(lab, tls=True)
        with lab.recording(target):
            ftp(lab, "--ssl-reqd", "-k", _ROOT + "ledger.txt", "-o", "/dev/null")


@recorded(
    "tftp.pcap",
    tools=("tftpd-hpa", "tftp-hpa"),
    expect={
        "tftp.opcode == 1": 2,
        "tftp.opcode == 2": 1,
        "tftp.opcode == 3": 6,
        "tftp.opcode == 5": 1,
    },
)
def tftp(target: Path) -> None:
    """TFTP: a download, an upload and a file that is not there."""
    with Pair() as lab:
        root = lab.server.file("tftp/ledger.txt", text(2000)).parent
        root.chmod(0o777)
        upload = lab.client.file("report.txt", text(900))
        server = lab.server.spawn(
            ["in.tftpd", "-L", "-c", "-u", "root", "-a", f"{SERVER_IPV4}:69", "-s", str(root)]
        )
        lab.server.wait_listening("udp", 69, server)
        with lab.recording(target):
            for words in (("get", "ledger.txt", "/dev/null"), ("put", str(upload), "report.txt")):
                lab.client.run(["tftp", SERVER_IPV4, "-m", "octet", "-c", *words])
            lab.client.run(
                ["tftp", SERVER_IPV4, "-c", "get", "nothing.txt", "/dev/null"], ok=(0, 1, 71)
            )
