"""gNMI shows what NETCONF shows, to everybody."""

import json
from collections.abc import Callable

import pytest

from nf.mgmt.core import Core

from .client import Client
from .conftest import Lab

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
