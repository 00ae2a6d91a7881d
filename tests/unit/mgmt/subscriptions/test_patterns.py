"""Patterns walked over data: names, wildcards, keys."""

import pytest

from nf.mgmt.schema_nodes import SchemaNode
from nf.mgmt.subscriptions.patterns import (
    Element,
    Instance,
    everything,
    leaves,
    nodes_of,
    select,
)


def node(name: str, kind: str, *children: SchemaNode, keys: tuple[str, ...] = ()) -> SchemaNode:
    made = SchemaNode(name, "m", kind, config=True, keys=keys, member=name)
    for child in children:
        child.parent = made
        made.children.append(child)
    return made


@pytest.fixture
def root() -> SchemaNode:
    port = node("port", "list", node("name", "leaf"), node("mtu", "leaf"), keys=("name",))
    top = node("box", "container", node("name", "leaf"), port)
    made = SchemaNode("", "", "container", config=True)
    made.children.append(top)
    top.member = "m:box"
    return made


DATA = {"m:box": {"name": "x", "port": [{"name": "a", "mtu": 1}, {"name": "b", "mtu": 2}]}}


def found(root: SchemaNode, *pattern: Element) -> list[str]:
    return [shown(one) for one in select(root, DATA, pattern)]


def shown(one: Instance) -> str:
    return "/" + "/".join(
        step.name + "".join(f"[{key}]" for key in keys) for step, keys in one.place
    )


def test_a_name_selects_a_node(root: SchemaNode) -> None:
    assert found(root, Element("box"), Element("name")) == ["/box/name"]
    assert found(root, Element("box", "m")) == ["/box"]
    assert found(root, Element("box", "other")) == []


def test_missing_keys_stand_for_all(root: SchemaNode) -> None:
    assert found(root, Element("box"), Element("port")) == ["/box/port[a]", "/box/port[b]"]
    one = Element("port", None, (("name", "b"),))
    assert found(root, Element("box"), one, Element("mtu")) == ["/box/port[b]/mtu"]
    assert len(found(root, Element("box"), Element("port", None, (("name", "*"),)))) == 2


def test_stars_and_dots_stand_for_elements(root: SchemaNode) -> None:
    assert found(root, Element("*"), Element("name")) == ["/box/name"]
    assert found(root, Element("..."), Element("name")) == [
        "/box/name",
        "/box/port[a]/name",
        "/box/port[b]/name",
    ]
    assert len(found(root, Element("..."))) == 9  # the root, too
    assert len(found(root, Element("..."), Element("..."), Element("mtu"))) == 2


def test_the_empty_pattern_is_the_root(root: SchemaNode) -> None:
    assert found(root) == ["/"]


def test_schema_nodes_are_found_without_data(root: SchemaNode) -> None:
    names = [one.name for one in nodes_of(root, (Element("..."), Element("mtu")))]

    assert names == ["mtu"]


def test_leaves_stop_at_a_depth(root: SchemaNode) -> None:
    box = next(select(root, DATA, (Element("box"),)))

    assert [shown(one) for one in leaves(box, everything, 1)] == ["/box/name"]
    assert len(list(leaves(box, everything, 2))) == 5
    assert len(list(leaves(box, everything))) == 5


def test_a_value_of_another_shape_selects_nothing(root: SchemaNode) -> None:
    assert list(select(root, {"m:box": "text"}, (Element("box"), Element("name")))) == []
