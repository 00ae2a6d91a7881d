"""gNOI cert: keys and certificates of the keystore, with a way back."""

import json
import queue
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from nf.mgmt.core import Core
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import INTERNAL
from nf.mgmt.stepwise import Confirm, edit_in_steps
from nf.telemetry.gnmi.server import Target
from nf.telemetry.gnoi.proto import cert_pb2 as pb
from tests.certificates import HOUR, Authority, Issued

from .client import Client, Refusal, subscribing, subscription
from .test_gnoi import call
from .test_keystore import KEYSTORE, TRUSTSTORE, authority, configured, connected, serial

__all__ = ["authority"]

SERVICE = "/gnoi.certificate.CertificateManagement"


class Exchange:
    """An Install or a Rotate, message by message."""

    def __init__(self, client: Client, kind: str) -> None:
        self._kind = kind
        self._request = getattr(pb, f"{kind}CertificateRequest")
        response = getattr(pb, f"{kind}CertificateResponse")
        self._queue = queue.SimpleQueue[Any]()
        method = client.channel.stream_stream(
            f"{SERVICE}/{kind}", self._request.SerializeToString, response.FromString
        )
        self.call = method(self._sent(), metadata=client.metadata, timeout=60)

    def _sent(self) -> Iterator[Any]:
        yield from iter(self._queue.get, None)

    def send(self, **fields: Any) -> None:
        self._queue.put(self._request(**fields))

    def ask(self, **fields: Any) -> Any:
        self.send(**fields)
        return next(self.call)

    def request(self, name: str, **params: Any) -> bytes:
        """A signing request that the target has made, in PEM."""
        asked = csr_request(name, **params)
        return bytes(self.ask(generate_csr=asked).generated_csr.csr.csr)

    def load(self, certificate: bytes, **fields: Any) -> Any:
        return self.ask(load_certificate=load(certificate, **fields))

    def end(self) -> list[Any]:
        """The client has said everything; what still comes."""
        self._queue.put(None)
        return list(self.call)


def csr_request(name: str, **params: Any) -> pb.GenerateCSRRequest:
    standard = {"type": pb.CT_X509, "common_name": "localhost", "ip_address": "127.0.0.1"}
    return pb.GenerateCSRRequest(
        csr_params=pb.CSRParams(**{**standard, **params}), certificate_id=name
    )


def x509_pem(certificate: bytes) -> pb.Certificate:
    return pb.Certificate(type=pb.CT_X509, certificate=certificate)


def load(certificate: bytes, *, authorities: tuple[bytes, ...] = (), **fields: Any) -> Any:
    return pb.LoadCertificateRequest(
        certificate=x509_pem(certificate), ca_certificates=map(x509_pem, authorities), **fields
    )


def on_cert(client: Client, name: str, **fields: Any) -> Any:
    request, response = getattr(pb, f"{name}Request"), getattr(pb, f"{name}Response")
    return call(client, f"{SERVICE}/{name}", request(**fields), response)


def pair(issued: Issued) -> pb.KeyPair:
    # gnoic sends its signing request as the public key.
    return pb.KeyPair(private_key=issued[1].read_bytes(), public_key=b"a signing request")


def listed(client: Client) -> dict[str, pb.CertificateInfo]:
    return {one.certificate_id: one for one in on_cert(client, "GetCertificates").certificate_info}


def refusal(ask: Callable[[], Any]) -> Refusal:
    with pytest.raises(grpc.RpcError) as error:
        ask()
    return Refusal(error.value)


@pytest.fixture
def tls(start: Callable[..., Target], authority: Authority) -> Target:
    """A target whose endpoint has the key `server` of the keystore."""
    return start(configured(authority))


@pytest.fixture
def client(tls: Target, authority: Authority) -> Iterator[Client]:
    made = connected(tls, authority)
    yield made
    made.close()


def number(certificate: bytes) -> int:
    return x509.load_pem_x509_certificate(certificate).serial_number


# Rotate ----------------------------------------------------------------------------------------


def test_a_rotation_is_in_force_before_it_is_finalized_and_under_subscriptions(
    tls: Target, core: Core, client: Client, authority: Authority
) -> None:
    stream = client.subscribe(subscribing(subscription("/lab/name")))
    stream.until_sync()
    rotation = Exchange(client, "Rotate")
    certificate = authority.certify(rotation.request("server"))
    rotation.load(certificate)

    assert serial(tls, authority) == number(certificate)
    rotation.send(finalize_rotation=pb.FinalizeRequest())
    assert rotation.end() == []
    assert core.confirming.remaining is None
    assert serial(tls, authority) == number(certificate)
    told = listed(client)["server"]
    assert number(told.certificate.certificate) == number(certificate)
    assert [one.endpoint for one in told.endpoints] == [
        "/telemetry/gnmi/listen[name=test]/tls/keystore"
    ]
    assert told.modification_time > 0
    client.set(update={"/lab/name": "still there"})
    assert stream.first_with("/lab/name") == "still there"
    stream.cancel()


@pytest.mark.parametrize("how", ["half-closed", "cancelled", "wrong"])
def test_a_rotation_that_is_not_finalized_goes_back(
    tls: Target, core: Core, client: Client, authority: Authority, how: str
) -> None:
    before = serial(tls, authority)
    rotation = Exchange(client, "Rotate")
    certificate = authority.certify(rotation.request("server"))
    rotation.load(certificate)
    assert serial(tls, authority) == number(certificate)
    others = client.refused(client.set, update={"/lab/name": "meanwhile"})
    assert (others.code, "waits for its confirmation" in others.text) == (
        "FAILED_PRECONDITION",
        True,
    )

    if how == "half-closed":
        assert refusal(rotation.end).code == "ABORTED"
    elif how == "wrong":
        assert refusal(lambda: rotation.load(certificate)).code == "INVALID_ARGUMENT"
    else:
        gone = waiter(core)
        rotation.call.cancel()
        assert gone.get(timeout=60)
    assert serial(tls, authority) == before
    assert core.confirming.remaining is None
    client.set(update={"/lab/name": "now"})


def waiter(core: Core) -> "queue.SimpleQueue[bool]":
    """Gets something when the configuration has changed next."""
    told = queue.SimpleQueue[bool]()
    core.commits.watchers.append(lambda changes: told.put(bool(changes)))
    return told


def test_whose_session_is_killed_has_not_rotated(
    tls: Target, core: Core, client: Client, authority: Authority
) -> None:
    before = serial(tls, authority)
    rotation = Exchange(client, "Rotate")
    rotation.load(authority.certify(rotation.request("server")))
    [session] = core.sessions.all()
    core.sessions.kill(INTERNAL, session.id)

    assert refusal(lambda: next(rotation.call)).code == "CANCELLED"
    assert serial(tls, authority) == before


def test_who_is_gone_begins_no_commit_that_nobody_would_take_back(tls: Target, core: Core) -> None:
    session = core.sessions.open("ada", "gnmi", "")
    core.sessions.close(session, "dropped")
    with pytest.raises(RpcErrors) as refused:
        edit_in_steps(core, session, [], Confirm(600, None))

    assert "has ended" in refused.value.what
    assert core.confirming.remaining is None


def test_what_went_back_by_itself_is_not_finalized(
    tls: Target, core: Core, client: Client, authority: Authority
) -> None:
    before = serial(tls, authority)
    rotation = Exchange(client, "Rotate")
    rotation.load(authority.certify(rotation.request("server")))
    [session] = core.sessions.all()
    core.cancel_commit(session)

    refused = refusal(lambda: rotation.ask(finalize_rotation=pb.FinalizeRequest()))
    assert refused.code == "FAILED_PRECONDITION"
    assert serial(tls, authority) == before


def test_a_certificate_is_renewed_for_the_key_that_is_there(
    tls: Target, client: Client, authority: Authority, core: Core
) -> None:
    rotation = Exchange(client, "Rotate")
    request = rotation.request("server")
    rotation.load(authority.certify(request))
    rotation.send(finalize_rotation=pb.FinalizeRequest())
    rotation.end()
    renewed = authority.certify(request)
    again = Exchange(client, "Rotate")
    again.load(renewed, certificate_id="server")
    again.send(finalize_rotation=pb.FinalizeRequest())
    again.end()

    assert serial(tls, authority) == number(renewed)


def test_what_does_not_serve_is_refused_before_it_is_in_force(
    tls: Target, core: Core, client: Client, authority: Authority
) -> None:
    before, revision = serial(tls, authority), core.commits.running.revision
    own = authority.issue("localhost", "own")
    other = authority.issue("localhost", "other")
    ended = authority.issue("localhost", "ended", begins=-2 * HOUR, ends=-HOUR)
    good = own[0].read_bytes()
    by_id = {"certificate_id": "server"}
    cases = [
        ("INVALID_ARGUMENT", load(other[0].read_bytes(), key_pair=pair(own), **by_id)),
        ("INVALID_ARGUMENT", load(ended[0].read_bytes(), key_pair=pair(ended), **by_id)),
        ("INVALID_ARGUMENT", load(b"no certificate", key_pair=pair(own), **by_id)),
        ("INVALID_ARGUMENT", load(good, key_pair=pb.KeyPair(private_key=b"no key"), **by_id)),
        ("INVALID_ARGUMENT", load(good, **by_id)),  # of another key than the entry's
        ("INVALID_ARGUMENT", load(good, key_pair=pair(own), authorities=(b"none",), **by_id)),
        ("INVALID_ARGUMENT", load(good, key_pair=pair(own))),
        ("INVALID_ARGUMENT", load(good, key_pair=pair(own), certificate_id="x" * 65)),
        ("NOT_FOUND", load(good, key_pair=pair(own), certificate_id="nobody")),
        ("INVALID_ARGUMENT", pb.LoadCertificateRequest(key_pair=pair(own), **by_id)),
    ]
    for code, asked in cases:
        rotation = Exchange(client, "Rotate")
        refused = refusal(lambda: rotation.ask(load_certificate=asked))  # noqa: B023
        assert (refused.code, bool(refused.text)) == (code, True), asked
    for wrong in ({"finalize_rotation": pb.FinalizeRequest()}, {}):
        rotation = Exchange(client, "Rotate")
        assert refusal(lambda: rotation.ask(**wrong)).code == "INVALID_ARGUMENT"  # noqa: B023
    assert serial(tls, authority) == before
    assert core.commits.running.revision == revision


def test_one_exchange_at_a_time_has_a_certificate(client: Client, authority: Authority) -> None:
    first = Exchange(client, "Rotate")
    first.request("server")
    second = Exchange(client, "Rotate")

    assert refusal(lambda: second.request("server")).code == "FAILED_PRECONDITION"
    own = authority.issue("localhost", "own")
    asked = {"certificate_id": "server", "key_pair": pair(own)}
    refused = client.refused(
        on_cert, client, "LoadCertificate", certificate=x509_pem(own[0].read_bytes()), **asked
    )
    assert refused.code == "FAILED_PRECONDITION"
    first.call.cancel()


def test_exchanges_are_bounded(client: Client) -> None:
    held = []
    for count in range(8):
        held.append(Exchange(client, "Install"))
        # Not named yet, and no key made: an answer is needed to know that it has begun.
        held[-1].send(generate_csr=csr_request(f"key-{count}", min_key_size=2048))
    for one in held:
        next(one.call)

    assert (
        refusal(lambda: Exchange(client, "Install").request("ninth")).code == "RESOURCE_EXHAUSTED"
    )
    for one in held:
        one.call.cancel()


def test_a_key_with_several_certificates_is_left_alone(
    core: Core, client: Client, authority: Authority
) -> None:
    own = authority.issue("localhost", "own")
    certificates = [{"name": name, "cert-data": own.cert_data} for name in ("a", "b")]
    path = "/probe/management/keystore/asymmetric-keys/asymmetric-key[name=two]"
    value = {
        "name": "two",
        "cleartext-private-key": own.private_key,
        "certificates": {"certificate": certificates},
    }
    client.set(update={path: value})
    rotation = Exchange(client, "Rotate")
    certificate = authority.certify(rotation.request("two"))

    assert refusal(lambda: rotation.load(certificate)).code == "FAILED_PRECONDITION"


# Install ---------------------------------------------------------------------------------------


def test_a_certificate_is_installed_for_a_key_of_the_target(
    tls: Target, client: Client, authority: Authority
) -> None:
    install = Exchange(client, "Install")
    names = {"country": "FR", "organization": "nf", "email_id": "noc@example.net"}
    request = install.request("fresh", min_key_size=3072, key_type=pb.KT_RSA, **names)
    asked = x509.load_pem_x509_csr(request)
    key = asked.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 3072
    subject = {one.oid: one.value for one in asked.subject}
    assert subject[NameOID.COMMON_NAME] == "localhost"
    assert subject[NameOID.ORGANIZATION_NAME] == "nf"
    certificate = authority.certify(request)
    install.load(certificate, certificate_id="fresh")
    assert install.end() == []

    assert number(listed(client)["fresh"].certificate.certificate) == number(certificate)
    assert not listed(client)["fresh"].endpoints
    assert refusal(lambda: Exchange(client, "Install").request("fresh")).code == "ALREADY_EXISTS"
    identity = "/probe/telemetry/gnmi/listen[name=test]/tls/keystore/server-identity"
    client.set(update={f"{identity}/asymmetric-key": "fresh"})
    assert serial(tls, authority) == number(certificate)


def test_a_certificate_is_installed_with_the_clients_key(
    client: Client, authority: Authority, core: Core
) -> None:
    own = authority.issue("localhost", "own")
    Exchange(client, "Install").load(
        own[0].read_bytes(), key_pair=pair(own), certificate_id="theirs"
    )

    assert "theirs" in listed(client)
    told = json.dumps(core.commits.running.data)
    assert own.private_key not in told
    assert "hidden-private-key" in told


def test_an_install_that_ends_early_leaves_nothing(client: Client, core: Core) -> None:
    revision = core.commits.running.revision
    install = Exchange(client, "Install")
    install.request("fresh")

    assert refusal(install.end).code == "ABORTED"
    assert core.commits.running.revision == revision
    assert "fresh" not in listed(client)


@pytest.mark.parametrize(
    ("code", "params"),
    [
        ("UNIMPLEMENTED", {"min_key_size": 4097}),
        ("UNIMPLEMENTED", {"key_type": 77}),
        ("UNIMPLEMENTED", {"type": pb.CT_UNKNOWN}),
        ("INVALID_ARGUMENT", {"country": "France"}),
        ("INVALID_ARGUMENT", {"common_name": "x" * 65}),
        ("INVALID_ARGUMENT", {"common_name": "löcal"}),
        ("INVALID_ARGUMENT", {"ip_address": "999.1.1.1"}),
        ("INVALID_ARGUMENT", {"organization": "x" * 65}),
        ("INVALID_ARGUMENT", {"common_name": "", "ip_address": ""}),
    ],
)
def test_requests_that_cannot_be_made_are_refused(
    client: Client, code: str, params: dict[str, Any]
) -> None:
    assert refusal(lambda: Exchange(client, "Install").request("fresh", **params)).code == code


def test_what_can_be_made_is_told(client: Client) -> None:
    for size, kind, key, can in (
        (2048, pb.CT_X509, pb.KT_RSA, True),
        (1024, pb.CT_X509, pb.KT_RSA, True),
        (4096, pb.CT_X509, pb.KT_UNKNOWN, True),
        (8192, pb.CT_X509, pb.KT_RSA, False),
        (2048, pb.CT_UNKNOWN, pb.KT_RSA, False),
        (2048, pb.CT_X509, 5, False),
    ):
        asked = {"key_size": size, "certificate_type": kind, "key_type": key}
        assert on_cert(client, "CanGenerateCSR", **asked).can_generate == can


def test_a_key_waits_for_the_certificate_of_whoever_asked_for_it(
    client: Client, tls: Target, authority: Authority
) -> None:
    asked = csr_request("fresh")
    made = on_cert(
        client, "GenerateCSR", csr_params=asked.csr_params, certificate_id="fresh"
    ).csr.csr
    certificate = authority.certify(made)
    fields = {"certificate": x509_pem(certificate), "certificate_id": "fresh"}
    bob = Client(client.channel, "bob", "bob")

    refused = bob.refused(on_cert, bob, "LoadCertificate", **fields)
    assert (refused.code, "no private key" in refused.text) == ("INVALID_ARGUMENT", True)
    on_cert(client, "LoadCertificate", **fields)
    assert number(listed(client)["fresh"].certificate.certificate) == number(certificate)


# Revoke, trust, rights --------------------------------------------------------------------------


def test_what_is_used_is_not_revoked(client: Client, authority: Authority) -> None:
    own = authority.issue("localhost", "own")
    Exchange(client, "Install").load(
        own[0].read_bytes(), key_pair=pair(own), certificate_id="spare"
    )
    answer = on_cert(client, "RevokeCertificates", certificate_id=["server", "spare", "nobody"])

    assert answer.revoked_certificate_id == ["spare", "nobody"]
    [error] = answer.certificate_revocation_error
    assert error.certificate_id == "server"
    assert "asymmetric-key" in error.error_message
    assert set(listed(client)) == {"server"}


def test_a_bundle_takes_the_place_of_the_one_before(
    tls: Target, client: Client, core: Core, authority: Authority
) -> None:
    certificate = authority.file.read_bytes()
    for count in (3, 1):
        on_cert(
            client,
            "LoadCertificateAuthorityBundle",
            ca_certificates=[x509_pem(certificate)] * count,
        )
        bags = core.commits.running.data["nf-probe:probe"]["management"][TRUSTSTORE]
        [bag] = [
            one for one in bags["certificate-bags"]["certificate-bag"] if one["name"] == "gnoi"
        ]
        assert len(bag["certificate"]) == count
    tls_path = "/probe/telemetry/gnmi/listen[name=test]/tls"
    client.set(
        update={f"{tls_path}/ca-certs": "gnoi", f"{tls_path}/client-authentication": "required"}
    )
    ada = connected(tls, authority, authority.issue("ada"))
    ada.set(update={"/lab/name": "by ada"})
    ada.close()
    empty = client_of(tls, authority)
    assert (
        empty.refused(on_cert, empty, "LoadCertificateAuthorityBundle").code == "INVALID_ARGUMENT"
    )
    empty.close()


def client_of(tls: Target, authority: Authority) -> Client:
    return connected(tls, authority, authority.issue("ada", "again"))


def test_a_bundle_comes_and_goes_with_its_certificate(
    client: Client, core: Core, authority: Authority
) -> None:
    rotation = Exchange(client, "Rotate")
    certificate = authority.certify(rotation.request("server"))
    rotation.load(certificate, authorities=(authority.file.read_bytes(),))
    assert '"name": "gnoi"' in json.dumps(core.commits.running.data)

    assert refusal(rotation.end).code == "ABORTED"
    assert '"name": "gnoi"' not in json.dumps(core.commits.running.data)


def test_certificates_need_a_rule_and_the_right_to_write(
    client: Client, core: Core, authority: Authority
) -> None:
    guest = Client(client.channel, "guest", "tseug")
    for ask in (
        lambda: Exchange(guest, "Install").request("fresh"),
        lambda: Exchange(guest, "Rotate").request("server"),
        lambda: on_cert(guest, "GenerateCSR", certificate_id="x"),
        lambda: on_cert(guest, "LoadCertificate", certificate_id="x"),
        lambda: on_cert(guest, "LoadCertificateAuthorityBundle"),
        lambda: on_cert(guest, "RevokeCertificates", certificate_id=["server"]),
    ):
        assert refusal(ask).code == "PERMISSION_DENIED"
    rules = [
        {
            "name": "run",
            "module-name": "nf-telemetry",
            "rpc-name": "*",
            "access-operations": "exec",
            "action": "permit",
        },
        {
            "name": "hide",
            "path": f"/nf-probe:probe/nf-probe:management/{KEYSTORE}",
            "access-operations": "read",
            "action": "deny",
        },
    ]
    client.set(update={"/nacm/rule-list[name=g]": {"name": "g", "group": ["*"], "rule": rules}})
    rotation = Exchange(guest, "Rotate")
    certificate = authority.certify(rotation.request("server"))
    assert refusal(lambda: rotation.load(certificate)).code == "PERMISSION_DENIED"
    [error] = on_cert(
        guest, "RevokeCertificates", certificate_id=["server"]
    ).certificate_revocation_error
    assert "may not" in error.error_message
    assert not listed(guest)
    assert set(listed(client)) == {"server"}
