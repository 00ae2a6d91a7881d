"""Access control: RFC 8341, rule by rule, on a running core."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from nf.mgmt.core import Core
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import Session

from .conftest import box, config

ADMIN = {
    "name": "admin",
    "group": ["admin"],
    "rule": [
        {"name": "all", "module-name": "*", "access-operations": "*", "action": "permit"},
    ],
}


def make(make_core: Callable[..., Core], *lists: dict[str, Any], **defaults: str) -> Core:
    """A core where ada is an administrator and bob in the group `operators`."""
    nacm = {
        **{name.replace("_", "-"): value for name, value in defaults.items()},
        "groups": {
            "group": [
                {"name": "admin", "user-name": ["ada"]},
                {"name": "operators", "user-name": ["bob"]},
            ]
        },
        "rule-list": [ADMIN, *lists],
    }
    first = {
        "ietf-netconf-acm:nacm": nacm,
        "nf-test:box": {
            "name": "x",
            "hidden": "s",
            "port": [{"name": "eth0", "mtu": 100}, {"name": "eth1", "mtu": 200}],
        },
    }
    return make_core(first=json.dumps(first).encode())


def rules(*given: dict[str, Any], group: str = "operators") -> dict[str, Any]:
    return {
        "name": "tested",
        "group": [group],
        "rule": [{"name": f"rule-{number}", **rule} for number, rule in enumerate(given)],
    }


def user(core: Core, name: str) -> Session:
    return core.sessions.open(name, "netconf-ssh", "192.0.2.3")


def seen(core: Core, session: Session) -> dict[str, Any]:
    return core.get_config(session, "running").to_data(defaults=False).get("nf-test:box", {})


def denied(act: Callable[..., Any], *args: Any, **options: Any) -> list[str | None]:
    """Paths of what must be denied."""
    with pytest.raises(RpcErrors) as error:
        act(*args, **options)
    assert {entry.tag for entry in error.value.errors} == {"access-denied"}
    return [entry.path for entry in error.value.errors]


def test_by_default_everybody_reads_and_nobody_writes(make_core: Callable[..., Core]) -> None:
    core = make(make_core)
    bob = user(core, "bob")

    assert seen(core, bob)["name"] == "x"
    assert denied(core.edit_config, bob, "running", config("<name>y</name>")) == [
        "/nf-test:box/name"
    ]
    assert box(core)["name"] == "x"


def test_a_rule_permits_a_subtree_and_nothing_beside_it(make_core: Callable[..., Core]) -> None:
    permit = {
        "path": "/nf-test:box/port[name='eth0']",
        "access-operations": "create update delete",
        "action": "permit",
    }
    core = make(make_core, rules(permit))
    bob = user(core, "bob")

    core.edit_config(bob, "running", config("<port><name>eth0</name><mtu>300</mtu></port>"))
    assert denied(
        core.edit_config, bob, "running", config("<port><name>eth1</name><mtu>300</mtu></port>")
    ) == ["/nf-test:box/port[name='eth1']/mtu"]

    assert [port["mtu"] for port in box(core)["port"]] == [300, 200]


def test_the_first_rule_that_fits_decides(make_core: Callable[..., Core]) -> None:
    deny = {"path": "/nf-test:box/port", "access-operations": "read", "action": "deny"}
    permit = {
        "path": "/nf-test:box/port[name='eth0']",
        "access-operations": "read",
        "action": "permit",
    }

    core = make(make_core, rules(permit, deny))
    assert [port["name"] for port in seen(core, user(core, "bob"))["port"]] == ["eth0"]


def test_what_may_not_be_read_is_left_out_in_silence(make_core: Callable[..., Core]) -> None:
    deny = {"path": "/nf-test:box/port/mtu", "access-operations": "read", "action": "deny"}
    core = make(make_core, rules(deny))

    assert seen(core, user(core, "bob"))["port"] == [{"name": "eth0"}, {"name": "eth1"}]
    assert seen(core, user(core, "ada"))["port"][0]["mtu"] == 100


def test_what_the_model_protects_needs_a_rule(make_core: Callable[..., Core]) -> None:
    core = make(make_core)
    assert "hidden" not in seen(core, user(core, "bob"))
    assert seen(core, user(core, "ada"))["hidden"] == "s"


def test_a_module_can_be_hidden_as_a_whole(make_core: Callable[..., Core]) -> None:
    deny = {"module-name": "nf-test", "access-operations": "read", "action": "deny"}
    core = make(make_core, rules(deny))

    assert seen(core, user(core, "bob")) == {}


def test_where_reading_is_denied_a_rule_opens_a_path(make_core: Callable[..., Core]) -> None:
    permit = {"path": "/nf-test:box", "access-operations": "read", "action": "permit"}
    core = make(make_core, rules(permit), read_default="deny")
    bob = user(core, "bob")

    assert seen(core, bob)["name"] == "x"
    assert "ietf-netconf-acm:nacm" not in core.get_config(bob, "running").to_data()
    assert seen(core, user(core, "eve")) == {}


def test_an_operation_can_be_denied_by_name(make_core: Callable[..., Core]) -> None:
    deny = {
        "module-name": "ietf-netconf",
        "rpc-name": "commit",
        "access-operations": "exec",
        "action": "deny",
    }
    core = make(make_core, rules(deny))
    bob = user(core, "bob")

    denied(core.may_execute, bob, "ietf-netconf", "commit")
    core.may_execute(bob, "ietf-netconf", "get")
    core.may_execute(bob, "ietf-netconf", "close-session")


def test_dangerous_operations_need_a_rule(make_core: Callable[..., Core]) -> None:
    core = make(make_core)
    bob = user(core, "bob")

    for module, operation in [
        ("ietf-netconf", "kill-session"),
        ("ietf-netconf", "delete-config"),
        ("nf-test", "destroy"),
    ]:
        denied(core.may_execute, bob, module, operation)
        core.may_execute(user(core, "ada"), module, operation)


def test_nobody_can_be_kept_from_closing_the_session(make_core: Callable[..., Core]) -> None:
    core = make(make_core, exec_default="deny")

    core.may_execute(user(core, "bob"), "ietf-netconf", "close-session")


def test_an_action_needs_its_parents_readable(make_core: Callable[..., Core]) -> None:
    deny = {"path": "/nf-test:box/port[name='eth1']", "access-operations": "read", "action": "deny"}
    core = make(make_core, rules(deny))
    core.operations.register("/nf-test:box/port/reset", lambda *_: {"was": 1})
    bob = user(core, "bob")

    def reset(name: str) -> bytes:
        return core.operate(
            bob,
            b'<action xmlns="urn:ietf:params:xml:ns:yang:1"><box xmlns="urn:nf:test"><port><name>'
            + name.encode()
            + b"</name><reset/></port></box></action>",
        )

    assert b"1" in reset("eth0")
    denied(reset, "eth1")


def test_a_candidate_is_no_way_around(make_core: Callable[..., Core]) -> None:
    core = make(make_core)
    bob = user(core, "bob")

    denied(core.edit_config, bob, "candidate", config("<name>y</name>"))
    core.edit_config(user(core, "ada"), "candidate", config("<name>y</name>"))
    denied(core.commit, bob)

    assert box(core)["name"] == "x"


def test_a_copy_never_loses_what_its_maker_cannot_read(make_core: Callable[..., Core]) -> None:
    core = make(make_core)

    denied(core.copy_config, user(core, "bob"), "running", "startup")


def test_what_is_denied_is_counted(make_core: Callable[..., Core]) -> None:
    core = make(make_core)
    bob = user(core, "bob")
    denied(core.edit_config, bob, "running", config("<name>y</name>"))
    denied(core.may_execute, bob, "nf-test", "destroy")

    state = core.get(user(core, "ada")).to_data()["ietf-netconf-acm:nacm"]

    assert (state["denied-data-writes"], state["denied-operations"]) == (1, 1)


def test_new_rules_hold_from_the_next_request_on(make_core: Callable[..., Core]) -> None:
    core = make(make_core)
    bob = user(core, "bob")
    nacm = (
        b'<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">'
        b'<nacm xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-acm">'
        b"<write-default>permit</write-default></nacm></config>"
    )
    core.edit_config(user(core, "ada"), "running", nacm)

    core.edit_config(bob, "running", config("<name>y</name>"))

    assert box(core)["name"] == "y"
    denied(core.edit_config, bob, "running", nacm.replace(b"permit", b"deny"))


def test_switched_off_it_permits_all(make_core: Callable[..., Core]) -> None:
    core = make_core(first=b'{"ietf-netconf-acm:nacm": {"enable-nacm": false}}')

    core.edit_config(user(core, "eve"), "running", config("<hidden>z</hidden>"))

    assert box(core) == {"hidden": "z"}


def test_a_rule_that_permits_one_operation_everywhere_permits_no_other(
    make_core: Callable[..., Core],
) -> None:
    everywhere = {"module-name": "*", "access-operations": "create update", "action": "permit"}
    core = make(make_core, rules(everywhere))
    bob = user(core, "bob")
    core.edit_config(bob, "running", config("<name>y</name><port><name>eth2</name></port>"))

    with pytest.raises(RpcErrors) as caught:
        core.edit_config(
            bob,
            "running",
            config('<name>z</name><port nc:operation="delete"><name>eth2</name></port>'),
        )

    assert {error.tag for error in caught.value.errors} == {"access-denied"}
    denied = [str(error.path) for error in caught.value.errors]
    assert all(path.startswith("/nf-test:box/port[name='eth2']") for path in denied)
    assert box(core)["name"] == "y"


def test_only_who_may_read_all_reads_at_once(make_core: Callable[..., Core]) -> None:
    core = make(make_core, rules({"module-name": "nf-test", "action": "deny"}))
    ada, bob = user(core, "ada"), user(core, "bob")

    assert core.is_light(ada, "running")
    assert not core.is_light(bob, "running")
    assert not core.is_light(ada, "startup")
