"""NETCONF over TLS: who is let in, as whom, and who is not (RFC 7589, RFC 7407 section 2.4)."""

import json
import logging
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from nf.mgmt.netconf.alone import Alone
from tests.certificates import CLIENT, HOUR, SERVER, Authority, Issued, fingerprint
from tests.netconf.lazy import check_that_a_lazy_peer_is_bearable
from tests.netconf.peer import BASE, MONITORING, Closed, Loop, Peer
from tests.netconf.tls_peer import REFUSED, Security, client_context, tls_peer
from tests.waiting import until

X509 = "ietf-x509-cert-to-name:"
Start = Callable[..., Alone]


@pytest.fixture
def security(tmp_path: Path) -> Security:
    return Security.of(tmp_path)


@pytest.fixture
def begin(start: Start, security: Security) -> Callable[..., Alone]:
    """Starts a function with TLS; `bags` and `maps` in place of the usual ones."""

    def run(*bags: dict[str, Any], maps: tuple[dict[str, Any], ...] = (), **known: str) -> Alone:
        tls = security.tls(*maps, **known)
        return start(also=security.management(*bags), **{"nf-netconf:tls": tls})

    return run


@pytest.fixture
def join(loop: Loop, security: Security) -> Iterator[Callable[..., Peer]]:
    """Connects with a certificate."""
    made: list[Peer] = []

    def run(function: Alone, own: Issued | None, newest: str = "") -> Peer:
        context = client_context(security.authority.file, own, newest)
        made.append(tls_peer(loop, function.server.ports["tls/t"], context))
        return made[-1]

    yield run
    for one in made:
        one.close()


def user_of(peer: Peer) -> str | None:
    """As whom the server sees a session; ada may read it."""
    sessions = peer.data(
        f'<get><filter><netconf-state xmlns="{MONITORING}"><sessions/></netconf-state>'
        "</filter></get>"
    )
    ns = {"m": MONITORING}
    mine = f".//m:session[m:session-id='{peer.session_id}']"
    assert sessions.findtext(f"{mine}/m:transport", namespaces=ns) == "netconf-tls"
    return sessions.findtext(f"{mine}/m:username", namespaces=ns)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_certificate_lets_in_as_the_user_that_it_stands_for(
    begin: Callable[..., Alone], join: Callable[..., Peer], security: Security, version: str
) -> None:
    peer = join(begin(), security.authority.issue("ada", usage=CLIENT), version)

    assert user_of(peer) == "ada"
    peer.ok(peer.edit("<name>over TLS</name>"))
    assert peer.box()["name"] == "over TLS"
    peer.ok("<close-session/>")
    assert peer.closed_by_server()


def test_a_newer_oldest_version_keeps_older_ones_out(
    start: Start, join: Callable[..., Peer], security: Security
) -> None:
    tls = security.tls() | {"min-version": "tls13"}
    function = start(also=security.management(), **{"nf-netconf:tls": tls})
    own = security.authority.issue("ada", usage=CLIENT)

    with pytest.raises(REFUSED):
        user_of(join(function, own, "TLSv1_2"))
    assert user_of(join(function, own, "TLSv1_3")) == "ada"


def test_large_messages_go_both_ways(
    begin: Callable[..., Alone], join: Callable[..., Peer], security: Security
) -> None:
    peer = join(begin(), security.authority.issue("ada"))
    note = "x" * 3_000_000
    peer.ok("<discard-changes/>" + f"<!--{note}-->")
    schema = peer.data(
        f'<get-schema xmlns="{MONITORING}"><identifier>nf-protocols</identifier></get-schema>'
    )

    assert len(schema.text or "") > 65_536


def test_nobody_speaks_old_tls(begin: Callable[..., Alone], security: Security) -> None:
    function = begin()
    context = client_context(security.authority.file, security.authority.issue("ada"))
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")

    with (
        socket.create_connection(("127.0.0.1", function.server.ports["tls/t"])) as sock,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(sock, server_hostname="localhost")


# Who is not let in ------------------------------------------------------------------------------


Made = Callable[[Authority, Path], Issued | None]

OUTSIDERS: dict[str, tuple[Made, str]] = {
    "without a certificate": (lambda _, __: None, "peer did not return a certificate"),
    "expired": (lambda ca, _: ca.issue("ada", ends=-timedelta(minutes=1)), "has expired"),
    "not yet valid": (lambda ca, _: ca.issue("ada", begins=HOUR / 2), "is not yet valid"),
    "untrusted": (
        lambda _, folder: Authority(folder, "stranger").issue("ada"),
        "unable to get local issuer certificate",
    ),
    "of an authority with the name of ours": (
        lambda _, folder: Authority(other(folder), "authority").issue("ada"),
        "signature failure",
    ),
    "for servers only": (lambda ca, _: ca.issue("ada", usage=SERVER), "unsuitable"),
    "signed by a client": (lambda ca, _: ca.forge(ca.issue("client"), "ada"), "invalid CA"),
    "without a name": (lambda ca, _: ca.issue("\x01"), "no entry of cert-maps"),
}


def other(folder: Path) -> Path:
    made = folder / "other"
    made.mkdir(exist_ok=True)
    return made


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("kind", OUTSIDERS)
def test_who_has_no_good_certificate_is_not_let_in_and_the_log_says_why(
    *,
    begin: Callable[..., Alone],
    join: Callable[..., Peer],
    security: Security,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    version: str,
) -> None:
    function = begin()
    make, why = OUTSIDERS[kind]
    own = make(security.authority, tmp_path)
    with caplog.at_level(logging.WARNING), pytest.raises((*REFUSED, Closed)):
        join(function, own, version)
    until(lambda: "is not let in" in caplog.text)

    assert why in caplog.text
    # The client hears of it before it is counted.
    until(lambda: function.server.service.statistics.refused_logins == 1)
    assert function.server.service.statistics.in_sessions == 0
    join(function, security.authority.issue("ada", "good")).ok("<discard-changes/>")


def bag(name: str, *certificates: str, revoked: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "name": name,
        "certificate": [{"name": f"c{n}", "cert-data": c} for n, c in enumerate(certificates)],
        "revocation-list": [{"name": f"r{n}", "crl-data": c} for n, c in enumerate(revoked)],
    }


def test_a_revoked_certificate_is_not_let_in_and_others_are(
    begin: Callable[..., Alone],
    join: Callable[..., Peer],
    security: Security,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ca = security.authority
    good, bad = ca.issue("ada", "good"), ca.issue("ada", "bad")
    function = begin(bag("authorities", ca.cert_data, revoked=(ca.revoke(bad),)))

    assert user_of(join(function, good)) == "ada"
    with caplog.at_level(logging.WARNING), pytest.raises((*REFUSED, Closed)):
        join(function, bad)
    until(lambda: "certificate revoked" in caplog.text)


def test_a_list_that_is_out_of_date_lets_nobody_in(
    begin: Callable[..., Alone],
    join: Callable[..., Peer],
    security: Security,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ca = security.authority
    function = begin(bag("authorities", ca.cert_data, revoked=(ca.revoke(ends=-HOUR),)))

    with caplog.at_level(logging.WARNING), pytest.raises((*REFUSED, Closed)):
        join(function, ca.issue("ada"))
    until(lambda: "CRL has expired" in caplog.text)


def test_an_authority_between_is_revoked_by_the_one_above(
    begin: Callable[..., Alone],
    join: Callable[..., Peer],
    security: Security,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ca = security.authority
    between = Authority.under(ca, "between")
    own = between.issue("ada")
    own[0].write_bytes(own[0].read_bytes() + between.file.read_bytes())
    lists = ca.revoke(Issued((between.file, between.file))), between.revoke()
    function = begin(bag("authorities", ca.cert_data, revoked=lists))

    with caplog.at_level(logging.WARNING), pytest.raises((*REFUSED, Closed)):
        join(function, own)
    until(lambda: "certificate revoked" in caplog.text)


def test_a_client_s_own_certificate_is_taken_and_vouches_for_nobody(
    *,
    begin: Callable[..., Alone],
    join: Callable[..., Peer],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stranger = Authority(tmp_path, "stranger")
    one = {"id": 1, "fingerprint": fingerprint(stranger.certificate), "name": "ada"}
    function = begin(
        bag("clients", stranger.cert_data),
        maps=({**one, "map-type": f"{X509}specified"},),
        **{"ee-certs": "clients"},
    )

    assert user_of(join(function, stranger.as_client())) == "ada"
    with caplog.at_level(logging.WARNING), pytest.raises((*REFUSED, Closed)):
        join(function, stranger.issue("ada", "signed"))
    until(lambda: "signed by another client" in caplog.text)


# As whom ----------------------------------------------------------------------------------------

NAMES = (
    x509.RFC822Name("Ada.L@Example.ORG"),
    x509.DNSName("Host.Example.ORG"),
    x509.IPAddress(ip_address("192.0.2.7")),
    x509.IPAddress(ip_address("2001:db8::7")),
)


@pytest.mark.parametrize(
    ("kind", "names", "user"),
    [
        ("san-rfc822-name", NAMES, "Ada.L@example.org"),
        ("san-dns-name", NAMES, "host.example.org"),
        ("san-ip-address", NAMES, "192.0.2.7"),
        ("san-ip-address", NAMES[3:], "20010db8000000000000000000000007"),
        ("san-any", NAMES[1:], "host.example.org"),
        ("san-any", NAMES[::-1], "20010db8000000000000000000000007"),
        ("common-name", NAMES, "common"),
        ("specified", NAMES, "somebody"),
    ],
)
def test_the_name_comes_out_of_the_certificate_as_the_map_says(
    *,
    begin: Callable[..., Alone],
    join: Callable[..., Peer],
    security: Security,
    kind: str,
    names: tuple[x509.GeneralName, ...],
    user: str,
) -> None:
    one = {
        "id": 1,
        "fingerprint": fingerprint(security.authority.certificate),
        "map-type": X509 + kind,
        **({"name": "somebody"} if kind == "specified" else {}),
    }
    function = begin(maps=(one,))
    join(function, security.authority.issue("common", names=names))

    open_now = [s for s in function.core.sessions.all() if s.protocol == "netconf-tls"]
    assert [s.user for s in open_now] == [user]


def test_maps_are_asked_in_the_order_of_their_ids_until_one_gives_a_name(
    begin: Callable[..., Alone], join: Callable[..., Peer], security: Security
) -> None:
    authority = fingerprint(security.authority.certificate)
    own = security.authority.issue("ada", names=())
    maps = (
        {"id": 30, "fingerprint": authority, "map-type": f"{X509}common-name"},
        {"id": 9, "fingerprint": "04" + ":00" * 32, "map-type": f"{X509}specified", "name": "no"},
        {"id": 10, "fingerprint": authority, "map-type": f"{X509}san-any"},
        {
            "id": 20,
            "fingerprint": fingerprint(own.certificate),
            "map-type": f"{X509}specified",
            "name": "bob",
        },
    )
    function = begin(maps=maps)
    join(function, own)
    join(function, security.authority.issue("ada", "second", names=()))

    open_now = [s for s in function.core.sessions.all() if s.protocol == "netconf-tls"]
    assert [s.user for s in open_now] == ["bob", "ada"]


def test_a_map_names_an_authority_that_the_client_sends_along(
    begin: Callable[..., Alone], join: Callable[..., Peer], security: Security
) -> None:
    between = Authority.under(security.authority, "between")
    own = between.issue("ada")
    own[0].write_bytes(own[0].read_bytes() + between.file.read_bytes())
    one = {
        "id": 1,
        "fingerprint": fingerprint(between.certificate),
        "map-type": f"{X509}common-name",
    }

    assert user_of(join(begin(maps=(one,)), own)) == "ada"


@pytest.mark.parametrize("wrong", ["02:" + "00:" * 19 + "00", "04:00", "09:" + "00:" * 31 + "00"])
def test_a_fingerprint_that_cannot_be_one_is_refused(
    connect: Callable[..., Peer], wrong: str
) -> None:
    ada = connect()
    refusal = ada.refused(
        "<edit-config><target><running/></target><config>"
        '<probe xmlns="urn:nf:yang:nf-probe"><management>'
        '<truststore xmlns="urn:nf:yang:nf-credentials"><certificate-bags><certificate-bag>'
        "<name>b</name></certificate-bag></certificate-bags></truststore>"
        '<netconf><tls xmlns="urn:nf:yang:nf-netconf"><client-authentication>'
        "<ca-certs>b</ca-certs><cert-maps><cert-to-name><id>1</id>"
        f"<fingerprint>{wrong}</fingerprint>"
        '<map-type xmlns:x="urn:ietf:params:xml:ns:yang:ietf-x509-cert-to-name">x:common-name'
        "</map-type></cert-to-name></cert-maps></client-authentication></tls></netconf>"
        "</management></probe></config></edit-config>"
    )

    assert refusal.app_tag == "fingerprint"
    assert refusal.path is not None
    assert refusal.path.endswith(":fingerprint")


# Hostile ----------------------------------------------------------------------------------------


def test_who_says_nothing_is_sent_away_after_the_time_to_log_in(
    start: Start, security: Security, caplog: pytest.LogCaptureFixture
) -> None:
    function = start(
        also=security.management(), **{"nf-netconf:tls": security.tls(), "login-timeout": 1}
    )
    with (
        caplog.at_level(logging.WARNING),
        socket.create_connection(("127.0.0.1", function.server.ports["tls/t"]), 30) as sock,
    ):
        assert sock.recv(1) == b""
    until(lambda: "is not let in" in caplog.text)


@pytest.mark.parametrize(
    "octets", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" * 400, b"\0"]
)
def test_who_speaks_no_tls_is_sent_away(
    begin: Callable[..., Alone],
    join: Callable[..., Peer],
    security: Security,
    caplog: pytest.LogCaptureFixture,
    octets: bytes,
) -> None:
    function = begin()
    port = function.server.ports["tls/t"]
    with caplog.at_level(logging.WARNING), socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(octets)
        sock.shutdown(socket.SHUT_WR)
        until(lambda: "is not let in" in caplog.text)

    join(function, security.authority.issue("ada")).ok("<discard-changes/>")


def test_connections_beyond_the_limit_are_refused(
    start: Start, join: Callable[..., Peer], security: Security
) -> None:
    limits: dict[str, Any] = {"nf-netconf:tls": security.tls(), "max-sessions": 1}
    function = start(also=security.management(), **limits)
    own = security.authority.issue("ada")
    first = join(function, own)

    with pytest.raises((*REFUSED, Closed)):
        join(function, own)
    first.ok("<close-session/>")
    until(lambda: not function.server._doors.talking)
    join(function, own).ok("<discard-changes/>")


def test_a_client_that_reads_nothing_holds_nobody_up_and_little_memory(
    begin: Callable[..., Alone], join: Callable[..., Peer], security: Security
) -> None:
    function = begin()
    ada = join(function, security.authority.issue("ada"))
    lazy = join(function, security.authority.issue("ada", "lazy"))

    session = check_that_a_lazy_peer_is_bearable(ada, lazy, function)

    buffered = session._transport._transport.get_write_buffer_size()  # type: ignore[attr-defined]
    assert buffered < 1024 * 1024


# Clients of others ------------------------------------------------------------------------------

NCCLIENT = """
import json, ssl, sys, warnings
from ncclient import manager

port, authority, certificate, key = sys.argv[1:]
with manager.connect_tls(host="127.0.0.1", port=int(port), certfile=certificate, keyfile=key,
                         ca_certs=authority, protocol=ssl.PROTOCOL_TLS_CLIENT,
                         server_hostname="localhost") as client:
    box = '<config><box xmlns="urn:nf:test"><name>by ncclient</name></box></config>'
    client.edit_config(target="running", config=box)
    got = client.get_config("running", filter=("subtree", '<box xmlns="urn:nf:test"/>')).data_xml
    print(json.dumps([client.session_id, got]))
"""


def test_ncclient_connects(begin: Callable[..., Alone], security: Security) -> None:
    function = begin()
    own = security.authority.issue("ada")
    port = str(function.server.ports["tls/t"])
    done = subprocess.run(
        [sys.executable, "-c", NCCLIENT, port, str(security.authority.file), *map(str, own)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    _, got = json.loads(done.stdout)
    assert "by ncclient" in got


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_connects_and_is_shown_the_server_s_certificate(
    begin: Callable[..., Alone], security: Security
) -> None:
    function = begin()
    own = security.authority.issue("ada")
    talk = (
        f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.0'
        "</capability></capabilities></hello>]]>]]>"
        f'<rpc xmlns="{BASE}" message-id="1"><close-session/></rpc>]]>]]>'
    )
    done = subprocess.run(
        [
            "openssl", "s_client", "-connect", f"127.0.0.1:{function.server.ports['tls/t']}",
            "-CAfile", str(security.authority.file), "-cert", str(own[0]), "-key", str(own[1]),
            "-verify_return_error", "-ign_eof",
        ],
        input=talk,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )  # fmt: skip

    assert "Verify return code: 0 (ok)" in done.stdout
    assert "CN = probe" in done.stdout or "CN=probe" in done.stdout
    assert "<ok/>" in done.stdout
