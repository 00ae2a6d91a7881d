"""Configurations made at random from the model: two validators agree, and settings come of them."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from nf.datapath.settings import Settings
from nf.errors import YangError
from nf.mgmt.compiling import CompileError, compile_settings
from nf.mgmt.schema import Schema
from tools.yang_model import Model, resolve

Values = some.SearchStrategy[Any]

TEXTS: dict[str, Values] = {
    "host": some.sampled_from(["192.0.2.1", "2001:db8::1", "collector.example"]),
    "absolute-path": some.sampled_from(["/", "/var/lib/nf", "/a b/ü*.pcap", "/x[0-9].apps"]),
    "interface-pattern": some.sampled_from(["eth0", "veth*", "any", "en[ps]?", "br-lan.7@x", "[x"]),
    "name": some.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.\-]{0,20}\Z"),
    "attribute-name": some.sampled_from(["http.host", "ip.src", "dns.qname", "8021q.vid"]),
    "packet-filter": some.sampled_from(["", "tcp", "not port 22", "src host 192.0.2.1"]),
    "row-filter": some.sampled_from(["", "bytes > 1M", 'app == "youtube"']),
    "port-number": some.integers(0, 65535),
    "ip-address-no-zone": some.sampled_from(["198.51.100.1", "::", "2001:db8::1", "192.0.2.7"]),
}
STRINGS: dict[str, Values] = {
    "module": some.sampled_from(["nf", "nf.mgmt", "nf.mgmt.netconf"]),
    "user": some.sampled_from(["admin", "collector"]),
    "path": some.sampled_from(["/", "/probe/capture/state", "/...", "/probe/*"]),
    "mode": some.from_regex(r"\A[0-7]{3}\Z"),
    "group": some.sampled_from(["nf", "_x", "net-admin"]),
    "name": some.sampled_from(["nf", "nf.mgmt", "nf.outputs.file"]),
    "file": some.sampled_from(["data.jsonl", "x_1-2.json"]),
    "description": some.sampled_from(["", "authorities of the north"]),
}
"""Strings without a typedef, by the name of their leaf or of what it is in."""

BIG = 2**32


def number(kind: Any, bits: int) -> Values:
    limits = resolve(kind, "range")
    text = limits.arg if limits is not None else "min..max"
    parts = [part.strip().partition("..") for part in text.split("|")]
    within = [
        some.integers(bound(low, 0), bound(high or low, 2**bits - 1)) for low, _, high in parts
    ]
    whole = some.one_of(within)
    # 64-bit numbers are text in JSON (RFC 7951 section 6.1).
    return whole.map(str) if bits == 64 else whole


def bound(word: str, otherwise: int) -> int:
    return otherwise if word in {"min", "max"} else int(float(word))


def value_of(statement: Any) -> Values:
    kind = statement.search_one("type")
    name = kind.arg.rpartition(":")[2]
    if name in TEXTS:
        return TEXTS[name]
    base = kind
    while (definition := getattr(base, "i_typedef", None)) is not None:
        base = definition.search_one("type")
    if base.arg.startswith("uint"):
        return number(kind, int(base.arg[4:]))
    return SIMPLE[base.arg](statement, base)


def text(statement: Any, _: Any) -> Values:
    above = statement.parent.arg
    return STRINGS[above if above in STRINGS else statement.arg]


def identity(_: Any, base: Any) -> Values:
    return some.sampled_from(IDENTITIES[base.search_one("base").arg.rpartition(":")[2]])


SIMPLE: dict[str, Callable[[Any, Any], Values]] = {
    "boolean": lambda _, __: some.booleans(),
    "decimal64": lambda _, __: some.integers(1, 99_999_999).map(lambda n: f"{n / 1000:.3f}"),
    "enumeration": lambda _, base: some.sampled_from(
        [e.arg for e in base.search("enum") if here(e)]
    ),
    "identityref": identity,
    "string": text,
    "binary": lambda _, __: some.binary(min_size=1, max_size=9).map(
        lambda octets: base64.b64encode(octets).decode()
    ),
    "empty": lambda _, __: some.just([None]),
    "leafref": lambda _, __: some.sampled_from(["a", "b"]),
}

IDENTITIES = {
    "link-type": ["nf-types:as-captured", "nf-protocols:ip", "nf-protocols:n-8021q"],
    "capture-source": ["nf-types:af-packet", "nf-types:libpcap"],
    "output-channel": ["nf-types:file", "nf-types:stdout", "nf-types:ipfix"],
    "protocol": ["nf-protocols:tls", "nf-protocols:n-3pc", "nf-protocols:gtp-prime"],
}


def here(statement: Any) -> bool:
    """Whether this build has it: what is behind a feature is not."""
    return statement.search_one("if-feature") is None


def content_of(statement: Any, module: str) -> Values:
    """Any content of a container, list entry, or case."""
    members: dict[str, Values] = {}
    needed: dict[str, Values] = {}
    choices: list[Values] = []
    keys = (statement.search_one("key").arg if statement.search_one("key") else "").split()
    for child in statement.i_children:
        if getattr(child, "i_config", True) is False or not here(child):
            continue
        if child.keyword == "choice":
            cases = [content_of(case, module) for case in child.i_children if here(case)]
            if child.search_one("mandatory"):
                # yangson fails with a TypeError where a list entry lacks all cases of a choice.
                choices.append(some.one_of(*cases).filter(bool))
            else:
                choices.append(some.one_of(some.just({}), *cases))
            continue
        if child.keyword not in {"container", "list", "leaf", "leaf-list"}:
            continue
        own = child.i_module.i_modulename
        name = child.arg if own == module else f"{own}:{child.arg}"
        mandatory = child.search_one("mandatory")
        into = needed if child.arg in keys or (mandatory and mandatory.arg == "true") else members
        into[name] = node_of(child, own)
    fixed = some.fixed_dictionaries(needed, optional=members)
    return some.tuples(fixed, *choices).map(
        lambda parts: {k: v for one in parts for k, v in one.items()}
    )


def node_of(statement: Any, module: str) -> Values:
    if statement.keyword == "leaf":
        return value_of(statement)
    if statement.keyword == "container":
        return content_of(statement, module)
    if statement.keyword == "leaf-list":
        least = 1 if statement.search_one("min-elements") else 0
        return some.lists(value_of(statement), min_size=least, max_size=3, unique=True)
    key = statement.search_one("key").arg
    entry = content_of(statement, module)
    return some.lists(entry, max_size=3, unique_by=lambda one: one[key])


@pytest.fixture
def configurations(built_model: Model) -> Values:
    probe = built_model.modules["nf-probe"].i_children[0]
    return content_of(probe, "nf-probe").map(lambda probe: {"nf-probe:probe": probe})


def tree_or_none(schema: Schema, data: dict[str, Any]) -> Any:
    try:
        tree = schema.context.parse(json.dumps(data).encode(), "json")
        tree.validate()
    except YangError:
        return None
    return tree


def test_two_validators_agree_and_what_is_valid_makes_settings(
    schema: Schema, oracle: Any, configurations: Values
) -> None:
    seen = {"valid": 0, "refused": 0}

    @settings(
        max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(configurations)
    def check(data: dict[str, Any]) -> None:
        tree = tree_or_none(schema, data)

        assert (tree is None) == (oracle.complaint(data) is not None), json.dumps(data)
        seen["refused" if tree is None else "valid"] += 1
        if tree is None:
            return
        made = attempt(lambda: compile_settings(tree.to_data()))
        assert made == attempt(lambda: compile_settings(oracle.with_defaults(data)))
        reread = tree_or_none(schema, json.loads(tree.to_json(defaults="explicit")))
        assert attempt(lambda: compile_settings(reread.to_data())) == made

    check()

    # The test means something only where both happen.
    assert min(seen.values()) > 5, seen


def attempt(make: Callable[[], Settings]) -> Settings | tuple[str, str]:
    try:
        return make()
    except CompileError as error:
        return error.place, error.app_tag
