"""Locks, ends of sessions, and messages that are none (RFC 6241 sections 3, 4, 7.5 to 7.9)."""

import os
import signal
import subprocess
import sys

import pytest
from lxml import etree

from nf.mgmt.netconf.alone import Alone
from tests.netconf.conftest import PASSWORD, Connect
from tests.netconf.peer import BASE, BASE_1_0, NS, Peer, Refusal
from tests.waiting import until

LOCK = "<lock><target><{}/></target></lock>"
UNLOCK = "<unlock><target><{}/></target></unlock>"

HOLDER = """
import asyncio, sys, asyncssh

async def main():
    connection = await asyncssh.connect(
        "127.0.0.1", int(sys.argv[1]), username="ada", password=sys.argv[2],
        known_hosts=None, client_keys=None, agent_path=None, config=None)
    out, back, _ = await connection.open_session(subsystem="netconf", encoding=None)
    base = "urn:ietf:params:xml:ns:netconf:base:1.0"
    out.write(f'<hello xmlns="{base}"><capabilities><capability>urn:ietf:params:netconf:base:1.0'
        f'</capability></capabilities></hello>]]>]]><rpc xmlns="{base}" message-id="1"><lock>'
        '<target><running/></target></lock></rpc>]]>]]>'.encode())
    for _ in range(2):
        answer = await back.readuntil(b"]]>]]>")
    print("held" if b"<ok/>" in answer else answer, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("store", ["running", "candidate", "startup"])
def test_a_lock_keeps_others_out(ada: Peer, connect: Connect, store: str) -> None:
    other = connect()
    other.ok(LOCK.format(store))
    refusal = ada.refused(LOCK.format(store))

    assert (refusal.type, refusal.tag) == ("protocol", "lock-denied")
    assert refusal.info["session-id"] == str(other.session_id)
    assert ada.refused(UNLOCK.format(store)).tag == "operation-failed"
    other.ok(UNLOCK.format(store))
    ada.ok(LOCK.format(store))


def test_what_is_locked_is_not_edited_by_another(ada: Peer, connect: Connect) -> None:
    other = connect()
    other.ok(LOCK.format("running"))
    refusal = ada.refused(ada.edit("<name>x</name>"))

    assert refusal.tag == "in-use"
    other.ok(other.edit("<name>x</name>"))


def test_a_lock_is_free_as_soon_as_its_holder_was_killed_by_another_session(
    ada: Peer, connect: Connect
) -> None:
    other = connect()
    other.ok(LOCK.format("running"))
    ada.ok(f"<kill-session><session-id>{other.session_id}</session-id></kill-session>")

    ada.ok(LOCK.format("running"))
    assert other.closed_by_server()


def test_a_lock_is_free_when_the_process_of_its_holder_is_killed(
    ada: Peer, function: Alone
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(function.server.ports["test"]), PASSWORD],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        assert ada.refused(LOCK.format("running")).tag == "lock-denied"
        os.kill(holder.pid, signal.SIGKILL)
        until(lambda: function.core.locks.holder("running") is None)
        ada.ok(LOCK.format("running"))
    finally:
        holder.kill()
        holder.communicate()


def test_a_session_is_closed_after_its_reply(ada: Peer) -> None:
    ada.ask("<get><filter/></get>")
    ada.ask("<close-session/>")

    assert ada.receive().find("nc:data", NS) is not None
    assert ada.receive().find("nc:ok", NS) is not None
    assert ada.closed_by_server()


@pytest.mark.parametrize("number", ["0", "4294967295", "own", "x", ""])
def test_a_session_that_is_not_there_is_not_killed(ada: Peer, number: str) -> None:
    number = str(ada.session_id) if number == "own" else number
    refusal = ada.refused(f"<kill-session><session-id>{number}</session-id></kill-session>")

    assert refusal.tag == "invalid-value"


def test_who_may_not_kill_is_refused(ada: Peer, connect: Connect) -> None:
    refusal = connect("bob").refused(
        f"<kill-session><session-id>{ada.session_id}</session-id></kill-session>"
    )
    assert refusal.tag == "access-denied"


def test_requests_are_answered_in_their_order(ada: Peer) -> None:
    asked = [ada.ask("<get><filter/></get>" if n % 2 else "<get/>") for n in range(20)]
    answered = [ada.receive().get("message-id") for _ in asked]

    assert answered == asked


# Messages that are none ----


def test_an_unknown_operation_is_not_supported(ada: Peer) -> None:
    for operation in ("<explode/>", '<explode xmlns="urn:other"/>', '<explode xmlns=""/>'):
        refusal = ada.refused(operation)
        assert (refusal.type, refusal.tag) == ("protocol", "operation-not-supported")
        assert refusal.info["bad-element"] == "explode"


def test_an_rpc_without_message_id_is_told_so(ada: Peer) -> None:
    ada.send_message(f'<rpc xmlns="{BASE}"><get/></rpc>'.encode())
    refusal = Refusal(ada.receive()[0])

    assert (refusal.type, refusal.tag) == ("rpc", "missing-attribute")
    assert refusal.info == {"bad-attribute": "message-id", "bad-element": "rpc"}


def test_an_rpc_without_operation_or_with_two_is_refused(ada: Peer) -> None:
    assert ada.refused("").tag == "missing-element"
    assert ada.refused("<get/><get/>").type == "rpc"


def test_an_rpc_in_another_namespace_is_refused(ada: Peer) -> None:
    ada.send_message(b'<rpc xmlns="urn:x" message-id="1"><get/></rpc>')
    refusal = Refusal(ada.receive()[0])

    assert (refusal.type, refusal.tag) == ("rpc", "unknown-namespace")
    assert refusal.info == {"bad-element": "rpc", "bad-namespace": "urn:x"}


def test_what_is_no_message_of_a_client_is_refused(ada: Peer) -> None:
    ada.send_message(f'<hello xmlns="{BASE}"/>'.encode())

    assert Refusal(ada.receive()[0]).tag == "unknown-element"
    ada.ok("<discard-changes/>")


def test_with_base_1_1_a_malformed_message_is_told_so_and_the_session_goes_on(ada: Peer) -> None:
    ada.send_message(b"<rpc><get></rpc>")
    reply = ada.receive()

    assert reply.get("message-id") is None
    refusal = Refusal(reply[0])
    assert (refusal.type, refusal.tag) == ("rpc", "malformed-message")
    ada.ok("<discard-changes/>")


def test_with_base_1_0_a_malformed_message_ends_the_session(connect: Connect) -> None:
    old = connect(versions=(BASE_1_0,))
    old.send_message(b"<rpc><get></rpc>")

    assert old.closed_by_server()


# Operations of our models ----


def test_an_rpc_of_a_model_is_carried_out(ada: Peer, function: Alone) -> None:
    function.core.operations.register(
        "/nf-test:echo", lambda _session, _target, said: {"text": said["text"]}
    )
    reply = ada.rpc('<echo xmlns="urn:nf:test"><text>a&lt;b</text></echo>')

    assert reply.findtext("t:text", namespaces=NS) == "a<b"


def test_an_rpc_that_nobody_carries_out_is_not_supported(ada: Peer) -> None:
    refusal = ada.refused('<echo xmlns="urn:nf:test"><text>x</text></echo>')

    assert refusal.tag == "operation-not-supported"


def test_an_rpc_with_wrong_input_is_refused(ada: Peer, function: Alone) -> None:
    function.core.operations.register("/nf-test:echo", lambda _session, _target, _said: {})

    assert ada.refused('<echo xmlns="urn:nf:test"/>').tag == "data-missing"
    assert ada.refused('<echo xmlns="urn:nf:test"><x/></echo>').tag == "unknown-element"


def test_an_action_is_carried_out_where_it_says(ada: Peer, function: Alone) -> None:
    function.core.operations.register(
        "/nf-test:box/port/reset", lambda _session, target, _said: {"was": str(len(target))}
    )
    ada.ok(ada.edit("<port><name>a</name></port>"))
    reply = ada.rpc(
        '<action xmlns="urn:ietf:params:xml:ns:yang:1"><box xmlns="urn:nf:test"><port>'
        "<name>a</name><reset/></port></box></action>"
    )

    assert reply.findtext("t:was", namespaces=NS) == str(len("/nf-test:box/port[name='a']"))


def test_an_operation_that_fails_by_our_mistake_is_told_and_logged(
    ada: Peer, function: Alone, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> dict[str, object]:
        raise ZeroDivisionError

    function.core.operations.register("/nf-test:echo", broken)
    refusal = ada.refused('<echo xmlns="urn:nf:test"><text>x</text></echo>')

    assert (refusal.tag, refusal.app_tag) == ("operation-failed", "internal")
    assert "ZeroDivisionError" in caplog.text
    ada.ok("<discard-changes/>")


def test_what_is_dangerous_is_denied_to_who_has_no_rule(connect: Connect) -> None:
    refusal = connect("bob").refused('<destroy xmlns="urn:nf:test"/>')

    assert refusal.tag == "access-denied"


def test_a_reply_is_well_formed_whatever_the_request_says(ada: Peer) -> None:
    ada.send_message(
        f"<rpc xmlns='{BASE}' message-id='\"&lt;&amp;&#9;'><get-config><source>"
        "<running/></source><x/></get-config></rpc>".encode()
    )
    reply = ada.receive()

    assert reply.get("message-id") == '"<&\t'
    assert etree.QName(reply[0]).localname == "rpc-error"
