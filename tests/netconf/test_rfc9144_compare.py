"""Comparing datastores: RFC 9144."""

import pytest
from lxml import etree

from nf.mgmt.netconf.alone import Alone
from tests.netconf.peer import BOX, Peer

CMP = "urn:ietf:params:xml:ns:yang:ietf-nmda-compare"
DS = "urn:ietf:params:xml:ns:yang:ietf-datastores"
ORIGIN = "{urn:ietf:params:xml:ns:yang:ietf-origin}origin"
NS = {"c": CMP, "t": BOX}
ONLY_BOX = f'<subtree-filter><box xmlns="{BOX}"/></subtree-filter>'


def compare(source: str, target: str, more: str = ONLY_BOX) -> str:
    return (
        f'<compare xmlns="{CMP}" xmlns:d="{DS}"><source>d:{source}</source>'
        f"<target>d:{target}</target>{more}</compare>"
    )


def differences(peer: Peer, request: str) -> list[tuple[str, str, str, str]]:
    reply = peer.rpc(request)
    assert reply.find("c:differences/c:yang-patch/c:patch-id", NS) is not None, etree.tostring(
        reply
    )

    def text(edit: etree._Element, name: str) -> str:
        node = edit.find(f"c:{name}", NS)
        return "" if node is None else "".join(str(one) for one in node.itertext())

    return [
        (text(one, "operation"), text(one, "target"), text(one, "value"), text(one, "source-value"))
        for one in reply.iterfind(".//c:edit", NS)
    ]


def test_what_the_candidate_would_change_is_told_with_what_was_there(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name><hidden>h</hidden>"))
    ada.ok(
        ada.edit(
            '<name>y</name><hidden nc:operation="delete"/><port><name>a</name></port>', "candidate"
        )
    )

    assert set(differences(ada, compare("running", "candidate"))) == {
        ("replace", "/nf-test:box/name", "y", "x"),
        ("delete", "/nf-test:box/hidden", "", "h"),
        ("create", "/nf-test:box/port=a", "a1500", ""),
    }
    assert ("replace", "/nf-test:box/name", "x", "y") in differences(
        ada, compare("candidate", "running")
    )


def test_equal_datastores_have_no_differences(ada: Peer) -> None:
    ada.ok("<copy-config><target><startup/></target><source><running/></source></copy-config>")

    assert differences(ada, compare("running", "startup", "")) == []


def test_a_filter_says_what_is_compared(ada: Peer) -> None:
    ada.ok(ada.edit("<name>y</name><low>2</low>", "candidate"))
    where = f'<xpath-filter xmlns:t="{BOX}">/t:box/t:low</xpath-filter>'

    assert differences(ada, compare("running", "candidate", where)) == [
        ("replace", "/nf-test:box/low", "2", "1")
    ]


def test_a_filter_that_selects_nothing_is_told(ada: Peer) -> None:
    where = f"<xpath-filter xmlns:t=\"{BOX}\">/t:box/t:port[t:name='z']</xpath-filter>"
    reply = ada.rpc(compare("running", "candidate", where))

    assert [one.tag for one in reply] == [f"{{{CMP}}}no-matches"]


def test_state_is_compared_only_if_it_is_asked_for(ada: Peer, function: Alone) -> None:
    class Uptime:
        def top(self) -> str:
            return "nf-test:box"

        def get(self) -> dict[str, object]:
            return {"nf-test:box": {"uptime": 5}}

    function.core.state.register(Uptime())

    assert differences(ada, compare("running", "operational")) == []
    assert differences(ada, compare("running", "operational", f"<all/>{ONLY_BOX}")) == [
        ("create", "/nf-test:box/uptime", "5", "")
    ]


def test_origins_are_told_if_they_are_asked_for(ada: Peer) -> None:
    ada.ok(ada.edit("<name>y</name><low>2</low>", "candidate"))
    ada.ok(ada.edit("<name>x</name>"))
    reply = ada.rpc(compare("candidate", "operational", f"<report-origin/>{ONLY_BOX}"))
    origins = {
        etree.QName(one).localname: one.get(ORIGIN) for one in reply.iterfind(".//c:value/*", NS)
    }

    assert origins == {"name": "or:intended", "low": "or:default"}


def test_what_a_user_may_not_read_is_not_compared(ada: Peer, connect: object) -> None:
    ada.ok(ada.edit("<hidden>h</hidden>", "candidate"))
    bob = connect("bob")  # type: ignore[operator]

    assert differences(ada, compare("running", "candidate")) != []
    assert differences(bob, compare("running", "candidate")) == []


@pytest.mark.parametrize(
    ("request_text", "tag"),
    [
        (compare("running", "running"), "invalid-value"),
        (compare("running", "intended"), "invalid-value"),
        (compare("running", "candidate", "<report-origin/>"), "invalid-value"),
        (f'<compare xmlns="{CMP}"/>', "missing-element"),
        (compare("running", "candidate", "<nonsense/>"), "unknown-element"),
        (compare("running", "candidate", "<xpath-filter>/x[</xpath-filter>"), "invalid-value"),
    ],
)
def test_a_wrong_request_is_refused(ada: Peer, request_text: str, tag: str) -> None:
    assert ada.refused(request_text).tag == tag
