"""Locks on parts: how much one session may lock, and what locks have in common."""

import pytest

from nf.mgmt import partial_locks
from nf.mgmt.partial_locks import PartialLocks
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import Session

ADA = Session(7, "ada", "netconf-ssh", "192.0.2.1")
BOB = Session(8, "bob", "netconf-ssh", "192.0.2.2")
PORT = "/nf-test:box/port[name='{}']"


def test_the_nodes_of_all_locks_of_a_session_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial_locks, "MAX_NODES", 3)
    locks = PartialLocks()
    first = locks.take(ADA, ["x"], [PORT.format(n) for n in range(2)])

    with pytest.raises(RpcErrors, match="give locks back") as refused:
        locks.take(ADA, ["x"], [PORT.format(n) for n in range(2, 4)])
    assert refused.value.errors[0].tag == "too-big"

    locks.release(ADA, first.id)
    locks.take(ADA, ["x"], [PORT.format(n) for n in range(2, 4)])
    locks.take(BOB, ["x"], [PORT.format(9)])


@pytest.mark.parametrize(
    ("held", "wanted", "meet"),
    [
        ("/nf-test:box/name", "/nf-test:box/name", True),
        ("/nf-test:box", "/nf-test:box/name", True),
        ("/nf-test:box/name", "/nf-test:box", True),
        (PORT.format("a"), PORT.format("a") + "/mtu", True),
        (PORT.format("a"), PORT.format("b"), False),
        ("/nf-test:box/name", "/nf-test:box/low", False),
        ("/nf-test:box", "/nf-other:box", False),
    ],
)
def test_locks_of_two_sessions_must_not_meet(held: str, wanted: str, meet: bool) -> None:
    locks = PartialLocks()
    locks.take(ADA, ["x"], [held])
    if meet:
        with pytest.raises(RpcErrors, match="holds a part"):
            locks.take(BOB, ["x"], [wanted])
    else:
        locks.take(BOB, ["x"], [wanted])
    locks.take(ADA, ["x"], [wanted] if meet else [held])
