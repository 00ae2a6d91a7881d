"""What the manual shows works."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from nf._native.yang import Context
from nf.datapath.datapath import checkable, opened
from nf.mgmt.compiling import compile_settings
from nf.mgmt.schema import ModuleSet

ROOT = Path(__file__).parents[2]
COMMANDS = re.findall(r"^\$ (nf .+)$", (ROOT / "docs" / "cli.md").read_text(), flags=re.MULTILINE)
BLOCKS = re.findall(
    r"^```python\n(.+?)^```$",
    (ROOT / "docs" / "python.md").read_text(),
    flags=re.MULTILINE | re.DOTALL,
)


CONFIGURATIONS = [
    block
    for page in sorted((ROOT / "docs").glob("*.md"))
    for block in re.findall(r"^```json\n(\{.+?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
]


def test_the_manual_has_examples() -> None:
    assert len(COMMANDS) > 8
    assert len(BLOCKS) > 5
    assert len(CONFIGURATIONS) > 3


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_every_configuration_of_the_manual_can_be_put_in_force(text: str) -> None:
    tree = Context(*ModuleSet.read().for_context()).parse(text.encode(), "json")
    tree.validate()
    settings = compile_settings(tree.to_data())
    assert opened(checkable(settings.engine, sources=False))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_manual_runs(command: str) -> None:
    _, *words = shlex.split(command)

    nf = Path(sys.executable).with_name("nf")
    done = subprocess.run([nf, *words], cwd=ROOT, capture_output=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout


def test_the_python_of_the_manual_runs() -> None:
    code = "\n".join(BLOCKS)

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "Summary(packets=" in done.stdout
