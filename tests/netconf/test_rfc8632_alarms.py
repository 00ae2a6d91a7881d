"""Alarms over NETCONF: RFC 8632."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from nf.datapath import control
from nf.mgmt.alarms.causes import Causes
from nf.mgmt.credentials.material import Dated
from nf.mgmt.netconf.alone import Alone
from tests.netconf.conftest import PASSWORD
from tests.netconf.peer import Loop, Peer
from tests.netconf.subscribing import begin, establish, receive

AL = "urn:ietf:params:xml:ns:yang:ietf-alarms"
NA = "urn:nf:yang:nf-alarms"
NS = {"a": AL}


ACTED = (
    "<alarm-list><alarm><resource>{}</resource>"
    "<alarm-type-id>na:output-down</alarm-type-id><alarm-type-qualifier/>"
    "<set-operator-state><state>{}</state></set-operator-state></alarm></alarm-list>"
)
"""An operator says a state of an output's alarm."""


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


def alarm_of(peer: Peer, resource: str) -> dict[str, str | None]:
    """The leaves of one alarm."""
    found = state(peer).find(f"a:alarm-list/a:alarm[a:resource='{resource}']", NS)
    assert found is not None
    return {etree.QName(one).localname: one.text for one in found if not len(one)}


def test_a_full_table_is_an_alarm_that_is_worse_when_packets_are_refused(
    ada: Peer, function: Alone
) -> None:
    causes = Causes(function.alarms)
    causes.datapath_told(control.TablesFull(sessions_evicted=7))
    evicting = alarm_of(ada, "sessions")
    causes.datapath_told(control.TablesFull(sessions_evicted=9, reassembly=True))
    causes.datapath_told(control.TablesFull(packets_refused=1))
    refusing = alarm_of(ada, "sessions")
    causes.datapath_told(control.FlowStateReset("configuration"))
    causes.stop()

    assert (evicting["perceived-severity"], refusing["perceived-severity"]) == ("minor", "major")
    assert "max-sessions" in (refusing["alarm-text"] or "")
    for resource in ("sessions", "reassembly"):
        assert alarm_of(ada, resource)["is-cleared"] == "true"
        assert alarm_of(ada, resource)["alarm-text"] == "the tables are new"


def test_what_is_not_heard_of_again_is_over(ada: Peer, function: Alone) -> None:
    only = "<stream-xpath-filter>/ietf-alarms:alarm-notification</stream-xpath-filter>"
    begin(ada, establish(f"<stream>NETCONF</stream>{only}"))
    causes = Causes(function.alarms, quiet=0.05)
    causes.datapath_told(control.TablesFull(sessions_evicted=1))
    told = [
        receive(ada, "alarm-notification").findtext("a:perceived-severity", namespaces=NS)
        for _ in range(2)
    ]
    causes.stop()

    assert told == ["minor", "cleared"]


def test_something_that_does_not_follow_the_configuration_is_an_alarm(
    ada: Peer, function: Alone
) -> None:
    causes = Causes(function.alarms)
    causes.follows("datapath", "the file is gone")
    raised = alarm_of(ada, "datapath")
    causes.follows("datapath", "")
    over = alarm_of(ada, "datapath")

    assert raised["alarm-type-id"] == "nfal:configuration-not-applied"
    assert (raised["alarm-text"], raised["is-cleared"]) == ("the file is gone", "false")
    assert over["is-cleared"] == "true"


def test_a_part_of_management_that_fails_to_apply_is_an_alarm(
    ada: Peer, function: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    function.core.commits.appliers.append(Causes(function.alarms).applied)

    def fail(*_: object) -> None:
        raise OSError("no memory")

    with monkeypatch.context() as patched:
        patched.setattr(function.server, "put_in_force", fail)
        ada.ok(login_timeout(31))
    raised = alarm_of(ada, "management/netconf")
    ada.ok(login_timeout(32))

    assert (raised["alarm-text"], raised["is-cleared"]) == ("no memory", "false")
    assert alarm_of(ada, "management/netconf")["is-cleared"] == "true"


def login_timeout(seconds: int) -> str:
    return (
        '<edit-config><target><running/></target><config><probe xmlns="urn:nf:yang:nf-probe">'
        f"<management><netconf><login-timeout>{seconds}</login-timeout></netconf></management>"
        "</probe></config></edit-config>"
    )


def test_alarms_of_outputs_that_are_gone_or_up_again_are_over(ada: Peer, function: Alone) -> None:
    for name in ("kept", "mended", "removed"):
        output_down(function, name)
    Causes(function.alarms).outputs_are(
        [
            {"name": "kept", "state": "down", "last_error": "disk full"},
            {"name": "mended", "state": "up", "last_error": "disk full"},
        ]
    )

    cleared = {name: alarm_of(ada, name)["is-cleared"] for name in ("kept", "mended", "removed")}
    assert cleared == {"kept": "false", "mended": "true", "removed": "true"}


def test_alarms_outlive_a_restart_of_management(start: Callable[..., Alone], loop: Loop) -> None:
    function = start()
    peer = Peer(loop, function.server.ports["test"], "ada", PASSWORD)
    output_down(function)
    output_up(function)
    output_down(function, "kafka")
    configure(
        peer,
        "<alarm-shelving><shelf><name>s</name><resource>kafka</resource></shelf></alarm-shelving>",
    )
    act(peer, ACTED.format("file", "ack"))
    before = etree.tostring(state(peer))
    peer.close()
    again = start()
    peer = Peer(loop, again.server.ports["test"], "ada", PASSWORD)
    after = etree.tostring(state(peer))
    output_up(again, "kafka")

    assert after == before
    assert [one.text for one in state(peer).iterfind(".//a:shelved-alarm/a:is-cleared", NS)] == [
        "true"
    ]
    peer.close()


@pytest.mark.parametrize("text", ["", "[{}]", '{"kind": 1}', "[[[["])
def test_a_damaged_file_of_alarms_is_left_aside(
    start: Callable[..., Alone], tmp_path: Path, text: str
) -> None:
    file = tmp_path / "state" / "alarms.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    function = start()
    output_down(function)

    assert file.with_suffix(".damaged").read_text() == text
    assert function.alarms.raised("output-down") == ["file"]
    assert start().alarms.raised("output-down") == ["file"]


def test_what_operators_say_is_bounded(
    ada: Peer, function: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    output_down(function)
    monkeypatch.setattr("nf.mgmt.alarms.keeping.MAX_CHANGES", 3)
    for state_name in ("ack", "none", "ack", "closed"):
        act(ada, ACTED.format("file", state_name))
    said = state(ada).findall("a:alarm-list/a:alarm/a:operator-state-change/a:state", NS)
    long = f"<state>ack</state><text>{'x' * 5000}</text>"
    refused = act(ada, ACTED.replace("<state>{}</state>", long).format("file"))

    assert [one.text for one in said] == ["closed", "ack", "none"]
    assert refused.findtext(".//{*}error-tag") == "invalid-value"


def test_what_xml_cannot_say_hides_no_alarm(start: Callable[..., Alone], loop: Loop) -> None:
    function = start()
    Causes(function.alarms).follows("datapath", "unknown word '\x01\ud800' <&>")
    again = start()
    peer = Peer(loop, again.server.ports["test"], "ada", PASSWORD)
    text = alarm_of(peer, "datapath")["alarm-text"]
    Causes(again.alarms).follows("datapath", "")
    cleared = alarm_of(peer, "datapath")["is-cleared"]
    peer.close()

    assert text == "unknown word '\ufffd\ufffd' <&>"
    assert cleared == "true"


def test_the_inventory_has_every_alarm_that_there_can_be(ada: Peer) -> None:
    found = {
        (one.findtext("a:alarm-type-id", namespaces=NS) or "").rpartition(":")[2]: one.findtext(
            "a:will-clear", namespaces=NS
        )
        for one in state(ada).iterfind("a:alarm-inventory/a:alarm-type", NS)
    }

    assert found == {
        "capture-loss": "true",
        "table-full": "true",
        "output-down": "true",
        "process-restarted": "false",
        "certificate-expiring": "true",
        "configuration-not-applied": "true",
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


@pytest.mark.parametrize(
    ("pattern", "resource", "lies"),
    [
        ("kafka", "kafka", True),
        ("kaf", "kafka", False),
        (r"\p{L}+", "kafka", True),
        ("/a\\[name='x\"y'\\]", "/a[name='x\"y']", True),
        ("[", "kafka", False),
        # What a search that goes back and forth would take longer for than anybody lives.
        ("(a|aa)+(a+)+", "a" * 100 + "b", False),
    ],
)
def test_a_shelf_has_regular_expressions_of_xml_schema(
    ada: Peer, function: Alone, pattern: str, resource: str, lies: bool
) -> None:
    output_down(function, resource)
    escaped = pattern.replace("&", "&amp;").replace("<", "&lt;")
    configure(
        ada,
        f"<alarm-shelving><shelf><name>s</name><resource>{escaped}</resource></shelf>"
        "</alarm-shelving>",
    )

    where = "shelved-alarms/a:shelved-alarm" if lies else "alarm-list/a:alarm"
    assert listed(ada, where) == [resource]


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
