"""The nouns of the network function, as far as they need none that runs."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nf.cli import config, run
from nf.cli.config_edit import edited_text
from nf.errors import ConfigurationError, NfError
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
        ("a/b=c", ("a/b", "=", "c")),
        ("a[k='x=y']/b=c=d", ("a[k='x=y']/b", "=", "c=d")),
        ("a/b=", ("a/b", "=", "")),
        ("a/b", ("a/b", "", "")),
    ],
)
def test_a_path_ends_at_the_first_equals_sign_outside_of_keys(
    word: str, parts: tuple[str, str, str]
) -> None:
    assert run._split(word) == parts
    assert config._value(word) == (parts[0], parts[2] if parts[1] else None)


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


def test_an_editor_changes_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/old/new/ "$1"\n')
    editor.chmod(0o755)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(editor))
    assert edited_text(json.dumps("old"), "json") == json.dumps("new")
    monkeypatch.setenv("EDITOR", "false")
    with pytest.raises(NfError, match="code 1"):
        edited_text("x", "json")
    monkeypatch.setenv("EDITOR", str(tmp_path / "none"))
    with pytest.raises(NfError, match="no editor"):
        edited_text("x", "json")
