"""Alarms over NETCONF: RFC 8632."""

from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from nf.datapath import control
from nf.mgmt.alarms.causes import Causes
from nf.mgmt.credentials.material import Dated
from nf.mgmt.netconf.alone import Alone
from tests.netconf.peer import Peer
from tests.netconf.subscribing import begin, establish, receive

AL = "urn:ietf:params:xml:ns:yang:ietf-alarms"
NA = "urn:nf:yang:nf-alarms"
NS = {"a": AL}


def state(peer: Peer) -> etree._Element:
    alarms = peer.data(f'<get><filter><alarms xmlns="{AL}"/></filter></get>').find("a:alarms", NS)
    assert alarms is not None
    return alarms


def configure(peer: Peer, content: str) -> None:
    peer.ok(
        "<edit-config><target><running/></target><config>"
        f'<alarms xmlns="{AL}" xmlns:na="{NA}"><control>{content}</control></alarms>'
        "</config></edit-config>"
    )


def act(peer: Peer, content: str) -> etree._Element:
    return peer.rpc(
        f'<action xmlns="urn:ietf:params:xml:ns:yang:1"><alarms xmlns="{AL}" xmlns:na="{NA}">'
        f"{content}</alarms></action>"
    )


def listed(peer: Peer, where: str = "alarm-list/a:alarm") -> list[str]:
    return [
        one.findtext("a:resource", namespaces=NS) or ""
        for one in state(peer).iterfind(f"a:{where}", NS)
    ]


def output_down(function: Alone, name: str = "file") -> None:
    Causes(function.alarms).datapath_told(control.OutputState(name, "down", "disk full"))


def output_up(function: Alone, name: str = "file") -> None:
    Causes(function.alarms).datapath_told(control.OutputState(name, "up"))


def test_an_output_that_is_down_is_an_alarm_until_it_is_up(ada: Peer, function: Alone) -> None:
    only = "<stream-xpath-filter>/ietf-alarms:alarm-notification</stream-xpath-filter>"
    begin(ada, establish(f"<stream>NETCONF</stream>{only}"))
    output_down(function)
    raised = receive(ada, "alarm-notification")
    output_up(function)
    cleared = receive(ada, "alarm-notification")
    alarm = state(ada).find("a:alarm-list/a:alarm", NS)

    assert raised.findtext("a:resource", namespaces=NS) == "file"
    assert raised.findtext("a:perceived-severity", namespaces=NS) == "critical"
    assert raised.findtext("a:alarm-text", namespaces=NS) == "disk full"
    assert cleared.findtext("a:perceived-severity", namespaces=NS) == "cleared"
    assert alarm is not None
    assert alarm.findtext("a:is-cleared", namespaces=NS) == "true"
    # The severity that it had, and its history with the newest first.
    assert alarm.findtext("a:perceived-severity", namespaces=NS) == "critical"
    assert [
        one.findtext("a:perceived-severity", namespaces=NS)
        for one in alarm.iterfind("a:status-change", NS)
    ] == ["cleared", "critical"]


def test_what_is_raised_twice_is_one_alarm_and_told_once(ada: Peer, function: Alone) -> None:
    output_down(function)
    output_down(function)
    alarm = state(ada).find("a:alarm-list/a:alarm", NS)

    assert alarm is not None
    assert len(alarm.findall("a:status-change", NS)) == 1
    assert listed(ada) == ["file"]


def test_losses_and_restarts_are_alarms(ada: Peer, function: Alone) -> None:
    causes = Causes(function.alarms)
    causes.datapath_told(control.CaptureLoss({"kernel_drops": 3}))
    causes.process_restarted("datapath", "signal 9")
    causes.stop()
    kinds = [
        (one.text or "").rpartition(":")[2]
        for one in state(ada).iterfind("a:alarm-list/a:alarm/a:alarm-type-id", NS)
    ]
    function.alarms.clear_alarm("capture-loss", "capture", "quiet")

    assert sorted(kinds) == ["capture-loss", "process-restarted"]
    assert (
        state(ada).findtext(
            "a:summary/a:alarm-summary[a:severity='major']/a:not-cleared", namespaces=NS
        )
        == "1"
    )


def test_a_certificate_is_an_alarm_from_its_warning_until_it_is_replaced(
    ada: Peer, function: Alone
) -> None:
    causes = Causes(function.alarms)

    def severity() -> tuple[str | None, str | None]:
        alarm = "a:alarm-list/a:alarm"
        told = state(ada)
        return (
            told.findtext(f"{alarm}/a:perceived-severity", namespaces=NS),
            told.findtext(f"{alarm}/a:is-cleared", namespaces=NS),
        )

    soon, over = (datetime.now(UTC) + timedelta(days=days) for days in (3, -1))
    causes.certificates_expire([Dated("/c", "CN=probe", "04:00", soon)])
    assert severity() == ("warning", "false")
    causes.certificates_expire([Dated("/c", "CN=probe", "04:00", over)])
    assert severity() == ("major", "false")
    causes.certificates_expire([])
    assert severity() == ("major", "true")
    assert listed(ada) == ["/c"]


def test_the_inventory_has_every_alarm_that_there_can_be(ada: Peer) -> None:
    found = {
        (one.findtext("a:alarm-type-id", namespaces=NS) or "").rpartition(":")[2]: one.findtext(
            "a:will-clear", namespaces=NS
        )
        for one in state(ada).iterfind("a:alarm-inventory/a:alarm-type", NS)
    }

    assert found == {
        "capture-loss": "true",
        "output-down": "true",
        "process-restarted": "false",
        "certificate-expiring": "true",
    }


def test_the_history_is_as_long_as_configured(ada: Peer, function: Alone) -> None:
    configure(ada, "<max-alarm-status-changes>3</max-alarm-status-changes>")
    for _ in range(4):
        output_down(function)
        output_up(function)

    assert len(state(ada).findall("a:alarm-list/a:alarm/a:status-change", NS)) == 3


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<notify-status-changes>raise-and-clear</notify-status-changes>", ["warning", "cleared"]),
        (
            (
                "<notify-status-changes>severity-level</notify-status-changes>"
                "<notify-severity-level>major</notify-severity-level>"
            ),
            ["major", "cleared"],
        ),
        ("", ["warning", "major", "cleared"]),
    ],
)
def test_the_configuration_says_which_changes_are_told(
    ada: Peer, function: Alone, content: str, told: list[str]
) -> None:
    if content:
        configure(ada, content)
    only = "<stream-xpath-filter>/ietf-alarms:alarm-notification</stream-xpath-filter>"
    begin(ada, establish(f"<stream>NETCONF</stream>{only}"))
    function.alarms.raise_alarm("certificate-expiring", "tls", "warning", "30 days")
    function.alarms.raise_alarm("certificate-expiring", "tls", "major", "3 days")
    function.alarms.clear_alarm("certificate-expiring", "tls", "another one")

    assert [
        receive(ada, "alarm-notification").findtext("a:perceived-severity", namespaces=NS)
        for _ in told
    ] == told


def test_alarms_lie_on_shelves_and_come_off_them(ada: Peer, function: Alone) -> None:
    output_down(function, "kafka")
    output_down(function, "file")
    shelf = (
        "<name>maintenance</name><resource>kaf.*</resource><alarm-type>"
        "<alarm-type-id>na:output-down</alarm-type-id>"
        "<alarm-type-qualifier-match/></alarm-type>"
    )
    configure(ada, f"<alarm-shelving><shelf>{shelf}</shelf></alarm-shelving>")
    shelved = listed(ada, "shelved-alarms/a:shelved-alarm"), listed(ada)
    name = state(ada).findtext(".//a:shelf-name", namespaces=NS)
    active = state(ada).find("a:summary/a:shelves-active", NS)
    configure(
        ada,
        '<alarm-shelving><shelf nc:operation="delete"><name>maintenance</name></shelf>'
        "</alarm-shelving>",
    )
    states = [
        one.text
        for one in state(ada).iterfind(
            "a:alarm-list/a:alarm[a:resource='kafka']/a:operator-state-change/a:state", NS
        )
    ]

    assert shelved == (["kafka"], ["file"])
    assert name == "maintenance"
    assert active is not None
    assert sorted(listed(ada)) == ["file", "kafka"]
    assert states == ["un-shelved", "shelved"]


def test_an_operator_says_what_becomes_of_an_alarm(ada: Peer, function: Alone) -> None:
    output_down(function)
    key = (
        "<resource>{}</resource><alarm-type-id>na:output-down</alarm-type-id>"
        "<alarm-type-qualifier/>"
    )
    done = (
        "<set-operator-state><state>closed</state><text>disk replaced</text></set-operator-state>"
    )
    act(ada, f"<alarm-list><alarm>{key.format('file')}{done}</alarm></alarm-list>")
    wrong = act(ada, f"<alarm-list><alarm>{key.format('none')}{done}</alarm></alarm-list>")
    change = state(ada).find("a:alarm-list/a:alarm/a:operator-state-change", NS)

    assert change is not None
    assert change.findtext("a:operator", namespaces=NS) == "ada"
    assert change.findtext("a:state", namespaces=NS) == "closed"
    assert change.findtext("a:text", namespaces=NS) == "disk replaced"
    assert wrong.findtext(".//{*}error-tag") is not None
    assert (
        state(ada).findtext(
            "a:summary/a:alarm-summary[a:severity='critical']/a:not-cleared-closed", namespaces=NS
        )
        == "1"
    )


@pytest.mark.parametrize(
    ("criteria", "left"),
    [
        ("<alarm-clearance-status>cleared</alarm-clearance-status>", ["b"]),
        ("<alarm-clearance-status>not-cleared</alarm-clearance-status>", ["a"]),
        (
            (
                "<alarm-clearance-status>any</alarm-clearance-status>"
                "<older-than><hours>1</hours></older-than>"
            ),
            ["a", "b"],
        ),
        (
            (
                "<alarm-clearance-status>any</alarm-clearance-status>"
                "<severity><below>critical</below></severity>"
            ),
            ["a", "b"],
        ),
        (
            (
                "<alarm-clearance-status>any</alarm-clearance-status>"
                "<severity><is>critical</is></severity>"
            ),
            [],
        ),
    ],
)
def test_alarms_are_purged_by_criteria(
    ada: Peer, function: Alone, criteria: str, left: list[str]
) -> None:
    output_down(function, "a")
    output_up(function, "a")
    output_down(function, "b")
    reply = act(ada, f"<alarm-list><purge-alarms>{criteria}</purge-alarms></alarm-list>")

    assert reply.findtext("a:purged-alarms", namespaces=NS) == str(2 - len(left))
    assert sorted(listed(ada)) == left


def test_histories_are_compressed(ada: Peer, function: Alone) -> None:
    output_down(function)
    output_up(function)
    reply = act(ada, "<alarm-list><compress-alarms/></alarm-list>")

    assert reply.findtext("a:compressed-alarms", namespaces=NS) == "1"
    assert len(state(ada).findall("a:alarm-list/a:alarm/a:status-change", NS)) == 1
