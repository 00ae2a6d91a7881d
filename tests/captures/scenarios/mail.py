"""Mail: sent by SMTP, fetched by IMAP and POP3, in clear and behind STARTTLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalogue import FOLDER, recorded
from content import text
from lab import SERVER_IPV4, SERVER_IPV6, Ends, Pair, Process
from services import certificate

if TYPE_CHECKING:
    from pathlib import Path

_LETTER = """\
Message-ID: <{number}.tide@client.example.net>
Date: Mon, 01 Jan 2024 00:00:00 +0000
From: Ada <ada@example.net>
To: Ben <ben@example.org>
Subject: {subject}
User-Agent: Harbour letters 1.0

"""
_PARTS = """\
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="knot"

--knot
Content-Type: text/plain; charset=us-ascii

..and a line that begins with dots.
--knot
Content-Type: text/csv; name="tides.csv"
Content-Disposition: attachment; filename="tides.csv"

high,low
--knot--
"""


def _letter(subject: str, number: int, body: str = "") -> str:
    return _LETTER.format(subject=subject, number=number) + (body or text(300))


def _smtp(lab: Ends, address: str, port: int) -> Process:
    key = lab.server.folder / "server.key"
    if not key.exists():
        certificate(lab.server, "mail.example.org")
    peer = str(FOLDER / "scenarios" / "smtp_peer.py")
    pair = (str(lab.server.folder / "server.pem"), str(key))
    return lab.server.spawn(
        ["/usr/bin/python3", peer, address, str(port), *pair], ready="listening"
    )


def _swaks(lab: Ends, server: str, letter: str, *words: str, ok: tuple[int, ...] = (0,)) -> None:
    data = lab.client.file("letter.eml", letter)
    lab.client.run(
        [
            *("swaks", "--server", server, "--helo", "client.example.net", "--data", f"@{data}"),
            *("--from", "ada@example.net", *words),
        ],
        ok=ok,
    )


@recorded(
    "smtp.pcap",
    tools=("python3-aiosmtpd", "swaks", "curl"),
    expect={
        'smtp.req.command == "MAIL"': 5,
        'smtp.req.command == "AUTH"': 2,
        "smtp.response.code == 535": 1,
        "smtp.response.code == 550": 1,
        "smtp.response.code == 554": 1,
        "tcp.port == 2500": 10,
        "ipv6": 10,
    },
)
def smtp(target: Path) -> None:
    """SMTP in clear: a letter, one with an attachment and two recipients of whom one is refused,
    one that is refused for its content, a good and a bad login, a letter over IPv6, and one to
    another port."""
    with Pair() as lab:
        _smtp(lab, SERVER_IPV4, 25)
        _smtp(lab, SERVER_IPV6, 25)
        _smtp(lab, SERVER_IPV4, 2500)
        ben, four = "ben@example.org", f"{SERVER_IPV4}:25"
        with lab.recording(target, only="tcp"):
            _swaks(lab, four, _letter("Tides", 1), "--to", ben)
            _swaks(
                lab, four, _letter("Tables", 2).replace("\n\n", "\n", 1) + _PARTS,
                "--to", f"{ben},nobody@example.com",
            )  # fmt: skip
            _swaks(lab, four, _letter("Hull", 3, "barnacles\n"), "--to", ben, ok=(26,))
            login = ["--auth-user", "keeper", "--auth"]
            _swaks(
                lab, four, _letter("Keys", 4), "--to", ben, "-ap", "lantern", *login, "PLAIN"
            )
            _swaks(
                lab, four, _letter("Keys", 5), "--to", ben, "-ap", "wrong", *login, "LOGIN",
                ok=(28,),
            )  # fmt: skip
            letter = str(lab.client.file("letter.eml", _letter("Wind", 6)))
            words = ["--mail-from", "ada@example.net", "--mail-rcpt", ben, "-T", letter]
            place = f"smtp://[{SERVER_IPV6}]:25/client.example.net"
            lab.client.run(["curl", "-sS", "--crlf", *words, place])
            _swaks(lab, f"{SERVER_IPV4}:2500", _letter("Fog", 7), "--to", ben)


@recorded(
    "smtp-starttls.pcap",
    tools=("python3-aiosmtpd", "swaks"),
    expect={'smtp contains "STARTTLS"': 2, "tls.handshake.type == 1": 1, "tcp.port == 10587": 20},
)
def smtp_starttls(target: Path) -> None:
    """SMTP that turns to TLS by STARTTLS, on its port and on another."""
    with Pair() as lab:
        _smtp(lab, SERVER_IPV4, 25)
        _smtp(lab, SERVER_IPV4, 10587)
        with lab.recording(target, only="tcp"):
            for port in (25, 10587):
                words = ["--to", "ben@example.org", "--tls"]
                _swaks(lab, f"{SERVER_IPV4}:{port}", _letter("Tides", 1), *words)


_DOVECOT = """\
protocols = imap pop3
listen = {four}, {six}
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5
mail_location = maildir:{folder}/mail
mail_uid = 65534
mail_gid = 65534
first_valid_uid = 65534
first_valid_gid = 65534
login_greeting = Harbour letters
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={folder}/mail
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 143
  }}
  inet_listener elsewhere {{
    port = 10143
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = 110
  }}
  inet_listener elsewhere {{
    port = 10110
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


def dovecot(lab: Ends) -> Process:
    """Starts Dovecot with one mailbox of two letters."""
    server = lab.server
    certificate(server, "mail.example.org")
    server.file("users", "keeper:{PLAIN}lantern\n")
    for number in (1, 2):
        server.file(f"mail/new/{number}.letter", _letter(f"Letter {number}", number))
    for name in ("cur", "tmp"):
        (server.folder / "mail" / name).mkdir()
    server.run(["chown", "-R", "65534:65534", str(server.folder / "mail")])
    filled = _DOVECOT.format(folder=server.folder, four=SERVER_IPV4, six=SERVER_IPV6)
    process = server.spawn(["dovecot", "-F", "-c", str(server.file("dovecot.conf", filled))])
    for port in (143, 110, 10143, 10110):
        server.wait_listening("tcp", port, process)
    return process


def _curl(lab: Ends, url: str, *words: str, user: str = "keeper:lantern", ok: int = 0) -> None:
    lab.client.run(["curl", "-sS", "-o", "/dev/null", "-u", user, *words, url], ok=(ok,))


def _python(lab: Ends, code: str) -> None:
    lab.client.run(["/usr/bin/python3", "-c", code])


@recorded(
    "imap.pcap",
    tools=("dovecot-imapd", "curl"),
    expect={
        'imap.request.command == "AUTHENTICATE"': 5,
        'imap.request.command == "LOGIN"': 1,
        'imap.request.command == "APPEND"': 1,
        'imap.response.status == "NO"': 1,
        "tcp.port == 10143": 10,
        "ipv6": 10,
    },
)
def imap(target: Path) -> None:
    """IMAP in clear: a mailbox listed, searched, read and written to, by several mechanisms of
    login, a bad login, over IPv6, and on another port."""
    with Pair() as lab:
        dovecot(lab)
        root = f"imap://{SERVER_IPV4}"
        letter = str(lab.client.file("letter.eml", _letter("Kept", 9).replace("\n", "\r\n")))
        with lab.recording(target, only="tcp"):
            _curl(lab, f"{root}/")
            _curl(lab, f"{root}/INBOX;MAILINDEX=1", "--login-options", "AUTH=CRAM-MD5")
            _curl(lab, f"{root}/INBOX", "-X", "SEARCH SUBJECT 2", "--login-options", "AUTH=PLAIN")
            _curl(lab, f"{root}/INBOX", "-T", letter)
            _python(
                lab,
                f"import imaplib; c = imaplib.IMAP4('{SERVER_IPV4}'); c.login('keeper', 'lantern');"
                " c.status('INBOX', '(MESSAGES)'); c.logout()",
            )
            _curl(lab, f"{root}/", user="keeper:wrong", ok=67)
            _curl(lab, f"imap://[{SERVER_IPV6}]/INBOX", "-X", "FETCH 1:2 FLAGS")
            _curl(lab, f"{root}:10143/")


@recorded(
    "imap-starttls.pcap",
    tools=("dovecot-imapd", "curl"),
    expect={'imap.request.command == "STARTTLS"': 1, "tls.handshake.type == 1": 1, "tcp.port == 10143": 20},
)
def imap_starttls(target: Path) -> None:
    """IMAP that turns to TLS by STARTTLS, on its port and on another."""
    with Pair() as lab:
        dovecot(lab)
        with lab.recording(target, only="tcp"):
            for port in (143, 10143):
                _curl(lab, f"imap://{SERVER_IPV4}:{port}/", "--ssl-reqd", "-k")


@recorded(
    "pop3.pcap",
    tools=("dovecot-pop3d", "curl"),
    expect={
        'pop.request.command == "AUTH"': 4,
        'pop.request.command == "RETR"': 1,
        'pop.request.command == "PASS"': 1,
        'pop.response.indicator == "-ERR"': 1,
        "tcp.port == 10110": 10,
        "ipv6": 10,
    },
)
def pop3(target: Path) -> None:
    """POP3 in clear: letters listed, fetched and deleted, by several mechanisms of login, a bad
    login, over IPv6, and on another port."""
    with Pair() as lab:
        dovecot(lab)
        root = f"pop3://{SERVER_IPV4}"
        with lab.recording(target, only="tcp"):
            _curl(lab, f"{root}/")
            _python(
                lab,
                f"import poplib; c = poplib.POP3('{SERVER_IPV4}'); c.user('keeper');"
                " c.pass_('lantern'); c.retr(1); c.quit()",
            )
            _curl(lab, f"{root}/", "-X", "UIDL", "--login-options", "AUTH=CRAM-MD5")
            _curl(lab, f"{root}/2", "-X", "DELE", "-I", "--login-options", "AUTH=PLAIN")
            _curl(lab, f"{root}/", "--login-options", "AUTH=PLAIN", user="keeper:wrong", ok=67)
            _curl(lab, f"pop3://[{SERVER_IPV6}]/")
            _curl(lab, f"{root}:10110/")


@recorded(
    "pop3-stls.pcap",
    tools=("dovecot-pop3d", "curl"),
    expect={'pop.request.command == "STLS"': 1, "tls.handshake.type == 1": 1, "tcp.port == 10110": 20},
)
def pop3_stls(target: Path) -> None:
    """POP3 that turns to TLS by STLS, on its port and on another."""
    with Pair() as lab:
        dovecot(lab)
        with lab.recording(target, only="tcp"):
            for port in (110, 10110):
                _curl(lab, f"pop3://{SERVER_IPV4}:{port}/", "--ssl-reqd", "-k")
