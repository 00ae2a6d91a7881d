"""get-data and edit-data (RFC 8526), and with-defaults (RFC 6243)."""

import pytest
from lxml import etree

from tests.netconf.peer import BOX, Peer

NMDA = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"
STORES = "urn:ietf:params:xml:ns:yang:ietf-datastores"
ORIGIN = "urn:ietf:params:xml:ns:yang:ietf-origin"
DEFAULTS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
TAGGED = "urn:ietf:params:xml:ns:netconf:default:1.0"
NS = {"t": BOX, "d": NMDA, "m": "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"}


def get(content: str, store: str = "ds:operational") -> str:
    return (
        f'<get-data xmlns="{NMDA}" xmlns:ds="{STORES}" xmlns:t="{BOX}">'
        f"<datastore>{store}</datastore>{content}</get-data>"
    )


BOX_FILTER = f'<subtree-filter><box xmlns="{BOX}"/></subtree-filter>'


def leaves(data: etree._Element) -> dict[str, str | None]:
    return {
        etree.QName(leaf).localname: leaf.text
        for leaf in data.iterfind("t:box/*", NS)
        if not len(leaf)
    }


def edit(content: str, store: str = "ds:running") -> str:
    return (
        f'<edit-data xmlns="{NMDA}" xmlns:ds="{STORES}"><datastore>{store}</datastore><config>'
        f'<box xmlns="{BOX}">{content}</box></config></edit-data>'
    )


def test_an_edit_is_seen_in_every_datastore_that_it_concerns(ada: Peer) -> None:
    ada.ok(edit("<name>x</name>"))
    for store in ("running", "candidate", "operational"):
        data = ada.data(get(BOX_FILTER, f"ds:{store}"))
        assert data.tag == f"{{{NMDA}}}data"
        assert leaves(data)["name"] == "x"
    assert len(ada.data(get(BOX_FILTER, "ds:startup"))) == 0


def test_the_candidate_is_edited(ada: Peer) -> None:
    ada.ok(edit("<name>x</name>", "ds:candidate"))

    assert leaves(ada.data(get(BOX_FILTER, "ds:running"))).get("name") is None
    ada.ok("<commit/>")
    assert leaves(ada.data(get(BOX_FILTER, "ds:running")))["name"] == "x"


def test_an_edit_with_a_mistake_changes_nothing(ada: Peer) -> None:
    assert ada.refused(edit("<name>x</name><high>999</high>")).tag == "invalid-value"
    assert ada.refused(edit("<low>9</low><high>3</high>")).app_tag == "low-above-high"
    assert ada.box() == {}


def test_operational_has_the_defaults_that_are_in_use_unless_others_are_asked_for(
    ada: Peer,
) -> None:
    ada.ok(edit("<name>x</name>"))
    trimmed = f"{BOX_FILTER}<with-defaults>trim</with-defaults>"

    assert leaves(ada.data(get(BOX_FILTER))) == {"name": "x", "low": "1", "high": "10"}
    assert leaves(ada.data(get(BOX_FILTER, "ds:running"))) == {"name": "x"}
    assert leaves(ada.data(get(trimmed))) == {"name": "x"}


def test_operational_is_not_edited(ada: Peer) -> None:
    assert ada.refused(edit("<name>x</name>", "ds:operational")).tag == "operation-not-supported"


@pytest.mark.parametrize("store", ["ds:nowhere", "running", "t:running", "q:running", ""])
def test_a_datastore_that_is_none_is_refused(ada: Peer, store: str) -> None:
    refusal = ada.refused(get("", store))

    assert refusal.tag == "invalid-value"
    assert refusal.info["bad-element"] == "datastore"


def test_configuration_and_state_can_be_told_apart(ada: Peer) -> None:
    ada.ok(edit("<name>x</name>"))
    sessions = "<m:netconf-state/>"
    both = f'<subtree-filter xmlns:m="{NS["m"]}"><t:box/>{sessions}</subtree-filter>'

    state = ada.data(get(f"{both}<config-filter>false</config-filter>"))
    config = ada.data(get(f"{both}<config-filter>true</config-filter>"))
    assert leaves(state) == {}
    assert state.find("m:netconf-state", NS) is not None
    assert leaves(config)["name"] == "x"
    assert config.find("m:netconf-state", NS) is None


def test_an_xpath_filter_selects(ada: Peer) -> None:
    ada.ok(edit("<port><name>a</name><mtu>100</mtu></port><port><name>b</name></port>"))
    data = ada.data(get("<xpath-filter>/t:box/t:port[t:name='a']</xpath-filter>", "ds:running"))

    assert [one.text for one in data.iterfind(".//t:name", NS)] == ["a"]


def test_two_filters_are_one_too_many(ada: Peer) -> None:
    assert ada.refused(get(f"{BOX_FILTER}<xpath-filter>/t:box</xpath-filter>")).tag == "bad-element"


@pytest.mark.parametrize(
    ("filtering", "depth", "expected"),
    [
        ("", 1, ""),
        (BOX_FILTER, 1, ""),
        (BOX_FILTER, 2, "<box><name>x</name><port><name>a</name></port></box>"),
        (
            "<xpath-filter>/t:box/t:port</xpath-filter>",
            1,
            "<box><port><name>a</name></port></box>",
        ),
        (
            "<xpath-filter>/t:box/t:port</xpath-filter>",
            2,
            "<box><port><name>a</name><mtu>100</mtu></port></box>",
        ),
        (
            f'<subtree-filter><box xmlns="{BOX}"><name/><port><mtu/></port></box></subtree-filter>',
            1,
            "<box><name>x</name><port><name>a</name><mtu>100</mtu></port></box>",
        ),
    ],
)
def test_depth_is_counted_from_what_the_filter_selects(
    ada: Peer, filtering: str, depth: int, expected: str
) -> None:
    ada.ok(edit("<name>x</name><port><name>a</name><mtu>100</mtu></port>"))
    data = ada.data(get(f"{filtering}<max-depth>{depth}</max-depth>", "ds:running"))
    boxes = data.findall("t:box", NS)
    for box in boxes:
        etree.cleanup_namespaces(box)

    # A container without presence says nothing when it is empty (RFC 7950 section 7.5.1).
    text = "".join(etree.tostring(box, with_tail=False).decode() for box in boxes)
    assert text.replace(f' xmlns="{BOX}"', "") == expected


def test_depth_may_be_unbounded_but_not_nothing(ada: Peer) -> None:
    ada.ok(edit("<port><name>a</name></port>"))
    data = ada.data(get(f"{BOX_FILTER}<max-depth>unbounded</max-depth>"))

    assert data.find(".//t:port", NS) is not None
    assert ada.refused(get("<max-depth>0</max-depth>")).tag == "invalid-value"


def test_origins_tell_what_was_set_and_what_is_a_default(ada: Peer) -> None:
    ada.ok(edit("<name>x</name>"))
    data = ada.data(get(f"{BOX_FILTER}<with-origin/>"))
    [box] = data.iterfind("t:box", NS)

    origin = box.get(f"{{{ORIGIN}}}origin")
    assert origin is not None
    prefix, _, name = origin.partition(":")
    assert (box.nsmap[prefix], name) == (ORIGIN, "intended")


def test_only_operational_has_origins(ada: Peer) -> None:
    assert ada.refused(get("<with-origin/>", "ds:running")).tag == "invalid-value"


def by_origin(origin: str, name: str = "origin-filter") -> str:
    return f'<{name} xmlns:or="{ORIGIN}">or:{origin}</{name}>'


@pytest.mark.parametrize(
    ("choice", "mode", "expected"),
    [
        (by_origin("intended"), "report-all", {"name": "x"}),
        (by_origin("default", "negated-origin-filter"), "report-all", {"name": "x"}),
        (by_origin("origin"), "report-all", {"name": "x", "low": "1", "high": "10"}),
        (
            by_origin("intended") + by_origin("default"),
            "report-all",
            {"name": "x", "low": "1", "high": "10"},
        ),
        (by_origin("learned"), "explicit", {}),
        (by_origin("origin", "negated-origin-filter"), "explicit", {}),
    ],
)
def test_configuration_is_chosen_by_its_origin(
    ada: Peer, choice: str, mode: str, expected: dict[str, str]
) -> None:
    ada.ok(edit("<name>x</name>"))
    data = ada.data(get(f"{BOX_FILTER}{choice}<with-defaults>{mode}</with-defaults>"))

    assert leaves(data) == expected


@pytest.mark.parametrize(
    ("choice", "store", "tag"),
    [
        (by_origin("default"), "ds:operational", "operation-not-supported"),
        (by_origin("nonsense"), "ds:operational", "invalid-value"),
        (by_origin("intended"), "ds:running", "invalid-value"),
        (
            by_origin("intended") + by_origin("system", "negated-origin-filter"),
            "ds:operational",
            "bad-element",
        ),
    ],
)
def test_a_choice_by_origin_that_cannot_be_is_refused(
    ada: Peer, choice: str, store: str, tag: str
) -> None:
    assert ada.refused(get(choice, store)).tag == tag


# with-defaults ----


def read(mode: str) -> str:
    return (
        f'<get-config><source><running/></source><filter><box xmlns="{BOX}"/></filter>'
        f'<with-defaults xmlns="{DEFAULTS}">{mode}</with-defaults></get-config>'
    )


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("explicit", {"name": "x", "low": "1"}),
        ("trim", {"name": "x"}),
        ("report-all", {"name": "x", "low": "1", "high": "10"}),
        ("report-all-tagged", {"name": "x", "low": "1", "high": "10"}),
    ],
)
def test_defaults_are_given_as_the_mode_says(
    ada: Peer, mode: str, expected: dict[str, str]
) -> None:
    ada.ok(ada.edit("<name>x</name><low>1</low>"))

    assert leaves(ada.data(read(mode))) == expected


def test_tags_are_on_what_has_its_default(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>"))
    box = ada.data(read("report-all-tagged"))[0]

    tagged = {
        etree.QName(leaf).localname for leaf in box if leaf.get(f"{{{TAGGED}}}default") == "true"
    }
    assert tagged == {"low", "high"}


def test_what_somebody_set_to_its_default_has_no_tag(ada: Peer) -> None:
    # RFC 6243 section 3.4: tagged is what the basic mode, here `explicit`, takes for default.
    ada.ok(ada.edit("<name>x</name><low>1</low>"))
    box = ada.data(read("report-all-tagged"))[0]

    tagged = {etree.QName(leaf).localname for leaf in box if leaf.get(f"{{{TAGGED}}}default")}
    assert tagged == {"high"}


def test_a_mode_that_is_none_is_refused(ada: Peer) -> None:
    assert ada.refused(read("some")).tag == "invalid-value"


def test_a_copy_into_a_datastore_sets_no_defaults(ada: Peer) -> None:
    refusal = ada.refused(
        "<copy-config><target><startup/></target><source><running/></source>"
        f'<with-defaults xmlns="{DEFAULTS}">report-all</with-defaults></copy-config>'
    )
    assert refusal.tag == "operation-not-supported"


def test_a_value_that_is_tagged_as_default_is_taken_as_not_set(ada: Peer) -> None:
    ada.ok(ada.edit("<high>20</high>"))
    tagged = f'<high xmlns:wd="{TAGGED}" wd:default="true">{{}}</high>'

    ada.ok(ada.edit(tagged.format(10)))
    assert ada.box() == {}
    assert ada.refused(ada.edit(tagged.format(11))).tag == "invalid-value"
