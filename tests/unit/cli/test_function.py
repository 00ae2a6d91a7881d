"""The nouns of the network function, as far as they need none that runs."""

import json
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nf.cli import config, run
from nf.cli.assigning import assigned
from nf.cli.config_edit import edited_text
from nf.cli.listing import print_table
from nf.errors import ConfigurationError, NfError, Refused
from nf.mgmt import local
from nf.process.places import Places

Run = Callable[..., Any]


def arguments_of(*words: str) -> Namespace:
    parser = ArgumentParser()
    run.configure(parser)
    return parser.parse_args(words)


def management(tmp_path: Path, *words: str) -> list[str]:
    return list(run._management(arguments_of(*words), Places.of(tmp_path, None)).command)


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("a/b=c", ("a/b", "c")),
        ("a[k='x=y']/b=c=d", ("a[k='x=y']/b", "c=d")),
        ("a/b=", ("a/b", "")),
        ("a/b", ("a/b", None)),
    ],
)
def test_a_path_ends_at_the_first_equals_sign_outside_of_keys(
    word: str, parts: tuple[str, str | None]
) -> None:
    assert assigned(word) == parts


def test_wishes_reach_management(tmp_path: Path) -> None:
    words = management(tmp_path, "-i", "eth0", "-i", "eth*", "-X", "id=4", "--netconf-port", "8301")
    line = " ".join(words)
    assert "--interface eth0 --interface eth*" in line
    assert "--set id 4" in line
    assert line.endswith("--netconf 0.0.0.0 8301")


def test_a_trace_ends_the_probe_and_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "x.pcap").touch()
    given = arguments_of("-t", str(tmp_path / "x.pcap"))
    datapath = run._datapath(given, Places.of(tmp_path, None))
    assert datapath.policy.may_end
    assert "--ends-with-capture" in datapath.command
    with pytest.raises(ConfigurationError, match="no file"):
        management(tmp_path, "-t", str(tmp_path / "y.pcap"))


def test_a_value_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no value"):
        management(tmp_path, "-X", "engine/workers")


def test_each_start_of_the_probe_is_a_boot_of_its_own(tmp_path: Path) -> None:
    one, other = (management(tmp_path) for _ in range(2))
    assert one[one.index("--boot") + 1] != other[other.index("--boot") + 1]


@pytest.mark.parametrize("words", [("status",), ("config", "get"), ("config", "history")])
def test_without_a_probe_they_say_how_to_start_one(
    nf: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = nf(*words, "--state-dir", tmp_path)
    assert done.code == 1
    assert "nf run" in done.err
    assert "Traceback" not in done.err


def test_help_of_the_verbs_is_there(nf: Run) -> None:
    assert "rollback" in nf("config", "--help").text
    assert "--replace" in nf("config", "import", "--help").text
    assert "exit codes" in nf("run", "--help").text


def test_the_model_is_shown(nf: Run) -> None:
    assert "rw interface* [name]" in nf("yang", "tree", "nf-capture").text
    assert "nf-capture" in nf("yang", "modules").text
    assert nf("yang", "schema", "nf-capture").text.startswith("module nf-capture {")
    wrong = nf("yang", "tree", "nf-captur")
    assert wrong.code == 7
    assert "nf-capture" in wrong.err


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a command of the shell, with the file as "$1", the editor."""
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def use(command: str) -> None:
        path = tmp_path / "editor"
        path.write_text(f"#!/bin/sh\n{command}\n")
        path.chmod(0o755)
        monkeypatch.setenv("EDITOR", str(path))

    return use


def drafts(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("nf-*"))


CHANGES = 'sed -i s/old/new/ "$1"'


def test_an_editor_changes_a_text(tmp_path: Path, editor: Callable[[str], None]) -> None:
    editor(CHANGES)
    with edited_text(json.dumps("old"), "json") as text:
        assert text == json.dumps("new")
    assert not drafts(tmp_path)


def test_an_editor_that_fails_or_is_not_there_is_told(
    tmp_path: Path, editor: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    editor("exit 1")
    with pytest.raises(NfError, match="code 1"), edited_text("x", "json"):
        pass
    monkeypatch.setenv("EDITOR", str(tmp_path / "none"))
    with pytest.raises(NfError, match="no editor"), edited_text("x", "json"):
        pass
    assert not drafts(tmp_path)


class Edited:
    """A management whose configuration is edited; another changes it at the second look."""

    def __init__(self, *texts: str, refuses: bool = False) -> None:
        self.texts = list(texts)
        self.refuses = refuses
        self.loaded: list[str] = []

    def call(self, body: local.Call, seconds: float = 0.0) -> Any:
        if isinstance(body, local.Read):
            return local.Text(self.texts.pop(0))
        assert isinstance(body, local.Load)
        if self.refuses:
            raise Refused("not valid", "/here", "correct it")
        self.loaded.append(body.config)
        return local.Text()


def edit(management: Edited) -> int:
    return config._edit(management, Namespace(format="json"))


def test_an_edited_configuration_is_put_in_force(
    tmp_path: Path, editor: Callable[[str], None]
) -> None:
    editor(CHANGES)
    management = Edited("old", "old")
    assert edit(management) == 0
    assert management.loaded == ["new"]
    assert not drafts(tmp_path)


@pytest.mark.parametrize(
    ("management", "why"),
    [
        (Edited("old", "old", refuses=True), "not valid"),
        (Edited("old", "another's"), "somebody has changed"),
    ],
)
def test_what_was_edited_and_is_refused_is_kept(
    tmp_path: Path, editor: Callable[[str], None], management: Edited, why: str
) -> None:
    editor(CHANGES)
    with pytest.raises(NfError, match=why) as refused:
        edit(management)
    [kept] = drafts(tmp_path)
    assert refused.value.hint.endswith(f"nf config import --replace {kept}")
    assert kept.read_text() == "new"
    assert kept.stat().st_mode & 0o077 == 0
    assert not management.loaded


def test_tables_show_nothing_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"user": "\x1b[2Jeve", "what": "\x9b0m"}], "user", last="what")
    assert "\\x1b[2Jeve  \\x9b0m" in capsys.readouterr().out


def test_an_empty_file_deletes_nothing(tmp_path: Path) -> None:
    (tmp_path / "probe.json").write_text("\n")
    management = Edited()
    given = Namespace(file=str(tmp_path / "probe.json"), replace=True)
    with pytest.raises(ConfigurationError, match="empty"):
        config._import(management, given)
    assert not management.loaded
