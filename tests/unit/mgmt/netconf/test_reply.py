"""Replies and errors as XML (RFC 6241 section 4.3)."""

from datetime import UTC, datetime

import pytest
from lxml import etree

from nf.mgmt.netconf.names import BASE
from nf.mgmt.netconf.reply import complete, errors, notification, reply_to
from nf.mgmt.rpc_error import RpcError

NAMESPACES = {"mod-a": "urn:a", "mod-b": "urn:b"}
NS = {"nc": BASE}


def shown(error: RpcError) -> etree._Element:
    """The error as a client reads it."""
    reply = etree.fromstring(reply_to(None, errors([error], NAMESPACES)))
    [only] = reply
    return only


def test_an_error_has_its_parts_in_the_order_of_the_schema() -> None:
    error = RpcError(
        "application",
        "invalid-value",
        "no <good>",
        "/mod-a:box/leaf",
        "my-tag",
        info=(("bad-element", "leaf"), ("session-id", "4")),
    )

    assert [etree.QName(part).localname for part in shown(error)] == [
        "error-type",
        "error-tag",
        "error-severity",
        "error-app-tag",
        "error-path",
        "error-message",
        "error-info",
    ]
    assert shown(error).findtext("nc:error-message", namespaces=NS) == "no <good>"
    assert shown(error).findtext("nc:error-info/nc:session-id", namespaces=NS) == "4"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/mod-a:box/leaf", "/mod-a:box/mod-a:leaf"),
        ("/mod-a:box/mod-b:part/leaf", "/mod-a:box/mod-b:part/mod-b:leaf"),
        (
            "/mod-a:l[k='x/y:z'][m=\"q'\"]/leaf",
            "/mod-a:l[mod-a:k='x/y:z'][mod-a:m=\"q'\"]/mod-a:leaf",
        ),
        ("/mod-a:l[3]/leaf", "/mod-a:l[3]/mod-a:leaf"),
        ("/mod-a:leaves[.='x']", "/mod-a:leaves[.='x']"),
    ],
)
def test_every_name_of_a_path_has_a_prefix_that_is_declared(path: str, expected: str) -> None:
    found = shown(RpcError("application", "data-missing", "x", path)).find("nc:error-path", NS)

    assert found is not None
    assert found.text == expected
    for module in ("mod-a", "mod-b"):
        if f"{module}:" in expected:
            assert found.nsmap[module] == NAMESPACES[module]


def test_what_xml_cannot_say_is_replaced() -> None:
    error = shown(RpcError("rpc", "malformed-message", "a\x00b\ud800c\x1b"))

    assert error.findtext("nc:error-message", namespaces=NS) == "a\ufffdb\ufffdc\ufffd"


def test_what_yang_defines_of_an_error_is_in_the_namespace_of_yang() -> None:
    error = shown(RpcError("protocol", "operation-failed", "x", info=(("non-unique", "/a"),)))

    assert error.find("nc:error-info/{urn:ietf:params:xml:ns:yang:1}non-unique", NS) is not None


def test_a_reply_has_attributes_with_the_prefixes_of_the_request() -> None:
    rpc = etree.fromstring(
        f'<n:rpc xmlns:n="{BASE}" xmlns:x="urn:x" xmlns:y="urn:y" message-id="1" x:a="2"'
        ' xml:lang="de"/>'.encode()
    )
    reply = etree.fromstring(reply_to(rpc, b"<ok/>"))

    assert dict(reply.attrib) == {
        "message-id": "1",
        "{urn:x}a": "2",
        "{http://www.w3.org/XML/1998/namespace}lang": "de",
    }
    assert reply.nsmap == {None: BASE, "x": "urn:x"}
    assert reply[0].tag == f"{{{BASE}}}ok"


@pytest.mark.parametrize("number", ["1", "", "\"'<&>", "a\tb\nc\rd", "\u20ac\U0001f600"])
def test_a_reply_has_the_message_id_of_its_request(number: str) -> None:
    rpc = etree.Element(f"{{{BASE}}}rpc", {"message-id": number})
    reply = etree.fromstring(reply_to(rpc, b"<ok/>"))

    assert dict(reply.attrib) == {"message-id": number}
    assert reply.tag == f"{{{BASE}}}rpc-reply"
    assert reply.nsmap == {None: BASE}


def test_a_notification_has_its_time_first() -> None:
    when = datetime(2026, 11, 28, 12, 0, 0, 5000, tzinfo=UTC)
    message = etree.fromstring(notification(when, complete("replayComplete")))

    assert message[0].text == "2026-11-28T12:00:00.005000Z"
    assert message[1].tag == "{urn:ietf:params:xml:ns:netmod:notification}replayComplete"
