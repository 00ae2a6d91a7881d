"""The function connects to its management system: SSH and TLS, again and again (RFC 8071)."""

import base64
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nf.mgmt.answering import wrapped
from nf.mgmt.netconf.alone import Alone
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import INTERNAL
from tests.certificates import Authority, encoded, fingerprint
from tests.netconf.conftest import PASSWORD
from tests.netconf.home import Home, calling
from tests.netconf.peer import BASE, WAIT, Closed, Loop, ssh_options
from tests.netconf.tls_peer import REFUSED, Security, client_context
from tests.waiting import until

Start = Callable[..., Alone]
MANAGEMENT = "/nf-probe:probe/management"


@pytest.fixture
def home(loop: Loop) -> Iterator[Home]:
    made = Home(loop)
    yield made
    made.close()


@pytest.fixture
def second(loop: Loop) -> Iterator[Home]:
    made = Home(loop)
    yield made
    made.close()


def state(function: Alone) -> dict[str, Any]:
    data = function.server._calls.get()
    if not data:
        # The loop has not heard of the entry yet.
        return {}
    home = data["nf-probe:probe"]["management"]["netconf"]["nf-netconf:call-home"]
    [one] = home["netconf-client"]
    return dict(one["state"])


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def test_the_function_calls_home_over_ssh_and_is_the_server(start: Start, home: Home) -> None:
    function = start(**calling(home))
    peer = home.ssh()

    peer.ok(peer.edit("<name>from home</name>"))
    until(lambda: state(function).get("status") == "connected")
    told = peer.data(
        '<get><filter><probe xmlns="urn:nf:yang:nf-probe"><management><netconf>'
        '<call-home xmlns="urn:nf:yang:nf-netconf"/></netconf></management></probe></filter></get>'
    )
    assert told.findtext(".//n:status", namespaces={"n": "urn:nf:yang:nf-netconf"}) == "connected"


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_the_function_calls_home_over_tls_and_is_the_server(
    start: Start, home: Home, tmp_path: Path, version: str
) -> None:
    security = Security.of(tmp_path)
    start(
        also=security.management(),
        **{"nf-netconf:tls": security.tls()},
        **calling(home, transport="tls"),
    )
    own = security.authority.issue("ada")
    peer = home.tls(client_context(security.authority.file, own, version))

    peer.ok(peer.edit("<name>from home</name>"))
    assert peer.box()["name"] == "from home"


def test_a_connection_that_is_lost_comes_back(start: Start, home: Home) -> None:
    function = start(**calling(home))
    for _ in range(2):
        home.ssh().close()
    home.ssh().ok("<discard-changes/>")

    assert state(function)["connections"] >= 2


def test_a_listener_that_refuses_is_tried_until_it_is_there(start: Start, loop: Loop) -> None:
    port = closed_port()
    function = start(**calling(port))
    until(lambda: "refused" in state(function).get("last-error", "").lower())
    late = Home(loop, port)
    try:
        late.ssh().ok("<discard-changes/>")
        until(lambda: state(function).get("status") == "connected")
        assert state(function)["attempts"] >= 2
        assert "last-error" not in state(function)
    finally:
        late.close()


@pytest.mark.parametrize("transport", ["ssh", "tls"])
def test_a_listener_that_hangs_is_given_up_for_the_next(
    start: Start, home: Home, second: Home, tmp_path: Path, transport: str
) -> None:
    security = Security.of(tmp_path)
    function = start(
        also=security.management(),
        **{"nf-netconf:tls": security.tls(), "login-timeout": 1},
        **calling(home, second, transport=transport, **{"reconnect-strategy": {"max-attempts": 1}}),
    )
    silent = home.take()
    if transport == "ssh":
        peer = second.ssh()
    else:
        own = security.authority.issue("ada")
        peer = second.tls(client_context(security.authority.file, own))
    peer.ok("<discard-changes/>")

    assert state(function)["endpoint"] == "e1"
    silent.close()


@pytest.mark.parametrize("octets", [b"", b"SSH-2.0-x\r\n", b"\x00" * 65536])
def test_a_listener_that_dies_or_talks_nonsense_is_tried_again(
    start: Start, home: Home, octets: bytes
) -> None:
    function = start(**calling(home))
    with home.take() as sock:
        sock.sendall(octets)
    until(lambda: bool(state(function).get("last-error")))

    home.ssh().ok("<discard-changes/>")


def test_who_does_not_know_the_password_is_not_connected(start: Start, home: Home) -> None:
    function = start(**calling(home))
    with pytest.raises(asyncssh.PermissionDenied):
        home.ssh("wrong")
    until(lambda: "nobody has logged in" in state(function).get("last-error", ""))

    assert state(function)["connections"] == 0
    home.ssh().ok("<discard-changes/>")


def test_a_certificate_that_is_not_trusted_is_not_connected(
    start: Start, home: Home, tmp_path: Path
) -> None:
    security = Security.of(tmp_path)
    (tmp_path / "other").mkdir()
    stranger = Security.of(tmp_path / "other").authority.issue("ada")
    function = start(
        also=security.management(),
        **{"nf-netconf:tls": security.tls()},
        **calling(home, transport="tls"),
    )
    with pytest.raises((*REFUSED, Closed)):
        home.tls(client_context(security.authority.file, stranger))
    until(lambda: "certificate is not accepted" in state(function).get("last-error", ""))

    assert state(function)["connections"] == 0


def test_the_last_endpoint_that_was_connected_is_tried_first(
    start: Start, home: Home, second: Home
) -> None:
    strategy = {"start-with": "last-connected", "max-attempts": 1}
    start(**calling(home, second, **{"reconnect-strategy": strategy}))
    home.take().close()
    second.ssh().close()
    second.ssh().ok("<discard-changes/>")


def test_an_entry_that_is_taken_out_ends_its_attempts_and_no_session(
    start: Start, home: Home
) -> None:
    function = start(**calling(home))
    peer = home.ssh()
    peer.ok(
        "<edit-config><target><running/></target><config>"
        '<probe xmlns="urn:nf:yang:nf-probe"><management><netconf>'
        f'<call-home xmlns="urn:nf:yang:nf-netconf" xmlns:nc="{BASE}"'
        ' nc:operation="remove"/></netconf></management></probe></config></edit-config>'
    )
    peer.ok("<discard-changes/>")

    assert function.server._calls.get() == {}


def test_a_periodic_connection_ends_when_it_is_idle(start: Start, home: Home) -> None:
    function = start(
        **calling(home, **{"connection-type": {"periodic": {"period": 60, "idle-timeout": 1}}})
    )
    peer = home.ssh()

    assert peer.closed_by_server()
    until(lambda: state(function).get("status") == "waiting")
    assert state(function)["connections"] == 1


def test_a_function_that_stops_lets_go_of_who_is_not_connected(start: Start, home: Home) -> None:
    function = start(**calling(home, closed_port(), **{"reconnect-strategy": {"max-wait": 600}}))
    silent = home.take()
    stopped = threading.Thread(target=function.stop)
    stopped.start()
    stopped.join(WAIT)

    assert not stopped.is_alive()
    silent.close()


NCCLIENT = """
import json, sys
from ncclient import manager

with manager.call_home(host="127.0.0.1", port=int(sys.argv[1]), username="ada",
                       password=sys.argv[2], hostkey_verify=False, allow_agent=False,
                       look_for_keys=False, timeout=60) as client:
    box = '<config><box xmlns="urn:nf:test"><name>by ncclient</name></box></config>'
    client.edit_config(target="running", config=box)
    got = client.get_config("running", filter=("subtree", '<box xmlns="urn:nf:test"/>')).data_xml
    print(json.dumps([client.session_id, got]))
"""


def test_ncclient_is_called(start: Start) -> None:
    port = closed_port()
    with subprocess.Popen(
        [sys.executable, "-c", NCCLIENT, str(port), PASSWORD],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as client:
        start(**calling(port))
        out, errors = client.communicate(timeout=60)

    assert client.returncode == 0, errors
    assert "by ncclient" in json.loads(out)[1]


# Keys and certificates of an endpoint's own -----------------------------------------------------


def with_own(calls: dict[str, Any], **own: Any) -> dict[str, Any]:
    """The same, where the first endpoint has parameters of its own."""
    [client] = calls["nf-netconf:call-home"]["netconf-client"]
    client["endpoints"]["endpoint"][0].update(
        {name.replace("_", "-"): value for name, value in own.items()}
    )
    return calls


def test_an_endpoint_has_a_host_key_of_its_own(
    start: Start, home: Home, second: Home, tmp_path: Path, loop: Loop
) -> None:
    security = Security.of(tmp_path)
    calls = with_own(
        calling(home, second, **{"reconnect-strategy": {"max-attempts": 1}}),
        ssh_host_key=["server"],
    )
    function = start(also=security.management(), **calls)

    async def shown(sock: socket.socket) -> bytes:
        connection = await asyncssh.connect(sock=sock, **ssh_options())
        key = connection.get_server_host_key()
        connection.abort()
        assert key is not None
        return bytes(key.public_data)

    own = asyncssh.import_private_key(base64.b64decode(security.server.private_key))
    assert loop.run(shown(home.take())) == own.public_data
    until(lambda: state(function)["connections"] >= 1)
    home.close()
    assert loop.run(shown(second.take())) == function.server._entrance.keys[0].public_data


@pytest.mark.parametrize("known", ["ca-certs", "ee-certs"])
def test_an_endpoint_has_certificates_of_its_own(
    start: Start, home: Home, tmp_path: Path, known: str
) -> None:
    security = Security.of(tmp_path)
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", "another")
    client = other.issue("ada")
    bags = [
        {"name": name, "certificate": [{"name": "c", "cert-data": data}]}
        for name, data in (
            ("authorities", security.authority.cert_data),
            ("others", other.cert_data if known == "ca-certs" else client.cert_data),
        )
    ]
    entry = {
        "id": 1,
        "fingerprint": fingerprint(
            other.certificate if known == "ca-certs" else client.certificate
        ),
        "map-type": "ietf-x509-cert-to-name:specified",
        "name": "ada",
    }
    own = {
        "min-version": "tls13",
        "server-identity": {"asymmetric-key": "server", "certificate": "c"},
        "client-authentication": {known: "others", "cert-maps": {"cert-to-name": [entry]}},
    }
    function = start(
        also=security.management(*bags),
        **{"nf-netconf:tls": security.tls()},
        **with_own(calling(home, transport="tls"), tls=own),
    )
    strangers = security.authority.issue("ada")
    for context in (
        client_context(security.authority.file, strangers),
        client_context(security.authority.file, client, "TLSv1_2"),
    ):
        with pytest.raises((*REFUSED, Closed)):
            home.tls(context)
    peer = home.tls(client_context(security.authority.file, client))
    peer.ok(peer.edit("<name>by another</name>"))

    assert state(function)["connections"] == 1


def test_a_key_of_an_endpoint_that_does_not_serve_is_refused_with_its_path(
    start: Start, home: Home, tmp_path: Path
) -> None:
    security = Security.of(tmp_path)
    function = start(also=security.management(), **calling(home))
    twin = {**security.key(), "name": "twin", "cleartext-private-key": ec_key()}
    twin.pop("certificates")
    tree = function.core.get_config(INTERNAL, "running").copy()
    keys = f"{MANAGEMENT}/nf-credentials:keystore/asymmetric-keys/asymmetric-key[name='twin']"
    endpoint = (
        f"{MANAGEMENT}/netconf/nf-netconf:call-home/netconf-client[name='home']/endpoints"
        "/endpoint[name='e0']"
    )
    tree.set(f"{keys}/cleartext-private-key", twin["cleartext-private-key"])
    for name in ("server", "twin"):
        tree.set(f"{endpoint}/ssh-host-key[.='{name}']", None)
    with pytest.raises(RpcErrors) as refused:
        function.core.copy_config(INTERNAL, wrapped(tree.to_xml()), "running")

    assert refused.value.errors[0].app_tag == "host-key"
    assert refused.value.errors[0].path == f"{endpoint}/ssh-host-key"


def ec_key() -> str:
    return encoded(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
