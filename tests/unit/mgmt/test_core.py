"""The one door: edits, commits, copies, locks, and what is refused."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from nf.errors import ConfigurationError
from nf.mgmt.changes import Change
from nf.mgmt.core import Core
from nf.mgmt.rpc_error import RpcError, RpcErrors
from nf.mgmt.session import Session
from nf.mgmt.transaction import Data, ProviderError

from .conftest import Notices, box, config

LOW_ABOVE_HIGH = config("<low>9</low><high>3</high>")


class Refusing:
    """A provider that takes no port named `missing`."""

    name = "refusing"
    watches = ("nf-test:box",)

    def __init__(self) -> None:
        self.applied: list[Data] = []

    def prepare(
        self, before: Data | None, after: Data, changes: Sequence[Change]
    ) -> "_RefusingPrepared":
        for port in after.get("nf-test:box", {}).get("port", ()):
            if port["name"] == "missing":
                raise ProviderError(
                    "/nf-test:box/port[name='missing']", "there is no such interface", "no-port"
                )
        return _RefusingPrepared(self, after)


class _RefusingPrepared:
    def __init__(self, provider: Refusing, after: Data) -> None:
        self._provider, self._after = provider, after

    def apply(self) -> None:
        self._provider.applied.append(self._after)

    def abort(self) -> None:
        """Nothing was taken."""


def refused(act: Callable[..., Any], *args: Any, **options: Any) -> RpcError:
    """The first error of what must be refused."""
    with pytest.raises(RpcErrors) as error:
        act(*args, **options)
    return error.value.errors[0]


# Editing running ----


def test_an_edit_of_running_is_in_force_and_in_the_history(core: Core, ada: Session) -> None:
    core.edit_config(ada, "running", config("<name>x</name>"))

    assert box(core) == {"name": "x"}
    note = core.history.entries()[0]
    assert (note.user, note.what) == ("ada", ("/nf-test:box/name",))


def test_an_edit_that_the_model_refuses_changes_nothing(core: Core, ada: Session) -> None:
    error = refused(core.edit_config, ada, "running", LOW_ABOVE_HIGH)

    assert (error.tag, error.app_tag) == ("operation-failed", "low-above-high")
    assert error.message == "low must not be above high"
    assert error.path == "/nf-test:box/low"
    assert box(core) == {}


def test_every_mistake_is_reported_not_only_the_first(core: Core, ada: Session) -> None:
    bad = config("<low>9</low><high>3</high><port><mtu>100</mtu></port>")

    with pytest.raises(RpcErrors) as error:
        core.edit_config(ada, "running", bad, error_option="rollback-on-error")

    assert len(error.value.errors) >= 1
    assert box(core) == {}


def test_a_provider_that_refuses_is_named_by_its_path(make_core: Callable[..., Core]) -> None:
    provider = Refusing()
    core = make_core(providers=[provider])
    ada = core.sessions.open("ada", "cli", "", recovery=True)

    error = refused(core.edit_config, ada, "running", config("<port><name>missing</name></port>"))

    assert (error.path, error.app_tag) == ("/nf-test:box/port[name='missing']", "no-port")
    assert box(core) == {}
    assert len(provider.applied) == 1  # the start


def test_an_edit_that_changes_nothing_makes_no_entry(core: Core, ada: Session) -> None:
    core.edit_config(ada, "running", config("<name>x</name>"))
    before = core.history.entries()

    core.edit_config(ada, "running", config("<name>x</name>"))

    assert core.history.entries() == before


def test_test_only_changes_nothing_but_says_what_would_be_wrong(core: Core, ada: Session) -> None:
    core.edit_config(ada, "running", config("<name>x</name>"), test_option="test-only")
    error = refused(core.edit_config, ada, "running", LOW_ABOVE_HIGH, test_option="test-only")

    assert error.app_tag == "low-above-high"
    assert box(core) == {}


def test_continue_on_error_does_what_is_right_and_reports_the_rest(
    core: Core, ada: Session
) -> None:
    edit = config('<name>x</name><port nc:operation="delete"><name>none</name></port>')

    error = refused(core.edit_config, ada, "running", edit, error_option="continue-on-error")

    assert error.tag == "data-missing"
    assert box(core) == {"name": "x"}


def test_a_disk_that_cannot_take_the_configuration_refuses_it(
    core: Core, ada: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nf.mgmt.history.os.fsync", full)
    error = refused(core.edit_config, ada, "running", config("<name>x</name>"))

    assert (error.tag, error.app_tag) == ("resource-denied", "persist")
    assert "No space left" in error.message
    assert box(core) == {}


# Candidate ----


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


def test_discarded_changes_are_gone(core: Core, ada: Session) -> None:
    core.edit_config(ada, "candidate", config("<name>x</name>"))
    core.discard_changes(ada)
    core.commit(ada)

    assert box(core) == {}


# Confirmed commit ----


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


def test_a_refused_confirmed_commit_leaves_nothing_waiting(core: Core, ada: Session) -> None:
    core.edit_config(ada, "candidate", LOW_ABOVE_HIGH)

    refused(core.commit, ada, confirmed=True)

    assert core.confirming.remaining is None
    assert core.history.unconfirmed() is None


# Restarts and start-up ----


def test_running_survives_a_restart_of_the_process_but_not_of_the_function(
    make_core: Callable[..., Core],
) -> None:
    core = make_core("boot-1")
    ada = core.sessions.open("ada", "cli", "", recovery=True)
    core.edit_config(ada, "running", config("<name>saved</name>"))
    core.copy_config(ada, "running", "startup")
    core.edit_config(ada, "running", config("<name>unsaved</name>"))

    assert box(make_core("boot-1")) == {"name": "unsaved"}
    assert box(make_core("boot-2")) == {"name": "saved"}


def test_the_first_start_uses_what_it_is_given(make_core: Callable[..., Core]) -> None:
    core = make_core(first=b'{"nf-test:box": {"name": "day-0"}}')

    assert box(core) == {"name": "day-0"}


def test_a_start_up_configuration_that_is_not_valid_is_refused_with_its_path(
    make_core: Callable[..., Core],
) -> None:
    with pytest.raises(ConfigurationError, match="/nf-test:box/low"):
        make_core(first=b'{"nf-test:box": {"low": 9, "high": 3}}')


def test_deleting_start_up_makes_the_next_boot_begin_empty(
    make_core: Callable[..., Core],
) -> None:
    core = make_core("boot-1")
    ada = core.sessions.open("ada", "cli", "", recovery=True)
    core.edit_config(ada, "running", config("<name>x</name>"))
    core.copy_config(ada, "running", "startup")
    core.delete_config(ada, "startup")

    assert box(make_core("boot-2")) == {}


def test_a_configuration_of_the_history_comes_back(core: Core, ada: Session) -> None:
    core.edit_config(ada, "running", config("<name>old</name>"))
    number = core.history.entries()[0].number
    core.edit_config(ada, "running", config("<name>new</name>"))

    core.rollback(ada, number)

    assert box(core) == {"name": "old"}
    assert refused(core.rollback, ada, 4711).tag == "invalid-value"


# Copying ----


def test_a_config_replaces_a_whole_datastore(core: Core, ada: Session) -> None:
    core.edit_config(ada, "running", config("<name>x</name><low>2</low>"))

    core.copy_config(ada, config("<high>30</high>"), "running")

    assert box(core) == {"high": 30}


def test_a_copy_into_the_candidate_is_committed_like_an_edit(core: Core, ada: Session) -> None:
    core.edit_config(ada, "running", config("<name>x</name>"))
    core.copy_config(ada, config("<high>30</high>"), "candidate")

    core.commit(ada)

    assert box(core) == {"high": 30}


@pytest.mark.parametrize(
    ("source", "target", "tag"),
    [
        ("running", "running", "invalid-value"),
        ("running", "operational", "operation-not-supported"),
    ],
)
def test_copies_that_make_no_sense_are_refused(
    core: Core, ada: Session, source: Any, target: Any, tag: str
) -> None:
    assert refused(core.copy_config, ada, source, target).tag == tag


@pytest.mark.parametrize("target", ["running", "candidate", "operational"])
def test_only_start_up_can_be_deleted(core: Core, ada: Session, target: Any) -> None:
    assert refused(core.delete_config, ada, target).tag == "operation-not-supported"


# Locks ----


def test_what_is_locked_only_its_holder_changes(core: Core, ada: Session, bob: Session) -> None:
    core.lock(ada, "running")

    assert refused(core.edit_config, bob, "running", config("<low>2</low>")).tag == "in-use"
    assert refused(core.commit, bob).tag == "in-use"
    core.edit_config(ada, "running", config("<low>2</low>"))


def test_a_candidate_with_changes_cannot_be_locked(core: Core, ada: Session, bob: Session) -> None:
    core.edit_config(ada, "candidate", config("<low>2</low>"))

    error = refused(core.lock, bob, "candidate")

    assert (error.tag, error.info) == ("lock-denied", (("session-id", str(ada.id)),))


def test_what_the_holder_of_the_candidate_did_not_commit_goes_with_it(
    core: Core, ada: Session
) -> None:
    core.lock(ada, "candidate")
    core.edit_config(ada, "candidate", config("<low>2</low>"))

    core.sessions.close(ada, "dropped")

    assert box(core, "candidate") == {}
    assert core.locks.holder("candidate") is None


# State, notifications, operations ----


class Uptime:
    """State of the tests."""

    def top(self) -> str:
        return "nf-test:box"

    def get(self) -> dict[str, Any]:
        return {"nf-test:box": {"uptime": 42, "port": [{"name": "eth0", "packets": 7}]}}


def test_state_stands_beside_configuration(core: Core, ada: Session) -> None:
    core.edit_config(ada, "running", config("<port><name>eth0</name><mtu>100</mtu></port>"))
    core.state.register(Uptime())

    data = core.get(ada).to_data(defaults=False)["nf-test:box"]

    assert data["uptime"] == 42
    port = data["port"][0]
    assert (port["name"], port["mtu"], int(port["packets"])) == ("eth0", 100, 7)
    assert "uptime" not in box(core)


def test_a_source_of_state_that_breaks_is_counted_and_hides_no_other(
    core: Core, ada: Session
) -> None:
    class Broken(Uptime):
        def get(self) -> dict[str, Any]:
            raise ZeroDivisionError("a defect")

    core.state.register(Broken())
    core.state.register(Uptime())

    assert core.get(ada).to_data()["nf-test:box"]["uptime"] == 42
    assert core.state.failures == {"nf-test:box": 1}


def test_state_alone_and_configuration_alone_can_be_asked_for(core: Core, ada: Session) -> None:
    core.edit_config(ada, "running", config("<name>x</name>"))
    core.state.register(Uptime())

    state = core.get_data(ada, "operational", config=False).to_data()["nf-test:box"]
    configured = core.get_data(ada, "operational", config=True).to_data()["nf-test:box"]

    assert (state.get("name"), state.get("uptime")) == (None, 42)
    assert (configured["name"], configured.get("uptime")) == ("x", None)


def test_a_change_is_told_with_who_made_it(core: Core, ada: Session, notices: Notices) -> None:
    core.edit_config(ada, "running", config("<name>x</name>"))

    change = notices.named("netconf-config-change")[-1]
    assert change["changed-by"] == {
        "username": "ada",
        "session-id": ada.id,
        "source-host": "192.0.2.1",
    }
    assert change["edit"] == [{"target": "/nf-test:box/name", "operation": "create"}]


def test_an_rpc_is_carried_out_by_who_registered(core: Core, ada: Session) -> None:
    def echo(session: Session, _target: str, given: dict[str, Any]) -> dict[str, Any]:
        return {"text": f"{session.user}: {given['text']}"}

    core.operations.register("/nf-test:echo", echo)

    reply = core.operate(ada, b'<echo xmlns="urn:nf:test"><text>hello</text></echo>')

    assert b"ada: hello" in reply
    assert refused(core.operate, ada, b'<echo xmlns="urn:nf:test"/>').tag in (
        "missing-element",
        "data-missing",
        "operation-failed",
    )


def test_an_action_names_the_entry_it_is_for(core: Core, ada: Session) -> None:
    core.edit_config(ada, "running", config("<port><name>eth0</name></port>"))
    asked: list[str] = []

    def reset(_session: Session, target: str, _given: dict[str, Any]) -> dict[str, Any]:
        asked.append(target)
        return {"was": 7}

    core.operations.register("/nf-test:box/port/reset", reset)
    reply = core.operate(
        ada,
        b'<action xmlns="urn:ietf:params:xml:ns:yang:1"><box xmlns="urn:nf:test">'
        b"<port><name>eth0</name><reset/></port></box></action>",
    )

    assert asked == ["/nf-test:box/port[name='eth0']"]
    assert b">7<" in reply


def test_what_nobody_carries_out_is_not_supported(core: Core, ada: Session) -> None:
    error = refused(core.operate, ada, b'<destroy xmlns="urn:nf:test"/>')

    assert error.tag == "operation-not-supported"


def test_the_state_folder_is_all_that_is_written(core: Core, ada: Session, tmp_path: Path) -> None:
    core.edit_config(ada, "running", config("<name>x</name>"))

    assert [path.name for path in tmp_path.iterdir()] == ["state"]
