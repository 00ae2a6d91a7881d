"""What a selection reads is what `leaves` gives, however it is read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nf.mgmt.schema_nodes import SchemaNode
from nf.mgmt.subscriptions.feeds import Selection
from nf.mgmt.subscriptions.patterns import Element, everything, leaves, select


def node(name: str, kind: str, *children: SchemaNode, keys: tuple[str, ...] = ()) -> SchemaNode:
    made = SchemaNode(name, "m", kind, config=name != "b", keys=keys, member=name)
    made.children = list(children)
    for child in children:
        child.parent = made
    return made


ROOT = node(
    "",
    "container",
    node(
        "top",
        "container",
        node("a", "leaf"),
        node("b", "leaf-list"),
        node(
            "two", "list", node("k", "leaf"), node("l", "leaf"), node("b", "leaf"), keys=("k", "l")
        ),
        node(
            "one",
            "list",
            node("k", "leaf"),
            node("inner", "container", node("b", "leaf")),
            keys=("k",),
        ),
        node("none", "list", node("a", "leaf")),
    ),
)
NUMBERS = st.integers(0, 3)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "top": st.fixed_dictionaries(
            {},
            optional={
                "a": NUMBERS,
                "b": st.lists(NUMBERS, max_size=2),
                "two": st.lists(
                    st.fixed_dictionaries(
                        {"k": NUMBERS, "l": st.booleans()}, optional={"b": NUMBERS}
                    ),
                    max_size=3,
                    unique_by=lambda entry: (entry["k"], entry["l"]),
                ),
                "one": st.lists(
                    st.fixed_dictionaries(
                        {"k": st.text(max_size=2)},
                        optional={"inner": st.fixed_dictionaries({}, optional={"b": NUMBERS})},
                    ),
                    max_size=3,
                    unique_by=lambda entry: entry["k"],
                ),
                "none": st.lists(st.fixed_dictionaries({"a": NUMBERS}), max_size=2),
            },
        )
    },
)


@pytest.mark.parametrize(
    "pattern",
    [(), (Element("top"),), (Element("top"), Element("*")), (Element("..."), Element("b"))],
    ids=["root", "container", "star", "dots"],
)
@given(data=DATA)
def test_a_selection_has_the_leaves_of_its_pattern(
    pattern: tuple[Element, ...], data: dict[str, Any]
) -> None:
    for keep in (everything, lambda one: one.config):
        found = Selection(pattern, keep).values(ROOT, data)
        wanted = [leaf for start in select(ROOT, data, pattern) for leaf in leaves(start, keep)]

        assert found == {leaf.place: leaf.value for leaf in wanted}
        assert list(found) == list(dict.fromkeys(leaf.place for leaf in wanted))
