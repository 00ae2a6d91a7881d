"""Endpoints that take keys and authorities from the keystore and the truststore."""

import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509

from nf.mgmt.commits import Conversion
from nf.mgmt.core import Core
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import INTERNAL
from nf.mgmt.users import TOP as USERS
from nf.mgmt.users import hash_cleartext
from nf.telemetry.gnmi.server import Target
from tests.certificates import Authority, Issued

from .client import Client, subscribing, subscription
from .test_security import first

KEYSTORE, TRUSTSTORE = "nf-credentials:keystore", "nf-credentials:truststore"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def server(issued: Issued) -> dict[str, Any]:
    """The keystore with the server's key."""
    certificate = {"name": "c", "cert-data": issued.cert_data}
    entry = {
        "name": "server",
        "cleartext-private-key": issued.private_key,
        "certificates": {"certificate": [certificate]},
    }
    return {KEYSTORE: {"asymmetric-keys": {"asymmetric-key": [entry]}}}


def bag(authority: Authority, *revoked: str) -> dict[str, Any]:
    entry = {
        "name": "authorities",
        "certificate": [{"name": "a", "cert-data": authority.cert_data}],
        "revocation-list": [{"name": f"r{n}", "crl-data": r} for n, r in enumerate(revoked)],
    }
    return {TRUSTSTORE: {"certificate-bags": {"certificate-bag": [entry]}}}


def configured(authority: Authority, **tls: Any) -> bytes:
    identity = {"keystore": {"server-identity": {"asymmetric-key": "server"}}}
    data = json.loads(first(tls={**identity, **tls}))
    made = server(authority.issue("localhost", "server"))
    data["nf-probe:probe"]["management"] = {**made, **bag(authority)}
    return json.dumps(data).encode()


MUTUAL = {"ca-certs": "authorities", "client-authentication": "required"}


def connected(target: Target, authority: Authority, own: Issued | None = None) -> Client:
    certificate, key = (one.read_bytes() for one in own) if own else (None, None)
    credentials = grpc.ssl_channel_credentials(authority.file.read_bytes(), key, certificate)
    channel = grpc.secure_channel(f"localhost:{target.ports()['test']}", credentials)
    return Client(channel, None if own else "ada", None if own else "ada")


def change(core: Core, management: dict[str, Any]) -> None:
    """Merges into the management of the running configuration, as a client would."""
    tree = core.context.parse(
        json.dumps({"nf-probe:probe": {"management": management}}).encode(), "json"
    )
    config = b'<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">%b</config>'
    core.edit_config(INTERNAL, "running", config % tree.to_xml())


def serial(target: Target, authority: Authority) -> int:
    place = ("localhost", target.ports()["test"])
    text = ssl.get_server_certificate(place, ca_certs=str(authority.file))
    return x509.load_pem_x509_certificate(text.encode()).serial_number


def test_a_key_of_the_keystore_is_rotated_under_subscriptions(
    start: Callable[..., Target], core: Core, authority: Authority
) -> None:
    target = start(configured(authority))
    client = connected(target, authority)
    stream = client.subscribe(subscribing(subscription("/lab/name")))
    stream.until_sync()
    before, port = serial(target, authority), target.ports()["test"]
    fresh = authority.issue("localhost", "fresh")
    change(core, server(fresh))

    assert serial(target, authority) == fresh.certificate.serial_number != before
    assert target.ports()["test"] == port
    client.set(update={"/lab/name": "still there"})
    assert stream.first_with("/lab/name") == "still there"
    stream.cancel()
    client.close()


def test_authorities_of_the_truststore_let_their_clients_in(
    start: Callable[..., Target], authority: Authority, tmp_path: Path
) -> None:
    target = start(configured(authority, **MUTUAL))
    ada = connected(target, authority, authority.issue("ada"))
    stranger = connected(target, authority, Authority(tmp_path, "other").issue("ada", "stranger"))

    ada.set(update={"/lab/name": "by ada"})
    assert stranger.refused(stranger.capabilities).code == "UNAVAILABLE"
    for client in (ada, stranger):
        client.close()


def test_revocation_lists_are_refused_where_nobody_would_ask_them(
    start: Callable[..., Target], core: Core, authority: Authority
) -> None:
    start(configured(authority, **MUTUAL))
    with pytest.raises(RpcErrors) as refused:
        change(core, bag(authority, authority.revoke()))

    assert refused.value.errors[0].app_tag == "revocation-list"
    assert (refused.value.errors[0].path or "").endswith("/tls/ca-certs")


def test_the_built_in_certificate_serves_where_no_key_is_named(
    start: Callable[..., Target], authority: Authority, tmp_path: Path
) -> None:
    target = start(first(tls={"keystore": {}}))
    text = ssl.get_server_certificate(("localhost", target.ports()["test"]))

    shown = x509.load_pem_x509_certificate(text.encode())
    kept = (tmp_path / "state" / "tls_server.pem").read_bytes()
    assert shown == x509.load_pem_x509_certificate(kept)
    assert shown.issuer == shown.subject != authority.certificate.subject


def test_who_subscribes_to_the_configuration_sees_no_private_key(
    start: Callable[..., Target], core: Core, authority: Authority
) -> None:
    target = start(configured(authority))
    client = connected(target, authority)
    stream = client.subscribe(subscribing(subscription("/probe/management/keystore")))
    seen = str(stream.until_sync())
    fresh = authority.issue("localhost", "fresh")
    change(core, server(fresh))
    path = "/probe/management/keystore/asymmetric-keys/asymmetric-key[name=server]"
    update = stream.first_with(f"{path}/public-key")

    assert "cleartext" not in f"{seen}{update}"
    assert fresh.private_key not in f"{seen}{update}"
    stream.cancel()
    client.close()


def test_secrets_that_a_set_brings_are_kept_like_those_of_netconf(
    start: Callable[..., Target], core: Core, authority: Authority, tmp_path: Path
) -> None:
    core.commits.conversions.append(Conversion(USERS, hash_cleartext))
    target = start()
    channel = grpc.insecure_channel(f"127.0.0.1:{target.ports()['test']}")
    client = Client(channel, "ada", "ada")
    issued = authority.issue("localhost", "server")
    key = server(issued)[KEYSTORE]["asymmetric-keys"]["asymmetric-key"][0]
    client.set(
        update={
            "/probe/management/keystore/asymmetric-keys/asymmetric-key[name=server]": key,
            "/system/authentication/user[name=zoe]": {"name": "zoe", "password": "$0$in clear"},
        }
    )
    client.close()

    written = b"".join(
        file.read_bytes()
        for file in (tmp_path / "state").rglob("*")
        if file.is_file() and file.parent.name != "keys"
    )
    for told in (json.dumps(core.commits.running.data).encode(), written):
        assert b"hidden-private-key" in told
        assert b"zoe" in told
        for secret in (issued.private_key.encode(), b"in clear"):
            assert secret not in told
