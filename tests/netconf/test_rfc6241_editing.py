"""edit-config, copy-config, delete-config (RFC 6241 sections 7.2 to 7.4), and how errors look."""

from collections.abc import Callable

import pytest

from nf.mgmt.netconf.alone import Alone
from tests.netconf.conftest import Connect
from tests.netconf.peer import BASE, BOX, Peer

DELETE = f'xmlns:nc="{BASE}" nc:operation="delete"'


def operation(name: str) -> str:
    return f'xmlns:nc="{BASE}" nc:operation="{name}"'


def test_merge_is_the_default(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>"))
    ada.ok(ada.edit("<high>20</high>"))

    assert ada.box() == {"name": "x", "high": "20"}


def test_replace_leaves_nothing_else(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>"))
    ada.ok(
        f"<edit-config><target><running/></target><config>"
        f'<box xmlns="{BOX}" {operation("replace")}><high>20</high></box></config></edit-config>'
    )

    assert ada.box() == {"high": "20"}


def test_create_of_what_is_there_is_refused(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>"))
    refusal = ada.refused(ada.edit(f"<name {operation('create')}>y</name>"))

    assert refusal.tag == "data-exists"
    assert refusal.path == "/nf-test:box/nf-test:name"
    assert refusal.prefixes["nf-test"] == BOX
    assert ada.box() == {"name": "x"}


def test_delete_takes_an_empty_element_of_any_type(ada: Peer) -> None:
    ada.ok(ada.edit("<high>20</high><port><name>a</name><mtu>100</mtu></port>"))
    ada.ok(
        ada.edit(f"<high {DELETE}/><port><name>a</name><mtu {DELETE}/></port>"),
    )
    assert ada.box() == {}

    refusal = ada.refused(ada.edit(f"<high {DELETE}/>"))
    assert refusal.tag == "data-missing"


def test_remove_of_what_is_not_there_is_nothing(ada: Peer) -> None:
    ada.ok(ada.edit(f"<name {operation('remove')}/>"))


def test_none_changes_only_what_says_so(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>"))
    more = "<default-operation>none</default-operation>"
    ada.ok(ada.edit(f"<name>y</name><high {operation('merge')}>30</high>", more=more))

    assert ada.box() == {"name": "x", "high": "30"}


def test_what_the_model_refuses_has_its_message_app_tag_and_path(ada: Peer) -> None:
    refusal = ada.refused(ada.edit("<low>9</low><high>3</high>"))

    assert (refusal.type, refusal.tag, refusal.severity) == (
        "application",
        "operation-failed",
        "error",
    )
    assert refusal.app_tag == "low-above-high"
    assert refusal.message == "low must not be above high"
    assert refusal.path == "/nf-test:box/nf-test:low"
    assert ada.box() == {}


def test_a_path_of_an_error_has_prefixes_in_its_keys(ada: Peer) -> None:
    refusal = ada.refused(ada.edit("<port><name>a'b</name><mtu>1</mtu></port>"))

    assert refusal.tag == "invalid-value"
    assert refusal.path == '/nf-test:box/nf-test:port[nf-test:name="a\'b"]/nf-test:mtu'


def test_several_mistakes_are_several_errors(ada: Peer) -> None:
    listen = (
        '<probe xmlns="urn:nf:yang:nf-probe"><management><netconf><listen><name>bare</name>'
        "</listen></netconf></management></probe>"
    )
    found = ada.refusals(
        "<edit-config><target><running/></target><config>"
        f'{listen}<box xmlns="{BOX}"><low>9</low><high>3</high></box></config></edit-config>'
    )

    assert {one.app_tag for one in found} >= {"low-above-high"}
    assert {one.tag for one in found} >= {"data-missing"}


@pytest.mark.parametrize(
    ("content", "tag"),
    [
        ("<nonsense/>", "unknown-element"),
        ("<low>300</low>", "invalid-value"),
        ("<low>nine</low>", "invalid-value"),
        (f"<name {operation('explode')}>x</name>", "bad-attribute"),
        ("<port><mtu>100</mtu></port>", "missing-element"),
        ("<uptime>3</uptime>", "unknown-element"),
        ('<box xmlns="urn:nowhere"/>', "unknown-namespace"),
    ],
)
def test_each_mistake_has_its_tag(ada: Peer, content: str, tag: str) -> None:
    assert ada.refused(ada.edit(content)).tag == tag


@pytest.mark.parametrize(
    ("parameters", "tag", "element"),
    [
        ("<target><running/></target>", "missing-element", "config"),
        ("<config/>", "missing-element", "target"),
        (
            "<target><running/></target><default-operation>x</default-operation><config/>",
            "invalid-value",
            "default-operation",
        ),
        (
            "<target><running/></target><test-option>x</test-option><config/>",
            "invalid-value",
            "test-option",
        ),
        (
            "<target><running/></target><error-option>x</error-option><config/>",
            "invalid-value",
            "error-option",
        ),
        ("<target><running/></target><url>ftp://x</url>", "invalid-value", "url"),
    ],
)
def test_a_wrong_parameter_is_named(ada: Peer, parameters: str, tag: str, element: str) -> None:
    refusal = ada.refused(f"<edit-config>{parameters}</edit-config>")

    assert refusal.tag == tag
    assert refusal.info["bad-element"] == element


def test_test_only_changes_nothing(ada: Peer) -> None:
    more = "<test-option>test-only</test-option>"
    ada.ok(ada.edit("<name>x</name>", more=more))
    assert ada.box() == {}

    assert ada.refused(ada.edit("<low>9</low><high>3</high>", more=more)).app_tag


def test_rollback_on_error_leaves_everything(ada: Peer) -> None:
    more = "<error-option>rollback-on-error</error-option>"
    ada.refused(ada.edit("<name>x</name><high>999</high>", more=more))

    assert ada.box() == {}


def test_continue_on_error_does_what_is_right(ada: Peer) -> None:
    ada.ok(ada.edit("<port><name>a</name></port>"))
    more = "<error-option>continue-on-error</error-option>"
    refusal = ada.refused(
        ada.edit(f"<port {operation('create')}><name>a</name></port><name>x</name>", more=more)
    )

    assert refusal.tag == "data-exists"
    assert ada.box() == {"name": "x"}


def test_startup_is_not_edited(ada: Peer) -> None:
    assert ada.refused(ada.edit("<name>x</name>", "startup")).tag == "operation-not-supported"


def test_an_endpoint_that_cannot_be_bound_is_refused_with_its_path(ada: Peer) -> None:
    listen = (
        '<probe xmlns="urn:nf:yang:nf-probe"><management><netconf><listen><name>bad</name>'
        "<address>192.0.2.77</address><port>0</port></listen></netconf></management></probe>"
    )
    refusal = ada.refused(
        f"<edit-config><target><running/></target><config>{listen}</config></edit-config>"
    )

    assert (refusal.tag, refusal.app_tag) == ("operation-failed", "listen")
    assert refusal.path is not None
    assert refusal.path.endswith("/nf-probe:listen[nf-probe:name='bad']")


# copy-config and delete-config ----


def test_running_becomes_startup_and_is_there_after_a_boot(
    ada: Peer, start: Callable[..., Alone]
) -> None:
    ada.ok(ada.edit("<name>kept</name>"))
    ada.ok("<copy-config><target><startup/></target><source><running/></source></copy-config>")
    ada.ok(ada.edit("<name>lost</name>"))

    alone = start(boot="boot-2")
    assert alone.core.commits.running.tree.get("/nf-test:box/name") == "kept"


def test_without_startup_a_restart_of_the_process_keeps_what_is_running(
    ada: Peer, start: Callable[..., Alone]
) -> None:
    ada.ok(ada.edit("<name>still</name>"))

    assert start().core.commits.running.tree.get("/nf-test:box/name") == "still"


@pytest.mark.parametrize(
    "edits",
    [
        ["<low>1</low>"],
        ["<low>7</low>", "<low>1</low>"],
        ["<low>1</low>", '<low nc:operation="remove"/>', "<name>b</name>"],
        [
            "<port><name>a</name><mtu>1500</mtu></port>",
            '<port nc:operation="delete"><name>a</name></port>',
        ],
        ['<name>default="true"</name>'],
    ],
)
def test_what_was_set_to_its_default_is_still_set_after_a_restart_of_the_process(
    ada: Peer, function: Alone, start: Callable[..., Alone], edits: list[str]
) -> None:
    for edit in edits:
        ada.ok(ada.edit(edit))
    before = function.core.commits.running.tree.to_json()

    assert start().core.commits.running.tree.to_json() == before


def test_a_configuration_in_the_request_becomes_the_candidate(ada: Peer) -> None:
    ada.ok(
        "<copy-config><target><candidate/></target><source><config>"
        f'<box xmlns="{BOX}"><name>new</name></box></config></source></copy-config>'
    )
    assert ada.box("candidate") == {"name": "new"}


@pytest.mark.parametrize(
    "operation_",
    [
        "<copy-config><target><running/></target><source><running/></source></copy-config>",
        "<copy-config><target><url>ftp://x</url></target><source><running/></source></copy-config>",
        "<delete-config><target><running/></target></delete-config>",
        "<delete-config><target><candidate/></target></delete-config>",
        "<copy-config><source><running/></source></copy-config>",
    ],
)
def test_a_copy_that_makes_no_sense_is_refused(ada: Peer, operation_: str) -> None:
    ada.refused(operation_)


def test_startup_can_be_deleted(ada: Peer) -> None:
    copy = "<copy-config><target><startup/></target><source><running/></source></copy-config>"
    ada.ok(ada.edit("<name>x</name>"))
    ada.ok(copy)
    assert ada.box("startup") == {"name": "x"}
    ada.ok("<delete-config><target><startup/></target></delete-config>")
    assert ada.box("startup") == {}


# Access control (RFC 8341) ----


def test_who_may_not_write_is_told_where(connect: Connect) -> None:
    refusal = connect("bob").refused(connect("bob").edit("<name>x</name>"))

    assert refusal.tag == "access-denied"
    assert refusal.path == "/nf-test:box/nf-test:name"


def test_who_may_not_execute_is_refused(connect: Connect) -> None:
    refusal = connect("bob").refused("<delete-config><target><startup/></target></delete-config>")
    assert (refusal.type, refusal.tag) == ("protocol", "access-denied")
