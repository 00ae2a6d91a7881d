"""The candidate, commits, and commits that wait for their confirmation."""

from collections.abc import Callable
from typing import Any

import pytest

from nf.mgmt.core import Core
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import Session

from .conftest import Notices, box, config, refused

LOW_ABOVE_HIGH = config("<low>9</low><high>3</high>")


def test_a_commit_puts_the_candidate_in_force(core: Core, ada: Session) -> None:
    core.edit_config(ada, "candidate", config("<low>9</low>"))
    core.edit_config(ada, "candidate", config("<high>20</high>"))
    assert box(core) == {}

    core.commit(ada)

    assert box(core) == {"low": 9, "high": 20}
    assert box(core, "candidate") == {"low": 9, "high": 20}


def test_a_candidate_may_be_wrong_until_its_commit(core: Core, ada: Session) -> None:
    core.edit_config(ada, "candidate", LOW_ABOVE_HIGH)

    assert refused(core.validate, ada, "candidate").app_tag == "low-above-high"
    assert refused(core.commit, ada).app_tag == "low-above-high"

    assert box(core) == {}
    assert box(core, "candidate") == {"low": 9, "high": 3}


def test_a_commit_never_takes_back_what_another_changed_meanwhile(
    core: Core, ada: Session, bob: Session
) -> None:
    core.edit_config(ada, "candidate", config("<low>2</low>"))
    core.edit_config(bob, "running", config("<name>bob's</name>"))

    error = refused(core.commit, ada)

    assert (error.tag, error.app_tag) == ("operation-failed", "candidate-stale")
    assert box(core) == {"name": "bob's"}
    core.discard_changes(ada)
    core.edit_config(ada, "candidate", config("<low>2</low>"))
    core.commit(ada)
    assert box(core) == {"name": "bob's", "low": 2}


def test_an_untouched_candidate_follows_running(core: Core, bob: Session) -> None:
    core.edit_config(bob, "running", config("<name>x</name>"))

    assert box(core, "candidate") == {"name": "x"}


def test_a_candidate_that_is_what_it_began_with_follows_running_again(
    core: Core, ada: Session, bob: Session
) -> None:
    delete = '<{0} xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete"/>'
    core.edit_config(ada, "candidate", config("<high>20</high><name>x</name>"))
    core.edit_config(bob, "running", config("<low>2</low>"))
    # One has a default and one has none.
    core.edit_config(ada, "candidate", config(delete.format("high")))
    assert box(core, "candidate") == {"name": "x"}
    core.edit_config(ada, "candidate", config(delete.format("name")))

    assert box(core, "candidate") == {"low": 2}
    core.commit(ada)
    assert box(core) == {"low": 2}


def test_a_candidate_that_is_copied_from_an_equal_startup_is_not_edited(
    core: Core, ada: Session, bob: Session
) -> None:
    core.edit_config(ada, "running", config("<port><name>a</name></port>"))
    core.copy_config(ada, "running", "startup")
    core.copy_config(ada, "startup", "candidate")

    core.edit_config(bob, "running", config("<name>x</name>"))

    assert box(core, "candidate")["name"] == "x"
    core.lock(ada, "candidate")


def test_discarded_changes_are_gone(core: Core, ada: Session) -> None:
    core.edit_config(ada, "candidate", config("<name>x</name>"))
    core.discard_changes(ada)
    core.commit(ada)

    assert box(core) == {}


def test_an_unconfirmed_commit_goes_back_when_its_time_is_over(
    core: Core, ada: Session, notices: Notices
) -> None:
    core.edit_config(ada, "candidate", config("<name>x</name>"))
    core.commit(ada, confirmed=True, timeout=600)
    assert box(core) == {"name": "x"}
    assert core.confirming.remaining is not None

    core.confirming._waiting.deadline = 0.0  # type: ignore[union-attr]
    core.confirming._expire()

    assert box(core) == {}
    events = [event["confirm-event"] for event in notices.named("netconf-confirmed-commit")]
    assert events == ["start", "timeout"]


def test_a_confirmed_commit_stays(core: Core, ada: Session, notices: Notices) -> None:
    core.edit_config(ada, "candidate", config("<name>x</name>"))
    core.commit(ada, confirmed=True)
    core.commit(ada)

    assert core.confirming.remaining is None
    assert box(core) == {"name": "x"}
    assert notices.named("netconf-confirmed-commit")[-1]["confirm-event"] == "complete"


def test_a_second_confirmed_commit_goes_back_to_before_the_first(core: Core, ada: Session) -> None:
    core.edit_config(ada, "candidate", config("<name>x</name>"))
    core.commit(ada, confirmed=True)
    core.edit_config(ada, "candidate", config("<low>2</low>"))
    core.commit(ada, confirmed=True)

    core.cancel_commit(ada)

    assert box(core) == {}


def test_an_unconfirmed_commit_goes_back_when_its_session_ends(core: Core, ada: Session) -> None:
    core.edit_config(ada, "candidate", config("<name>x</name>"))
    core.commit(ada, confirmed=True)

    core.sessions.close(ada, "dropped")

    assert box(core) == {}


def test_a_persistent_commit_outlives_its_session_and_wants_its_id(
    core: Core, ada: Session, bob: Session
) -> None:
    core.edit_config(ada, "candidate", config("<name>x</name>"))
    core.commit(ada, confirmed=True, persist="ticket 7")
    core.sessions.close(ada, "closed")
    assert box(core) == {"name": "x"}

    assert refused(core.commit, bob).tag == "in-use"
    assert refused(core.commit, bob, persist_id="ticket 8").tag == "invalid-value"
    core.commit(bob, persist_id="ticket 7")

    assert core.confirming.remaining is None


def test_nobody_changes_running_while_a_commit_waits(
    core: Core, ada: Session, bob: Session
) -> None:
    core.edit_config(ada, "candidate", config("<name>x</name>"))
    core.commit(ada, confirmed=True)

    error = refused(core.edit_config, bob, "running", config("<low>2</low>"))

    assert (error.tag, error.info) == ("in-use", (("session-id", str(ada.id)),))


def test_after_a_crash_an_unconfirmed_commit_has_gone_back(
    make_core: Callable[..., Core],
) -> None:
    core = make_core()
    ada = core.sessions.open("ada", "netconf-ssh", "::1", recovery=True)
    core.edit_config(ada, "running", config("<low>2</low>"))
    core.edit_config(ada, "candidate", config("<name>x</name>"))
    core.commit(ada, confirmed=True)

    restarted = make_core()

    assert box(restarted) == {"low": 2}
    assert restarted.history.unconfirmed() is None


def test_cancel_commit_without_a_waiting_commit_is_refused(core: Core, ada: Session) -> None:
    assert refused(core.cancel_commit, ada).tag == "operation-failed"


def waiting(core: Core, ada: Session) -> None:
    core.edit_config(ada, "candidate", config("<name>x</name>"))
    core.commit(ada, confirmed=True)


@pytest.mark.parametrize(
    "defect", [RpcErrors.of(tag="resource-denied", message="full"), ZeroDivisionError()]
)
def test_a_roll_back_that_fails_is_told_and_tried_again(
    core: Core, ada: Session, monkeypatch: pytest.MonkeyPatch, defect: Exception
) -> None:
    waiting(core, ada)

    def failing(*_: Any) -> bool:
        raise defect

    with monkeypatch.context() as broken:
        broken.setattr(core.commits, "replace", failing)
        assert refused(core.cancel_commit, ada).app_tag == "roll-back"
    assert box(core) == {"name": "x"}

    core.confirming._waiting.deadline = 0.0  # type: ignore[union-attr]
    core.confirming._expire()

    assert box(core) == {}
    assert core.history.unconfirmed() is None


def test_a_confirmation_that_cannot_be_noted_is_refused_and_can_be_repeated(
    core: Core, ada: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(core, ada)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(core.history, "set_unconfirmed", full)
        assert refused(core.commit, ada).app_tag == "persist"
    assert core.confirming.remaining is not None

    core.commit(ada)
    assert core.confirming.remaining is None
    assert core.history.unconfirmed() is None


def test_a_refused_confirmed_commit_leaves_nothing_waiting(core: Core, ada: Session) -> None:
    core.edit_config(ada, "candidate", LOW_ABOVE_HIGH)

    refused(core.commit, ada, confirmed=True)

    assert core.confirming.remaining is None
    assert core.history.unconfirmed() is None
