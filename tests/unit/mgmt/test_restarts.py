"""What a restart, a new boot and the history bring back."""

from collections.abc import Callable

import pytest

from nf.errors import ConfigurationError
from nf.mgmt.core import Core
from nf.mgmt.session import Session
from nf.mgmt.transaction_limits import TransactionLimits

from .conftest import box, config, refused


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


def test_how_long_to_prepare_and_how_many_to_keep_are_settings(core: Core) -> None:
    limits = TransactionLimits(
        lambda seconds: setattr(core.providers, "limit", seconds),
        lambda number: setattr(core.history, "keep", number),
    )
    settings = {"transactions": {"prepare-timeout": 3, "history": 2}}

    limits.prepare(None, {"nf-probe:probe": {"management": settings}}, ()).apply()
    ada = core.sessions.open("ada", "cli", "", recovery=True)
    for name in "abcd":
        core.edit_config(ada, "running", config(f"<name>{name}</name>"))

    assert core.providers.limit == 3.0
    assert len(core.history.entries()) == 2
