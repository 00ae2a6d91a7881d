"""A module that its last release's clients would stumble over is found."""

import shutil
from pathlib import Path

import pytest

from nf.mgmt.schema import YANG_DIR
from tools import yang_update
from tools.yang_model import own_modules


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Modules as released, and the same to be changed."""
    released, current = tmp_path / "released", tmp_path / "current"
    for folder in (released, current):
        folder.mkdir()
        for path in own_modules():
            shutil.copyfile(path, folder / path.name)
    return released, current


def compare(folders: tuple[Path, Path]) -> list[str]:
    released, current = folders
    return list(yang_update.findings(sorted(current.glob("nf-*.yang")), released))


def change(folder: Path, module: str, old: str, new: str) -> None:
    path = folder / f"{module}.yang"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_modules_as_released_have_no_finding(folders: tuple[Path, Path]) -> None:
    assert compare(folders) == []


def test_a_change_without_a_new_revision_is_found(folders: tuple[Path, Path]) -> None:
    change(folders[1], "nf-dpi", "How packets are analysed.", "How packets are looked at.")

    assert any("needs a revision after" in line for line in compare(folders))


def test_a_narrower_range_is_found_though_the_revision_is_new(folders: tuple[Path, Path]) -> None:
    with_new_revision(folders[1], "nf-dpi")
    change(folders[1], "nf-dpi", 'range "0..256"', 'range "0..8"')

    found = compare(folders)

    assert found
    assert not any("needs a revision" in line for line in found)


def test_a_leaf_that_is_gone_is_found(folders: tuple[Path, Path]) -> None:
    with_new_revision(folders[1], "nf-probe")
    change(folders[1], "nf-probe", "leaf heartbeat-timeout", "leaf heartbeat-limit")

    assert any("heartbeat-timeout" in line for line in compare(folders))


def test_a_new_leaf_with_a_new_revision_is_fine(folders: tuple[Path, Path]) -> None:
    with_new_revision(folders[1], "nf-probe")
    leaf = '    leaf extra {\n      type boolean;\n      description\n        "More.";\n    }\n'
    change(folders[1], "nf-probe", "    container logging {", f"{leaf}\n    container logging {{")

    assert compare(folders) == []


def test_a_module_that_is_gone_is_found(folders: tuple[Path, Path]) -> None:
    (folders[1] / "nf-lpi.yang").unlink()

    assert compare(folders) == [
        "nf-lpi.yang: is gone; a released module stays, its nodes may become obsolete"
    ]


def test_before_a_release_there_is_nothing_to_compare_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(yang_update, "RELEASED", tmp_path / "none")

    assert yang_update.main([]) == 0
    assert "nothing to compare" in capsys.readouterr().out


def test_a_release_takes_the_modules_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yang_update, "RELEASED", tmp_path / "released")

    assert yang_update.main(["--release"]) == 0

    assert {path.name for path in (tmp_path / "released").iterdir()} == {
        path.name for path in YANG_DIR.glob("nf-*.yang")
    }
    assert yang_update.main([]) == 0


def with_new_revision(folder: Path, module: str) -> None:
    new = '  revision 2099-01-01 {\n    description\n      "Later.";\n  }\n\n  revision'
    change(folder, module, "  revision", new)
