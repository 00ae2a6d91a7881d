"""Locks on parts of running: RFC 5717."""

import pytest
from lxml import etree

from tests.netconf.conftest import Connect
from tests.netconf.peer import BOX, Peer
from tests.waiting import until

PL = "urn:ietf:params:xml:ns:netconf:partial-lock:1.0"
NS = {"l": PL, "m": "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"}
PORT = "/t:box/t:port[t:name='a']"


def lock(*selects: str) -> str:
    inner = "".join(f"<select>{one}</select>" for one in selects)
    return f'<partial-lock xmlns="{PL}" xmlns:t="{BOX}">{inner}</partial-lock>'


def unlock(number: int) -> str:
    return f'<partial-unlock xmlns="{PL}"><lock-id>{number}</lock-id></partial-unlock>'


def take(peer: Peer, *selects: str) -> tuple[int, list[str]]:
    reply = peer.rpc(lock(*selects))
    number = reply.findtext("l:lock-id", namespaces=NS)
    assert number is not None, etree.tostring(reply)
    return int(number), [one.text or "" for one in reply.iterfind("l:locked-node", NS)]


@pytest.fixture
def box(ada: Peer) -> Peer:
    ada.ok(ada.edit("<name>x</name><port><name>a</name></port><port><name>b</name></port>"))
    return ada


def test_the_capability_is_told(ada: Peer) -> None:
    assert "urn:ietf:params:netconf:capability:partial-lock:1.0" in ada.capabilities


def test_what_is_locked_is_changed_by_its_holder_only(box: Peer, connect: Connect) -> None:
    number, nodes = take(box, PORT)
    other = connect()
    change = box.edit("<port><name>a</name><mtu>100</mtu></port>")
    refusal = other.refused(change)
    other.ok(other.edit("<port><name>b</name><mtu>100</mtu></port><name>y</name>"))
    box.ok(change)
    box.ok(unlock(number))
    other.ok(other.edit("<port><name>a</name><mtu>200</mtu></port>"))

    assert nodes == ["/nf-test:box/nf-test:port[nf-test:name='a']"]
    assert refusal.tag == "in-use"
    assert refusal.info["session-id"] == str(box.session_id)


@pytest.mark.parametrize(
    "edit",
    [
        '<port nc:operation="delete"><name>a</name></port>',
        "<port><name>a</name><mtu>100</mtu></port>",
    ],
)
def test_a_commit_of_what_another_has_locked_is_refused(
    box: Peer, connect: Connect, edit: str
) -> None:
    take(box, PORT)
    other = connect()
    other.ok(other.edit(edit, "candidate"))

    assert other.refused("<commit/>").tag == "in-use"


def test_deleting_what_is_above_a_lock_is_refused(box: Peer, connect: Connect) -> None:
    take(box, f"{PORT}/t:mtu")
    refusal = connect().refused(box.edit('<port nc:operation="delete"><name>a</name></port>'))

    assert refusal.tag == "in-use"


def test_locks_that_meet_are_refused(box: Peer, connect: Connect) -> None:
    take(box, PORT)
    other = connect()

    for select in (PORT, f"{PORT}/t:mtu", "/t:box"):
        refusal = other.refused(lock(select))
        assert refusal.tag == "lock-denied"
        assert refusal.info["session-id"] == str(box.session_id)
    take(other, "/t:box/t:port[t:name='b']")


def test_a_lock_on_all_of_running_and_one_on_a_part_exclude_each_other(
    box: Peer, connect: Connect
) -> None:
    other = connect()
    number, _ = take(box, PORT)
    assert other.refused("<lock><target><running/></target></lock>").tag == "lock-denied"
    box.ok(unlock(number))
    other.ok("<lock><target><running/></target></lock>")
    assert box.refused(lock(PORT)).tag == "lock-denied"


def test_what_a_session_held_is_free_when_it_ends(box: Peer, connect: Connect) -> None:
    other = connect()
    take(other, PORT)
    other.close()

    until(lambda: not box.rpc(lock(PORT)).findall(".//{*}rpc-error"))


@pytest.mark.parametrize(
    ("request_text", "tag", "app_tag"),
    [
        (lock("/t:box/t:port[t:name='z']"), "operation-failed", "no-matches"),
        (lock("1+1"), "invalid-value", "not-a-node-set"),
        (lock("/t:box["), "invalid-value", "not-a-node-set"),
        (lock(), "missing-element", None),
        (unlock(99), "invalid-value", None),
    ],
)
def test_a_wrong_request_is_refused(
    box: Peer, request_text: str, tag: str, app_tag: str | None
) -> None:
    refusal = box.refused(request_text)

    assert (refusal.tag, refusal.app_tag) == (tag, app_tag)


def test_nobody_locks_while_a_commit_waits_for_its_confirmation(
    box: Peer, connect: Connect
) -> None:
    box.ok(box.edit("<name>z</name>", "candidate"))
    box.ok("<commit><confirmed/></commit>")
    refusal = connect().refused(lock(PORT))

    assert (refusal.tag, refusal.app_tag) == ("lock-denied", "outstanding-confirmed-commit")


def test_locks_on_parts_are_listed(box: Peer) -> None:
    number, _ = take(box, PORT)
    data = box.data(
        '<get><filter><netconf-state xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring">'
        "<datastores/></netconf-state></filter></get>"
    )

    assert data.findtext(".//m:partial-lock/m:lock-id", namespaces=NS) == str(number)
    assert data.findtext(".//m:partial-lock/m:locked-by-session", namespaces=NS) == str(
        box.session_id
    )
    node = data.find(".//m:partial-lock/m:locked-node", NS)
    assert node is not None
    assert (node.text or "").endswith("port[t:name='a']")
