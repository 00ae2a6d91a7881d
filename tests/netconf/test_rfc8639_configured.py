"""Configured subscriptions (RFC 8639 section 2.5), told over connections of call home."""

import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from nf.mgmt.alarms.causes import Causes
from nf.mgmt.netconf.alone import Alone
from nf.mgmt.netconf.subscribed import holding as holdings
from tests.netconf.conftest import PASSWORD
from tests.netconf.home import Home, calling
from tests.netconf.peer import BASE, Loop, Peer
from tests.netconf.subscribing import NS, SN, YP, begin, changes, named, push, receive
from tests.waiting import until

Start = Callable[..., Alone]
SUBSCRIPTIONS = "ietf-subscribed-notifications:subscriptions"
ALARMS = "/ietf-alarms:alarm-notification"


@pytest.fixture
def home(loop: Loop) -> Iterator[Home]:
    made = Home(loop)
    yield made
    made.close()


@pytest.fixture
def function(start: Start, home: Home) -> Alone:
    return start(**calling(home))


@pytest.fixture
def noc(function: Alone, home: Home) -> Peer:
    """The receiver: has said hello and asks for nothing of the function."""
    del function
    return home.ssh()


@pytest.fixture
def admin(function: Alone, loop: Loop) -> Iterator[Peer]:
    """Who configures."""
    made = Peer(loop, function.server.ports["test"], "ada", PASSWORD)
    yield made
    made.close()


def subscription(
    content: str = "", number: int = 5, receivers: str = "noc", client: str = "home"
) -> str:
    """An entry to alarms, or to what is said instead."""
    target = content or f"<stream>NETCONF</stream>{alarms()}"
    listed = "".join(
        f'<receiver><name>{name}</name><netconf-client xmlns="urn:nf:yang:nf-netconf">{client}'
        "</netconf-client></receiver>"
        for name in receivers.split()
    )
    return (
        f"<subscription><id>{number}</id>{target}"
        '<transport xmlns:nc="urn:nf:yang:nf-netconf">nc:netconf-call-home</transport>'
        f"<receivers>{listed}</receivers></subscription>"
    )


def alarms(expression: str = "/al:alarm-notification") -> str:
    return (
        '<stream-xpath-filter xmlns:al="urn:ietf:params:xml:ns:yang:ietf-alarms">'
        f"{expression}</stream-xpath-filter>"
    )


def configure(content: str) -> str:
    return (
        "<edit-config><target><running/></target><config>"
        f'<subscriptions xmlns="{SN}" xmlns:c="{BASE}">{content}</subscriptions>'
        "</config></edit-config>"
    )


def deletion(number: int = 5) -> str:
    return configure(f'<subscription c:operation="delete"><id>{number}</id></subscription>')


def told(function: Alone, number: int = 5) -> dict[str, Any]:
    """What the state has of a subscription."""
    listed = function.server.service.publisher.configured.get()[SUBSCRIPTIONS]["subscription"]
    [one] = [entry for entry in listed if entry["id"] == number]
    return dict(one)


def receiver(function: Alone, number: int = 5) -> str:
    return str(told(function, number)["receivers"]["receiver"][0]["state"])


def alarm(function: Alone, name: str) -> None:
    function.alarms.raise_alarm("output-down", name, "critical", "disk full")


def resource(notification: etree._Element) -> str | None:
    return notification.findtext("{*}resource")


def test_a_receiver_is_told_what_it_has_not_asked_for(
    function: Alone, noc: Peer, admin: Peer
) -> None:
    admin.ok(configure(subscription(f"<stream>NETCONF</stream>{alarms()}<purpose>noc</purpose>")))
    started = receive(noc, "subscription-started")
    alarm(function, "kafka")
    heard = receive(noc, "alarm-notification")
    data = admin.data(f'<get><filter><subscriptions xmlns="{SN}"/></filter></get>')
    entry = data.find("s:subscriptions/s:subscription", NS)

    assert started.findtext("s:id", namespaces=NS) == "5"
    assert started.findtext("s:stream", namespaces=NS) == "NETCONF"
    assert started.findtext("s:purpose", namespaces=NS) == "noc"
    chosen = started.find("s:stream-xpath-filter", NS)
    assert chosen is not None
    assert chosen.text == ALARMS
    assert chosen.nsmap["ietf-alarms"] == "urn:ietf:params:xml:ns:yang:ietf-alarms"
    assert resource(heard) == "kafka"
    assert entry is not None
    assert entry.findtext("s:configured-subscription-state", namespaces=NS) == "valid"
    one = entry.find("s:receivers/s:receiver", NS)
    assert one is not None
    assert one.findtext("s:state", namespaces=NS) == "active"
    assert one.findtext("s:sent-event-records", namespaces=NS) == "1"
    assert one.findtext("{*}netconf-client") == "home"


def test_who_connects_later_is_told_when_it_does(function: Alone, home: Home, admin: Peer) -> None:
    admin.ok(configure(subscription()))
    before = receiver(function)
    noc = home.ssh()
    receive(noc, "subscription-started")

    assert before == "connecting"
    assert receiver(function) == "active"


def test_a_connection_that_is_lost_begins_anew(function: Alone, home: Home, admin: Peer) -> None:
    admin.ok(configure(subscription()))
    first = home.ssh()
    receive(first, "subscription-started")
    alarm(function, "first")
    receive(first, "alarm-notification")
    first.close()
    until(lambda: receiver(function) == "connecting")
    again = home.ssh()
    receive(again, "subscription-started")
    alarm(function, "second")

    assert resource(receive(again, "alarm-notification")) == "second"
    until(lambda: told(function)["receivers"]["receiver"][0]["sent-event-records"] == 2)


def test_replay_brings_what_happened_before_and_while_nobody_was_there(
    function: Alone, home: Home, admin: Peer
) -> None:
    alarm(function, "early")
    content = f"<stream>NETCONF</stream>{alarms()}<configured-replay/>"
    admin.ok(configure(subscription(content)))
    first = home.ssh()
    started = receive(first, "subscription-started")
    assert started.find("s:replay-start-time", NS) is not None
    assert resource(receive(first, "alarm-notification")) == "early"
    receive(first, "replay-completed")
    first.close()
    until(lambda: receiver(function) == "connecting")
    alarm(function, "between")
    again = home.ssh()
    started = receive(again, "subscription-started")
    # What it has had already it does not get twice; it can tell by the time of the event before.
    assert started.find("s:replay-previous-event-time", NS) is not None
    assert resource(receive(again, "alarm-notification")) == "between"
    receive(again, "replay-completed")


def test_a_change_is_told_and_another_target_begins_anew(
    function: Alone, noc: Peer, admin: Peer
) -> None:
    admin.ok(configure(subscription()))
    receive(noc, "subscription-started")
    other = alarms("/al:alarm-notification[al:resource='kafka']")
    admin.ok(configure(subscription(f"<stream>NETCONF</stream>{other}")))
    modified = receive(noc, "subscription-modified")
    alarm(function, "file")
    alarm(function, "kafka")
    assert resource(receive(noc, "alarm-notification")) == "kafka"
    assert "kafka" in (modified.findtext("s:stream-xpath-filter", namespaces=NS) or "")

    replaced = subscription(on_change_of_box()).replace(
        "<subscription>", '<subscription c:operation="replace">'
    )
    admin.ok(configure(replaced))
    receive(noc, "subscription-terminated")
    receive(noc, "subscription-started")
    receive(noc, "push-update")


def on_change_of_box() -> str:
    return (
        f'<datastore xmlns="{YP}" xmlns:d="urn:ietf:params:xml:ns:yang:ietf-datastores">d:running'
        f'</datastore><datastore-xpath-filter xmlns="{YP}" xmlns:t="{NS["t"]}">/t:box'
        f'</datastore-xpath-filter><on-change xmlns="{YP}"/>'
    )


def test_a_datastore_is_pushed_to_a_receiver(noc: Peer, admin: Peer) -> None:
    admin.ok(admin.edit("<name>before</name>"))
    admin.ok(configure(subscription(on_change_of_box())))
    started = receive(noc, "subscription-started")
    whole = receive(noc, "push-update")
    admin.ok(admin.edit("<name>after</name>"))
    update = receive(noc, "push-change-update")

    assert started.find("y:on-change", NS) is not None
    assert whole.findtext(".//t:name", namespaces=NS) == "before"
    assert list(changes(update)) == [("replace", "/nf-test:box/name", "after")]


def test_a_subscription_that_is_deleted_ends_with_a_word(
    function: Alone, noc: Peer, admin: Peer
) -> None:
    admin.ok(configure(subscription()))
    receive(noc, "subscription-started")
    admin.ok(deletion())
    ended = receive(noc, "subscription-terminated")

    assert ended.findtext("s:id", namespaces=NS) == "5"
    assert (ended.findtext("s:reason", namespaces=NS) or "").endswith("no-such-subscription")
    assert function.server.service.publisher.configured.get() == {}
    noc.ok("<discard-changes/>")


def test_a_stop_time_concludes_and_a_later_one_begins_again(
    function: Alone, noc: Peer, admin: Peer
) -> None:
    def ending(seconds: float) -> str:
        when = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        return f"<stream>NETCONF</stream>{alarms()}<stop-time>{when}</stop-time>"

    admin.ok(configure(subscription(ending(1))))
    receive(noc, "subscription-started")
    receive(noc, "subscription-completed")
    until(lambda: receiver(function) == "disconnected")
    assert told(function)["configured-subscription-state"] == "concluded"

    admin.ok(configure(subscription(ending(600))))
    receive(noc, "subscription-started")
    assert told(function)["configured-subscription-state"] == "valid"


@pytest.mark.parametrize(
    "content",
    [
        "<stream>OTHER</stream>",
        "<stream>NETCONF</stream><stop-time>9999-12-31T23:59:59-12:00</stop-time>",
        f"<stream>NETCONF</stream>{alarms('/al:alarm-notification[')}",
        on_change_of_box().replace("d:running", "d:startup"),
        on_change_of_box().replace(
            f'<on-change xmlns="{YP}"/>', f'<periodic xmlns="{YP}"><period>1</period></periodic>'
        ),
    ],
)
def test_what_cannot_be_served_is_invalid_until_it_can(
    function: Alone, noc: Peer, admin: Peer, content: str
) -> None:
    reply = admin.rpc(configure(subscription(content)))
    if reply.find("{*}rpc-error") is not None:
        # The schema sees it already.
        assert reply.findtext("{*}rpc-error/{*}error-tag") == "invalid-value"
    else:
        until(lambda: told(function)["configured-subscription-state"] == "invalid")
        assert receiver(function) == "disconnected"
    replaced = subscription().replace("<subscription>", '<subscription c:operation="replace">')
    admin.ok(configure(replaced))
    receive(noc, "subscription-started")
    assert receiver(function) == "active"


def test_a_filter_that_becomes_another_one_is_told(function: Alone, noc: Peer, admin: Peer) -> None:
    def filtering(expression: str) -> str:
        return (
            f'<edit-config><target><running/></target><config><filters xmlns="{SN}"><stream-filter>'
            f"<name>f</name>{alarms(expression)}</stream-filter></filters></config></edit-config>"
        )

    admin.ok(filtering("/al:alarm-notification"))
    admin.ok(
        configure(
            subscription("<stream>NETCONF</stream><stream-filter-name>f</stream-filter-name>")
        )
    )
    receive(noc, "subscription-started")
    admin.ok(filtering("/al:alarm-notification[al:resource='kafka']"))
    receive(noc, "subscription-modified")
    alarm(function, "file")
    alarm(function, "kafka")

    assert resource(receive(noc, "alarm-notification")) == "kafka"


def test_reset_begins_anew(function: Alone, noc: Peer, admin: Peer) -> None:
    admin.ok(configure(subscription()))
    receive(noc, "subscription-started")
    reply = reset(admin)
    receive(noc, "subscription-started")
    wrong = reset(admin, "nobody")

    assert reply.findtext("s:time", namespaces=NS) is not None
    assert wrong.find("{*}rpc-error") is not None
    assert receiver(function) == "active"


def reset(peer: Peer, name: str = "noc") -> etree._Element:
    return peer.rpc(
        f'<action xmlns="urn:ietf:params:xml:ns:yang:1"><subscriptions xmlns="{SN}"><subscription>'
        f"<id>5</id><receivers><receiver><name>{name}</name><reset/></receiver></receivers>"
        "</subscription></subscriptions></action>"
    )


def test_reset_does_not_wait_for_the_next_attempt(start: Start, loop: Loop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    patient = {"retry-interval": 3600, "max-retry-interval": 3600, "max-attempts": 1}
    function = start(**calling(port, **{"reconnect-strategy": patient}))
    admin = Peer(loop, function.server.ports["test"], "ada", PASSWORD)
    admin.ok(configure(subscription()))
    home_entry = "nf-netconf:call-home"

    def failed() -> bool:
        data = function.server._calls.get()["nf-probe:probe"]["management"]["netconf"]
        return "last-error" in data[home_entry]["netconf-client"][0]["state"]

    until(failed)
    late = Home(loop, port)
    try:
        reset(admin)
        receive(late.ssh(), "subscription-started")
    finally:
        admin.close()
        late.close()


def test_a_receiver_beside_its_own_subscriptions(noc: Peer, admin: Peer) -> None:
    admin.ok(configure(subscription()))
    receive(noc, "subscription-started")
    own = begin(noc, push())
    receive(noc, "push-update")
    killed = admin.rpc(f'<kill-subscription xmlns="{SN}"><id>5</id></kill-subscription>')
    older = noc.rpc(
        '<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'
    )

    # Numbers of both kinds do not meet (section 6), and only one kind can be killed.
    assert own >= 2**31
    assert killed.find("{*}rpc-error") is not None
    assert older.findtext("{*}rpc-error/{*}error-tag") == "operation-not-supported"


def test_who_has_a_subscription_of_rfc_5277_is_not_told(
    function: Alone, noc: Peer, admin: Peer
) -> None:
    noc.ok('<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>')
    admin.ok(configure(subscription()))
    assert named(noc.receive()) == "netconf-config-change"
    assert receiver(function) == "connecting"


def test_access_control_is_that_of_who_has_logged_in(
    function: Alone, home: Home, admin: Peer
) -> None:
    denied = (
        "<rule-list><name>b</name><group>*</group><rule><name>r</name>"
        "<module-name>ietf-alarms</module-name><notification-name>alarm-notification"
        "</notification-name><action>deny</action></rule></rule-list>"
    )
    admin.ok(
        "<edit-config><target><running/></target><config>"
        f'<nacm xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-acm">{denied}</nacm>'
        "</config></edit-config>"
    )
    admin.ok(configure(subscription()))
    noc = home.ssh(user="bob")
    receive(noc, "subscription-started")
    alarm(function, "kafka")
    until(lambda: told(function)["receivers"]["receiver"][0]["excluded-event-records"] > 0)

    # The next thing that it hears is an answer.
    noc.data("<get><filter/></get>")


def test_a_receiver_that_is_too_slow_is_suspended(
    function: Alone, noc: Peer, admin: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holdings, "MAX_WAITING", -1)
    admin.ok(configure(subscription()))
    receive(noc, "subscription-started")
    alarm(function, "kafka")
    receive(noc, "subscription-suspended")

    assert receiver(function) == "suspended"


@pytest.mark.parametrize(
    ("content", "tag"),
    [
        (subscription(number=2**31), "dynamic-id"),
        (re.sub("<transport.*</transport>", "", subscription()), "transport-missing"),
        (
            re.sub("<netconf-client.*</netconf-client>", "", subscription()),
            "netconf-client-missing",
        ),
        (subscription().replace(">nc:netconf-call-home<", ">nc:other<"), None),
        (subscription(client="nobody"), "instance-required"),
    ],
)
def test_what_no_configured_subscription_can_be_is_refused(
    admin: Peer, content: str, tag: str | None
) -> None:
    refusal = admin.refused(configure(content))

    assert refusal.app_tag == tag


def test_subscriptions_outlive_a_restart(start: Start, home: Home, loop: Loop) -> None:
    function = start(**calling(home))
    admin = Peer(loop, function.server.ports["test"], "ada", PASSWORD)
    home.ssh()
    admin.ok(configure(subscription()))
    admin.close()
    again = start()
    noc = home.ssh()
    receive(noc, "subscription-started")
    Causes(again.alarms).follows("datapath", "gone")

    assert resource(receive(noc, "alarm-notification")) == "datapath"
