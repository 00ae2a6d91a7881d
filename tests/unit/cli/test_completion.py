"""Completion: the scripts are valid, and what they ask is answered."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nf.cli import NOUNS
from tests.unit.cli.conftest import NF

Run = Callable[..., Any]
COMPLETE_LINE = """
source "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_nf "$NF" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


def shell(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture
def offered(nf: Run, tmp_path: Path) -> Callable[..., list[str]]:
    """What bash offers for a line; its last word is under the cursor."""
    script = tmp_path / "nf.bash"
    script.write_bytes(nf("completion", "bash").out)

    def complete(*line: str) -> list[str]:
        done = subprocess.run(
            [shell("bash"), "--norc", "-c", COMPLETE_LINE, "-", script, *line],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env=os.environ | {"NF": str(NF), "LC_ALL": "C.UTF-8"},
        )
        return done.stdout.split("\n")[:-1]

    return complete


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_script_is_valid(nf: Run, tmp_path: Path, name: str) -> None:
    script = tmp_path / "script"
    done = nf("completion", name)
    script.write_bytes(done.out)

    checked = subprocess.run([shell(name), "-n", script], capture_output=True, check=False)

    assert done.code == 0
    assert checked.returncode == 0
    assert checked.stderr == b""


def test_commands_are_offered(offered: Callable[..., list[str]]) -> None:
    assert offered("nf", "") == [
        *NOUNS,
        *("--help", "--version"),
    ]
    assert offered("nf", "pr") == ["protocols"]


def test_options_are_offered(offered: Callable[..., list[str]]) -> None:
    assert offered("nf", "read", "--rep") == ["--report"]
    assert "-o" in offered("nf", "read", "x.pcap", "-")
    assert offered("nf", "nonsense", "-") == [""]


def test_choices_are_offered(offered: Callable[..., list[str]]) -> None:
    assert offered("nf", "read", "-o", "") == ["table", "jsonl", "csv", "arrow", "parquet", "ipfix"]
    assert offered("nf", "read", "--report", "tr") == ["transaction"]
    # bash takes `=` for a word of its own.
    assert offered("nf", "read", "--stats", "=", "j") == ["json"]
    assert offered("nf", "read", "--report", "=") == [
        *("session", "transaction", "event", "protocol", "app", "host", "summary")
    ]


def test_files_are_offered(offered: Callable[..., list[str]], tmp_path: Path) -> None:
    (tmp_path / "some capture.pcap").touch()

    assert offered("nf", "read", "some") == ["some capture.pcap"]
    assert offered("nf", "read", "--output", "some") == ["some capture.pcap"]
    assert offered("nf", "apps", "--apps", "some") == ["some capture.pcap"]


def test_names_are_offered(offered: Callable[..., list[str]]) -> None:
    assert {"http", "http2"} <= set(offered("nf", "protocols", "htt"))
    assert "youtube" in offered("nf", "apps", "youtub")
    assert offered("nf", "completion", "z") == ["zsh"]
    assert "dns" in offered("nf", "read", "--disable", "")


def test_aliases_of_ssh_are_offered_as_hosts(
    offered: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert offered("nf", "status", "--host", "") == [""]
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host probe7 probe8\n  Port 1\nhost *.lab\n")
    assert offered("nf", "status", "--host", "") == ["probe7", "probe8"]
    assert offered("nf", "config", "get", "--host", "probe8") == ["probe8"]


def test_the_last_of_several_fields_is_completed(offered: Callable[..., list[str]]) -> None:
    assert offered("nf", "read", "--fields", "app,src_i") == ["app,src_ip"]
    transaction = ["nf", "read", "--report", "transaction", "--fields", "http.stat"]
    assert offered(*transaction) == ["http.status"]
    assert offered("nf", "read", "--fields", "http.stat") == [""]


def test_attributes_are_completed_protocol_first(offered: Callable[..., list[str]]) -> None:
    assert "http." in offered("nf", "read", "--event", "htt")
    assert offered("nf", "read", "--event", "http.statu") == ["http.status"]
    assert offered("nf", "read", "--attributes", "ip.src,ip.ds") == [
        "ip.src,ip.dst",
        "ip.src,ip.dscp",
    ]


def test_words_of_filters_and_timeouts_are_offered(offered: Callable[..., list[str]]) -> None:
    assert offered("nf", "read", "--where", "http.statu") == ["http.status"]
    assert offered("nf", "read", "--timeout", "sh") == ["short="]


def test_fish_offers_with_descriptions(nf: Run, tmp_path: Path) -> None:
    script = tmp_path / "nf.fish"
    script.write_bytes(nf("completion", "fish").out)

    def complete(line: str) -> list[str]:
        code = f"source {script}; complete -C '{line}'"
        path = f"{NF.parent}:{os.environ['PATH']}"
        done = subprocess.run(
            [shell("fish"), "--no-config", "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PATH": path, "HOME": str(tmp_path)},
        )
        return done.stdout.splitlines()

    assert complete("nf pr") == ["protocols\tlist the protocols, or the attributes of one"]
    assert complete("nf read --report tr") == ["transaction"]
    assert complete("nf read --report=tr") == ["--report=transaction"]
    assert "app" in complete("nf read --report ")


def test_zsh_offers(nf: Run, tmp_path: Path) -> None:
    (tmp_path / "_nf").write_bytes(nf("completion", "zsh").out)
    # The completion system's own entry points are played by functions that print what they get.
    code = f"""
        compset() {{ :; }}; _files() {{ print -- FILES; }}; compdef() {{ :; }}
        _describe() {{ print -rl -- "${{(@)${{(P)3}}}}"; }}
        source {tmp_path}/_nf
        words=("${{@}}"); CURRENT=${{#words}}
        _nf
    """

    def complete(*line: str) -> list[str]:
        done = subprocess.run(
            [shell("zsh"), "-f", "-c", code, "-", str(NF), *line],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()

    assert complete("pr") == ["protocols:list the protocols, or the attributes of one"]
    assert complete("read", "--report", "tr") == ["transaction:"]
    assert complete("read", "x") == ["FILES"]
