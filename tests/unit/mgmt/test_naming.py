"""Short paths for people, and the edits that delete what they name."""

import pytest

from nf.errors import ConfigurationError
from nf.mgmt.answering import edit_of
from nf.mgmt.naming import Names
from nf.mgmt.paths import parse, spelled_out

NODES = [
    {"path": "/p:probe", "keys": []},
    {"path": "/p:probe/id", "keys": []},
    {"path": "/p:probe/c:capture", "keys": []},
    {"path": "/p:probe/c:capture/filter", "keys": []},
    {"path": "/p:probe/c:capture/interface", "keys": ["name"]},
    {"path": "/p:probe/c:capture/interface/promiscuous", "keys": []},
    {"path": "/p:probe/c:capture/pair", "keys": ["a", "b"]},
    {"path": "/p:probe/c:capture/path", "keys": []},
    {"path": "/p:probe/c:capture/source", "kind": "choice"},
    {"path": "/p:probe/c:capture/source/file", "kind": "case"},
    {"path": "/p:probe/c:capture/source/file/follow", "kind": "leaf"},
    {"path": "/p:probe/c:capture/source/d:dpdk", "kind": "case"},
    {"path": "/p:probe/c:capture/source/d:dpdk/ports", "kind": "list", "keys": ["n"]},
    {"path": "/p:probe/c:capture/source/d:dpdk/ports/speed", "kind": "leaf"},
    {"path": "/s:system", "keys": []},
    {"path": "/s:system/name", "keys": []},
]


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("id", "/p:probe/id"),
        ("/probe/id", "/p:probe/id"),
        ("/p:probe/id/", "/p:probe/id"),
        ("capture/filter", "/p:probe/c:capture/filter"),
        ("c:capture/filter", "/p:probe/c:capture/filter"),
        ("system/name", "/s:system/name"),
        ("capture/follow", "/p:probe/c:capture/follow"),
        ("capture/ports[1]/speed", "/p:probe/c:capture/d:ports[n='1']/speed"),
        ("capture/interface[eth0]", "/p:probe/c:capture/interface[name='eth0']"),
        (
            "capture/interface[name='eth0']/promiscuous",
            "/p:probe/c:capture/interface[name='eth0']/promiscuous",
        ),
        ("capture/interface['a/b]']", "/p:probe/c:capture/interface[name='a/b]']"),
        ("capture/pair[1][2]", "/p:probe/c:capture/pair[a='1'][b='2']"),
        ("capture/path[/x/y.pcap]", "/p:probe/c:capture/path[.='/x/y.pcap']"),
    ],
)
def test_modules_root_and_names_of_keys_may_be_left_out(short: str, full: str) -> None:
    assert Names(NODES).path(short) == full


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [("capture/filtre", "capture/filter"), ("capture//filter", "names"), ("sytem/name", "system")],
)
def test_what_is_not_there_is_refused_with_what_is_near(wrong: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        Names(NODES).path(wrong)
    assert hint in told.value.hint


def test_keys_that_a_list_does_not_have_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="keys"):
        Names(NODES).path("capture/interface[a][b]")


def test_an_edit_deletes_the_last_node_and_nothing_above() -> None:
    path = "/p:probe/c:capture/interface[name='a<b']/promiscuous"
    edit = edit_of(parse(path), {"p": "urn:p", "c": "urn:c"})
    assert edit == (
        '<probe xmlns="urn:p"><capture xmlns="urn:c"><interface><name>a&lt;b</name>'
        '<promiscuous xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete">'
        "</promiscuous></interface></capture></probe>"
    )


def test_an_entry_of_a_leaf_list_is_deleted_by_its_value() -> None:
    edit = edit_of(parse("/p:probe/c:path[.='/x']"), {"p": "urn:p", "c": "urn:c"})
    assert 'nc:operation="delete">/x</path>' in edit


def test_a_path_for_xml_has_the_module_before_every_name() -> None:
    path = "/p:probe/c:capture/interface[name='eth0']/mtu/list[.=\"it's\"]"

    assert spelled_out(path) == (
        "/p:probe/c:capture/c:interface[c:name='eth0']/c:mtu/c:list[.=\"it's\"]"
    )
