"""Keys and trust of the tree: hidden, kept, rotated under open sessions, told before they end."""

import base64
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from nf.mgmt.netconf.alone import Alone
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import INTERNAL
from tests.certificates import HOUR, Authority, Issued, encoded
from tests.netconf.conftest import PASSWORD
from tests.netconf.peer import BASE, Closed, Loop, Peer
from tests.netconf.tls_peer import REFUSED, Security, client_context, tls_peer
from tests.waiting import until

CRED = "urn:nf:yang:nf-credentials"
NETCONF = "urn:nf:yang:nf-netconf"
NS = {"c": CRED}
Start = Callable[..., Alone]


@pytest.fixture
def security(tmp_path: Path) -> Security:
    return Security.of(tmp_path)


@pytest.fixture
def function(start: Start, security: Security) -> Alone:
    return start(also=security.management(), **{"nf-netconf:tls": security.tls()})


@pytest.fixture
def join(loop: Loop, function: Alone, security: Security) -> Iterator[Callable[..., Peer]]:
    own = security.authority.issue("ada")
    made: list[Peer] = []

    def run(own: Issued = own) -> Peer:
        context = client_context(security.authority.file, own)
        made.append(tls_peer(loop, function.server.ports["tls/t"], context))
        return made[-1]

    yield run
    for one in made:
        one.close()


def edit(content: str, target: str = "running", netconf: str = "") -> str:
    return (
        f"<edit-config><target><{target}/></target><config>"
        f'<probe xmlns="urn:nf:yang:nf-probe"><management>{content}'
        f"<netconf>{netconf}</netconf></management></probe></config></edit-config>"
    )


def key(name: str, private: str, certificate: str = "", more: str = "") -> str:
    certified = (
        "<certificates><certificate><name>c</name>"
        f"<cert-data>{certificate}</cert-data></certificate></certificates>"
        if certificate
        else ""
    )
    return (
        f'<keystore xmlns="{CRED}"><asymmetric-keys><asymmetric-key><name>{name}</name>'
        f"<cleartext-private-key>{private}</cleartext-private-key>{certified}{more}"
        "</asymmetric-key></asymmetric-keys></keystore>"
    )


def pem(private: Any) -> str:
    return encoded(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def everything(peer: Peer) -> str:
    """All that an administrator can read anywhere, as text."""
    asked = ["<get/>"] + [
        f"<get-config><source><{store}/></source></get-config>"
        for store in ("running", "candidate", "startup")
    ]
    peer.ok("<copy-config><target><startup/></target><source><running/></source></copy-config>")
    return "".join(
        "".join(peer.data(one).itertext()) + str([e.tag for e in peer.data(one).iter()])
        for one in asked
    )


def served(function: Alone) -> str:
    """Common name of the certificate that a new connection of TLS is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", function.server.ports["tls/t"]), 30) as sock,
        context.wrap_socket(sock) as tls,
    ):
        certificate = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
    return str(next(iter(certificate.subject)).value)


# Private keys -----------------------------------------------------------------------------------


def test_nobody_reads_a_private_key_not_even_an_administrator(
    function: Alone, connect: Callable[..., Peer], security: Security, tmp_path: Path
) -> None:
    del function
    ada = connect()
    fresh = security.authority.issue("probe", "fresh")
    secret = fresh.private_key
    ada.ok(edit(key("more", secret, fresh.cert_data), "candidate"))
    ada.ok("<commit/>")
    seen = everything(ada)

    assert "hidden-private-key" in seen
    assert secret not in seen
    assert security.server.private_key not in seen
    assert "cleartext-private-key" not in seen
    written = [one for one in (tmp_path / "state").rglob("*") if one.is_file()]
    holding = [one for one in written if b"PRIVATE KEY" in one.read_bytes()]
    assert {one.stat().st_mode & 0o777 for one in holding} == {0o600}
    assert not any(secret.encode() in one.read_bytes() for one in written)


def test_a_key_stays_over_a_restart_and_only_its_owner_reads_the_file(
    start: Start, function: Alone, security: Security, loop: Loop
) -> None:
    del function
    again = start(boot="boot-1")
    context = client_context(security.authority.file, security.authority.issue("ada"))

    tls_peer(loop, again.server.ports["tls/t"], context).close()
    assert served(again) == "probe"


def test_a_key_that_no_configuration_names_any_more_is_removed_at_the_next_start(
    *,
    start: Start,
    function: Alone,
    connect: Callable[..., Peer],
    security: Security,
    tmp_path: Path,
) -> None:
    del function
    keys = tmp_path / "state" / "keys"
    ada = connect()
    ada.ok(edit(key("gone", security.authority.issue("gone").private_key)))
    assert len(list(keys.iterdir())) == 2
    ada.ok(
        edit(
            f'<keystore xmlns="{CRED}"><asymmetric-keys><asymmetric-key xmlns:nc="{BASE}"'
            ' nc:operation="delete"><name>gone</name></asymmetric-key></asymmetric-keys></keystore>'
        )
    )
    again = start(boot="boot-1")
    assert len(list(keys.iterdir())) == 2, "a rollback could still need it"
    for minutes in (1, 2):
        again.core.edit_config(
            INTERNAL,
            "running",
            f'<config xmlns="{BASE}"><probe xmlns="urn:nf:yang:nf-probe"><management><transactions>'
            f"<history>1</history><prepare-timeout>{minutes}</prepare-timeout></transactions>"
            "</management></probe></config>".encode(),
        )
    start(boot="boot-1")
    assert len(list(keys.iterdir())) == 1


def test_a_configuration_of_another_probe_lacks_the_key_and_says_so(function: Alone) -> None:
    foreign = ec.generate_private_key(ec.SECP256R1()).public_key()
    public = encoded(
        foreign.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    config = (
        f'<keystore xmlns="{CRED}"><asymmetric-keys><asymmetric-key><name>x</name>'
        f"<public-key>{public}</public-key><hidden-private-key/></asymmetric-key>"
        "</asymmetric-keys></keystore>"
    )
    with pytest.raises(RpcErrors, match="does not have the private key") as refused:
        function.core.edit_config(
            INTERNAL,
            "running",
            '<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">'
            f'<probe xmlns="urn:nf:yang:nf-probe"><management>{config}</management></probe>'
            "</config>".encode(),
        )
    assert refused.value.errors[0].app_tag == "private-key-missing"


@pytest.mark.parametrize(
    ("private", "why"),
    [
        (encoded(b"no key"), "no private key"),
        (encoded(b"-----BEGIN PRIVATE KEY-----\n"), "no private key"),
        (pem(rsa.generate_private_key(65537, 1024)), "1024 bits"),  # noqa: S505 - is refused
        (
            encoded(
                ec.generate_private_key(ec.SECP256R1()).private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.BestAvailableEncryption(b"secret"),
                )
            ),
            "has a password",
        ),
    ],
)
def test_what_is_no_usable_key_is_refused_with_its_place(
    function: Alone, connect: Callable[..., Peer], private: str, why: str
) -> None:
    del function
    refusal = connect().refused(edit(key("bad", private)))

    assert (refusal.tag, refusal.app_tag) == ("invalid-value", "private-key")
    assert why in (refusal.message or "")
    assert "cleartext-private-key" in (refusal.path or "")


def test_a_certificate_of_another_key_is_refused(
    function: Alone, connect: Callable[..., Peer], security: Security
) -> None:
    del function
    one, other = security.authority.issue("one"), security.authority.issue("other")
    refusal = connect().refused(edit(key("mixed", one.private_key, other.cert_data)))

    assert refusal.app_tag == "other-key"


def test_a_revocation_list_that_its_authority_has_not_signed_is_refused(
    function: Alone, connect: Callable[..., Peer], tmp_path: Path
) -> None:
    del function
    folder = tmp_path / "stranger"
    folder.mkdir()
    forged = Authority(folder).revoke()
    refusal = connect().refused(
        edit(
            f'<truststore xmlns="{CRED}"><certificate-bags><certificate-bag>'
            "<name>authorities</name><revocation-list><name>r</name>"
            f"<crl-data>{forged}</crl-data></revocation-list></certificate-bag>"
            "</certificate-bags></truststore>"
        )
    )

    assert refusal.app_tag == "revocation-list"


# Rotation ---------------------------------------------------------------------------------------


def test_a_new_certificate_is_shown_at_once_and_open_sessions_stay(
    function: Alone, join: Callable[..., Peer], security: Security
) -> None:
    before = join()
    assert served(function) == "probe"
    fresh = security.authority.issue("renewed")
    before.ok(edit(key("server", fresh.private_key, fresh.cert_data)))

    assert served(function) == "renewed"
    before.ok("<discard-changes/>")
    join().ok("<discard-changes/>")


def test_a_certificate_that_is_revoked_keeps_its_session_and_gets_no_new_one(
    function: Alone, join: Callable[..., Peer], security: Security
) -> None:
    own = security.authority.issue("ada", "leaving")
    before = join(own)
    join().ok(
        edit(
            f'<truststore xmlns="{CRED}"><certificate-bags><certificate-bag>'
            "<name>authorities</name><revocation-list><name>r</name>"
            f"<crl-data>{security.authority.revoke(own)}</crl-data></revocation-list>"
            "</certificate-bag></certificate-bags></truststore>"
        )
    )

    before.ok("<discard-changes/>")
    with pytest.raises((*REFUSED, Closed)):
        join(own)
    # The client hears of it before it is counted.
    until(lambda: function.server.service.statistics.refused_logins == 1)


def test_a_new_host_key_of_ssh_is_shown_at_once_and_open_sessions_stay(
    function: Alone, connect: Callable[..., Peer], loop: Loop
) -> None:
    before = connect()
    fresh = ec.generate_private_key(ec.SECP384R1())
    before.ok(
        edit(
            key("host", pem(fresh)),
            netconf=f'<ssh-host-key xmlns="{NETCONF}">host</ssh-host-key>',
        )
    )
    shown = loop.run(_host_key(function.server.ports["test"]))

    assert shown == asyncssh.import_private_key(base64.b64decode(pem(fresh))).public_data
    before.ok("<discard-changes/>")
    keys = before.data(
        '<get><filter><probe xmlns="urn:nf:yang:nf-probe"><management><netconf><host-key/>'
        "</netconf></management></probe></filter></get>"
    )
    assert "ecdsa-sha2-nistp384" in "".join(keys.itertext())


async def _host_key(port: int) -> bytes:
    seen = await asyncssh.get_server_host_key("127.0.0.1", port)
    assert seen is not None
    return seen.public_data


def test_two_host_keys_of_one_algorithm_are_refused(
    function: Alone, connect: Callable[..., Peer]
) -> None:
    del function
    ada = connect()
    for name in "ab":
        ada.ok(edit(key(name, pem(ec.generate_private_key(ec.SECP256R1())))))
    both = "".join(f'<ssh-host-key xmlns="{NETCONF}">{name}</ssh-host-key>' for name in "ab")
    refusal = ada.refused(edit("", netconf=both))

    assert refusal.app_tag == "host-key"


# What the probe has without being asked ---------------------------------------------------------


def test_the_first_start_makes_keys_and_shows_their_public_parts(
    start: Start, connect: Callable[..., Peer], tmp_path: Path
) -> None:
    del start
    shown = connect().data(
        '<get><filter><probe xmlns="urn:nf:yang:nf-probe"><management>'
        f'<keystore xmlns="{CRED}"/></management></probe></filter></get>'
    )
    names = [one.text for one in shown.iterfind(".//c:built-in-key/c:name", NS)]

    assert names == ["ssh-host", "tls-server"]
    for file in ("ssh_host_ed25519_key", "tls_server.pem"):
        assert (tmp_path / "state" / file).stat().st_mode & 0o777 == 0o600
    assert shown.findtext(".//c:built-in-key/c:cert-data", namespaces=NS)


# Before they end --------------------------------------------------------------------------------


def test_a_certificate_that_will_end_is_told_of_once(
    function: Alone, connect: Callable[..., Peer], security: Security
) -> None:
    ada, listener = connect(), connect()
    listener.ok(
        '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">'
        f'<filter type="subtree"><certificate-expiry xmlns="{CRED}"/></filter>'
        "</create-subscription>"
    )
    soon = security.authority.issue("soon", ends=2 * HOUR)
    late = security.authority.issue("late", ends=timedelta(days=90))
    ada.ok(edit(key("late", late.private_key, late.cert_data)))
    ada.ok(edit(key("soon", soon.private_key, soon.cert_data)))
    told: dict[str, str] = {}
    # Those that the function began with end soon, too.
    while "CN=soon" not in told:
        got = listener.receive()
        subject = got.findtext(".//c:subject", namespaces=NS) or ""
        assert subject not in told
        told[subject] = got.findtext(".//c:path", namespaces=NS) or ""

    assert "CN=late" not in told
    assert "asymmetric-key[name='soon']" in told["CN=soon"]
    paths = [one.subject for one in function.credentials.expiring()]
    assert "CN=soon" in paths
    assert "CN=late" not in paths
    assert "CN=late" in [one.subject for one in function.credentials.expiring(timedelta(days=91))]


def test_who_has_no_right_to_write_changes_no_key(
    function: Alone, connect: Callable[..., Peer], security: Security
) -> None:
    del function
    bob = connect("bob", PASSWORD)
    fresh = security.authority.issue("evil")
    refusal = bob.refused(edit(key("evil", fresh.private_key, fresh.cert_data)))

    assert refusal.tag == "access-denied"
