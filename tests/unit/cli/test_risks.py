"""`nf risks`, and `nf read --risks`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Done


@pytest.mark.parametrize("form", ["table", "json"])
def test_the_rules_are_listed_and_explained(nf: Callable[..., Done], form: str) -> None:
    listed = nf("risks", "-o", form)
    one = nf("risks", "obsolete_tls", "-o", form)

    assert (listed.code, one.code) == (0, 0)
    assert "clear_text_credentials" in listed.text
    assert "RFC 8996" in one.text


def test_a_name_that_is_none_is_refused_with_the_nearest(nf: Callable[..., Done]) -> None:
    done = nf("risks", "obsolete_tsl")

    assert done.code == 7
    assert "obsolete_tls" in done.err


def test_rows_have_their_risks_at_the_end(nf: Callable[..., Done], captures: Path) -> None:
    rows = nf("read", captures / "ftp-active.pcap", "--risks", "-o", "jsonl").text.splitlines()

    assert all(list(json.loads(row))[-2:] == ["risks", "risk_severity"] for row in rows)
    assert any(json.loads(row)["risks"] == ["clear_text_credentials"] for row in rows)


def test_the_field_alone_has_sessions_judged(nf: Callable[..., Done], captures: Path) -> None:
    done = nf("read", captures / "ftp-active.pcap", "--fields", "protocol,risks", "-o", "csv")

    assert 'ftp,"[""clear_text_credentials""]"' in done.text


def test_a_file_of_rules_is_listed_judged_by_and_refused(
    nf: Callable[..., Done], captures: Path, tmp_path: Path
) -> None:
    ours, wrong = tmp_path / "ours.conf", tmp_path / "wrong.conf"
    ours.write_text('[logins]\nseverity = severe\nwhen = ftp.command == "PASS"\n')
    wrong.write_text("[logins]\nwhen = ftp.comand\n")
    capture = captures / "ftp-active.pcap"

    listed = nf("risks", "logins", "--file", ours)
    rows = nf("read", f"--risks={ours}", capture, "-o", "jsonl").text.splitlines()
    plain = nf("read", "--risks", capture, "-o", "jsonl").text.splitlines()
    refused = nf("read", f"--risks={wrong}", capture)

    assert "severe" in listed.text
    assert {json.loads(row)["risk_severity"] for row in rows} >= {"severe"}
    assert "severe" not in {json.loads(row)["risk_severity"] for row in plain}
    assert refused.code == 7
    assert f"{wrong}:2:8" in refused.err
    assert "ftp.command" in refused.err
