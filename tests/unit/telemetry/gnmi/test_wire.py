"""What is written by hand is what the compiled messages read."""

import json
from typing import Any

import pytest
from gnmi_pb import gnmi_pb2 as gnmi
from hypothesis import given
from hypothesis import strategies as st

from nf.mgmt.schema_nodes import SchemaNode
from nf.mgmt.subscriptions.patterns import Place
from nf.telemetry.gnmi.wire import MAX_UPDATES, SYNC, WireEncoder, varint

TOP = SchemaNode("box", "m", "container", config=True, member="m:box")
PORT = SchemaNode("port", "m", "list", config=True, keys=("a", "b"), parent=TOP, member="port")


def leaf(kind: str, *, many: bool = False) -> SchemaNode:
    name = f"{kind}-leaf"
    return SchemaNode(
        name, "m", "leaf-list" if many else "leaf", config=True, type=kind, parent=PORT, member=name
    )


def place(node: SchemaNode) -> Place:
    return ((TOP, ()), (PORT, ("1", "ä/]")), (node, ()))


def encoder(encoding: int, skip: int = 0, **prefix: Any) -> WireEncoder:
    return WireEncoder(encoding, gnmi.Path(**prefix), skip, qualified=True)


def read(made: WireEncoder, node: SchemaNode, value: Any) -> gnmi.Notification:
    updates = [(made.path(place(node)), made.value(node, value))]
    (message,) = made.notifications(1_700_000_000_123_456_789, updates)
    return gnmi.SubscribeResponse.FromString(message).update


def test_paths_and_prefixes_are_read_back() -> None:
    made = encoder(gnmi.Encoding.PROTO, 1, target="t", elem=[gnmi.PathElem(name="m:box")])
    found = read(made, leaf("uint8"), 5)

    assert found.timestamp == 1_700_000_000_123_456_789
    assert found.prefix == gnmi.Path(target="t", elem=[gnmi.PathElem(name="m:box")])
    assert found.update[0].path == gnmi.Path(
        elem=[
            gnmi.PathElem(name="port", key={"a": "1", "b": "ä/]"}),
            gnmi.PathElem(name="uint8-leaf"),
        ]
    )


@pytest.mark.parametrize(
    ("kind", "value", "field", "expected"),
    [
        ("uint64", 2**64 - 1, "uint_val", 2**64 - 1),
        ("int64", -(2**63), "int_val", -(2**63)),
        ("int8", 5, "int_val", 5),
        ("boolean", True, "bool_val", True),
        ("boolean", False, "bool_val", False),
        ("decimal64", "-0.125", "double_val", -0.125),
        ("string", "ä" * 300, "string_val", "ä" * 300),
        ("identityref", "m:x", "string_val", "m:x"),
        ("binary", "AAH/", "bytes_val", b"\x00\x01\xff"),
        ("empty", [None], "bool_val", True),
        ("union", 7, "uint_val", 7),
        ("union", -7, "int_val", -7),
        ("union", "seven", "string_val", "seven"),
    ],
)
def test_every_scalar_is_read_back(kind: str, value: Any, field: str, expected: Any) -> None:
    found = read(encoder(gnmi.Encoding.PROTO), leaf(kind), value).update[0].val

    assert found.WhichOneof("value") == field
    assert getattr(found, field) == expected


def test_leaf_lists_are_read_back() -> None:
    found = read(encoder(gnmi.Encoding.PROTO), leaf("uint8", many=True), [1, 2]).update[0].val

    assert [one.uint_val for one in found.leaflist_val.element] == [1, 2]


def test_json_has_text_for_wide_integers_only_in_its_ietf_form() -> None:
    ietf = read(encoder(gnmi.Encoding.JSON_IETF), leaf("uint64"), 5).update[0].val
    plain = read(encoder(gnmi.Encoding.JSON), leaf("uint64"), 5).update[0].val

    assert json.loads(ietf.json_ietf_val) == "5"
    assert json.loads(plain.json_val) == 5


def test_deletes_and_duplicates_are_read_back() -> None:
    made, node = encoder(gnmi.Encoding.PROTO), leaf("uint8")
    path = made.path(place(node))
    (message,) = made.notifications(5, [(path, made.value(node, 1))], [path], {path: 300})
    found = gnmi.SubscribeResponse.FromString(message).update

    assert found.update[0].duplicates == 300
    assert found.delete[0] == found.update[0].path


def test_many_updates_are_spread_and_all_there() -> None:
    made, node = encoder(gnmi.Encoding.PROTO), leaf("uint32")
    path = made.path(place(node))
    updates = [(path, made.value(node, number)) for number in range(2 * MAX_UPDATES + 1)]
    found = [
        gnmi.SubscribeResponse.FromString(one).update for one in made.notifications(1, updates)
    ]

    assert [len(one.update) for one in found] == [MAX_UPDATES, MAX_UPDATES, 1]
    assert [u.val.uint_val for one in found for u in one.update] == list(range(2 * MAX_UPDATES + 1))


def test_a_container_as_a_whole_is_read_back() -> None:
    made, node = encoder(gnmi.Encoding.PROTO), leaf("uint8")
    message = made.atomic(1, place(node)[:2], [(place(node), made.value(node, 3))])
    found = gnmi.SubscribeResponse.FromString(message).update

    assert found.atomic
    assert [one.name for one in found.prefix.elem] == ["m:box", "port"]
    assert found.update[0].path == gnmi.Path(elem=[gnmi.PathElem(name="uint8-leaf")])


def test_sync_response_is_read_back() -> None:
    assert gnmi.SubscribeResponse.FromString(SYNC).sync_response


@given(st.integers(min_value=-(2**63), max_value=2**64 - 1))
def test_integers_are_those_of_protobuf(number: int) -> None:
    message = gnmi.TypedValue(int_val=number) if number < 0 else gnmi.TypedValue(uint_val=number)

    assert message.SerializeToString()[1:] == varint(number)
