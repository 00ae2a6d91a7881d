"""SSH between OpenSSH's client and server, and peers of other kinds."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from catalogue import recorded
from lab import SERVER_IPV4, SERVER_IPV6, Ends, Pair, Process

if TYPE_CHECKING:
    from pathlib import Path

_SSHD = """\
Port 22
HostKey {folder}/host_key
PidFile none
UsePAM no
StrictModes no
AuthorizedKeysFile {folder}/authorized
PasswordAuthentication yes
PermitRootLogin yes
PrintMotd no
PrintLastLog no
Subsystem sftp internal-sftp
{more}
"""
# One account that exists only in the laboratory; its password is `lantern`.
ACCOUNTS = """\
root:x:0:0:root:/root:/bin/sh
sshd:x:100:65534::/run/sshd:/usr/sbin/nologin
keeper:x:0:0::/tmp:/bin/sh
"""


def sshd(lab: Ends, more: str = "") -> Process:
    """Starts sshd with a key and a password that open it."""
    server, client = lab.server, lab.client
    for name, host in (("host_key", server), ("own_key", client)):
        key = str(host.folder / name)
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "laboratory", "-f", key]
        subprocess.run(argv, check=True)
    server.file("authorized", (client.folder / "own_key.pub").read_bytes())
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-salt", "harbour", "lantern"],
        capture_output=True,
        text=True,
        check=True,
    )
    server.etc("passwd", ACCOUNTS)
    server.etc("shadow", f"keeper:{hashed.stdout.strip()}:19000:0:99999:7:::\n")
    configuration = server.file("sshd.conf", _SSHD.format(folder=server.folder, more=more))
    run = ["/usr/sbin/sshd", "-D", "-e", "-f", str(configuration)]
    private = ["sh", "-c", 'mkdir -p /run/sshd; exec "$@"', "sh", *run]
    return server.spawn(private, ready="Server listening")


def ssh(
    lab: Ends, command: str, *options: str, address: str = SERVER_IPV4, password: bool = False
) -> str:
    """Runs a command through the ssh client with the laboratory's key, or with the password."""
    argv = [
        "ssh",
        "-F",
        "none",
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
    ]
    environment = {}
    if password:
        ask = lab.client.file("ask", "#!/bin/sh\necho lantern\n")
        ask.chmod(0o755)
        environment = {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
        argv += ["-o", "PubkeyAuthentication=no"]
    else:
        argv += ["-i", str(lab.client.folder / "own_key")]
    return lab.client.run([*argv, *options, "-l", "keeper", address, command], env=environment)


@recorded(
    "ssh.pcap",
    tools=("openssh-server", "openssh-client"),
    expect={
        "ssh.protocol": 4,
        "ssh.message_code == 20": 4,
        "ssh.kex.hassh": 2,
        "ssh.kex.hasshserver": 2,
        "ssh && ipv6": 6,
    },
)
def ssh_key(target: Path) -> None:
    """Logins by key that run a command, over IPv4 and IPv6."""
    with Pair() as lab:
        sshd(lab)
        with lab.recording(target):
            ssh(lab, "echo the tide is low")
            ssh(lab, "seq 300", address=SERVER_IPV6)


@recorded(
    "ssh-password.pcap",
    tools=("openssh-server", "openssh-client"),
    expect={
        "ssh.protocol": 2,
        "ssh.kex.hassh": 1,
        "ssh.kex.hasshserver": 1,
        "ssh.message_code == 31": 1,
    },
)
def ssh_password(target: Path) -> None:
    """A login by password with other algorithms: group exchange by Diffie-Hellman, AES in counter
    mode with HMAC, and compression."""
    with Pair() as lab:
        sshd(lab, "KexAlgorithms +diffie-hellman-group14-sha256\nCompression yes")
        with lab.recording(target):
            old = ["-C", "-c", "aes128-ctr", "-m", "hmac-sha2-256"]
            old += ["-o", "KexAlgorithms=diffie-hellman-group14-sha256"]
            ssh(lab, "echo the tide is high", *old, password=True)


@recorded(
    "ssh-banners.pcap",
    tools=("openssh-server", "socat"),
    expect={
        'tcp contains "SSH-1.5-Heron_1.2"': 1,
        'tcp contains "SSH-1.99-Gull_2.3 "': 1,
        "ssh": 3,
    },
    flaws=("_ws.malformed",),  # what is no SSH at all
)
def ssh_banners(target: Path) -> None:
    """Banners without a session: a client of version 1.5 that sshd turns away, a server of version
    1.99 that sends three lines of text before its banner and a client that ends its banner with a
    bare line feed, and something that is no SSH at all sent to sshd."""
    lines = (
        "This harbour is watched.",
        "All ships are logged.",
        "",
        "SSH-1.99-Gull_2.3 for tests",
        "",
    )
    with Pair() as lab:
        sshd(lab)
        greeting = lab.server.file("greeting", "\r\n".join(lines))
        script = lab.server.file("old", f"#!/bin/sh\ncat {greeting}\nexec head -c 20 >/dev/null\n")
        script.chmod(0o755)
        old = lab.server.spawn(["socat", "TCP-LISTEN:2222,reuseaddr,fork", f"EXEC:{script}"])
        lab.server.wait_listening("tcp", 2222, old)
        with lab.recording(target):
            for port, said in (
                (22, b"SSH-1.5-Heron_1.2\r\n"),
                (2222, b"SSH-2.0-Heron_2.0\n" + bytes(8)),
                (22, b"HELO harbour\r\n\r\n"),
            ):
                talk = ["socat", "-t", "5", "-", f"TCP:{SERVER_IPV4}:{port},shut-none"]
                lab.client.run(talk, stdin=said)
