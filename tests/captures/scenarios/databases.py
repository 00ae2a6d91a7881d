"""Databases: PostgreSQL, MariaDB, each by its own client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalogue import recorded
from lab import SERVER_IPV4, SERVER_IPV6, Ends, Pair, Process
from services import certificate

if TYPE_CHECKING:
    from pathlib import Path

_POSTGRES = "/usr/lib/postgresql/15/bin/"
_ACCOUNTS = """\
root:x:0:0:root:/root:/bin/sh
postgres:x:26:65534::/:/bin/sh
"""
_RULES = """\
local all all trust
host all sailor all trust
host all keeper all scram-sha-256
host all porter all password
"""
_ROLES = """\
SET password_encryption = 'scram-sha-256';
CREATE ROLE keeper LOGIN PASSWORD 'lantern';
CREATE ROLE porter LOGIN PASSWORD 'lantern';
CREATE ROLE sailor LOGIN;
CREATE DATABASE harbour OWNER keeper;
"""


def postgres(lab: Ends, port: int = 5432, *, tls: bool = False) -> Process:
    """Starts PostgreSQL with a database and three users: by SCRAM, by password, by trust."""
    server = lab.server
    server.etc("passwd", _ACCOUNTS)
    data = server.folder / "data"
    data.mkdir()
    certificate(server, "store.example.com")
    for name in ("server.pem", "server.key"):
        (server.folder / name).chmod(0o600)
    server.run(
        [
            "chown",
            "-R",
            "26:65534",
            str(data),
            *(str(server.folder / f"server.{n}") for n in ("pem", "key")),
        ]
    )
    own = ["setpriv", "--reuid=26", "--regid=65534", "--clear-groups"]
    server.run([*own, f"{_POSTGRES}initdb", "-D", str(data), "-U", "postgres", "--no-sync"])
    (data / "pg_hba.conf").write_text(_RULES)
    options = {
        "listen_addresses": "*",
        "port": str(port),
        "unix_socket_directories": str(data),
        "fsync": "off",
        "ssl": "on" if tls else "off",
        "ssl_cert_file": str(server.folder / "server.pem"),
        "ssl_key_file": str(server.folder / "server.key"),
    }
    words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    process = server.spawn([*own, f"{_POSTGRES}postgres", "-D", str(data), *words])
    server.wait_listening("tcp", port, process)
    local = ["psql", "-h", str(data), "-p", str(port), "-U", "postgres", "-q", "postgres"]
    server.run(local, stdin=_ROLES.encode())
    return process


def psql(lab: Ends, where: str, text: str, *, ok: tuple[int, ...] = (0,)) -> str:
    """Runs psql in the client."""
    return lab.client.run(["psql", "-X", "-q", where], stdin=text.encode(), ok=ok)


_PAGE = """\
CREATE TABLE boats (name text, crew int);
INSERT INTO boats VALUES ('Heron', 4), ('Tern', 2);
SELECT name, crew FROM boats ORDER BY crew;
SELECT 1 \\; SELECT 2;
SELECT * FROM nothing;
COPY boats FROM stdin;
Gull\t3
\\.
COPY boats TO stdout;
BEGIN;
UPDATE boats SET crew = crew + 1;
ROLLBACK;
"""


_PREPARED = """\
\\set crew 4
SELECT pg_sleep(0), :crew + 1;
"""


@recorded(
    "postgres.pcap",
    tools=("postgresql", "postgresql-client"),
    expect={
        'pgsql.type == "SSL request"': 1,
        'pgsql.type == "Startup message"': 2,
        'pgsql.type == "Simple query"': 8,
        'pgsql.type == "Data row"': 3,
        'pgsql.type == "Copy data"': 2,
        'pgsql.type == "Parse"': 1,
        'pgsql.type == "Execute"': 2,
        'pgsql.code == "42P01"': 1,
    },
)
def postgres_clear(target: Path) -> None:
    """PostgreSQL in clear: a refused request for TLS, SCRAM, queries with rows, an error, copies in
    and out, a transaction, a prepared statement, a
    password in clear, a wrong password, a user that needs none."""
    with Pair() as lab:
        postgres(lab)
        host = f"host={SERVER_IPV4} dbname=harbour application_name=ledger"
        with lab.recording(target):
            psql(lab, f"{host} user=keeper password=lantern sslmode=prefer", _PAGE)
            script = str(lab.client.file("boats.sql", _PREPARED))
            bench = [f"{_POSTGRES}pgbench", "-n", "-M", "prepared", "-t", "2", "-f", script]
            lab.client.run([*bench, f"{host} user=sailor sslmode=disable"])
            psql(lab, f"{host} user=porter password=lantern sslmode=disable", "SELECT 1;\n")
            psql(lab, f"{host} user=porter password=candle sslmode=disable", "", ok=(2,))
            psql(lab, f"{host} user=sailor sslmode=disable", "SET search_path = tides;\n")


@recorded(
    "postgres-tls.pcap",
    tools=("postgresql", "postgresql-client"),
    expect={
        "ipv6 && tcp.payload contains 00:00:00:08:04:d2:16:2f": 1,
        "ipv6 && tls.handshake.type == 1": 1,
    },
)
def postgres_tls(target: Path) -> None:
    """PostgreSQL over IPv6 on port 15432 that turns to TLS."""
    with Pair() as lab:
        postgres(lab, 15432, tls=True)
        where = f"host={SERVER_IPV6} port=15432 dbname=harbour user=keeper password=lantern"
        with lab.recording(target):
            psql(lab, f"{where} sslmode=require", "SELECT 1;\n")


def mariadb(lab: Ends, port: int = 3306, *words: str) -> Process:
    """Starts MariaDB with a database and a user, whose password is `lantern`."""
    server = lab.server
    data = server.folder / "data"
    own = ["--no-defaults", f"--datadir={data}", "--user=root"]
    server.run(["mariadb-install-db", *own, "--auth-root-authentication-method=normal"])
    certificate(server, "store.example.com")
    socket = data / "socket"
    plugins = ["--skip-log-bin", "--innodb-flush-method=fsync", "--innodb-log-file-size=4M"]
    where = [f"--port={port}", f"--socket={socket}", "--bind-address=*"]
    process = server.spawn(["mariadbd", *own, *plugins, *where, *words])
    server.wait_listening("tcp", port, process)
    accounts = """\
        CREATE DATABASE harbour;
        CREATE USER keeper IDENTIFIED BY 'lantern';
        GRANT ALL ON harbour.* TO keeper;
        """
    server.run(["mariadb", "--no-defaults", f"--socket={socket}"], stdin=accounts.encode())
    return process


def mariadb_client(lab: Ends, text: str, *words: str, ok: tuple[int, ...] = (0,)) -> str:
    """Runs the client with statements."""
    client = ["mariadb", "--no-defaults", "--force", *words, "harbour"]
    return lab.client.run(client, stdin=text.encode(), ok=ok)


_STATEMENTS = """\
CREATE TABLE boats (name text, crew int);
INSERT INTO boats VALUES ('Heron', 4), ('Tern', 2);
SELECT name, crew FROM boats ORDER BY crew;
SELECT * FROM nothing;
PREPARE s FROM 'SELECT name FROM boats WHERE crew = ?';
SET PASSWORD = PASSWORD('lantern');
UPDATE boats SET crew = crew + 1;
"""


@recorded(
    "mysql.pcap",
    tools=("mariadb-server", "mariadb-client"),
    expect={
        "mysql.server_greeting": 3,
        "mysql.login_request": 3,
        "mysql.command == 3": 8,
        "mysql.error_code == 1146": 1,
        "mysql.error_code == 1045": 1,
    },
)
def mysql(target: Path) -> None:
    """MariaDB in clear: queries with rows, an error, changes, a password that is changed; a wrong
    password; what is compressed."""
    with Pair() as lab:
        mariadb(lab)
        login = ["-h", SERVER_IPV4, "-u", "keeper", "--skip-ssl"]
        with lab.recording(target):
            mariadb_client(lab, _STATEMENTS, *login, "-plantern", ok=(0, 1))
            mariadb_client(lab, "", *login, "-pcandle", ok=(1,))
            mariadb_client(lab, "SELECT 1;\n", *login, "-plantern", "--compress")


@recorded(
    "mysql-tls.pcap",
    tools=("mariadb-server", "mariadb-client"),
    expect={
        'ipv6 && tcp.port == 13306 && tcp contains "MariaDB"': 1,
        "ipv6 && tls.handshake.type == 1": 1,
    },
)
def mysql_tls(target: Path) -> None:
    """MariaDB over IPv6 on port 13306 that turns to TLS."""
    with Pair() as lab:
        keys = [f"--ssl-cert={lab.server.folder}/server.pem"]
        keys += [f"--ssl-key={lab.server.folder}/server.key"]
        mariadb(lab, 13306, *keys)
        login = ["-h", SERVER_IPV6, "-P", "13306", "-u", "keeper", "-plantern", "--ssl"]
        with lab.recording(target):
            mariadb_client(lab, "SELECT 1;\n", *login)
