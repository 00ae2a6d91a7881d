"""candidate, validate, confirmed commits (RFC 6241 sections 8.3, 8.4, 8.6)."""

from collections.abc import Callable

import pytest

from nf.mgmt.netconf.alone import Alone
from tests.netconf.conftest import Connect
from tests.netconf.peer import Peer
from tests.waiting import until

CONFIRMED = "<commit><confirmed/>{}</commit>"


def test_a_commit_puts_the_candidate_in_force(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>", "candidate"))
    assert ada.box() == {}
    ada.ok("<commit/>")
    assert ada.box() == {"name": "x"}


def test_changes_can_be_discarded(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>", "candidate"))
    ada.ok("<discard-changes/>")
    assert ada.box("candidate") == {}


def test_a_candidate_that_is_not_valid_is_not_committed(ada: Peer) -> None:
    ada.ok(ada.edit("<low>9</low><high>3</high>", "candidate"))

    assert ada.refused("<validate><source><candidate/></source></validate>").app_tag
    assert ada.refused("<commit/>").app_tag == "low-above-high"
    assert ada.box() == {}


def test_a_configuration_in_the_request_is_validated(ada: Peer) -> None:
    validate = (
        '<validate><source><config><box xmlns="urn:nf:test">{}</box></config></source></validate>'
    )
    ada.ok(validate.format("<low>1</low>"))
    assert ada.refused(validate.format("<low>99</low>")).app_tag == "low-above-high"


def test_what_another_has_changed_meanwhile_is_not_taken_back(ada: Peer, connect: Connect) -> None:
    ada.ok(ada.edit("<name>mine</name>", "candidate"))
    other = connect()
    other.ok(other.edit("<high>77</high>"))

    refusal = ada.refused("<commit/>")
    assert (refusal.tag, refusal.app_tag) == ("operation-failed", "candidate-stale")
    assert ada.box() == {"high": "77"}


def test_a_confirmed_commit_that_is_confirmed_stays(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>", "candidate"))
    ada.ok(CONFIRMED.format("<confirm-timeout>600</confirm-timeout>"))
    assert ada.box() == {"name": "x"}
    ada.ok("<commit/>")

    assert ada.refused("<cancel-commit/>").tag == "operation-failed"
    assert ada.box() == {"name": "x"}


def test_a_confirmed_commit_can_be_cancelled(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>", "candidate"))
    ada.ok(CONFIRMED.format(""))
    ada.ok("<cancel-commit/>")

    assert ada.box() == {}


def test_a_confirmed_commit_goes_back_after_its_time(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>", "candidate"))
    ada.ok(CONFIRMED.format("<confirm-timeout>1</confirm-timeout>"))
    assert ada.box() == {"name": "x"}

    until(lambda: ada.box() == {})


def test_a_confirmed_commit_goes_back_with_its_session(ada: Peer, connect: Connect) -> None:
    other = connect()
    other.ok(other.edit("<name>x</name>", "candidate"))
    other.ok(CONFIRMED.format(""))
    assert ada.box() == {"name": "x"}
    other.close()

    until(lambda: ada.box() == {})


def test_a_commit_that_persists_is_confirmed_by_another_session(
    ada: Peer, connect: Connect
) -> None:
    other = connect()
    other.ok(other.edit("<name>x</name>", "candidate"))
    other.ok(CONFIRMED.format("<persist>token</persist>"))
    other.ok("<close-session/>")

    assert ada.refused("<commit/>").tag == "in-use"
    assert ada.refused("<commit><persist-id>wrong</persist-id></commit>").tag == "invalid-value"
    ada.ok("<commit><persist-id>token</persist-id></commit>")
    assert ada.box() == {"name": "x"}


def test_a_commit_that_persists_is_cancelled_by_another_session(
    ada: Peer, connect: Connect
) -> None:
    other = connect()
    other.ok(other.edit("<name>x</name>", "candidate"))
    other.ok(CONFIRMED.format("<persist>token</persist>"))
    other.ok("<close-session/>")

    ada.ok("<cancel-commit><persist-id>token</persist-id></cancel-commit>")
    assert ada.box() == {}


@pytest.mark.parametrize(
    ("operation", "element"),
    [
        ("<commit><confirm-timeout>5</confirm-timeout></commit>", "confirm-timeout"),
        ("<commit><confirmed/><confirm-timeout>0</confirm-timeout></commit>", "confirm-timeout"),
        (
            "<commit><confirmed/><confirm-timeout>-1</confirm-timeout></commit>",
            "confirm-timeout",
        ),
        ("<commit><nonsense/></commit>", "nonsense"),
        ("<discard-changes><x/></discard-changes>", "x"),
    ],
)
def test_a_wrong_parameter_is_named(ada: Peer, operation: str, element: str) -> None:
    assert ada.refused(operation).info["bad-element"] == element


def test_the_candidate_cannot_be_locked_while_it_has_changes(ada: Peer) -> None:
    ada.ok(ada.edit("<name>x</name>", "candidate"))

    assert ada.refused("<lock><target><candidate/></target></lock>").tag == "lock-denied"


def test_what_the_holder_of_the_lock_did_not_commit_goes_with_it(
    ada: Peer, connect: Connect
) -> None:
    other = connect()
    other.ok("<lock><target><candidate/></target></lock>")
    other.ok(other.edit("<name>x</name>", "candidate"))
    other.close()

    until(lambda: ada.box("candidate") == {})
    ada.ok("<lock><target><candidate/></target></lock>")


def test_an_unconfirmed_commit_is_taken_back_at_the_next_start(
    ada: Peer, start: Callable[..., Alone]
) -> None:
    ada.ok(ada.edit("<name>x</name>", "candidate"))
    ada.ok(CONFIRMED.format("<persist>token</persist>"))

    assert start().core.commits.running.tree.get("/nf-test:box/name") is None
