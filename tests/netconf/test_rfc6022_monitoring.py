"""What the server tells of itself: RFC 6022, RFC 8525."""

import re
from pathlib import Path

import asyncssh
import pytest
from lxml import etree

from nf._native.yang import Context
from nf.mgmt.netconf.alone import Alone
from tests.netconf.conftest import Connect
from tests.netconf.peer import MONITORING, NS, Peer

LIBRARY = "urn:ietf:params:xml:ns:yang:ietf-yang-library"


def schema(content: str) -> str:
    return f'<get-schema xmlns="{MONITORING}">{content}</get-schema>'


def monitoring(peer: Peer, content: str = "") -> etree._Element:
    return peer.data(
        f'<get><filter><netconf-state xmlns="{MONITORING}">{content}</netconf-state></filter></get>'
    )


def test_the_capabilities_are_those_of_the_hello(ada: Peer) -> None:
    listed = monitoring(ada, "<capabilities/>").iterfind(".//m:capability", NS)

    assert [one.text for one in listed] == ada.capabilities


def test_a_lock_is_shown_with_its_holder(ada: Peer) -> None:
    ada.ok("<lock><target><candidate/></target></lock>")
    data = monitoring(ada, "<datastores/>")

    names = [one.text for one in data.iterfind(".//m:datastore/m:name", NS)]
    assert names == ["running", "candidate", "startup"]
    [held] = data.iterfind(".//m:global-lock", NS)
    assert held.findtext("m:locked-by-session", namespaces=NS) == str(ada.session_id)
    assert held.findtext("m:locked-time", namespaces=NS)


def test_sessions_are_shown_with_what_they_did(ada: Peer, connect: Connect) -> None:
    bob = connect("bob")
    bob.refused("<nonsense/>")
    bob.send_message(b"<broken")
    bob.receive()
    data = monitoring(
        ada, f"<sessions><session><session-id>{bob.session_id}</session-id></session></sessions>"
    )
    [session] = data.iterfind(".//m:session", NS)

    def text(name: str) -> str | None:
        return session.findtext(f"m:{name}", namespaces=NS)

    assert text("transport") == "netconf-ssh"
    assert text("username") == "bob"
    assert text("source-host") == "127.0.0.1"
    assert text("login-time")
    assert [text(f"{name}") for name in ("in-rpcs", "in-bad-rpcs", "out-rpc-errors")] == [
        "1",
        "1",
        "2",
    ]


def test_statistics_count_all_sessions(ada: Peer, connect: Connect) -> None:
    other = connect()
    other.ok("<close-session/>")
    assert other.closed_by_server()
    data = monitoring(ada, "<statistics/>")

    assert data.findtext(".//m:in-sessions", namespaces=NS) == "2"
    assert data.findtext(".//m:in-rpcs", namespaces=NS) == "2"
    assert data.findtext(".//m:in-bad-hellos", namespaces=NS) == "0"
    assert data.findtext(".//m:netconf-start-time", namespaces=NS)


def test_every_schema_that_is_listed_can_be_had(ada: Peer) -> None:
    data = monitoring(ada, "<schemas/>")
    listed = [
        tuple(one.findtext(f"m:{name}", namespaces=NS) for name in ("identifier", "version"))
        for one in data.iterfind(".//m:schema", NS)
        if (one.findtext("m:format", namespaces=NS) or "").endswith("yang")
    ]

    assert ("nf-probe", "2026-11-28") in listed
    for name, version in listed:
        text = ada.data(schema(f"<identifier>{name}</identifier><version>{version}</version>")).text
        assert text is not None
        assert re.search(rf"(sub)?module\s+{name}\s*{{", text)


def test_a_schema_that_was_had_is_valid_yang(ada: Peer, tmp_path: Path) -> None:
    names = ("nf-probe", "nf-types")
    for name in names:
        text = ada.data(schema(f"<identifier>{name}</identifier>")).text or ""
        (tmp_path / f"{name}.yang").write_text(text)
    ietf = Path(__file__).parents[2] / "yang" / "ietf"
    # Loading is what the peers of a network function do with it.
    loaded = Context([str(tmp_path), str(ietf)], [(name, []) for name in names])
    assert {one["name"] for one in loaded.modules() if one["implemented"]} >= set(names)


def test_yin_can_be_had(ada: Peer) -> None:
    text = ada.data(
        schema(f'<identifier>nf-types</identifier><format xmlns:m="{MONITORING}">m:yin</format>')
    ).text

    root = etree.fromstring((text or "").encode())
    assert root.tag == "{urn:ietf:params:xml:ns:yang:yin:1}module"
    assert root.get("name") == "nf-types"


@pytest.mark.parametrize(
    ("content", "tag"),
    [
        ("<identifier>no-such</identifier>", "invalid-value"),
        ("<identifier>nf-probe</identifier><version>1999-01-01</version>", "invalid-value"),
        ("<identifier>nf-probe</identifier><format>xsd</format>", "invalid-value"),
        ("<identifier>../../etc/passwd</identifier>", "invalid-value"),
        ("", "missing-element"),
    ],
)
def test_a_schema_that_is_not_there_is_refused(ada: Peer, content: str, tag: str) -> None:
    assert ada.refused(schema(content)).tag == tag


def test_the_library_is_there_and_has_the_content_id_of_the_hello(
    ada: Peer, function: Alone
) -> None:
    data = ada.data(f'<get><filter><yang-library xmlns="{LIBRARY}"/></filter></get>')
    ns = {"y": LIBRARY}

    assert (
        data.findtext("y:yang-library/y:content-id", namespaces=ns)
        == function.core.context.content_id()
    )
    names = {one.text for one in data.iterfind(".//y:module/y:name", ns)}
    assert {"nf-probe", "ietf-system", "ietf-netconf"} <= names
    stores = [one.text or "" for one in data.iterfind(".//y:datastore/y:name", ns)]
    assert sorted(one.partition(":")[2] for one in stores) == [
        "candidate",
        "operational",
        "running",
        "startup",
    ]


def test_the_host_key_is_shown_as_openssh_shows_it(ada: Peer, function: Alone) -> None:
    data = ada.data(
        '<get><filter><probe xmlns="urn:nf:yang:nf-probe"><management><netconf><host-key/>'
        "</netconf></management></probe></filter></get>"
    )
    ns = {"p": "urn:nf:yang:nf-probe"}

    assert data.findtext(".//p:algorithm", namespaces=ns) == "ssh-ed25519"
    fingerprint = data.findtext(".//p:fingerprint", namespaces=ns)
    key = asyncssh.import_private_key(function.credentials.current.ssh.private)
    assert fingerprint == key.get_fingerprint()
    assert str(fingerprint).startswith("SHA256:")
