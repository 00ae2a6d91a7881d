"""Log lines are one per event whatever is in it; places are made for their owner alone."""

import json
import logging
from pathlib import Path

import pytest

from nf.errors import NfError
from nf.process.logs import Lines, event, parse_levels
from nf.process.places import Places


def line(
    form: str, *, priorities: bool = False, message: str = "it works", **fields: object
) -> str:
    record = logging.LogRecord("nf.mgmt.core", logging.WARNING, "x.py", 1, message, None, None)
    record.created = 0.5
    record.fields = fields
    return Lines("nf-mgmt", form, priorities=priorities).format(record)  # type: ignore[arg-type]


def test_logfmt_quotes_what_needs_it() -> None:
    assert line("logfmt", pid=3, why='a "b"\nc=d', ok=True, empty="") == (
        "ts=1970-01-01T00:00:00.500Z level=warning process=nf-mgmt module=mgmt.core "
        r'msg="it works" pid=3 why="a \"b\"\nc=d" ok=true empty=""'
    )


@pytest.mark.parametrize("hostile", ["\x1b[31mred", "a\r\nlevel=error", "\u202eabc"])
def test_nothing_breaks_a_line_or_colours_a_terminal(hostile: str) -> None:
    for form in ("logfmt", "json"):
        made = line(form, message=hostile, why=hostile)
        assert made.isprintable()
        assert made.isascii()


def test_json_has_the_same_values_and_journald_its_priority() -> None:
    made = line("json", priorities=True, pid=3, path=Path("/x"))
    assert made.startswith("<4>")
    assert json.loads(made[3:]) == {
        "ts": "1970-01-01T00:00:00.500Z",
        "level": "warning",
        "process": "nf-mgmt",
        "module": "mgmt.core",
        "msg": "it works",
        "pid": 3,
        "path": "/x",
    }


def test_an_event_carries_its_values(caplog: pytest.LogCaptureFixture) -> None:
    event(logging.getLogger("nf.test"), logging.WARNING, "100 %s", pid=7)
    [record] = caplog.records
    assert record.getMessage() == "100 %s"
    assert record.__dict__["fields"] == {"pid": 7}


def test_levels_are_for_all_or_for_a_module() -> None:
    assert parse_levels(["warning", "mgmt.netconf=debug", "nf.datapath=error"]) == {
        "": logging.WARNING,
        "nf.mgmt.netconf": logging.DEBUG,
        "nf.datapath": logging.ERROR,
    }


@pytest.mark.parametrize("word", ["loud", "mgmt=", "=x", ""])
def test_a_level_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(NfError):
        parse_levels([word])


def test_a_state_directory_of_its_own_has_its_sockets_below(tmp_path: Path) -> None:
    places = Places.of(tmp_path / "s", None)
    places.make()
    assert places.run == tmp_path / "s" / "run"
    assert places.state.stat().st_mode & 0o777 == 0o700
    assert places.datapath_socket.parent == places.run
    assert Places.of(tmp_path / "s", tmp_path / "r").run == tmp_path / "r"


def test_systemds_directories_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "a"))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "b"))
    assert Places.of(None, None) == Places(tmp_path / "a", tmp_path / "b")


def test_a_directory_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s").chmod(0o777)
    with pytest.raises(NfError, match="chmod"):
        Places.of(tmp_path / "s", None).make()


def test_a_name_that_no_socket_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NfError, match="too long"):
        Places(tmp_path, tmp_path / ("x" * 100)).make()


def test_a_place_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NfError, match="cannot make"):
        Places.of(tmp_path / "file" / "s", None).make()
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
