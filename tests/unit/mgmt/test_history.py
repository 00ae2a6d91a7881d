"""Configurations on disk: whole, ordered, few, and never a mixture."""

import json
from pathlib import Path

import pytest

from nf.errors import ConfigurationError
from nf.mgmt.history import History
from nf.mgmt.session import Session

ADA = Session(7, "ada", "netconf-ssh", "192.0.2.1")


def keep(history: History, data: bytes, what: list[str] | None = None) -> int:
    history.draft(data, ADA, what or []).keep()
    return history.kept()


def test_the_newest_entry_says_who_made_it_and_what_changed(tmp_path: Path) -> None:
    history = History(tmp_path, "boot-1")
    keep(history, b'{"a": 1}')

    number = keep(history, b'{"a": 2}', ["/m:a"])

    newest = history.newest()
    assert newest is not None
    assert newest.data == b'{"a": 2}'
    assert (newest.note.number, newest.note.user, newest.note.session) == (number, "ada", 7)
    assert (newest.note.what, newest.note.more, newest.note.boot) == (("/m:a",), 0, "boot-1")


def test_the_last_ten_are_kept_and_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    history = History(tmp_path, "boot-1")
    for count in range(14):
        keep(history, str(count).encode())

    again = History(tmp_path, "boot-2")
    assert [note.number for note in again.entries()] == list(range(14, 4, -1))
    assert keep(again, b"new") == 15


def test_what_an_unconfirmed_commit_goes_back_to_outlives_the_last_ten(tmp_path: Path) -> None:
    history = History(tmp_path, "boot-1")
    first = keep(history, b"first")
    history.set_unconfirmed(first)
    for count in range(20):
        keep(history, str(count).encode())

    assert history.unconfirmed() == first
    assert history.entry(first).data == b"first"


def test_a_draft_that_is_dropped_or_left_over_is_never_in_force(tmp_path: Path) -> None:
    history = History(tmp_path, "boot-1")
    keep(history, b"old")
    history.draft(b"dropped", ADA, []).drop()
    history.draft(b"left over by a crash", ADA, [])

    again = History(tmp_path, "boot-1")

    newest = again.newest()
    assert newest is not None
    assert newest.data == b"old"
    assert not list((tmp_path / "running").glob(".*"))


def test_a_long_list_of_changes_is_counted_not_written(tmp_path: Path) -> None:
    history = History(tmp_path, "boot-1")

    keep(history, b"{}", [f"/m:a[k='{n}']" for n in range(1000)])

    newest = history.newest()
    assert newest is not None
    assert (len(newest.note.what), newest.note.more) == (20, 980)


def test_a_damaged_entry_is_refused_with_its_file(tmp_path: Path) -> None:
    history = History(tmp_path, "boot-1")
    number = keep(history, b"{}")
    (tmp_path / "running" / f"{number:08}.json").write_bytes(b"\0\0\0")

    with pytest.raises(ConfigurationError, match=f"{number:08}.json"):
        history.newest()


def test_a_number_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    history = History(tmp_path, "boot-1")
    keep(history, b"{}")

    with pytest.raises(ConfigurationError, match="one of: 1"):
        history.entry(9)


def test_start_up_is_replaced_and_deleted(tmp_path: Path) -> None:
    history = History(tmp_path, "boot-1")
    assert history.startup() is None

    history.write_startup(b'{"a": 1}', user="ada")
    started = history.startup()
    assert started is not None
    assert started.data == b'{"a": 1}'

    history.delete_startup()
    assert history.startup() is None


def test_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    history = History(tmp_path / "state", "boot-1")
    number = keep(history, json.dumps({"secret": 1}).encode())

    path = tmp_path / "state" / "running" / f"{number:08}.json"
    assert path.stat().st_mode & 0o077 == 0


def test_a_state_folder_that_cannot_be_made_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(ConfigurationError, match="--state-dir"):
        History(tmp_path / "file" / "state", "boot-1")
