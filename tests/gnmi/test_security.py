"""TLS, certificates of clients, their rotation, and what an endpoint without TLS may be."""

import json
import socket
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from nf.errors import ConfigurationError
from nf.mgmt.core import Core
from nf.mgmt.rpc_error import RpcErrors
from nf.telemetry.gnmi.server import Target
from tests.certificates import Authority

from .client import Client, subscribing, subscription
from .conftest import LISTEN

GNMI = ("nf-probe:probe", "nf-telemetry:telemetry", "gnmi")


def first(**listen: Any) -> bytes:
    """A first configuration with a changed endpoint."""
    whole = json.loads(LISTEN)
    whole[GNMI[0]][GNMI[1]][GNMI[2]]["listen"][0].update(listen)
    return json.dumps(whole).encode()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def tls(authority: Authority, **more: str) -> dict[str, Any]:
    certificate, key = authority.issue("localhost", "server")
    return {"certificate": str(certificate), "private-key": str(key), **more}


def mutual(authority: Authority) -> dict[str, Any]:
    more = {
        "client-authorities": str(authority.file),
        "client-authentication": "required",
    }
    return tls(authority, **more)


def connected(
    target: Target, authority: Authority, user: str | None, own: tuple[Path, Path] | None = None
) -> Client:
    certificate, key = (one.read_bytes() for one in own) if own else (None, None)
    credentials = grpc.ssl_channel_credentials(authority.file.read_bytes(), key, certificate)
    channel = grpc.secure_channel(f"localhost:{target.ports()['test']}", credentials)
    return Client(channel, user, user[::-1] if user else None)


def test_tls_with_a_password(start: Callable[..., Target], authority: Authority) -> None:
    target = start(first(tls=tls(authority)))
    client = connected(target, authority, "ada")

    assert client.capabilities().gNMI_version == "0.10.0"
    client.close()


def test_old_tls_is_refused(start: Callable[..., Target], authority: Authority) -> None:
    target = start(first(tls=tls(authority)))
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")

    with (
        socket.create_connection(("127.0.0.1", target.ports()["test"]), timeout=30) as raw,
        pytest.raises((ssl.SSLError, ConnectionResetError)),
    ):
        old.wrap_socket(raw)


def test_a_client_without_a_certificate_is_not_let_in(
    start: Callable[..., Target], authority: Authority
) -> None:
    target = start(first(tls=mutual(authority)))
    client = connected(target, authority, "ada")

    assert client.refused(client.capabilities).code == "UNAVAILABLE"
    client.close()


def test_a_certificate_of_another_authority_is_not_let_in(
    start: Callable[..., Target], authority: Authority, tmp_path: Path
) -> None:
    target = start(first(tls=mutual(authority)))
    other = Authority(tmp_path, "other")
    client = connected(target, authority, None, other.issue("ada"))

    assert client.refused(client.capabilities).code == "UNAVAILABLE"
    client.close()


def test_the_common_name_of_a_certificate_is_the_user(
    start: Callable[..., Target], authority: Authority
) -> None:
    target = start(first(tls=mutual(authority)))
    ada = connected(target, authority, None, authority.issue("ada"))
    guest = connected(target, authority, None, authority.issue("guest"))
    ada.set(update={"/lab/name": "by ada"})

    refusal = guest.refused(guest.set, update={"/lab/name": "by guest"})
    assert refusal.code == "PERMISSION_DENIED"
    assert guest.read("/lab/name") == {"/lab/name": "by ada"}
    for client in (ada, guest):
        client.close()


def test_a_name_in_the_metadata_needs_its_password_also_with_a_certificate(
    start: Callable[..., Target], authority: Authority
) -> None:
    target = start(first(tls=mutual(authority)))
    client = connected(target, authority, "ada", authority.issue("guest"))
    client.metadata = [("username", "ada")]

    assert client.refused(client.capabilities).code == "UNAUTHENTICATED"
    client.close()


def serial(port: int, authority: Authority) -> int:
    """Serial number of the certificate that the server shows."""
    text = ssl.get_server_certificate(("localhost", port), ca_certs=str(authority.file))
    return x509.load_pem_x509_certificate(text.encode()).serial_number


def test_certificates_are_rotated_under_subscriptions(
    start: Callable[..., Target], authority: Authority
) -> None:
    target = start(first(tls=tls(authority)))
    port = target.ports()["test"]
    client = connected(target, authority, "ada")
    stream = client.subscribe(subscribing(subscription("/lab/name")))
    stream.until_sync()
    before = serial(port, authority)
    authority.issue("localhost", "server")

    assert serial(port, authority) != before
    client.set(update={"/lab/name": "still there"})
    assert stream.first_with("/lab/name") == "still there"
    stream.cancel()
    client.close()


def test_half_written_certificates_leave_the_old_ones_in_force(
    start: Callable[..., Target], authority: Authority, tmp_path: Path
) -> None:
    target = start(first(tls=tls(authority)))
    port = target.ports()["test"]
    before = serial(port, authority)
    (tmp_path / "server.pem").write_text("half")

    assert serial(port, authority) == before


def test_without_tls_only_loopback_is_listened_on(start: Callable[..., Target]) -> None:
    with pytest.raises(ConfigurationError) as error:
        start(first(address="0.0.0.0"))  # noqa: S104 - that is the point

    assert "no TLS" in error.value.what
    assert error.value.place.endswith("listen[name='test']/address")


def test_a_file_that_is_not_there_is_named(start: Callable[..., Target]) -> None:
    missing = {"certificate": "/nonexistent/c.pem", "private-key": "/nonexistent/k.pem"}
    with pytest.raises(ConfigurationError) as error:
        start(first(tls=missing))

    assert "/nonexistent/c.pem cannot be read" in error.value.what
    assert error.value.place.endswith("/tls/certificate")


def test_an_endpoint_that_cannot_be_had_changes_nothing(target: Target, core: Core) -> None:
    session = core.sessions.open("root", "cli", "", recovery=True)
    port = target.ports()["test"]
    whole = json.loads(LISTEN)
    listen = whole[GNMI[0]][GNMI[1]][GNMI[2]]["listen"]
    listen.append({"name": "new", "address": "127.0.0.2", "port": 0})
    listen.append({"name": "taken", "address": "127.0.0.1", "port": port})
    tree = core.context.parse(json.dumps(whole).encode(), "json")
    tree.validate()

    with pytest.raises(RpcErrors) as error:
        core.commits.replace(session, tree)
    assert error.value.errors[0].app_tag == "listen"
    assert target.ports() == {"test": port}


def test_an_endpoint_opens_and_closes_with_the_configuration(target: Target, core: Core) -> None:
    session = core.sessions.open("root", "cli", "", recovery=True)
    whole = json.loads(LISTEN)
    listen = whole[GNMI[0]][GNMI[1]][GNMI[2]]["listen"]
    listen[:] = [{"name": "other", "address": "127.0.0.1", "port": 0}]
    tree = core.context.parse(json.dumps(whole).encode(), "json")
    tree.validate()
    core.commits.replace(session, tree)

    assert set(target.ports()) == {"other"}
    client = Client(
        grpc.insecure_channel(f"127.0.0.1:{target.ports()['other']}"), "ada", "ada"[::-1]
    )
    assert client.capabilities().gNMI_version == "0.10.0"
    client.close()


def test_health_and_reflection_answer(target: Target) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{target.ports()['test']}") as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            health_pb2.HealthCheckRequest.SerializeToString,
            health_pb2.HealthCheckResponse.FromString,
        )
        healthy = check(health_pb2.HealthCheckRequest(service="gnmi.gNMI"), timeout=30)
        ask = channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            reflection_pb2.ServerReflectionRequest.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )
        listed = next(
            ask(iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=30)
        )

    assert healthy.status == health_pb2.HealthCheckResponse.SERVING
    assert "gnmi.gNMI" in {one.name for one in listed.list_services_response.service}
