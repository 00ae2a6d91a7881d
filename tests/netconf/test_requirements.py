"""Every requirement of NETCONF has tests that are there, and are run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.requirements import ROOT, read

REQUIREMENTS = read(Path(__file__).with_name("requirements.toml"))

BAR = frozenset(
    [
        "6241",
        "6242",
        "6243",
        "5277",
        "8639",
        "8640",
        "8641",
        "8342",
        "8526",
        "8525",
        "8341",
        "6022",
        "6470",
        "5717",
        "8071",
        "7589",
        "9144",
        "7950",
        "7952",
    ]
)
"""RFCs that are asked for in full (`:url` of RFC 6241 in part)."""
CAPABILITIES = (
    *(":candidate", ":validate:1.1", ":confirmed-commit:1.1", ":writable-running", ":startup"),
    *(":xpath", ":url", "rollback-on-error", "base:1.0", "base:1.1"),
)
MOST_WITHOUT_INTEROP = 16
"""Requirements that no other program which can be had here shows; fewer are welcome."""


@pytest.fixture(scope="module")
def collected() -> set[str]:
    """What pytest finds in the files that the table names, without parameters."""
    files = sorted({test.partition("::")[0] for test in named()})
    words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    found = subprocess.run(
        [*words, "-n", "0", *files], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return {line.partition("[")[0] for line in found.stdout.splitlines() if "::" in line}


def named() -> set[str]:
    return {test for one in REQUIREMENTS for test in one.every}


def rfcs() -> set[str]:
    return {found for one in REQUIREMENTS for found in re.findall(r"RFC (\d+)", one.source)}


def test_every_test_of_the_table_is_collected(collected: set[str]) -> None:
    assert named() - collected == set()


def test_every_requirement_is_shown_from_both_sides() -> None:
    bare = [one.id for one in REQUIREMENTS if not one.tests or not one.refuses]
    alone = [one.id for one in REQUIREMENTS if not one.interop]

    assert bare == []
    assert len(alone) <= MOST_WITHOUT_INTEROP, alone


def test_everything_that_is_asked_for_is_in_the_table() -> None:
    titles = " ".join(one.title for one in REQUIREMENTS)

    assert BAR - rfcs() == set()
    assert [one for one in CAPABILITIES if one not in titles] == []


def test_what_the_manual_says_is_there_is_in_the_table() -> None:
    manual = (ROOT / "docs" / "netconf.md").read_text(encoding="utf-8")
    table = manual.partition("## What is there")[2].partition("Not there:")[0]
    said = set(re.findall(r"\b\d{4}\b", " ".join(re.findall(r"(?m)^\| ([\d, ]+) \|", table))))

    assert len(said) > len(BAR)
    assert said - rfcs() == set()
