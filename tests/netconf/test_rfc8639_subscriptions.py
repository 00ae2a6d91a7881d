"""Subscriptions to events: RFC 8639 over NETCONF (RFC 8640)."""

from datetime import UTC, datetime, timedelta

import pytest

from nf.mgmt.netconf.alone import Alone
from nf.mgmt.netconf.subscribed import holding
from tests.netconf.conftest import Connect
from tests.netconf.peer import Peer
from tests.netconf.subscribing import (
    NOT_FOR_BOB,
    NS,
    SN,
    STREAM,
    about,
    applied,
    begin,
    establish,
    named,
    push,
    receive,
    restarted,
)
from tests.waiting import until

RFC5277 = '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'


def replay(since: datetime, more: str = "") -> str:
    return f"{STREAM}<replay-start-time>{since.isoformat()}</replay-start-time>{more}"


def test_events_come_to_whoever_has_subscribed(ada: Peer, function: Alone) -> None:
    begin(ada, establish())
    function.events.publish(restarted())
    event = receive(ada, "process-restarted")

    assert event.findtext("p:name", namespaces=NS) == "datapath"


def test_a_session_may_have_several_subscriptions(ada: Peer, function: Alone) -> None:
    first, second = begin(ada, establish()), begin(ada, establish())
    function.events.publish(restarted())

    assert first != second
    assert [named(ada.receive()) for _ in range(2)] == ["process-restarted"] * 2


@pytest.mark.parametrize(
    "filtering",
    [
        (
            '<stream-subtree-filter><process-restarted xmlns="urn:nf:yang:nf-probe">'
            "<name>datapath</name></process-restarted></stream-subtree-filter>"
        ),
        (
            '<stream-xpath-filter xmlns:x="urn:nf:yang:nf-probe">'
            "/x:process-restarted[x:name='datapath']</stream-xpath-filter>"
        ),
        (
            "<stream-xpath-filter>/nf-probe:process-restarted[nf-probe:name='datapath']"
            "</stream-xpath-filter>"
        ),
    ],
)
def test_a_filter_lets_only_what_matches_through(
    ada: Peer, function: Alone, filtering: str
) -> None:
    number = begin(ada, establish(STREAM + filtering))
    function.events.publish(applied())
    function.events.publish(restarted("operator"))
    function.events.publish(restarted("datapath"))
    assert receive(ada, "process-restarted").findtext("p:name", namespaces=NS) == "datapath"
    data = ada.data(f'<get><filter><subscriptions xmlns="{SN}"/></filter></get>')
    found = data.find("s:subscriptions/s:subscription", NS)

    assert found is not None
    assert found.findtext("s:id", namespaces=NS) == str(number)
    assert found.findtext("s:stream", namespaces=NS) == "NETCONF"
    assert found.findtext(".//s:sent-event-records", namespaces=NS) == "1"
    assert int(found.findtext(".//s:excluded-event-records", namespaces=NS) or 0) >= 2


def test_what_happened_before_is_replayed(ada: Peer, function: Alone) -> None:
    since = datetime.now(UTC)
    for name in ("datapath", "operator"):
        function.events.publish(restarted(name))
    number = begin(ada, establish(replay(since)))
    replayed = [receive(ada, "process-restarted") for _ in range(2)]
    over = receive(ada, "replay-completed")
    function.events.publish(restarted("management"))

    assert [one.findtext("p:name", namespaces=NS) for one in replayed] == ["datapath", "operator"]
    assert over.findtext("s:id", namespaces=NS) == str(number)
    assert receive(ada, "process-restarted").findtext("p:name", namespaces=NS) == "management"


def test_a_replay_that_cannot_go_back_so_far_says_so(ada: Peer) -> None:
    reply = ada.rpc(establish(replay(datetime.now(UTC) - timedelta(days=400))))
    told = reply.findtext("s:replay-start-time-revision", namespaces=NS)
    stream = ada

    while named(message := stream.receive()) != "replay-completed":
        assert message is not None
    data = ada.data(f'<get><filter><streams xmlns="{SN}"/></filter></get>')
    created = data.findtext(".//s:replay-log-creation-time", namespaces=NS)
    assert told == created
    assert data.find(".//s:stream/s:replay-support", NS) is not None


def test_a_subscription_ends_at_its_stop_time(ada: Peer, function: Alone) -> None:
    stop = datetime.now(UTC) + timedelta(milliseconds=300)
    begin(ada, establish(f"{STREAM}<stop-time>{stop.isoformat()}</stop-time>"))
    register = function.server.service.publisher.register
    assert len(register) == 1
    until(lambda: len(register) == 0)

    assert datetime.now(UTC) >= stop
    function.events.publish(restarted())
    ada.ok("<discard-changes/>")


def test_a_replay_of_the_past_alone_ends_after_it(ada: Peer, function: Alone) -> None:
    since = datetime.now(UTC)
    function.events.publish(restarted("datapath"))
    until(lambda: bool(function.events.log.since(since)))
    stop = datetime.now(UTC)
    function.events.publish(restarted("operator"))
    begin(ada, establish(replay(since, f"<stop-time>{stop.isoformat()}</stop-time>")))

    assert [named(ada.receive()) for _ in range(2)] == ["process-restarted", "replay-completed"]
    until(lambda: len(function.server.service.publisher.register) == 0)


def test_a_subscription_is_modified(ada: Peer, function: Alone) -> None:
    number = begin(ada, establish())
    ada.ok(
        about(
            "modify-subscription",
            number,
            "<stream-xpath-filter>/nf-probe:process-restarted</stream-xpath-filter>",
        )
    )
    function.events.publish(applied())
    function.events.publish(restarted())

    assert named(ada.receive()) == "process-restarted"


def test_a_subscription_is_deleted_by_its_own_session_only(
    ada: Peer, connect: Connect, function: Alone
) -> None:
    number = begin(
        ada, establish(STREAM + "<stream-xpath-filter>/nf-probe:x</stream-xpath-filter>")
    )
    refusal = connect().refused(about("delete-subscription", number))
    ada.ok(about("delete-subscription", number))
    gone = ada.refused(about("delete-subscription", number))

    for one in (refusal, gone):
        assert one.tag == "invalid-value"
        assert one.app_tag == "ietf-subscribed-notifications:no-such-subscription"
        assert "delete-subscription-error-info" in one.info
    assert len(function.server.service.publisher.register) == 0


def test_an_operator_kills_a_subscription_and_its_receiver_is_told(
    ada: Peer, connect: Connect
) -> None:
    bob = connect("bob")
    number = begin(bob, push())
    receive(bob, "push-update")
    denied = bob.refused(about("kill-subscription", number))
    ada.ok(about("kill-subscription", number))
    over = receive(bob, "subscription-terminated")

    assert denied.tag == "access-denied"
    assert over.findtext("s:id", namespaces=NS) == str(number)
    assert over.findtext("s:reason", namespaces=NS) == "no-such-subscription"


def test_subscriptions_end_with_their_session(connect: Connect, function: Alone) -> None:
    peer = connect()
    begin(peer, establish())
    begin(peer, push())
    peer.close()

    until(lambda: len(function.server.service.publisher.register) == 0)
    until(lambda: function.server.service.publisher.engines["running"].feeds() == 0)


def test_both_kinds_of_subscription_do_not_meet_in_one_session(ada: Peer, connect: Connect) -> None:
    other = connect()
    begin(ada, establish(STREAM + "<stream-xpath-filter>/nf-probe:x</stream-xpath-filter>"))
    other.ok(RFC5277)

    assert ada.refused(RFC5277).tag == "operation-not-supported"
    assert other.refused(establish()).tag == "operation-not-supported"


@pytest.mark.parametrize(
    ("content", "tag", "app_tag"),
    [
        ("<stream>other</stream>", "invalid-value", None),
        ("", "missing-element", None),
        (
            STREAM + "<encoding>s:encode-json</encoding>",
            "invalid-value",
            "ietf-subscribed-notifications:encoding-unsupported",
        ),
        (
            STREAM + "<stream-xpath-filter>/nf-probe:x[</stream-xpath-filter>",
            "invalid-value",
            "ietf-subscribed-notifications:filter-unsupported",
        ),
        (
            STREAM + "<stream-filter-name>none</stream-filter-name>",
            "invalid-value",
            "ietf-subscribed-notifications:filter-unsupported",
        ),
        (
            STREAM + "<replay-start-time>2999-01-01T00:00:00Z</replay-start-time>",
            "invalid-value",
            None,
        ),
        (STREAM + "<stop-time>2020-01-01T00:00:00Z</stop-time>", "invalid-value", None),
        (STREAM + "<stop-time>tomorrow</stop-time>", "invalid-value", None),
        (STREAM + "<stop-time>9999-12-31T23:59:59-12:00</stop-time>", "invalid-value", None),
        (STREAM + "<dscp>10</dscp>", "unknown-element", None),
    ],
)
def test_a_wrong_subscription_is_refused(
    ada: Peer, content: str, tag: str, app_tag: str | None
) -> None:
    refusal = ada.refused(establish(content))

    assert (refusal.tag, refusal.app_tag) == (tag, app_tag)
    assert (app_tag is None) != ("establish-subscription-stream-error-info" in refusal.info)


def test_what_a_user_may_not_receive_is_withheld_and_counted(
    ada: Peer, connect: Connect, function: Alone
) -> None:
    bob = connect("bob")
    ada.ok(NOT_FOR_BOB)
    begin(bob, establish())
    function.events.publish(restarted())
    function.events.publish(applied())

    assert named(bob.receive()) == "configuration-applied"
    assert function.core.commits.denials.notifications == 1


def test_a_suspended_receiver_gets_what_it_missed_out_of_the_log(
    ada: Peer, function: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(ada, establish())
    function.events.publish(restarted("datapath"))
    receive(ada, "process-restarted")
    # Nothing may wait: the next event finds no room.
    monkeypatch.setattr(holding, "MAX_WAITING", -1)
    for name in ("operator", "management"):
        function.events.publish(restarted(name))
    suspended = receive(ada, "subscription-suspended")
    monkeypatch.setattr(holding, "MAX_WAITING", 1_000_000)
    receive(ada, "subscription-resumed")
    missed = [receive(ada, "process-restarted") for _ in range(2)]

    assert suspended.findtext("s:reason", namespaces=NS) == "unsupportable-volume"
    assert [one.findtext("p:name", namespaces=NS) for one in missed] == ["operator", "management"]


def test_what_is_off_is_not_in_the_model(ada: Peer) -> None:
    refusal = ada.refused(establish("<stream>NETCONF</stream><dscp>1</dscp>"))

    assert refusal.tag == "unknown-element"
