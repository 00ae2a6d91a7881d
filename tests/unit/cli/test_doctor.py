"""`nf doctor` prints every finding, and fails only where something is missing."""

import json

import pytest

from nf.cli import doctor, exits, main
from nf.datapath.machine import Check

WELL = Check("kernel", "ok", "Linux 6.1")
LESS = Check("interface eth1", "limited", "down", "it carries nothing: ip link set eth1 up")
MISSING = Check("AF_PACKET", "missing", "not permitted", "needs CAP_NET_RAW: see docs/run.md")


@pytest.mark.parametrize(
    ("checks", "code"),
    [([WELL], exits.OK), ([WELL, LESS], exits.OK), ([WELL, MISSING], exits.FAILED)],
)
def test_the_exit_code_says_whether_something_is_missing(
    checks: list[Check],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda _: checks)

    assert main(["doctor"]) == code
    printed = capsys.readouterr().out
    assert all(check.topic in printed and check.advice in printed for check in checks)


def test_json_has_every_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda _: [WELL, LESS])

    main(["doctor", "-o", "json"])

    assert [entry["verdict"] for entry in json.loads(capsys.readouterr().out)] == ["ok", "limited"]


def test_it_runs_on_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) in (exits.OK, exits.FAILED)
    assert "kernel" in capsys.readouterr().out
