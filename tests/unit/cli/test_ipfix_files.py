"""Sessions as a file of IPFIX."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.outputs.collector import Collector

DEMO = Path(__file__).parents[2] / "captures" / "demo.pcap"


def test_a_file_tells_its_templates_and_every_session(
    tmp_path: Path, nf: Callable[..., Any]
) -> None:
    path = tmp_path / "demo.ipfix"
    done = nf("read", str(DEMO), "--output", str(path))
    assert done.code == 0
    collector = Collector()
    collector.take(path.read_bytes())
    rows = nf("read", str(DEMO), "-o", "jsonl").out.splitlines()
    assert len(collector.flows()) == len(rows) > 50


@pytest.mark.parametrize(
    "arguments", [("--report", "transaction"), ("--fields", "src_ip"), ("--report", "summary")]
)
def test_what_has_no_template_is_refused_before_a_file_is_begun(
    tmp_path: Path, nf: Callable[..., Any], arguments: tuple[str, ...]
) -> None:
    path = tmp_path / "demo.ipfix"
    done = nf("read", str(DEMO), "-o", "ipfix", "--output", str(path), *arguments)
    assert done.code == 7
    assert "sessions only" in done.err
    assert not path.exists()


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_wireshark_reads_the_file_that_nf_read_writes(
    tmp_path: Path, nf: Callable[..., Any]
) -> None:
    path = tmp_path / "demo.ipfix"
    nf("read", str(DEMO), "--output", str(path))
    shown = subprocess.run(
        ["tshark", "-r", str(path), "-T", "fields", "-e", "cflow.srcport", "-e", "_ws.malformed"],
        capture_output=True, check=True,
    )  # fmt: skip
    lines = [line.split("\t") for line in shown.stdout.decode().splitlines()]
    assert not any(malformed for _, malformed in lines)
    rows = nf("read", str(DEMO), "-o", "csv", "--fields", "src_port").out.split()[1:]
    ports = [int(port) for found, _ in lines for port in found.split(",") if port]
    assert sorted(ports) == sorted(map(int, rows))
