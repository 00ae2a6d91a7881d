"""gNMI shows what NETCONF shows, to everybody."""

import json
import re
from collections.abc import Callable

import grpc
import pytest

from nf.mgmt.core import Core
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.schema_nodes import SchemaTree
from nf.mgmt.subscriptions.patterns import Instance, everything, leaves
from nf.telemetry.gnmi.errors import of_rpc_errors
from nf.telemetry.gnmi.paths import path_of

from .client import Client, text
from .conftest import Lab

NETCONF = "urn:ietf:params:xml:ns:netconf:base:1.0"
RULES = {
    "name": "guests",
    "group": ["*"],
    "rule": [
        {
            "name": "no-ports",
            "path": "/nf-lab:lab/port/mtu",
            "access-operations": "read",
            "action": "deny",
        },
        {
            "name": "no-nacm",
            "module-name": "ietf-netconf-acm",
            "access-operations": "read",
            "action": "deny",
        },
    ],
}


@pytest.mark.parametrize("user", ["ada", "guest"])
def test_a_whole_tree_is_the_same_by_both(
    ports: Client, connect: Callable[..., Client], core: Core, lab: Lab, user: str
) -> None:
    lab.state = {"uptime": 5, "port": [{"name": "a", "packets": 2**60, "up": True}]}
    ports.set(
        update={
            "/lab/hidden": "secret",
            "/lab/types": {"big": "7", "exact": "1.5", "there": [None], "number": [2, 1]},
            "/nacm/rule-list[name=guests]": RULES,
        }
    )
    session = core.sessions.open(user, "netconf-ssh", "192.0.2.1")
    tops = ("nf-lab:lab", "ietf-netconf-acm:nacm")
    by_netconf = json.loads(core.get(session).to_json(defaults="report-all"))
    by_gnmi = connect(user).read("/")["/"]

    for top in tops:
        assert _without_counters(by_gnmi.get(top)) == _without_counters(by_netconf.get(top))
    assert ("ietf-netconf-acm:nacm" in by_gnmi) == (user == "ada")
    assert ("hidden" in by_gnmi["nf-lab:lab"]) == (user == "ada")
    assert ("mtu" in by_gnmi["nf-lab:lab"]["port"][0]) == (user == "ada")
    core.sessions.close(session, "closed")


def _without_counters(top: dict | None) -> dict | None:
    """Without what the reading itself counts."""
    return top and {name: value for name, value in top.items() if not name.startswith("denied-")}


FULL = {
    "/lab/hidden": "secret",
    "/lab/types": {"big": "7", "exact": "1.5", "there": [None], "number": [2, 1]},
}


def rules(path: str) -> dict:
    """Everything but one node."""
    return {
        "name": "generated",
        "group": ["*"],
        "rule": [
            {"name": "one", "path": path, "access-operations": "*", "action": "deny"},
            {"name": "rest", "module-name": "*", "access-operations": "*", "action": "permit"},
        ],
    }


def paths_of(core: Core, schema: SchemaTree, user: str) -> set[str]:
    """Leaves that a user of NETCONF sees."""
    session = core.sessions.open(user, "netconf-ssh", "192.0.2.1")
    data = core.get(session).to_data()
    core.sessions.close(session, "closed")
    whole = Instance((), schema.root, data)
    return {text(path_of(one.place, qualified=False)) for one in leaves(whole, everything)}


def test_what_a_rule_hides_is_hidden_by_both_for_every_node_of_the_model(
    ports: Client, connect: Callable[..., Client], core: Core, lab: Lab
) -> None:
    lab.state = {"uptime": 5, "port": [{"name": "a", "packets": 2**60, "up": True}]}
    ports.set(update=FULL)
    schema = SchemaTree(core.context)
    guest = connect("guest")
    nodes = [node for top in schema.root.children for node in top.below()]
    looked_at = 0
    for node in nodes:
        if node.module == "ietf-netconf-acm" or (node.parent and node.name in node.parent.keys):
            continue
        ports.set(replace={"/nacm/rule-list[name=generated]": rules(node.path)})
        by_netconf = paths_of(core, schema, "guest")
        by_gnmi = set(guest.read("/", encoding="PROTO"))
        bare = "/".join(part.rpartition(":")[2] for part in node.path.split("/"))
        shown = {re.sub(r"\[[^\]]*\]", "", one) for one in by_gnmi}

        assert by_gnmi == by_netconf, node.path
        assert not [one for one in shown if one == bare or one.startswith(bare + "/")], node.path
        looked_at += 1
    assert looked_at > 60


def test_what_a_rule_protects_is_protected_in_both_for_every_node_of_the_lab(
    ports: Client, connect: Callable[..., Client], core: Core
) -> None:
    ports.set(update=FULL)
    guest = connect("guest")
    schema = SchemaTree(core.context)
    [top] = [node for node in schema.root.children if node.qualified == "nf-lab:lab"]
    before = ports.read("/lab")
    denied = 0
    for node in top.below():
        inside = node.path.removeprefix("/nf-lab:lab/")
        present = ports.read("/lab", encoding="PROTO")
        bare = f"/lab/{inside}"
        there = any(one == bare or one.startswith(f"{bare}/") for one in present)
        if node is top or not node.config or node.kind in ("list", "leaf-list") or not there:
            continue
        ports.set(replace={"/nacm/rule-list[name=generated]": rules(node.path)})
        session = core.sessions.open("guest", "netconf-ssh", "192.0.2.1")
        opened, closed = "", ""
        for name in inside.split("/"):
            opened, closed = f"{opened}<{name}>", f"</{name}>{closed}"
        last = inside.rpartition("/")[2]
        marked = f'<{last} xmlns:nc="{NETCONF}" nc:operation="remove"/>'
        content = opened.removesuffix(f"<{last}>") + marked + closed.removeprefix(f"</{last}>")
        edit = f'<config xmlns="{NETCONF}"><lab xmlns="{top_space(core)}">{content}</lab></config>'
        try:
            core.edit_config(session, "running", edit.encode())
            by_netconf = "OK"
        except RpcErrors as error:
            by_netconf = of_rpc_errors(error).code.name
        core.sessions.close(session, "closed")
        try:
            guest.set(delete=[bare])
            by_gnmi = "OK"
        except grpc.RpcError as error:
            by_gnmi = error.code().name

        # What is there by default only cannot be removed, and is not: nobody has to refuse that.
        assert by_gnmi == by_netconf, node.path
        denied += by_gnmi == "PERMISSION_DENIED"
    assert denied > 3
    assert ports.read("/lab") == before


def top_space(core: Core) -> str:
    return next(one["namespace"] for one in core.context.modules() if one["name"] == "nf-lab")
