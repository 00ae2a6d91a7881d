"""The pages that list what the engine knows are what it knows."""

from pathlib import Path

import pytest

from tools import reference


@pytest.mark.parametrize("page", reference.PAGES)
def test_a_page_is_what_the_engine_knows(page: str) -> None:
    assert (reference.DOCS / page).read_text() == reference.text_of(page), "make docs"


def test_a_stale_page_is_found_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "DOCS", tmp_path)
    (tmp_path / "risks.md").write_text("old")

    assert reference.main(["--check"]) == 1

    assert "make docs" in capsys.readouterr().err
    assert (tmp_path / "risks.md").read_text() == "old"
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
