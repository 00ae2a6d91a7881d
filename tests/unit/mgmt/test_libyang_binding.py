"""libyang's Python face: one call of each kind; nf/mgmt/libyang/tests has the rest."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nf._native.yang import Context, Tree
from nf.errors import NfError, YangError

MODULES = Path(__file__).parents[3] / "nf" / "mgmt" / "libyang" / "tests" / "yang"
EDIT = (
    b"<config xmlns:nc='urn:ietf:params:xml:ns:netconf:base:1.0'>"
    b"<zoo xmlns='urn:example:zoo'>%s</zoo></config>"
)


@pytest.fixture(scope="module")
def zoo() -> Context:
    return Context([str(MODULES)], [("zoo-types", []), ("zoo", ["*"])])


@pytest.fixture
def tree(zoo: Context) -> Tree:
    return zoo.parse(b'{"zoo:zoo": {"name": "A", "limit": 3}}', "json")


def test_an_edit_says_what_changed_and_its_reverse_leads_back(tree: Tree) -> None:
    before = tree.to_xml()

    diff = tree.edit(EDIT % b"<limit nc:operation='delete'/><name>B</name>")

    assert sorted(diff.changes()) == [
        ("delete", "/zoo:zoo/limit", None, "3"),
        ("replace", "/zoo:zoo/name", "B", "A"),
    ]
    assert tree.to_data(defaults=False) == {"zoo:zoo": {"name": "B"}}
    tree.apply(diff.reversed())
    assert tree.to_xml() == before


def test_what_is_refused_says_tag_path_and_app_tag(tree: Tree) -> None:
    before = tree.to_xml()

    with pytest.raises(YangError, match="a percentage is at most 100") as caught:
        tree.edit(EDIT % b"<limit>9</limit><share>101</share>")

    (problem,) = caught.value.errors
    assert isinstance(caught.value, NfError)
    assert (problem.tag, problem.path) == ("invalid-value", "/zoo:zoo/share")
    assert problem.app_tag == "not-a-percentage"
    assert caught.value.place == "/zoo:zoo/share"
    assert caught.value.diff is None
    assert tree.to_xml() == before


def test_an_edit_that_goes_on_after_an_error_says_what_it_did(tree: Tree) -> None:
    with pytest.raises(YangError) as caught:
        tree.edit(EDIT % b"<share>101</share><name>B</name>", error_option="continue-on-error")

    assert caught.value.diff is not None
    assert caught.value.diff.changes() == [("replace", "/zoo:zoo/name", "B", "A")]
    assert tree.get("/zoo:zoo/name") == "B"


def test_validation_lists_every_problem_and_says_which_defaults_came(tree: Tree) -> None:
    assert ("create", "/zoo:zoo/share", "50", None) in tree.validate().changes()
    tree.edit(
        EDIT % b"<limit>0</limit><favourite>x</favourite><enclosure><name>a</name></enclosure>"
    )

    with pytest.raises(YangError) as caught:
        tree.validate()

    tags = {(problem.tag, problem.app_tag) for problem in caught.value.errors}
    assert tags == {
        ("data-missing", "instance-required"),
        ("operation-failed", "too-many-enclosures"),
    }


def test_a_wrong_word_for_an_option_is_a_value_error(zoo: Context, tree: Tree) -> None:
    with pytest.raises(ValueError, match="yaml"):
        zoo.parse(b"", "yaml")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="create"):
        tree.edit(b"", default_operation="create")  # type: ignore[arg-type]


def test_schema_nodes_are_dictionaries(zoo: Context) -> None:
    share = next(node for node in zoo.nodes("zoo") if node["path"] == "/zoo:zoo/share")

    assert share["type"] == "uint8"
    assert share["typedef"] == "percent"
    assert share["range"] == "0..100"
    assert share["default"] == "50"
    assert share["extensions"] == [{"name": "zt:reset", "argument": "flows"}]


def test_an_operation_has_input_and_is_answered(zoo: Context) -> None:
    call = zoo.parse_operation(b"<close xmlns='urn:example:zoo'><reason>late</reason></close>")

    assert (call.path, call.target, call.input()) == ("/zoo:close", "", {"zoo:reason": "late"})
    assert call.reply({"visitors": 2}) == b'<visitors xmlns="urn:example:zoo">2</visitors>'


def test_one_tree_may_be_used_by_several_threads_at_once(zoo: Context) -> None:
    shared = zoo.empty()

    def add(name: int) -> int:
        shared.edit(EDIT % (b"<enclosure><name>%d</name></enclosure>" % name))
        copy = shared.copy()
        shared.merge(copy)
        return len(shared.diff(copy).changes())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(100)))

    assert len(shared.find("/zoo:zoo/enclosure")) == 100
