"""Records in the journal: its own protocol, spoken to a socket of the test's."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from nf.process import journal
from nf.process.journal import JournalHandler
from nf.process.logs import event, follow, set_up

PATIENCE = 20.0
log = logging.getLogger("nf.test.journal")


class Journal:
    """As journald: takes datagrams, and files that come with them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE)
        self.socket.bind(os.fspath(path))

    def take(self) -> dict[str, str]:
        octets, descriptors, _, _ = socket.recv_fds(self.socket, 1 << 20, 1)
        for descriptor in descriptors:
            octets = os.pread(descriptor, 1 << 24, 0)
            os.close(descriptor)
        return self.fields(octets)

    @staticmethod
    def fields(octets: bytes) -> dict[str, str]:
        found = {}
        while octets:
            line, _, octets = octets.partition(b"\n")
            name, equals, value = line.partition(b"=")
            if not equals:
                size = int.from_bytes(octets[:8], "little")
                value, octets = octets[8 : 8 + size], octets[8 + size + 1 :]
            found[name.decode()] = value.decode()
        return found


@pytest.fixture
def logging_kept() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("nf")
    before, level, own_level = list(root.handlers), root.level, own.level
    yield
    for one in root.handlers:
        if one not in before:
            one.close()
    root.handlers[:] = before
    root.setLevel(level)
    own.setLevel(own_level)


@pytest.fixture
def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    monkeypatch.setattr(journal, "SOCKET", tmp_path / "socket")
    made = Journal(tmp_path / "socket")
    yield made
    made.socket.close()


@pytest.mark.usefixtures("logging_kept")
def test_values_are_fields_and_lines_within_them_stay(listening: Journal) -> None:
    set_up("nf-test")
    follow("info", [], "logfmt", journald=True)

    event(log, logging.WARNING, "an output failed", output="file", why="no\nspace", dropped_rows=3)

    told = listening.take()
    assert told["MESSAGE"] == "an output failed"
    assert (told["PRIORITY"], told["SYSLOG_IDENTIFIER"]) == ("4", "nf-test")
    assert told["NF_MODULE"] == "test.journal"
    assert (told["NF_OUTPUT"], told["NF_WHY"], told["NF_DROPPED_ROWS"]) == (
        "file",
        "no\nspace",
        "3",
    )
    assert told["CODE_FILE"].endswith(".py")


@pytest.mark.usefixtures("logging_kept")
def test_a_record_larger_than_a_datagram_comes_as_a_sealed_file(listening: Journal) -> None:
    follow("info", [], "logfmt", journald=True)
    large = "x" * (1 << 22)

    event(log, logging.ERROR, "much", text=large)

    assert listening.take()["NF_TEXT"] == large


@pytest.mark.usefixtures("logging_kept")
def test_levels_hold_for_the_journal_and_change_while_it_runs(listening: Journal) -> None:
    follow("warning", [("nf.test.journal", "debug")], "logfmt", journald=True)
    log.debug("one")
    follow("warning", [], "logfmt", journald=True)
    log.info("two")
    log.warning("three")

    assert [listening.take()["MESSAGE"] for _ in range(2)] == ["one", "three"]


@pytest.mark.usefixtures("logging_kept")
def test_without_a_journal_records_go_to_standard_error_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(journal, "SOCKET", tmp_path / "nobody")
    set_up("nf-test")
    follow("info", [], "logfmt", journald=True)
    log.warning("here it is")

    said = capfd.readouterr().err
    assert "there is no journal" in said
    assert "<4>" in said
    assert "here it is" in said


@pytest.mark.usefixtures("logging_kept")
def test_a_journal_that_was_started_anew_is_found_again(listening: Journal) -> None:
    follow("info", [], "logfmt", journald=True)
    listening.socket.close()
    listening.path.unlink()
    again = Journal(listening.path)

    log.warning("after its restart")

    assert again.take()["MESSAGE"] == "after its restart"
    again.socket.close()


def test_what_a_journal_that_went_away_does_not_take_is_counted_and_not_lost(
    listening: Journal, capfd: pytest.CaptureFixture[str]
) -> None:
    handler = JournalHandler("nf-test", listening.path)
    listening.socket.close()
    listening.path.unlink()

    handler.emit(logging.LogRecord("nf.x", logging.ERROR, "x.py", 1, "lost?", None, None))

    assert handler.failures == 1
    assert "lost?" in capfd.readouterr().err
    handler.close()


def test_a_journal_that_does_not_read_holds_nobody(
    listening: Journal, capfd: pytest.CaptureFixture[str]
) -> None:
    handler = JournalHandler("nf-test", listening.path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filling:
        filling.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                filling.sendto(b"MESSAGE=more\n", os.fspath(listening.path))

    handler.emit(logging.LogRecord("nf.x", logging.ERROR, "x.py", 1, "late?", None, None))

    assert handler.failures == 1
    assert "late? (the journal does not take it: timed out)" in capfd.readouterr().err
    handler.close()


@pytest.mark.parametrize("name", ["\udcff.py", "\ud800"])
def test_text_that_is_not_unicode_is_written_as_it_can_be(listening: Journal, name: str) -> None:
    handler = JournalHandler("nf-test", listening.path)
    handler.emit(logging.LogRecord("nf.x", logging.ERROR, "x.py", 1, name, None, None))
    assert listening.take()["MESSAGE"] == name.encode(errors="backslashreplace").decode()
    handler.close()
