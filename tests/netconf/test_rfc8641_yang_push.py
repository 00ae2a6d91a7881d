"""Subscriptions to datastores: RFC 8641 over NETCONF."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from lxml import etree

from nf.mgmt.netconf.alone import Alone
from nf.mgmt.netconf.subscribed import holding
from tests.netconf.conftest import Connect
from tests.netconf.peer import BOX, Peer
from tests.netconf.subscribing import (
    DS,
    NS,
    SN,
    YP,
    about,
    begin,
    changes,
    establish,
    named,
    on_change,
    periodic,
    push,
    receive,
)
from tests.waiting import until


def test_an_on_change_subscription_begins_with_everything(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>"))
    number = begin(ada, push())
    update = receive(ada, "push-update")

    assert update.findtext("y:id", namespaces=NS) == str(number)
    assert update.findtext("y:datastore-contents/t:box/t:name", namespaces=NS) == "x"
    # As get-data of operational does, it tells defaults, too.
    assert update.findtext("y:datastore-contents/t:box/t:high", namespaces=NS) == "10"


def test_changes_come_as_a_yang_patch(ada: Peer, connect: Connect) -> None:
    ada.ok(ada.edit("<name>x</name><port><name>a</name></port>"))
    begin(ada, push())
    receive(ada, "push-update")
    other = connect()
    other.ok(
        other.edit(
            '<name>y</name><low>3</low><port nc:operation="delete"><name>a</name></port>'
            "<port><name>b/1, 2</name><mtu>900</mtu></port>"
        )
    )
    update = receive(ada, "push-change-update")

    assert set(changes(update)) == {
        ("replace", "/nf-test:box/name", "y"),
        ("replace", "/nf-test:box/low", "3"),
        ("delete", "/nf-test:box/port=a", ""),
        ("create", "/nf-test:box/port=b%2F1%2C%202", "b/1, 2900"),
    }
    port = update.find(".//y:value/t:port", NS)
    assert port is not None
    assert update.findtext(".//y:patch-id", namespaces=NS) == "1"


def test_what_is_not_selected_is_not_told(ada: Peer) -> None:
    begin(ada, push(xpath="/t:box/t:port[t:name='a']/t:mtu"))
    assert receive(ada, "push-update").find("y:datastore-contents/*", NS) is None
    ada.ok(ada.edit("<name>x</name><port><name>b</name></port>"))
    ada.ask(ada.edit("<port><name>a</name><mtu>100</mtu></port>"))
    first, second = ada.receive(), ada.receive()
    note = first if etree.QName(first).localname == "notification" else second

    assert [target for _, target, _ in changes(note[1])] == ["/nf-test:box/port=a"]


def test_a_subtree_filter_selects_as_in_get(ada: Peer) -> None:
    begin(
        ada,
        establish(
            f'<datastore xmlns="{YP}" xmlns:d="{DS}">d:running</datastore>'
            f'<datastore-subtree-filter xmlns="{YP}"><box xmlns="{BOX}"><low/></box>'
            f"</datastore-subtree-filter>{on_change('')}"
        ),
    )
    box = receive(ada, "push-update").find("y:datastore-contents/t:box", NS)

    assert box is not None
    assert [etree.QName(one).localname for one in box] == ["low"]


def test_entries_whose_order_matters_are_inserted_and_moved(ada: Peer) -> None:
    nacm = "urn:ietf:params:xml:ns:yang:ietf-netconf-acm"
    begin(ada, push(xpath="/ietf-netconf-acm:nacm/ietf-netconf-acm:rule-list"))
    receive(ada, "push-update")

    def edit(content: str) -> str:
        return (
            "<edit-config><target><running/></target><config>"
            f'<nacm xmlns="{nacm}" xmlns:y="urn:ietf:params:xml:ns:yang:1">{content}</nacm>'
            "</config></edit-config>"
        )

    def told() -> etree._Element:
        first, second = ada.receive(), ada.receive()
        return first if etree.QName(first).localname == "notification" else second

    ada.ask(edit("<rule-list><name>last</name></rule-list>"))
    inserted = told()
    ada.ask(edit('<rule-list y:insert="first"><name>last</name></rule-list>'))
    moved = told()

    assert [op for op, _, _ in changes(inserted[1])] == ["insert"]
    assert inserted.findtext(".//y:point", namespaces=NS) == (
        "/ietf-netconf-acm:nacm/rule-list=admins"
    )
    assert inserted.findtext(".//y:where", namespaces=NS) == "after"
    assert [op for op, _, _ in changes(moved[1])] == ["move"]


def test_changes_that_are_excluded_are_not_told(ada: Peer, connect: Connect) -> None:
    begin(
        ada,
        push(
            on_change(
                "<excluded-change>replace</excluded-change><excluded-change>delete</excluded-change>"
            )
        ),
    )
    receive(ada, "push-update")
    other = connect()
    other.ok(other.edit("<name>x</name>"))
    assert [op for op, _, _ in changes(receive(ada, "push-change-update"))] == ["create"]
    other.ok(other.edit("<name>y</name>"))
    other.ok(other.edit('<name nc:operation="delete"/>'))
    other.ok(other.edit("<hidden>z</hidden>"))
    assert list(changes(receive(ada, "push-change-update"))) == [
        ("create", "/nf-test:box/hidden", "z")
    ]


def test_without_sync_on_start_only_changes_come(
    ada: Peer, connect: Connect, function: Alone
) -> None:
    number = begin(ada, push(on_change("<sync-on-start>false</sync-on-start>")))
    other = connect()
    # The first change may come before the subscription has begun to look.
    until(lambda: function.server.service.publisher.engines["running"].feeds() == 1)
    other.ok(other.edit("<name>x</name>"))
    receive(ada, "push-change-update")
    refusal = ada.refused(about("resync-subscription", number, uri=YP))

    assert refusal.app_tag == "ietf-yang-push:on-change-sync-unsupported"
    assert refusal.tag == "operation-not-supported"


def test_resync_sends_everything_again(ada: Peer) -> None:
    number = begin(ada, push())
    receive(ada, "push-update")
    ada.ok(about("resync-subscription", number, uri=YP))
    again = receive(ada, "push-update")

    assert again.findtext("y:id", namespaces=NS) == str(number)


def test_resync_of_what_is_not_ones_own_is_refused(ada: Peer, connect: Connect) -> None:
    number = begin(ada, push())
    receive(ada, "push-update")
    refusal = connect().refused(about("resync-subscription", number, uri=YP))

    assert refusal.app_tag == "ietf-yang-push:no-such-subscription-resync"
    assert "resync-subscription-error" in refusal.info


def test_dampening_keeps_updates_apart_and_loses_none(ada: Peer, connect: Connect) -> None:
    begin(ada, push(on_change("<dampening-period>50</dampening-period>")))
    receive(ada, "push-update")
    other = connect()
    other.ok(other.edit("<low>2</low>"))
    told = [ada.receive()]
    for number in range(3, 8):
        other.ok(other.edit(f"<low>{number}</low>"))
    # Edits that a busy machine spreads over several periods are in as many updates.
    while list(changes(told[-1][1])) != [("replace", "/nf-test:box/low", "7")]:
        told.append(ada.receive())
    times = [
        datetime.fromisoformat(one.findtext("n:eventTime", namespaces=NS) or "") for one in told
    ]

    assert list(changes(told[0][1])) == [("replace", "/nf-test:box/low", "2")]
    assert len(told) > 1
    for earlier, later in pairwise(times):
        assert later - earlier >= timedelta(seconds=0.49)


def test_a_periodic_subscription_comes_every_period(ada: Peer) -> None:
    number = begin(ada, push(periodic(10)))
    updates = [receive(ada, "push-update") for _ in range(4)]

    assert {one.findtext("y:id", namespaces=NS) for one in updates} == {str(number)}


def test_an_anchor_says_at_which_moments_updates_come(ada: Peer) -> None:
    anchor = datetime.now(UTC).replace(microsecond=250_000)
    begin(ada, push(periodic(100, f"<anchor-time>{anchor.isoformat()}</anchor-time>")))
    message = ada.receive()
    when = datetime.fromisoformat(message.findtext("n:eventTime", namespaces=NS) or "")

    # The reading is after the moment; only a machine that stood still for long is later.
    assert (when - anchor).total_seconds() % 1 < 0.5


def test_state_is_pushed_with_the_operational_datastore(ada: Peer, function: Alone) -> None:
    value = {"uptime": 1}

    class Uptime:
        def top(self) -> str:
            return "nf-test:box"

        def get(self) -> dict[str, object]:
            return {"nf-test:box": dict(value)}

    function.core.state.register(Uptime())
    begin(ada, push(store="operational"))
    first = receive(ada, "push-update")
    value["uptime"] = 2

    assert first.findtext(".//t:uptime", namespaces=NS) == "1"
    assert list(changes(receive(ada, "push-change-update"))) == [
        ("replace", "/nf-test:box/uptime", "2")
    ]


def test_what_a_user_may_not_read_is_not_pushed(ada: Peer, connect: Connect) -> None:
    ada.ok(ada.edit("<name>x</name><hidden>secret</hidden>"))
    bob = connect("bob")
    begin(bob, push())
    first = receive(bob, "push-update")
    ada.ok(ada.edit("<hidden>other</hidden><name>y</name>"))
    second = receive(bob, "push-change-update")

    assert first.find(".//t:hidden", NS) is None
    assert list(changes(second)) == [("replace", "/nf-test:box/name", "y")]


def test_what_becomes_unreadable_is_told_as_deleted(ada: Peer, connect: Connect) -> None:
    ada.ok(ada.edit("<name>x</name>"))
    bob = connect("bob")
    begin(bob, push())
    receive(bob, "push-update")
    ada.ok(
        "<edit-config><target><running/></target><config>"
        '<nacm xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-acm"><rule-list>'
        "<name>bob</name><group>*</group><rule><name>no</name><module-name>nf-test</module-name>"
        '<path xmlns:t="urn:nf:test">/t:box/t:name</path>'
        "<access-operations>read</access-operations><action>deny</action></rule></rule-list>"
        "</nacm></config></edit-config>"
    )

    assert list(changes(receive(bob, "push-change-update"))) == [
        ("delete", "/nf-test:box/name", "")
    ]


@pytest.mark.parametrize(
    ("request_text", "tag", "app_tag"),
    [
        (push(store="candidate"), "invalid-value", "ietf-yang-push:datastore-not-subscribable"),
        (push(periodic(1)), "invalid-value", "ietf-yang-push:period-unsupported"),
        (
            push(on_change("<dampening-period>1</dampening-period>")),
            "invalid-value",
            "ietf-yang-push:period-unsupported",
        ),
        (
            push(xpath="/t:box["),
            "invalid-value",
            "ietf-subscribed-notifications:filter-unsupported",
        ),
        (push(""), "missing-element", None),
        (push(on_change("") + periodic(100)), "bad-element", None),
        (push(periodic(100) + "<stream>NETCONF</stream>"), "bad-element", None),
        (push(on_change("<nonsense/>")), "unknown-element", None),
        (push(on_change("<excluded-change>rename</excluded-change>")), "invalid-value", None),
        (push(f'<periodic xmlns="{YP}"/>'), "missing-element", None),
    ],
)
def test_a_wrong_subscription_is_refused(
    ada: Peer, request_text: str, tag: str, app_tag: str | None
) -> None:
    refusal = ada.refused(request_text)

    assert (refusal.tag, refusal.app_tag) == (tag, app_tag)
    assert (app_tag is None) != ("establish-subscription-datastore-error-info" in refusal.info)


def test_a_period_that_is_too_short_is_refused_with_one_that_would_do(ada: Peer) -> None:
    reply = ada.rpc(push(periodic(1)))

    assert reply.findtext(".//y:period-hint", namespaces=NS) == "10"


def test_a_subscription_is_modified(ada: Peer, connect: Connect) -> None:
    number = begin(ada, push(xpath="/t:box/t:name"))
    receive(ada, "push-update")
    ada.ok(
        about(
            "modify-subscription",
            number,
            f'<datastore xmlns="{YP}" xmlns:d="{DS}">d:running</datastore>'
            f'<datastore-xpath-filter xmlns="{YP}" xmlns:t="{BOX}">/t:box/t:low'
            "</datastore-xpath-filter>",
        )
    )
    assert receive(ada, "push-update").findtext(".//t:low", namespaces=NS) == "1"
    other = connect()
    other.ok(other.edit("<name>x</name>"))
    other.ok(other.edit("<low>2</low>"))

    assert [target for _, target, _ in changes(receive(ada, "push-change-update"))] == [
        "/nf-test:box/low"
    ]


def test_a_named_filter_that_changes_is_told_and_used(ada: Peer, connect: Connect) -> None:
    other = connect()

    def filters(content: str) -> str:
        return (
            "<edit-config><target><running/></target><config>"
            f'<filters xmlns="{SN}" xmlns:t="{BOX}">{content}</filters></config></edit-config>'
        )

    def named_one(path: str) -> str:
        return (
            f'<selection-filter xmlns="{YP}"><filter-id>mine</filter-id>'
            f"<datastore-xpath-filter>{path}</datastore-xpath-filter></selection-filter>"
        )

    other.ok(filters(named_one("/t:box/t:name")))
    begin(
        ada,
        establish(
            f'<datastore xmlns="{YP}" xmlns:d="{DS}">d:running</datastore>'
            f'<selection-filter-ref xmlns="{YP}">mine</selection-filter-ref>{on_change("")}'
        ),
    )
    receive(ada, "push-update")
    other.ok(filters(named_one("/t:box/t:low")))
    modified = receive(ada, "subscription-modified")
    update = receive(ada, "push-update")
    other.ok(
        filters(
            f'<selection-filter xmlns="{YP}" nc:operation="delete"><filter-id>mine</filter-id>'
            "</selection-filter>"
        )
    )
    over = receive(ada, "subscription-terminated")

    assert modified.findtext("y:selection-filter-ref", namespaces=NS) == "mine"
    assert update.findtext(".//t:low", namespaces=NS) == "1"
    assert over.findtext("s:reason", namespaces=NS) == "filter-unavailable"


def test_subscriptions_are_listed(ada: Peer) -> None:
    number = begin(ada, push(on_change("<excluded-change>move</excluded-change>")))
    begin(ada, push(periodic(100_000)))
    receive(ada, "push-update")
    receive(ada, "push-update")
    data = ada.data(f'<get><filter><subscriptions xmlns="{SN}"/></filter></get>')
    first, second = data.iterfind("s:subscriptions/s:subscription", NS)

    assert first.findtext("s:id", namespaces=NS) == str(number)
    assert first.findtext("y:datastore", namespaces=NS) == "ds:running"
    assert first.findtext("y:on-change/y:excluded-change", namespaces=NS) == "move"
    assert first.findtext(".//s:sent-event-records", namespaces=NS) == "1"
    assert first.findtext(".//s:state", namespaces=NS) == "active"
    assert second.findtext("y:periodic/y:period", namespaces=NS) == "100000"


def test_equal_subscriptions_share_one_feed(ada: Peer, connect: Connect, function: Alone) -> None:
    other = connect()
    for peer in (ada, ada, other):
        begin(peer, push())
        receive(peer, "push-update")
    engine = function.server.service.publisher.engines["running"]
    assert engine.feeds() == 1
    reads = engine.counters.reads
    other.ask(other.edit("<name>x</name>"))
    messages = [ada.receive(), ada.receive(), other.receive(), other.receive()]

    assert sum(etree.QName(one).localname == "notification" for one in messages) == 3
    assert engine.counters.reads == reads + 1
    other.close()
    until(lambda: len(function.server.service.publisher.register) == 2)


def test_a_receiver_that_stops_reading_costs_nobody_else(
    ada: Peer, connect: Connect, function: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "MAX_WAITING", 100_000)
    ports = "".join(f"<port><name>p{number}</name></port>" for number in range(2000))
    ada.ok(ada.edit(ports))
    stalled = connect(window=2**16)
    number = begin(stalled, push())
    receive(stalled, "push-update")
    stalled.stop_reading()
    begin(ada, push(xpath="/t:box/t:name"))
    receive(ada, "push-update")
    register = function.server.service.publisher.register
    round_, mtu = 0, 100
    while register.find(number) is not None and register.find(number).state == "active":  # type: ignore[union-attr]
        mtu += 1
        round_ += 1
        assert round_ < 500
        ada.ask(
            ada.edit(
                f"<name>n{round_}</name>"
                + "".join(f"<port><name>p{one}</name><mtu>{mtu}</mtu></port>" for one in range(200))
            )
        )
        kinds = {etree.QName(ada.receive()).localname for _ in range(2)}
        assert kinds == {"rpc-reply", "notification"}
    assert register.find(number) is not None

    stalled.resume_reading()
    seen = []
    while (name := named(message := stalled.receive())) != "subscription-resumed":
        seen.append(name)
    whole = receive(stalled, "push-update")

    assert seen[-1] == "subscription-suspended"
    assert message[1].findtext("s:id", namespaces=NS) == str(number)
    assert whole.findtext(".//t:port/t:mtu", namespaces=NS) == str(mtu)


def test_who_wants_no_whole_updates_is_told_that_some_are_missing(
    ada: Peer, connect: Connect, function: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = begin(ada, push(on_change("<sync-on-start>false</sync-on-start>")))
    other = connect()
    register = function.server.service.publisher.register
    engine = function.server.service.publisher.engines["running"]
    until(lambda: engine.feeds() == 1)
    # Nothing may wait: the first update finds no room.
    monkeypatch.setattr(holding, "MAX_WAITING", -1)
    other.ok(other.edit("<name>x</name>"))
    receive(ada, "subscription-suspended")
    monkeypatch.setattr(holding, "MAX_WAITING", 1_000_000)
    receive(ada, "subscription-resumed")
    until(lambda: engine.feeds() == 1)
    other.ok(other.edit("<name>y</name>"))
    update = receive(ada, "push-change-update")

    assert update.find("y:incomplete-update", NS) is not None
    assert list(changes(update)) == [("replace", "/nf-test:box/name", "y")]
    assert register.find(number) is not None


def test_a_thousand_subscriptions_to_a_large_tree_are_told_of_one_change(
    ada: Peer, function: Alone, record_property: Callable[[str, object], None]
) -> None:
    ports = "".join(
        f"<port><name>p{number}</name><mtu>{100 + number % 1000}</mtu></port>"
        for number in range(50_000)
    )
    ada.ok(ada.edit(ports))
    ids = {
        begin_quietly(ada, push(xpath=f"/t:box/t:port[t:name='p{number * 50}']"))
        for number in range(1000)
    }
    assert len(ids) == 1000
    began = time.monotonic()
    ada.ask(ada.edit("<port><name>p25000</name><mtu>9000</mtu></port>"))
    while (message := ada.receive())[0].tag.endswith("ok"):
        continue
    record_property("seconds until told", round(time.monotonic() - began, 3))

    assert list(changes(message[1])) == [("replace", "/nf-test:box/port=p25000/mtu", "9000")]
    assert function.server.service.publisher.engines["running"].feeds() == 1000


def begin_quietly(peer: Peer, request: str) -> int:
    """Establishes, and takes the first update, whichever comes first."""
    number = begin(peer, request)
    receive(peer, "push-update")
    return number
