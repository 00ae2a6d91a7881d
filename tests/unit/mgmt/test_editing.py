"""Edits, copies and locks of datastores: what is in force, what is refused."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from nf.mgmt.changes import Change
from nf.mgmt.core import Core
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import Session
from nf.mgmt.transaction import Data, ProviderError

from .conftest import box, config, refused

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

    monkeypatch.setattr("nf.process.whole.os.fsync", full)
    monkeypatch.setattr("nf.mgmt.journal.os.pwritev", full)
    error = refused(core.edit_config, ada, "running", config("<name>x</name>"))

    assert (error.tag, error.app_tag) == ("resource-denied", "persist")
    assert "No space left" in error.message
    assert box(core) == {}


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


def test_an_entry_that_is_replaced_by_itself_changes_nothing(core: Core, ada: Session) -> None:
    same = (
        '<port xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="replace">'
        "<name>a</name></port>"
    )
    core.edit_config(ada, "running", config("<port><name>a</name></port>"))
    before = core.commits.running.revision
    core.edit_config(ada, "candidate", config("<name>x</name>"))

    core.edit_config(ada, "running", config(same))

    assert core.commits.running.revision == before
    core.commit(ada)
    before = core.commits.running.revision
    core.edit_config(ada, "candidate", config(same))
    core.commit(ada)
    assert core.commits.running.revision == before


def test_a_value_that_was_set_to_its_default_is_deleted_all_the_same(
    core: Core, ada: Session
) -> None:
    core.edit_config(ada, "running", config("<high>10</high>"))
    before = core.commits.running.revision
    delete = '<high xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete"/>'

    core.edit_config(ada, "running", config(delete))

    assert core.commits.running.revision == before + 1
    assert refused(core.edit_config, ada, "running", config(delete)).tag == "data-missing"
