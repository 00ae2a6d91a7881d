"""Notifications: RFC 5277 with replay and interleave, RFC 6470."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from nf.mgmt.netconf.alone import Alone
from tests.netconf.conftest import Connect
from tests.netconf.peer import BOX, Peer
from tests.netconf.subscribing import NOT_FOR_BOB, NS, applied, named, restarted
from tests.waiting import until

MANAGE = "urn:ietf:params:xml:ns:netmod:notification"


def create(content: str = "") -> str:
    return (
        '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">'
        f"{content}</create-subscription>"
    )


def moment(when: datetime) -> str:
    return when.isoformat()


def test_a_notification_has_a_time_and_its_content(ada: Peer, function: Alone) -> None:
    before = datetime.now(UTC)
    ada.ok(create())
    function.events.publish(restarted())
    message = ada.receive()

    when = datetime.fromisoformat(message.findtext("n:eventTime", namespaces=NS) or "")
    assert before <= when <= datetime.now(UTC)
    assert message.findtext("p:process-restarted/p:name", namespaces=NS) == "datapath"


def test_a_change_is_told_with_who_and_what(ada: Peer, connect: Connect) -> None:
    ada.ok(create())
    other = connect()
    assert named(ada.receive()) == "netconf-session-start"
    other.ok(other.edit("<name>x</name>"))
    change = ada.receive()

    assert named(change) == "netconf-config-change"
    assert change.findtext(".//e:username", namespaces=NS) == "ada"
    assert change.findtext(".//e:session-id", namespaces=NS) == str(other.session_id)
    assert change.findtext(".//e:source-host", namespaces=NS) == "127.0.0.1"
    target = change.find(".//e:edit/e:target", NS)
    assert target is not None
    assert target.text is not None
    prefix = target.text.strip("/").partition(":")[0]
    assert target.nsmap[prefix] == BOX
    assert change.findtext(".//e:edit/e:operation", namespaces=NS) == "create"


def test_sessions_are_told_when_they_begin_and_how_they_end(ada: Peer, connect: Connect) -> None:
    ada.ok(create())
    other = connect()
    started = ada.receive()
    other.ok("<close-session/>")
    ended = ada.receive()

    assert named(started) == "netconf-session-start"
    assert named(ended) == "netconf-session-end"
    assert ended.findtext(".//e:termination-reason", namespaces=NS) == "closed"

    third = connect()
    ada.receive()
    ada.ask(f"<kill-session><session-id>{third.session_id}</session-id></kill-session>")
    messages = {etree.QName(one).localname: one for one in (ada.receive(), ada.receive())}
    assert set(messages) == {"rpc-reply", "notification"}
    killed = messages["notification"]
    assert killed.findtext(".//e:termination-reason", namespaces=NS) == "killed"
    assert killed.findtext(".//e:killed-by", namespaces=NS) == str(ada.session_id)


def test_a_confirmed_commit_is_told(ada: Peer, connect: Connect) -> None:
    ada.ok(create())
    other = connect()
    other.ok(other.edit("<name>x</name>", "candidate"))
    other.ok("<commit><confirmed/></commit>")
    other.ok("<commit/>")
    names = [ada.receive() for _ in range(4)]

    assert [named(one) for one in names] == [
        "netconf-session-start",
        "netconf-config-change",
        "netconf-confirmed-commit",
        "netconf-confirmed-commit",
    ]
    events = [one.findtext(".//e:confirm-event", namespaces=NS) for one in names[2:]]
    assert events == ["start", "complete"]


def test_requests_are_answered_while_notifications_come(ada: Peer, function: Alone) -> None:
    ada.ok(create())
    for _ in range(5):
        function.events.publish(restarted())
    for _ in range(5):
        ada.ask("<discard-changes/>")
    kinds = sorted(etree.QName(ada.receive()).localname for _ in range(10))

    assert kinds == ["notification"] * 5 + ["rpc-reply"] * 5


def test_a_second_subscription_of_a_session_is_refused(ada: Peer) -> None:
    ada.ok(create())
    assert ada.refused(create()).tag == "operation-failed"


@pytest.mark.parametrize(
    "filtering",
    [
        '<filter><process-restarted xmlns="urn:nf:yang:nf-probe"/></filter>',
        (
            '<filter type="subtree"><process-restarted xmlns="urn:nf:yang:nf-probe">'
            "<name>datapath</name></process-restarted></filter>"
        ),
        (
            '<filter xmlns:x="urn:nf:yang:nf-probe" type="xpath"'
            " select=\"/x:process-restarted[x:name='datapath']\"/>"
        ),
    ],
)
def test_a_filter_lets_only_what_matches_through(
    ada: Peer, function: Alone, filtering: str
) -> None:
    ada.ok(create(filtering))
    function.events.publish(applied())
    if "datapath" in filtering:
        function.events.publish(restarted("operator"))
    function.events.publish(restarted("datapath"))
    message = ada.receive()

    assert named(message) == "process-restarted"
    assert message.findtext(".//p:name", namespaces=NS) == "datapath"
    assert message.findtext(".//p:reason", namespaces=NS) == "status 1"


def test_what_happened_before_is_replayed(ada: Peer, function: Alone) -> None:
    since = datetime.now(UTC)
    for name in ("datapath", "operator"):
        function.events.publish(restarted(name))
    ada.ok(create(f"<startTime>{moment(since)}</startTime>"))
    replayed = [ada.receive() for _ in range(3)]
    function.events.publish(restarted("management"))
    live = ada.receive()

    assert [one.findtext(".//p:name", namespaces=NS) for one in replayed[:2]] == [
        "datapath",
        "operator",
    ]
    assert replayed[2][1].tag == f"{{{MANAGE}}}replayComplete"
    assert live.findtext(".//p:name", namespaces=NS) == "management"


def test_what_happened_before_a_restart_is_replayed(
    start: Callable[..., Alone], loop: object
) -> None:
    since = datetime.now(UTC)
    start().events.publish(restarted("datapath"))
    alone = start()
    with Peer(loop, alone.server.ports["test"]) as peer:  # type: ignore[arg-type]
        peer.ok(create(f"<startTime>{moment(since)}</startTime>"))
        first = peer.receive()

    assert first.findtext(".//p:name", namespaces=NS) == "datapath"


def test_a_subscription_to_the_past_ends_and_another_may_follow(ada: Peer, function: Alone) -> None:
    since = datetime.now(UTC)
    function.events.publish(restarted("datapath"))
    until(lambda: bool(function.events.log.since(since)))
    stop = datetime.now(UTC)
    function.events.publish(restarted("operator"))
    until(lambda: len(function.events.log.since(since)) == 2)
    times = f"<startTime>{moment(since)}</startTime><stopTime>{moment(stop)}</stopTime>"
    for _ in range(2):
        ada.ok(create(times))
        names = [named(ada.receive()) for _ in range(3)]
        assert names == ["process-restarted", "replayComplete", "notificationComplete"]


def test_a_subscription_ends_at_its_stop_time(ada: Peer, function: Alone) -> None:
    now = datetime.now(UTC)
    stop = now + timedelta(seconds=1)
    ada.ok(create(f"<startTime>{moment(now)}</startTime><stopTime>{moment(stop)}</stopTime>"))
    names = [named(ada.receive()) for _ in range(2)]

    assert names == ["replayComplete", "notificationComplete"]
    assert datetime.now(UTC) >= stop
    function.events.publish(restarted())
    ada.ok("<discard-changes/>")


@pytest.mark.parametrize(
    ("content", "tag", "element"),
    [
        ("<stream>other</stream>", "invalid-value", "stream"),
        ("<stopTime>2020-01-01T00:00:00Z</stopTime>", "missing-element", "startTime"),
        ("<startTime>2999-01-01T00:00:00Z</startTime>", "bad-element", "startTime"),
        (
            "<startTime>2020-01-02T00:00:00Z</startTime><stopTime>2020-01-01T00:00:00Z</stopTime>",
            "bad-element",
            "stopTime",
        ),
        ("<startTime>yesterday</startTime>", "invalid-value", "startTime"),
        ("<startTime>2020-01-02T00:00:00</startTime>", "invalid-value", "startTime"),
        ("<nonsense/>", "unknown-element", "nonsense"),
    ],
)
def test_a_wrong_subscription_is_refused(ada: Peer, content: str, tag: str, element: str) -> None:
    refusal = ada.refused(create(content))

    assert refusal.tag == tag
    assert refusal.info["bad-element"] == element


def test_what_a_user_may_not_receive_is_withheld_and_counted(
    ada: Peer, connect: Connect, function: Alone
) -> None:
    bob = connect("bob")
    ada.ok(NOT_FOR_BOB)
    bob.ok(create())
    function.events.publish(restarted())
    function.events.publish(applied())

    assert named(bob.receive()) == "configuration-applied"
    assert function.core.commits.denials.notifications == 1


def test_a_notification_that_does_not_follow_its_model_is_not_sent(
    ada: Peer, function: Alone, caplog: pytest.LogCaptureFixture
) -> None:
    ada.ok(create())
    function.events.publish({"nf-probe:process-restarted": {"name": "nobody"}})
    function.events.publish(restarted())

    assert named(ada.receive()) == "process-restarted"
    assert function.events.invalid == 1
    assert "process-restarted is not sent" in caplog.text


def test_a_session_with_a_subscription_is_not_ended_for_its_silence(
    start: Callable[..., Alone], loop: object
) -> None:
    alone = start(**{"idle-timeout": 1})
    with (
        Peer(loop, alone.server.ports["test"]) as listener,  # type: ignore[arg-type]
        Peer(loop, alone.server.ports["test"]) as silent,  # type: ignore[arg-type]
    ):
        listener.ok(create())
        # The other one is ended for its silence, which the listener is told.
        assert silent.closed_by_server()
        assert named(listener.receive()) == "netconf-session-end"
        listener.ok("<discard-changes/>")


def test_the_stream_is_listed(ada: Peer) -> None:
    data = ada.data(f'<get><filter><netconf xmlns="{MANAGE}"/></filter></get>')
    ns = {"m": MANAGE}

    assert data.findtext(".//m:stream/m:name", namespaces=ns) == "NETCONF"
    assert data.findtext(".//m:stream/m:replaySupport", namespaces=ns) == "true"
    assert data.findtext(".//m:stream/m:replayLogCreationTime", namespaces=ns)


def test_a_build_that_can_more_says_so_at_its_start(
    start: Callable[..., Alone], loop: object
) -> None:
    import json  # noqa: PLC0415 - used once

    first = start()
    path = first.core.history._folder / "capabilities.json"
    listed = json.loads(path.read_text())
    path.write_text(json.dumps(["urn:gone", *listed[1:]]))
    since = datetime.now(UTC)
    alone = start()
    with Peer(loop, alone.server.ports["test"]) as peer:  # type: ignore[arg-type]
        peer.ok(create(f"<startTime>{moment(since)}</startTime>"))
        while named(message := peer.receive()) != "netconf-capability-change":
            continue

    assert message.findtext(".//e:added-capability", namespaces=NS) == listed[0]
    assert message.findtext(".//e:deleted-capability", namespaces=NS) == "urn:gone"
