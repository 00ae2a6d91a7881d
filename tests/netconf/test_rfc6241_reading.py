"""get and get-config (RFC 6241 sections 6, 7.1, 7.7, 8.9)."""

import pytest
from lxml import etree

from tests.netconf.conftest import Connect
from tests.netconf.peer import BASE, BOX, NS, Peer

PORTS = "<port><name>a</name><mtu>100</mtu></port><port><name>b</name></port>"


def config(source: str, filtering: str = "") -> str:
    return f"<get-config><source><{source}/></source>{filtering}</get-config>"


def subtree(content: str) -> str:
    return f'<filter type="subtree">{content}</filter>'


def texts(data: etree._Element, path: str) -> list[str]:
    return [found.text or "" for found in data.iterfind(path, NS)]


def test_every_attribute_of_the_rpc_is_in_the_reply(ada: Peer) -> None:
    reply = ada.rpc("<get><filter/></get>", 'xmlns:ex="urn:ex" ex:user-id="fred" plain="a&lt;b"')

    assert reply.get("{urn:ex}user-id") == "fred"
    assert reply.get("plain") == "a<b"


def test_the_running_configuration_is_given(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>"))

    data = ada.data(config("running"))
    assert texts(data, "t:box/t:name") == ["x"]
    assert data.find("{urn:ietf:params:xml:ns:yang:ietf-system}system") is not None


def test_an_empty_filter_selects_nothing(ada: Peer) -> None:
    assert len(ada.data(config("running", subtree("")))) == 0
    assert len(ada.data("<get><filter/></get>")) == 0


def test_a_selection_node_selects_one_node(ada: Peer) -> None:
    ada.ok(ada.edit(f"<name>x</name>{PORTS}"))

    data = ada.data(config("running", subtree(f'<box xmlns="{BOX}"><name/></box>')))
    assert [etree.QName(leaf).localname for leaf in data[0]] == ["name"]


def test_a_content_match_selects_one_entry(ada: Peer) -> None:
    ada.ok(ada.edit(PORTS))

    data = ada.data(
        config("running", subtree(f'<box xmlns="{BOX}"><port><name>b</name></port></box>'))
    )
    assert texts(data, "t:box/t:port/t:name") == ["b"]


def test_a_filter_without_a_match_selects_nothing(ada: Peer) -> None:
    for content in ('<box xmlns="urn:other"/>', f'<box xmlns="{BOX}"><name>no</name></box>'):
        assert len(ada.data(config("running", subtree(content)))) == 0


@pytest.mark.parametrize("prefix", ["t", "nf-test", "x", "nc"])
def test_an_xpath_may_use_any_prefix(ada: Peer, prefix: str) -> None:
    ada.ok(ada.edit(PORTS))
    expression = f"/{prefix}:box/{prefix}:port[{prefix}:name='a']/{prefix}:mtu"

    data = ada.data(
        config(
            "running",
            f'<filter xmlns:o="{BASE}" xmlns:{prefix}="{BOX}" type="xpath" select="{expression}"/>',
        )
    )
    assert texts(data, "t:box/t:port/t:mtu") == ["100"]
    assert texts(data, "t:box/t:port/t:name") == ["a"]


def test_an_xpath_is_given_with_qualified_attributes_too(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>"))
    data = ada.data(
        config(
            "running",
            f'<nc:filter xmlns:nc="{BASE}" xmlns:t="{BOX}" nc:type="xpath" nc:select="/t:box"/>',
        )
    )
    assert texts(data, "t:box/t:name") == ["x"]


@pytest.mark.parametrize(
    ("attributes", "tag"),
    [
        ('type="xpath" select="/q:box"', "invalid-value"),
        ('type="xpath" select="/t:box["', "invalid-value"),
        ('type="xpath" select="1 + 1"', "invalid-value"),
        ('type="xpath" select=""', "invalid-value"),
        ('type="xpath"', "missing-attribute"),
        ('type="regex"', "bad-attribute"),
    ],
)
def test_a_filter_that_is_none_is_refused(ada: Peer, attributes: str, tag: str) -> None:
    refusal = ada.refused(config("running", f'<filter xmlns:t="{BOX}" {attributes}/>'))

    assert refusal.tag == tag
    assert refusal.info["bad-element"] == "filter"


def test_get_has_configuration_and_state(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>"))
    data = ada.data("<get/>")

    assert texts(data, "t:box/t:name") == ["x"]
    assert str(ada.session_id) in texts(data, "m:netconf-state/m:sessions/m:session/m:session-id")


def test_candidate_and_startup_are_given(ada: Peer) -> None:
    ada.ok(ada.edit("<name>soon</name>", "candidate"))

    assert ada.box("candidate")["name"] == "soon"
    assert "name" not in ada.box("running")
    assert len(ada.data(config("startup"))) == 0


@pytest.mark.parametrize(
    ("operation", "tag", "element"),
    [
        ("<get-config/>", "missing-element", "source"),
        ("<get-config><source/></get-config>", "missing-element", "source"),
        ("<get-config><source><other/></source></get-config>", "unknown-element", "other"),
        (
            '<get-config><source><running xmlns="urn:x"/></source></get-config>',
            "unknown-namespace",
            "running",
        ),
        (
            "<get-config><source><url>file:///etc/passwd</url></source></get-config>",
            "unknown-element",
            "url",
        ),
        (
            "<get-config><source><running/></source><more/></get-config>",
            "unknown-element",
            "more",
        ),
        ("<get><filter/><filter/></get>", "bad-element", "filter"),
    ],
)
def test_a_wrong_parameter_is_named(ada: Peer, operation: str, tag: str, element: str) -> None:
    refusal = ada.refused(operation)

    assert (refusal.type, refusal.tag, refusal.severity) == ("protocol", tag, "error")
    assert refusal.info["bad-element"] == element


def test_what_a_user_may_not_read_is_left_out(ada: Peer, connect: Connect) -> None:
    ada.ok(ada.edit("<name>x</name><hidden>y</hidden>"))

    assert ada.box()["hidden"] == "y"
    assert connect("bob").box() == {"name": "x"}
