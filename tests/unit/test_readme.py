from pathlib import Path

import pytest

from tools import readme_output

README = readme_output.README.read_text()


@pytest.mark.parametrize(
    "block", list(readme_output.blocks_of(README)), ids=lambda block: block.name
)
def test_output_in_the_readme_is_what_the_command_prints(block: readme_output.Block) -> None:
    assert readme_output.run(block) == block.output


def test_readme_shows_an_output_and_stays_within_150_lines() -> None:
    assert len(list(readme_output.blocks_of(README))) >= 1
    assert len(README.splitlines()) <= 150


def test_marker_without_a_block_is_an_error() -> None:
    with pytest.raises(readme_output.BadBlock):
        list(readme_output.blocks_of("<!-- output:lost -->\n\nno block\n"))


def test_command_other_than_nf_is_not_run() -> None:
    block = readme_output.Block("x", "rm -rf .", "", 0, 0)

    with pytest.raises(readme_output.BadBlock, match="must be nf"):
        readme_output.run(block)


def test_stale_output_is_found_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = "<!-- output:version -->\n```console\n$ nf version\nnf 0.0.0\n```\n"
    readme = tmp_path / "README.md"
    readme.write_text(stale)
    monkeypatch.setattr(readme_output, "README", readme)
    monkeypatch.setattr(readme_output, "MANUAL", readme)

    assert readme_output.main(["--check"]) == 1

    assert readme.read_text() == stale
    assert "-nf 0.0.0" in capsys.readouterr().out


def test_stale_output_is_refreshed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("<!-- output:version -->\n```console\n$ nf version\nnf 0.0.0\n```\nend\n")
    monkeypatch.setattr(readme_output, "README", readme)
    monkeypatch.setattr(readme_output, "MANUAL", readme)

    assert readme_output.main([]) == 0

    assert readme_output.main(["--check"]) == 0
    assert readme.read_text().endswith("```\nend\n")
