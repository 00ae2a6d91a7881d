"""A transaction works on a spare tree where it can: it must be what is running, always."""

import contextlib
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from nf.mgmt.commits import Conversion
from nf.mgmt.core import Core
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import Session

from .conftest import box, config

NAMES = some.sampled_from(["a", "b", "c"])
OPERATIONS = some.sampled_from(["merge", "replace", "create", "delete", "remove"])
NUMBERS = some.integers(0, 12)

EDITS = some.one_of(
    some.builds("<name>{}</name>".format, NAMES),
    some.builds("<low>{}</low>".format, NUMBERS),
    some.builds("<high>{}</high>".format, NUMBERS),
    some.builds('<low nc:operation="{}"/>'.format, some.sampled_from(["delete", "remove"])),
    some.builds('<port nc:operation="{}"><name>{}</name></port>'.format, OPERATIONS, NAMES),
    some.builds("<port><name>{}</name></port><name>{}</name>".format, NAMES, NAMES),
)


def whole(core: Core) -> tuple[bytes, bytes]:
    """What runs, and the spare, with a mark at every default."""
    core.commits.catch_up()
    spare = core.commits.spare.tree
    running = core.commits.running.tree
    other = spare if spare is not None else running
    return tuple(tree.to_json(defaults="report-all-tagged") for tree in (running, other))  # type: ignore[return-value]


@given(edits=some.lists(some.tuples(EDITS, some.booleans()), max_size=25))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_spare_is_what_runs_after_any_edits(
    make_core: Callable[..., Core], edits: list[tuple[str, bool]]
) -> None:
    core = make_core("boot-1")
    ada = core.sessions.open("ada", "cli", "", recovery=True)
    held = []
    for edit, somebody_reads in edits:
        if somebody_reads:
            held.append((core.commits.running.tree, core.commits.running.tree.to_json()))
        with contextlib.suppress(RpcErrors):
            core.edit_config(ada, "running", config(edit))
        running, spare = whole(core)
        assert running == spare
        for tree, was in held:
            assert tree.to_json() == was, "a tree that somebody reads was changed"
    # What a crash would bring back is what runs.
    assert box(make_core("boot-1")) == box(core)


def test_a_tree_that_nobody_reads_is_used_again(core: Core, ada: Session) -> None:
    core.edit_config(ada, "running", config("<name>x</name>"))
    core.commits.catch_up()
    first = core.commits.spare.tree
    assert first is not None
    del first
    held = core.commits.running.tree
    core.edit_config(ada, "running", config("<name>y</name>"))
    core.commits.catch_up()
    assert core.commits.spare.tree is None
    assert '"x"' in held.to_json().decode()


def test_a_password_in_clear_text_reaches_no_disk(
    make_core: Callable[..., Core], tmp_path: object
) -> None:
    core = make_core("boot-1")

    def hide(tree: object) -> bool:
        found = [path for path, value in tree.find("/nf-test:box/name") if value == "secret-word"]  # type: ignore[attr-defined]
        for path in found:
            tree.set(path, "hidden")  # type: ignore[attr-defined]
        return bool(found)

    core.commits.conversions.append(Conversion("nf-test:box", hide))
    ada = core.sessions.open("ada", "cli", "", recovery=True)
    core.edit_config(ada, "running", config("<low>2</low>"))
    core.edit_config(ada, "running", config("<name>secret-word</name>"))
    core.edit_config(ada, "candidate", config("<name>secret-word</name><low>3</low>"))
    core.commit(ada)
    assert box(core)["name"] == "hidden"
    files = list((tmp_path / "state").rglob("*"))  # type: ignore[operator]
    assert any(path.suffix == ".journal" for path in files)
    assert not any(b"secret-word" in path.read_bytes() for path in files if path.is_file())


def test_an_edit_that_changes_nothing_leaves_its_tree_for_the_next(
    core: Core, ada: Session
) -> None:
    core.edit_config(ada, "running", config("<name>x</name>"))
    core.commits.catch_up()
    first = core.commits.spare.tree
    core.edit_config(ada, "running", config("<name>x</name>"))

    assert first is not None
    assert core.commits.spare.tree is first
