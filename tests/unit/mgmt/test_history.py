"""Configurations on disk: whole, ordered, few, and never a mixture."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nf.errors import ConfigurationError
from nf.mgmt.history import History
from nf.mgmt.session import Session

ADA = Session(7, "ada", "netconf-ssh", "192.0.2.1")


def keep(history: History, data: bytes, what: list[str] | None = None) -> int:
    return history.record(lambda: data, ADA, what or [])


def change(history: History, data: bytes) -> int:
    """One that the journal takes; there must be no need for the whole configuration."""
    return history.record(never, ADA, ["/m:a"], lambda: data)


def never() -> bytes:
    raise AssertionError("a whole configuration was made, and a change was enough")


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


def test_what_a_crash_left_over_is_never_in_force(tmp_path: Path) -> None:
    history = History(tmp_path, "boot-1")
    keep(history, b"old")
    (tmp_path / "running" / ".00000002.json.new").write_bytes(b"left over by a crash")

    again = History(tmp_path, "boot-1")

    newest = again.newest()
    assert newest is not None
    assert newest.data == b"old"
    assert not list((tmp_path / "running").glob(".*"))


def test_changes_follow_a_file_and_outlive_a_crash(tmp_path: Path) -> None:
    history = History(tmp_path, "boot-1")
    keep(history, b"file")
    assert [change(history, f"<c{n}/>".encode()) for n in range(3)] == [2, 3, 4]

    for known in (history, History(tmp_path, "boot-1")):
        assert [note.number for note in known.entries()] == [4, 3, 2, 1]
        entry = known.entry(3)
        assert (entry.data, entry.changes) == (b"file", (b"<c0/>", b"<c1/>"))
        assert (entry.note.number, entry.note.what) == (3, ("/m:a",))
    assert change(known, b"<c3/>") == 5


@pytest.mark.parametrize("torn", [1, 19, 25, 60])
def test_a_record_that_a_crash_tore_never_was(tmp_path: Path, torn: int) -> None:
    history = History(tmp_path, "boot-1")
    keep(history, b"file")
    change(history, b"<whole/>")
    change(history, b"<torn/>")
    journal = tmp_path / "running" / "00000001.journal"
    octets = bytearray(journal.read_bytes())
    end = octets.index(b"<torn/>") + len(b"<torn/>")
    octets[end - torn : end] = bytes(torn)
    journal.write_bytes(octets)

    again = History(tmp_path, "boot-1")

    newest = again.newest()
    assert newest is not None
    assert newest.changes == (b"<whole/>",)
    assert change(again, b"<next/>") == 3
    assert History(tmp_path, "boot-1").entry(3).changes == (b"<whole/>", b"<next/>")


def test_a_journal_without_room_is_followed_by_a_file(tmp_path: Path) -> None:
    history = History(tmp_path, "boot-1")
    keep(history, b"file")
    large = b"x" * (1 << 19)
    change(history, large)

    assert history.record(lambda: b"another file", ADA, [], lambda: large) == 3
    change(history, b"<c/>")

    again = History(tmp_path, "boot-1")
    assert again.entry(3).data == b"another file"
    assert again.entry(4).changes == (b"<c/>",)
    assert again.entry(2).changes == (large,)


def test_files_and_journals_that_nobody_needs_go(tmp_path: Path) -> None:
    history = History(tmp_path, "boot-1")
    for _ in range(4):
        keep(history, b"file")
        for n in range(8):
            change(history, f"<c{n}/>".encode())

    assert [note.number for note in history.entries()] == list(range(36, 26, -1))
    names = sorted(path.name for path in (tmp_path / "running").iterdir())
    assert names == [f"000000{n}.{kind}" for n in (19, 28) for kind in ("journal", "json")]


def test_a_disk_that_fails_while_a_change_is_written_refuses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    history = History(tmp_path, "boot-1")
    keep(history, b"file")
    change(history, b"<c0/>")

    write = os.pwritev

    def fails(descriptor: int, octets: list[memoryview], at: int, flags: int = 0) -> int:
        written = write(descriptor, octets, at)
        if flags & os.RWF_DSYNC:
            raise OSError(5, "Input/output error")
        return written

    with monkeypatch.context() as patched:
        patched.setattr("nf.mgmt.journal.os.pwritev", fails)
        with pytest.raises(OSError, match="Input/output"):
            change(history, b"<refused/>")

    # What was written all the same is taken back, on the disk if that is to be had.
    assert "may come back should power fail" in caplog.text
    assert History(tmp_path, "boot-1").entry(2).changes == (b"<c0/>",)
    assert change(history, b"<c1/>") == 3
    assert History(tmp_path, "boot-1").entry(3).changes == (b"<c0/>", b"<c1/>")


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


def test_an_old_file_that_cannot_be_removed_refuses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    history = History(tmp_path, "boot-1")
    history.keep = 1
    keep(history, b"first")
    real = Path.unlink

    def failing(path: Path, missing_ok: bool = False) -> None:
        if path.name == "00000001.json":
            raise OSError(5, "Input/output error")
        real(path, missing_ok)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", failing)
        assert keep(history, b"second") == 2
    assert "cannot be removed" in caplog.text
    assert [note.number for note in history.entries()] == [2]

    keep(history, b"third")
    assert not (tmp_path / "running" / "00000001.json").exists()


def test_what_to_go_back_to_is_refused_when_it_has_been_moved_away(tmp_path: Path) -> None:
    history = History(tmp_path, "boot-1")
    keep(history, b"first")
    history.set_unconfirmed(1)
    history.keep = 1
    keep(history, b"second")
    (tmp_path / "running" / "00000001.json").unlink()

    with pytest.raises(ConfigurationError, match="no configuration 1 is kept"):
        History(tmp_path, "boot-1").entry(1)


def test_a_damaged_note_of_what_to_go_back_to_is_refused_with_its_file(tmp_path: Path) -> None:
    History(tmp_path, "boot-1")
    (tmp_path / "unconfirmed").write_text("")

    with pytest.raises(ConfigurationError, match="not known") as refused:
        History(tmp_path, "boot-1")
    assert refused.value.place == str(tmp_path / "unconfirmed")


def test_configurations_are_listed_while_others_come_and_go(tmp_path: Path) -> None:
    history = History(tmp_path, "boot-1")
    history.keep = 2
    keep(history, b"first")
    ended = threading.Event()

    def listed() -> int:
        count = 0
        while not ended.is_set():
            assert 1 <= len(history.entries()) <= 2
            count += 1
        return count

    with ThreadPoolExecutor(1) as reading:
        counted = reading.submit(listed)
        for number in range(100):
            keep(history, str(number).encode())
        ended.set()
        assert counted.result() > 0
