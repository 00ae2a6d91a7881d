"""The schema as one tree, which all front ends and access control read."""

from pathlib import Path

import pytest

from nf._native.yang import Context
from nf.mgmt.core import Core
from nf.mgmt.guarding import guarded
from nf.mgmt.netconf.service import modules_of
from nf.mgmt.paths import parse
from nf.mgmt.schema_nodes import SchemaTree

ZOO = Path(__file__).parents[3] / "nf" / "mgmt" / "libyang" / "tests" / "yang"


@pytest.fixture(scope="module")
def zoo() -> SchemaTree:
    modules = [("zoo-types", []), ("zoo", ["*"]), ("zoo-garden", [])]
    return SchemaTree(Context([str(ZOO)], modules))


def test_operations_are_told_apart_from_data(zoo: SchemaTree) -> None:
    ours = [node for node in zoo.operations if node.module == "zoo"]

    assert {(node.kind, node.path) for node in ours} == {
        ("rpc", "/zoo:close"),
        ("action", "/zoo:zoo/enclosure/feed"),
        ("notification", "/zoo:escaped"),
    }
    assert {node.qualified for node in zoo.root.children if node.module == "zoo"} == {"zoo:zoo"}
    enclosure = zoo.find("/zoo:zoo/enclosure")
    assert enclosure is not None
    assert not enclosure.named("zoo", "feed")


def test_choices_and_cases_are_no_steps_of_a_path(zoo: SchemaTree) -> None:
    bales = zoo.find("/zoo:zoo/hay/bales")

    assert bales is not None
    assert bales.path == "/zoo:zoo/hay/bales"
    assert zoo.find("/zoo:zoo/food") is None


def test_what_operations_carry_is_neither_data_nor_a_border_of_modules(core: Core) -> None:
    protected = guarded(core.schema)

    # ietf-netconf-acm denies all of itself, nf-test one leaf; both deny operations.
    assert set(protected.no_access) == {
        parse("/ietf-netconf-acm:nacm"),
        parse("/nf-test:box/hidden"),
    }
    assert ("nf-test", "destroy") in protected.operations
    assert ("nf-test", "echo") not in protected.operations
    assert protected.borders == ()


def test_a_node_of_another_module_is_a_border(zoo: SchemaTree) -> None:
    borders = guarded(zoo).borders

    assert borders
    assert all(path.startswith("/zoo:zoo/zoo-garden:") for path in borders)


def test_every_rpc_has_its_namespace_and_nothing_else_is_called(core: Core) -> None:
    operations = modules_of(core.schema).operations

    assert ("urn:nf:test", "echo") in operations
    assert ("urn:ietf:params:xml:ns:netconf:base:1.0", "get-config") in operations
    assert "reset" not in {name for _, name in operations}
