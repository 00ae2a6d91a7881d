"""The examples run, and print what they say they do."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest

FOR_A_PROBE = {"orchestrate.py"}
"""Examples that need a probe that runs: tests/function/test_orchestrating.py."""
EXAMPLES = sorted(
    path
    for path in (Path(__file__).parents[2] / "examples").glob("*.py")
    if path.name not in FOR_A_PROBE
)


def run(root: Path, example: str, *captures: Path) -> str:
    words = [sys.executable, root / "examples" / example, *captures]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_example_prints_something_of_the_demo(
    root: Path, captures: Path, example: Path
) -> None:
    assert run(root, example.name, captures / "demo.pcap")


def test_the_top_talkers_are_in_order(root: Path, captures: Path) -> None:
    lines = run(root, "top_talkers.py", captures / "demo.pcap").splitlines()

    volumes = [int(line.split()[0].replace(",", "")) for line in lines]
    assert len(lines) == 10
    assert volumes == sorted(volumes, reverse=True)


def test_dns_answers_are_a_table(root: Path, captures: Path) -> None:
    text = run(root, "dns_answers.py", captures / "dns.pcap", captures / "dns-tcp.pcap")

    rows = list(csv.DictReader(io.StringIO(text)))
    found = {(row["name"], row["type"], row["data"]) for row in rows}
    assert ("www.example.com", "A", "192.0.2.80") in found
    assert {row["type"] for row in rows} >= {"A", "AAAA", "MX", "TXT", "SRV", "PTR", "CNAME"}


def test_fingerprints_come_with_names(root: Path, captures: Path) -> None:
    text = run(root, "tls_fingerprints.py", captures / "tls13.pcap", captures / "tls-old.pcap")

    lines = text.splitlines()
    assert any(line.startswith("t13d") for line in lines)
    assert len({line.split()[0] for line in lines if not line.startswith(" ")}) > 1
    assert any(line.strip().endswith("example.com") for line in lines if line.startswith("    "))
