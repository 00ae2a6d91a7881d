"""`tools/new_protocol.py` lays out protocols that compile and pass, and refuses what would not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / "tools/new_protocol.py"
PROTO = Path("nf/datapath/engine/proto/src")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Copy of the sources that the tool and cargo need."""
    for file in ("Cargo.toml", "Cargo.lock", "rustfmt.toml", "clippy.toml"):
        shutil.copy(ROOT / file, tmp_path / file)
    without = shutil.ignore_patterns("__pycache__", "*.so", "target", "corpus")
    shutil.copytree(ROOT / "nf", tmp_path / "nf", ignore=without)
    return tmp_path


def run_tool(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOL), "--root", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.timeout(1200)
def test_two_new_protocols_compile_and_pass_their_tests(scratch: Path) -> None:
    tcp = run_tool(scratch, "zz_counters", "--id", "64001", "--over", "tcp:7101")
    udp = run_tool(scratch, "aa_counters", "--over", "udp:7102")
    assert tcp.returncode == 0, tcp.stderr
    assert udp.returncode == 0, udp.stderr
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    # All parsers compile once more for it: without optimisation in a third of the time.
    quick = {"CARGO_PROFILE_DEV_OPT_LEVEL": "0", "CARGO_PROFILE_DEV_DEBUG": "0"}

    built = subprocess.run(
        ["cargo", "test", "--offline", "--locked", "-p", "nf-proto", "--lib", "--", "_counters::"],
        cwd=scratch,
        env={**os.environ, **quick, "CARGO_TARGET_DIR": target},
        capture_output=True,
        text=True,
        check=False,
    )

    assert built.returncode == 0, built.stdout + built.stderr
    assert "_counters/" not in built.stderr, "a warning about what was laid out"
    ran = [int(n) for n in re.findall(r"test result: ok\. (\d+) passed", built.stdout)]
    assert sum(ran) >= 28


def test_a_protocol_is_registered_in_alphabetical_place(scratch: Path) -> None:
    for name in ("mm_counters", "zz_counters", "aa_counters"):
        assert run_tool(scratch, name).returncode == 0

    registry = (scratch / PROTO / "registry.rs").read_text()
    lines = re.findall(r"^\s+crate::(\w+)::\w+,$", registry, re.MULTILINE)
    assert lines == sorted(lines)
    assert {"aa_counters", "mm_counters", "zz_counters"} <= set(lines)
    library = (scratch / PROTO / "lib.rs").read_text().partition("per protocol, alphabetical;")[2]
    modules = re.findall(r"^(?:pub )?mod (\w+);$", library, re.MULTILINE)
    modules.remove("template")
    assert modules == sorted(modules)
    ids = re.findall(
        r"ProtoId\((\d+)\)",
        "".join(
            (scratch / PROTO / name / "mod.rs").read_text() for name in lines if "_counters" in name
        ),
    )
    assert len(set(ids)) == 3


def test_the_fuzz_corpus_is_seeded_with_the_exchange(scratch: Path) -> None:
    run_tool(scratch, "zz_counters")

    seed = (scratch / "nf/datapath/engine/fuzz/corpus/zz_counters/exchange").read_bytes()
    assert seed.startswith(bytes([0, 0, 22]) + b"TALLY 1 ADD apples 3\r\n" + bytes([1, 15]))


@pytest.mark.parametrize("name", ["Dns", "9p", "type", "template", "with-dash", "registry", ""])
def test_a_name_that_cannot_be_is_refused_and_nothing_is_written(scratch: Path, name: str) -> None:
    before = sorted(scratch.rglob("*"))

    refused = run_tool(scratch, name)

    assert refused.returncode == 1
    assert refused.stderr.startswith("new_protocol: ")
    assert sorted(scratch.rglob("*")) == before


def test_an_id_that_is_taken_is_refused(scratch: Path) -> None:
    refused = run_tool(scratch, "zz_counters", "--id", "1199")

    assert refused.returncode == 1
    assert "1199" in refused.stderr
