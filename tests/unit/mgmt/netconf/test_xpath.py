"""Prefixes of a request become module names."""

import pytest

from nf.mgmt.netconf.xpath import tops_of, with_modules
from nf.mgmt.rpc_error import RpcErrors

MODULES = {"urn:a": "mod-a", "urn:b": "mod-b"}
PREFIXES: dict[str | None, str] = {"x": "urn:a", "mod-a": "urn:b", "u": "urn:unknown"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("/x:box", "/mod-a:box"),
        ("/x:box/mod-a:part", "/mod-a:box/mod-b:part"),
        ("//x:*", "//mod-a:*"),
        ("/x:box[x:name='x:y']", "/mod-a:box[mod-a:name='x:y']"),
        ('/x:box[x:name="it\'s x:y"]', '/mod-a:box[mod-a:name="it\'s x:y"]'),
        (
            "/child::x:box/descendant-or-self::node()",
            "/child::mod-a:box/descendant-or-self::node()",
        ),
        ("/x:a | /x:b", "/mod-a:a | /mod-a:b"),
        ("/x:a[derived-from(x:t, 'x:base')]", "/mod-a:a[derived-from(mod-a:t, 'mod-a:base')]"),
        (
            "/x:a[derived-from-or-self(x:t, \"mod-a:b\") and x:u = 'x:b']",
            "/mod-a:a[derived-from-or-self(mod-a:t, \"mod-b:b\") and mod-a:u = 'x:b']",
        ),
        ("/x:a[count(x:b)>3 and x:c!=-1.5]", "/mod-a:a[count(mod-a:b)>3 and mod-a:c!=-1.5]"),
        ("/*", "/*"),
    ],
)
def test_is_written_with_modules(expression: str, expected: str) -> None:
    assert with_modules(expression, PREFIXES, MODULES) == expected


@pytest.mark.parametrize(
    "expression", ["/nowhere:a", "/u:a", "/x:a[derived-from(., 'q:b')]", "/x:a" * 3000]
)
def test_is_refused(expression: str) -> None:
    with pytest.raises(RpcErrors) as error:
        with_modules(expression, PREFIXES, MODULES)

    assert error.value.errors[0].tag == "invalid-value"


@pytest.mark.parametrize(
    ("expression", "tops"),
    [
        ("/mod-a:box", ("mod-a:box",)),
        ("/mod-a:box/part[name='/x:y']", ("mod-a:box",)),
        ("/mod-a:box[a = /mod-b:c]", None),
        ("/mod-a:box | /mod-b:c", None),
        ("/mod-a:box/../mod-b:c", None),
        ("/mod-a:box/ancestor::*", None),
        ("//mod-a:box", None),
        ("/*", None),
        ("/mod-a:*", None),
        ("count(/mod-a:box)", None),
    ],
)
def test_the_nodes_that_an_expression_can_look_at_are_told(
    expression: str, tops: tuple[str, ...] | None
) -> None:
    assert tops_of(expression) == tops
