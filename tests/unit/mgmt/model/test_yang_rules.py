"""Every module of ours keeps the rules of the house; the standard ones are as published."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import nf
from nf.catalog import session_fields
from nf.mgmt.effects import ORDER
from nf.mgmt.identities import identity_of, protocol_of
from nf.mgmt.schema import YANG_DIR, ModuleSet
from nf.records import AppTraffic, ProtocolTraffic
from tools import yang_docs, yang_lint, yang_protocols, yang_vendor
from tools.yang_model import Model, Node, is_leaf, own_modules, resolve

KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
OWN = [path.stem for path in own_modules()]
NUMBERS = {"uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "decimal64"}
UNITLESS = {
    "id", "port", "pid", "vlan", "worker", "level", "before", "rule", "code", "thread", "qos",
    "hash-seed", "multiple", "loops", "revision", "ip-proto", "src-port", "dst-port",
    "ip-layer", "observation-domain", "enterprise-number", "number",
}  # fmt: skip
"""Numbers that name or choose something, and count nothing."""
COUNTED_BY_TYPE = ("counter", "gauge")
FREE_TEXT = {"nft:row-filter", "nft:packet-filter"}
SAFE = {"list-sessions"}
"""Operations that change nothing."""


def own(model: Model) -> list[Node]:
    """Nodes that a module of ours has; those of a grouping of others are theirs to word."""
    return [
        node
        for node in model.nodes()
        if node.module in OWN and Path(node.statement.pos.ref).stem.partition("@")[0] in OWN
    ]


def leaves(model: Model) -> list[Node]:
    return [node for node in own(model) if is_leaf(node)]


def base(node: Node) -> str:
    """The built-in type that a leaf comes down to."""
    return str(node.types[-1].arg) if node.types[0].arg != "union" else "union"


def all_statements(statement: Any) -> list[Any]:
    return [statement, *(one for sub in statement.substmts for one in all_statements(sub))]


def test_pyang_finds_nothing() -> None:
    assert list(yang_lint.pyang(own_modules())) == []


def test_the_whole_module_set_compiles_without_a_finding(model: Model, built_model: Model) -> None:
    assert (model.findings(), built_model.findings()) == ([], [])


def test_every_node_says_what_it_is(model: Model) -> None:
    silent = [
        node.path
        for node in own(model)
        if node.kind not in {"input", "output", "case"} and not node.text("description")
    ]

    assert silent == []


def test_every_name_is_in_kebab_case(model: Model) -> None:
    names = {node.name for node in own(model) if node.kind not in {"input", "output"}}
    for module in OWN:
        for statement in all_statements(model.modules[module]):
            if statement.keyword in {"identity", "typedef", "grouping", "feature", "enum", "bit"}:
                names.add(statement.arg)

    assert [name for name in sorted(names) if not KEBAB.fullmatch(name)] == []


def test_every_number_has_a_unit_or_names_something(model: Model) -> None:
    bare = [
        leaf.path
        for leaf in leaves(model)
        if base(leaf) in NUMBERS
        and leaf.text("units") is None
        and resolve(leaf.types[0], "units") is None
        and not any(kind.search_one("units") for kind in leaf.types)
        and "units" not in typedef_units(leaf)
        and leaf.name not in UNITLESS
        and not any(word in leaf.types[0].arg for word in (*COUNTED_BY_TYPE, "session-id"))
    ]

    assert bare == []


def typedef_units(leaf: Node) -> set[str]:
    definitions = [getattr(kind, "i_typedef", None) for kind in leaf.types]
    return {"units" for one in definitions if one is not None and one.search_one("units")}


def test_every_option_has_a_default_or_is_mandatory_or_says_what_its_absence_means(
    model: Model,
) -> None:
    words = re.compile(r"without it|needed|as capture/", flags=re.IGNORECASE)
    keys = {f"{node.path}/{key}" for node in own(model) for key in (node.text("key") or "").split()}
    open_ended = [
        leaf.path
        for leaf in leaves(model)
        if leaf.config
        and leaf.kind == "leaf"
        and leaf.path not in keys
        and leaf.text("default") is None
        and leaf.text("mandatory") != "true"
        and not words.search(" ".join((leaf.text("description") or "").split()))
    ]

    assert open_ended == []


def test_every_option_is_bounded(model: Model) -> None:
    bounds = {"string": ("length", "pattern"), "binary": ("length",)}
    loose = [
        leaf.path
        for leaf in leaves(model)
        if leaf.config
        and base(leaf) in bounds
        and not any(resolve(leaf.types[0], one) for one in bounds[base(leaf)])
    ]

    assert loose == []


def test_every_constraint_has_a_message_and_a_tag(model: Model) -> None:
    bare = [
        f"{module}:{statement.pos.line} {statement.keyword} {statement.arg}"
        for module in OWN
        for statement in all_statements(model.modules[module])
        if statement.keyword in {"must", "pattern"}
        and not (statement.search_one("error-message") and statement.search_one("error-app-tag"))
    ]

    assert bare == []


def test_no_two_constraints_of_one_tag_say_different_things(model: Model) -> None:
    said: dict[str, set[str]] = {}
    for module in OWN:
        for statement in all_statements(model.modules[module]):
            if statement.keyword in {"must", "pattern"}:
                message = " ".join(statement.search_one("error-message").arg.split())
                said.setdefault(statement.search_one("error-app-tag").arg, set()).add(message)

    assert {tag: texts for tag, texts in said.items() if len(texts) > 1} == {}


def test_every_reset_names_a_scope(model: Model) -> None:
    scopes = {
        extension["argument"]
        for node in model.nodes()
        for extension in node.extensions
        if extension["name"] == "nf:reset"
    }

    assert scopes == set(ORDER[1:])


def test_every_operation_that_changes_something_is_denied_by_default(model: Model) -> None:
    operations = {node.name: node.extensions for node in own(model) if node.kind == "rpc"}
    guarded = {
        name
        for name, extensions in operations.items()
        if {"name": "nacm:default-deny-all", "argument": ""} in extensions
    }

    assert set(operations) - guarded == SAFE


def test_every_feature_is_on_or_off_for_a_reason(model: Model) -> None:
    chosen = ModuleSet.read()
    for module in OWN:
        defined = {one.arg for one in model.modules[module].search("feature")}
        on, off = set(dict(chosen.modules)[module]), set(chosen.off[module])

        assert on | off == defined, module
        assert not on & off, module
        assert all(chosen.off[module].values()), module


def test_every_module_of_ours_is_in_the_set() -> None:
    assert set(OWN) <= set(dict(ModuleSet.read().modules))


def test_protocols_and_identities_have_each_others_names() -> None:
    names = [one.name for one in nf.protocols()]

    assert len({identity_of(name) for name in names}) == len(names)
    assert [protocol_of(identity_of(name)) for name in names] == names
    assert [protocol_of(f"nf-protocols:{identity_of(name)}") for name in names] == names


def test_the_protocols_of_the_model_are_the_engines() -> None:
    assert yang_protocols.MODULE.read_text() == yang_protocols.text_of(), "make docs"


def test_two_protocols_of_one_identity_are_refused() -> None:
    one, other = nf.protocols()[:2]
    twin = type(other)(**{**vars_of(other), "name": one.name})

    with pytest.raises(ValueError, match="are both"):
        list(yang_protocols.identities([one, twin]))


def vars_of(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def test_the_standard_modules_are_those_of_pyang() -> None:
    assert yang_vendor.stale() == [], "make docs"


def test_the_pages_are_what_the_modules_say() -> None:
    assert yang_docs.stale(yang_docs.pages()) == [], "make docs"


def test_the_modules_lie_in_the_package() -> None:
    assert YANG_DIR.parent.name == "nf"
    assert (YANG_DIR / "modules.toml").is_file()
    assert tomllib.loads((YANG_DIR / "owners.toml").read_text())["owner"]


def test_sessions_of_the_model_have_the_fields_of_their_rows(model: Model) -> None:
    base = "/nf-probe:probe/nf-dpi:sessions/session"
    modelled = [node.name for node in leaves(model) if node.path.rpartition("/")[0] == base]
    known = [one.name.replace("_", "-") for one in session_fields()]

    assert [name for name in modelled if name not in known] == []
    assert set(known[: known.index("community-id") + 1]) - set(modelled) == {"type", "end-reason"}


def test_sums_of_the_model_have_the_fields_of_their_rows(model: Model) -> None:
    base = "/nf-probe:probe/nf-dpi:statistics"
    for name, record in (("protocol", ProtocolTraffic), ("application", AppTraffic)):
        modelled = {node.name for node in leaves(model) if node.path.startswith(f"{base}/{name}/")}
        known = {one.name.replace("_", "-") for one in fields(record)}

        assert modelled - known == {"active"}


def test_a_wheel_carries_the_modules(root: Path) -> None:
    """The walk over the package passes the link by, so that they have to be named."""
    maturin = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["maturin"]

    assert {"path": "nf/yang/**/*", "format": "wheel"} in maturin["include"]
    assert (root / "nf" / "yang").resolve() == root / "yang"
