"""What the compiled writer writes is what the protocol's own messages say, and tells all."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from gnmi_pb import gnmi_pb2 as gnmi

from nf._native import gnmi as native
from nf._native.yang import Context, Tree
from nf.mgmt.schema import ModuleSet
from nf.mgmt.schema_nodes import SchemaNode, SchemaTree
from nf.mgmt.subscriptions.patterns import Element, Pattern
from nf.telemetry.gnmi.feeds import ENCODED, SYNC
from nf.telemetry.gnmi.model import Kind, Model

from .random_data import RandomData
from .reference import Collector, known, values

ROOT = Path(__file__).parents[4]
ENCODINGS = ("json", "json-ietf", "proto")
NOW = 1_700_000_000_123_456_789


@pytest.fixture(scope="module")
def lab_context() -> Context:
    folders = [ROOT / "tests" / "gnmi" / "yang", ROOT / "yang", ROOT / "yang" / "ietf"]
    return Context([str(one) for one in folders], [("nf-lab", []), ("ietf-netconf-acm", [])])


@pytest.fixture(scope="module")
def probe_context() -> Context:
    return Context(*ModuleSet.read().for_context())


class Bench:
    """A model with its data."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.schema = SchemaTree(context)
        self.model = Model(context, self.schema)

    def feed(self, pattern: Pattern, encoding: str = "proto", **how: Any) -> native.Feed:
        return native.Feed(self.shown(pattern, encoding, **how), how.pop("prefix", b""))

    def shown(
        self, pattern: Pattern, encoding: Any = "proto", kind: Kind = "all", **how: Any
    ) -> native.Shown:
        how.pop("prefix", None)
        settings = {"skip": 0, "qualified": True} | how
        return self.model.shown(pattern, (kind, None), encoding, **settings)

    def tree(self, **members: Any) -> Tree:
        tree = self.context.empty()
        tree.merge_data({"nf-lab:lab": members})
        return tree


@pytest.fixture(scope="module")
def lab_bench(lab_context: Context) -> Bench:
    return Bench(lab_context)


@pytest.fixture(scope="module")
def probe_bench(probe_context: Context) -> Bench:
    return Bench(probe_context)


def read(messages: list[bytes]) -> list[gnmi.Notification]:
    return [gnmi.SubscribeResponse.FromString(one).update for one in messages]


def messages_of(told: list[native.Told]) -> list[bytes]:
    return [message for one in told for message in one.messages]


def everything(_: SchemaNode) -> bool:
    return True


def pattern(*names: str) -> Pattern:
    """`name`, or `name[key=value]`."""
    made = []
    for name in names:
        bare, _, keys = name.partition("[")
        key, _, value = keys.rstrip("]").partition("=")
        made.append(Element(bare, None, ((key, value),) if keys else ()))
    return tuple(made)


PATTERNS = [
    (),
    pattern("*"),
    pattern("...", "name"),
    pattern("*", "...", "name"),
    pattern("..."),
    pattern("lab", "port", "*"),
    pattern("lab", "port[name=a]"),
    pattern("lab", "port[name=*]", "queue[id=0]"),
    pattern("lab", "...", "queue", "length"),
    pattern("probe", "...", "state"),
    pattern("probe", "*", "*"),
    pattern("nacm", "groups", "group", "user-name"),
]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("which", ["lab", "probe"])
def test_random_data_are_told_as_the_protocols_messages_say_them(
    lab_bench: Bench, probe_bench: Bench, which: str, encoding: str
) -> None:
    bench = {"lab": lab_bench, "probe": probe_bench}[which]
    made = RandomData(bench.context, bench.schema, seed=7919)
    leaves = 0
    for number in range(12 if which == "lab" else 4):
        tree = made.tree(share=0.9 if number % 2 else 0.4)
        data = tree.to_data()
        for wanted in PATTERNS:
            for depth in (0, 1, 2):
                for qualified in (True, False):
                    feed = bench.feed(wanted, encoding, depth=depth, qualified=qualified)
                    client = Collector()
                    client.take(messages_of(feed.now(tree, NOW)))
                    found = values(bench.schema.root, data, wanted, everything, depth)

                    assert client.known == known(found, encoding, qualified=qualified)
                    leaves += len(found)
    assert leaves > 1000


def test_nearly_every_leaf_of_the_model_was_among_the_random_data(probe_bench: Bench) -> None:
    made = RandomData(probe_bench.context, probe_bench.schema, seed=1)
    for _ in range(12):
        made.tree(share=1.0)
    without = [node.path for node in made.without if node.kind in ("leaf", "leaf-list")]
    terminals = [one for one in probe_bench.schema.root.below() if one.terminal]

    assert len(without) < len(terminals) / 50, without


@pytest.mark.parametrize("way", ["look", "sample"])
@pytest.mark.parametrize("seed", range(6))
def test_a_client_that_follows_knows_what_there_is(lab_bench: Bench, way: str, seed: int) -> None:
    made = RandomData(lab_bench.context, lab_bench.schema, seed)
    chance = random.Random(seed)  # noqa: S311 - a test repeats itself
    for wanted in PATTERNS[:9]:
        feed = lab_bench.feed(wanted)
        client = Collector()
        tree = made.tree()
        feed.note(tree)
        client.take(messages_of(feed.noted(NOW)))
        for moment in range(1, 12):
            # Sometimes nothing changes, sometimes little, sometimes all.
            step = chance.randint(0, 3)
            if step == 1:
                tree = tree.copy()
                tree.merge(made.tree(share=0.1))
            elif step == 2:
                tree = tree.copy()
                _lose_something(tree, chance)
            elif step == 3:
                tree = made.tree()
            told = feed.look(tree, NOW + moment) if way == "look" else feed.sample(tree, NOW)
            client.take(messages_of(told))
            found = values(lab_bench.schema.root, tree.to_data(), wanted, everything)

            assert client.known == known(found, "proto", qualified=True)
            if way == "look" and step == 0:
                assert told == []


def _lose_something(tree: Tree, chance: random.Random) -> None:
    paths = [path for path, _ in tree.find("/nf-lab:lab//*")]
    for path in chance.sample(paths, min(3, len(paths))):
        if tree.exists(path) and not _is_key(path):
            tree.remove(path)


def _is_key(path: str) -> bool:
    """Keys of the laboratory's lists; a value of a key may have any character."""
    return path.endswith(("]/name", "]/class", "]/id"))


@pytest.mark.parametrize(
    ("leaf", "value", "field", "expected"),
    [
        ("big", 2**64 - 1, "uint_val", 2**64 - 1),
        ("big", 0, "uint_val", 0),
        ("deep", -(2**63), "int_val", -(2**63)),
        ("deep", 2**63 - 1, "int_val", 2**63 - 1),
        ("small", 5, "int_val", 5),
        ("small", -1, "int_val", -1),
        ("exact", "-0.125", "double_val", -0.125),
        ("exact", "9007199254740.993", "double_val", 9007199254740.993),
        ("on", True, "bool_val", True),
        ("on", False, "bool_val", False),
        ("there", [None], "bool_val", True),
        ("octets", "AAH/", "bytes_val", b"\x00\x01\xff"),
        ("octets", "", "bytes_val", b""),
        ("form", "nf-lab:round", "string_val", "nf-lab:round"),
        ("colour", "blue", "string_val", "blue"),
        ("either", 7, "uint_val", 7),
        ("either", "seven", "string_val", "seven"),
        ("either", "", "string_val", ""),
    ],
)
def test_a_scalar_has_the_field_of_its_type(
    lab_bench: Bench, leaf: str, value: Any, field: str, expected: Any
) -> None:
    feed = lab_bench.feed(pattern("lab", "types", leaf))
    (message,) = read(messages_of(feed.now(lab_bench.tree(types={leaf: value}), NOW)))
    (update,) = message.update

    assert message.timestamp == NOW
    assert update.val.WhichOneof("value") == field
    assert getattr(update.val, field) == expected


def test_leaf_lists_keep_their_order(lab_bench: Bench) -> None:
    tree = lab_bench.tree(types={"number": [3, 1, 2]})
    (message,) = read(messages_of(lab_bench.feed(pattern("lab", "types")).now(tree, NOW)))

    assert [one.uint_val for one in message.update[0].val.leaflist_val.element] == [3, 1, 2]


@pytest.mark.parametrize("key", ["a", "", "ä/]", 'x"[=\\', "*", "é" * 300])
def test_keys_are_told_as_they_are(lab_bench: Bench, key: str) -> None:
    tree = lab_bench.tree(port=[{"name": "p", "queue": [{"class": key, "id": 7, "length": 1}]}])
    feed = lab_bench.feed(pattern("lab", "port", "queue", "length"))
    (message,) = read(messages_of(feed.now(tree, NOW)))

    assert message.update[0].path == gnmi.Path(
        elem=[
            gnmi.PathElem(name="nf-lab:lab"),
            gnmi.PathElem(name="port", key={"name": "p"}),
            gnmi.PathElem(name="queue", key={"class": key, "id": "7"}),
            gnmi.PathElem(name="length"),
        ]
    )


def test_a_prefix_takes_its_elements_from_the_paths(lab_bench: Bench) -> None:
    prefix = gnmi.Path(target="t", elem=[gnmi.PathElem(name="lab")])
    shown = lab_bench.shown(pattern("lab", "port"), skip=1, qualified=False)
    feed = native.Feed(shown, prefix.SerializeToString())
    (message,) = read(messages_of(feed.now(lab_bench.tree(port=[{"name": "a"}]), NOW)))

    assert message.prefix == prefix
    assert [[one.name for one in update.path.elem] for update in message.update] == [
        ["port", "name"]
    ]


def test_entries_without_keys_have_numbers(lab_bench: Bench) -> None:
    tree = lab_bench.tree(log=[{"line": "x"}, {"line": "y"}])
    (message,) = read(messages_of(lab_bench.feed(pattern("lab", "log")).now(tree, NOW)))

    assert [(u.path.elem[1].key["index"], u.val.string_val) for u in message.update] == [
        ("1", "x"),
        ("2", "y"),
    ]


def test_an_atomic_container_is_told_whole_when_one_leaf_changes(lab_bench: Bench) -> None:
    feed = lab_bench.feed(pattern("lab"))
    feed.note(lab_bench.tree(record={"first": 1, "second": 2}, uptime=1))
    told = feed.look(lab_bench.tree(record={"first": 1, "second": 3}, uptime=1), NOW)
    (message,) = read(messages_of(told))

    assert message.atomic
    assert [one.name for one in message.prefix.elem] == ["nf-lab:lab", "record"]
    assert [(u.path.elem[0].name, u.val.uint_val) for u in message.update] == [
        ("first", 1),
        ("second", 3),
    ]
    assert told[0].atomic == gnmi.Path(elem=message.prefix.elem).SerializeToString()
    assert len(told[0].updates()) == 2


@pytest.mark.parametrize("encoding", ["json", "json-ietf"])
def test_an_aggregate_is_one_value_where_all_of_it_is_wanted(
    lab_bench: Bench, encoding: str
) -> None:
    tree = lab_bench.tree(summary={"sum": 2**60, "mean": "1.50"})
    feed = lab_bench.feed(pattern("lab"), encoding, aggregate=True)
    (message,) = read(messages_of(feed.now(tree, NOW)))
    (update,) = message.update

    assert [one.name for one in update.path.elem] == ["nf-lab:lab", "summary"]
    if encoding == "json":
        assert json.loads(update.val.json_val) == {"sum": 2**60, "mean": 1.5}
    else:
        value = json.loads(update.val.json_ietf_val)
        assert value == {"nf-lab:sum": str(2**60), "nf-lab:mean": "1.5"}
    # Of a part of it every leaf is told by itself.
    narrow = lab_bench.feed(pattern("lab", "summary", "sum"), encoding, aggregate=True)
    (message,) = read(messages_of(narrow.now(tree, NOW)))
    assert [one.name for one in message.update[0].path.elem][-1] == "sum"


def test_an_entry_that_is_gone_is_one_delete(lab_bench: Bench) -> None:
    feed = lab_bench.feed(pattern("lab"))
    queue = [{"class": "c", "id": 1, "length": 5}]
    feed.note(lab_bench.tree(port=[{"name": "a", "mtu": 100, "queue": queue}, {"name": "b"}]))
    (told,) = feed.look(lab_bench.tree(port=[{"name": "b"}]), NOW)
    (message,) = read(told.messages)

    assert message.delete[0] == gnmi.Path(
        elem=[gnmi.PathElem(name="nf-lab:lab"), gnmi.PathElem(name="port", key={"name": "a"})]
    )
    assert len(message.delete) == 1
    assert told.deletes == [message.delete[0].SerializeToString()]


def test_what_lies_above_the_pattern_is_not_deleted(lab_bench: Bench) -> None:
    feed = lab_bench.feed(pattern("lab", "port", "name"))
    feed.note(lab_bench.tree(port=[{"name": "a"}]))
    (message,) = read(messages_of(feed.look(lab_bench.tree(uptime=1), NOW)))

    assert [one.name for one in message.delete[0].elem] == ["nf-lab:lab", "port", "name"]


def test_many_updates_and_deletes_are_spread_and_all_there(lab_bench: Bench) -> None:
    feed = lab_bench.feed(pattern("lab", "port", "mtu"))
    ports = [{"name": f"p{number}", "mtu": 100 + number} for number in range(2500)]
    feed.note(lab_bench.tree(port=ports))
    all_of_it = read(messages_of(feed.noted(NOW)))
    gone = read(messages_of(feed.look(lab_bench.tree(uptime=1), NOW)))

    assert [len(one.update) for one in all_of_it] == [1000, 1000, 500]
    assert sorted(u.val.uint_val for one in all_of_it for u in one.update) == list(range(100, 2600))
    assert [len(one.delete) for one in gone] == [1000, 1000, 500]


def test_large_values_are_spread_by_their_octets(lab_bench: Bench) -> None:
    words = [{"line": "x" * 100_000} for _ in range(40)]
    told = lab_bench.feed(pattern("lab", "log")).now(lab_bench.tree(log=words), NOW)

    assert all(len(one) < 2_000_000 for one in messages_of(told))
    assert sum(len(one.update) for one in read(messages_of(told))) == 40


def test_the_newest_values_are_told_with_how_many_were_left_out(lab_bench: Bench) -> None:
    feed = lab_bench.feed(pattern("lab"))
    feed.note(lab_bench.tree(uptime=5))
    ((path, value),) = feed.noted(NOW)[0].updates()
    (message,) = read(feed.newest(NOW, [(path, value, 300)], [path]))

    assert message.update[0].duplicates == 300
    assert message.update[0].val.uint_val == 5
    assert message.delete[0] == message.update[0].path


def test_only_leaves_of_the_kind_that_is_asked_for_are_told(lab_bench: Bench) -> None:
    tree = lab_bench.tree(name="n", uptime=5, port=[{"name": "a", "packets": 7, "up": True}])

    def names(kind: Kind) -> list[str]:
        told = lab_bench.feed(pattern("lab"), kind=kind).now(tree, NOW)
        return sorted(u.path.elem[-1].name for one in read(messages_of(told)) for u in one.update)

    assert names("all") == ["name", "name", "packets", "up", "uptime"]
    assert names("config") == ["name", "name"]
    assert names("counters") == ["packets", "uptime"]
    assert names("events") == ["up"]


@pytest.mark.parametrize("encoding", ["json", "json-ietf"])
def test_a_get_has_whole_nodes_as_objects(lab_bench: Bench, encoding: str) -> None:
    tree = lab_bench.tree(
        tag=["p", 'q"'],
        types={"big": 2**63, "exact": "1.5", "there": [None], "octets": "AAH/"},
        port=[{"name": "a", "mtu": 100}, {"name": "b", "up": True}],
    )
    before = gnmi.Path(origin="rfc7951").SerializeToString()
    octets, found, only_terminals = lab_bench.shown(pattern("lab"), encoding).selected(tree, before)
    (update,) = gnmi.Notification.FromString(octets).update
    field = "json_val" if encoding == "json" else "json_ietf_val"
    value = json.loads(getattr(update.val, field))
    lead = "" if encoding == "json" else "nf-lab:"

    assert (found, only_terminals) == (1, False)
    assert update.path.origin == "rfc7951"
    assert value == {
        f"{lead}tag": ["p", 'q"'],
        f"{lead}types": {
            "big": 2**63 if encoding == "json" else str(2**63),
            "exact": 1.5 if encoding == "json" else "1.5",
            "there": [None],
            "octets": "AAH/",
        },
        f"{lead}port": [{"name": "a", "mtu": 100}, {"name": "b", "up": True}],
    }


def test_a_get_of_state_keeps_the_keys_of_entries_that_have_some(lab_bench: Bench) -> None:
    tree = lab_bench.tree(port=[{"name": "a", "mtu": 100}, {"name": "b", "up": True}])
    octets, *_ = lab_bench.shown(pattern("lab"), "json", kind="state").selected(tree, b"")
    (update,) = gnmi.Notification.FromString(octets).update

    assert json.loads(update.val.json_val) == {"port": [{"name": "b", "up": True}]}


def test_a_get_says_whether_it_found_anything(lab_bench: Bench) -> None:
    tree = lab_bench.tree(uptime=5)

    assert lab_bench.shown(pattern("lab", "name"), "json").selected(tree, b"") == (b"", 0, True)
    assert lab_bench.shown(pattern("lab", "uptime"), "json").selected(tree, b"")[1:] == (1, True)
    assert lab_bench.shown((), "json").selected(tree, b"")[1:] == (1, False)


def test_a_pattern_that_is_too_long_is_refused(lab_bench: Bench) -> None:
    lab_bench.shown(pattern(*["*"] * 64))
    with pytest.raises(ValueError, match="64 elements"):
        lab_bench.shown(pattern(*["*"] * 65))


def test_a_wide_pattern_is_walked_once_however_many_ways_it_opens(lab_bench: Bench) -> None:
    tree = lab_bench.tree(port=[{"name": f"p{number}"} for number in range(500)])
    dots = pattern(*["...", "*"] * 31, "...")
    told = lab_bench.feed(pattern("...")).now(tree, NOW)
    many = lab_bench.feed((*dots,)).now(tree, NOW)

    assert sum(len(one.update) for one in read(messages_of(told))) == 500
    assert many == []  # nothing is 31 levels deep


def test_every_encoding_of_subscriptions_has_a_name() -> None:
    assert set(ENCODED.values()) == set(ENCODINGS)
    assert gnmi.SubscribeResponse.FromString(SYNC).sync_response


def test_the_schema_is_numbered_as_python_numbers_it(probe_bench: Bench) -> None:
    nodes = probe_bench.context.nodes()

    assert len(native.Schema(probe_bench.context)) == len(nodes)
    for node in probe_bench.schema.root.below():
        if node is not probe_bench.schema.root:
            assert nodes[node.number]["name"] == node.name
