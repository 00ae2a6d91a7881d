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

    assert all(list(json.loads(row))[-1] == "risks" for row in rows)
    assert any(json.loads(row)["risks"] == ["clear_text_credentials"] for row in rows)


def test_the_field_alone_has_sessions_judged(nf: Callable[..., Done], captures: Path) -> None:
    done = nf("read", captures / "ftp-active.pcap", "--fields", "protocol,risks", "-o", "csv")

    assert 'ftp,"[""clear_text_credentials""]"' in done.text
