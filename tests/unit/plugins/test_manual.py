"""What docs/plugins.md shows is what happens."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nf.plugins.parser import BLOCKS
from tools import readme_output

ROOT = Path(__file__).parents[3]
MANUAL = (ROOT / "docs" / "plugins.md").read_text()
SHOWN = list(readme_output.blocks_of(MANUAL))


def test_the_manual_shows_outputs() -> None:
    assert len(SHOWN) >= 5


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.name)
def test_output_in_the_manual_is_what_the_command_prints(block: readme_output.Block) -> None:
    assert readme_output.run(block) == block.output


def test_the_python_of_the_manual_runs() -> None:
    blocks = re.findall(r"^```python\n(.+?)^```$", MANUAL, flags=re.MULTILINE | re.DOTALL)

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(blocks)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "4 messages\n2 sessions\n"


def test_the_grammar_names_every_part() -> None:
    grammar = MANUAL.partition("## The language")[2]
    assert all(f'"{part}"' in grammar for part in BLOCKS)


def test_both_forms_of_the_example_read_the_same() -> None:
    texts = [
        readme_output.run(
            readme_output.Block(
                "clock",
                "nf read tests/captures/demo.pcap --where clock.mode --report transaction -o jsonl "
                f"--plugin examples/clock.{form}",
                "",
                0,
                0,
            )
        )
        for form in ("plugin", "py")
    ]

    assert texts[0].count('"clock":{') == 4
    assert texts[0] == texts[1]
