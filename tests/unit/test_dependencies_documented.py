import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROW = re.compile(r"^\| `([^`]+)` \| (.+) \|$", flags=re.MULTILINE)


def table(path: Path, heading: str) -> dict[str, str]:
    """Rows of the tables below one heading of the page: name and reason."""
    sections = re.split(r"^## (.+)$", path.read_text(), flags=re.MULTILINE)
    return dict(ROW.findall(sections[sections.index(heading) + 1]))


def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def name_in(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def direct_crates(root: Path) -> set[str]:
    stated = read(root / "Cargo.toml")["workspace"]["dependencies"]
    return {name for name, value in stated.items() if "path" not in value}


def direct_packages(root: Path) -> set[str]:
    project = read(root / "pyproject.toml")
    groups = list(project["dependency-groups"].values())
    groups += project["project"].get("optional-dependencies", {}).values()
    groups += [project["project"]["dependencies"], project["build-system"]["requires"]]
    return {name_in(line) for group in groups for line in group if isinstance(line, str)}


@pytest.fixture
def page(root: Path) -> Path:
    return root / "docs" / "dependencies.md"


def test_every_crate_is_documented_and_none_is_stale(root: Path, page: Path) -> None:
    assert set(table(page, "Rust")) == direct_crates(root)


def test_every_python_package_is_documented_and_none_is_stale(root: Path, page: Path) -> None:
    assert set(table(page, "Python")) == direct_packages(root)


def test_every_crate_of_the_workspace_takes_its_versions_from_the_root(root: Path) -> None:
    own = [
        f"{member}: {name}"
        for member in read(root / "Cargo.toml")["workspace"]["members"]
        for kind in ("dependencies", "dev-dependencies", "build-dependencies")
        for name, value in read(root / member / "Cargo.toml").get(kind, {}).items()
        if value.get("workspace") is not True
    ]

    assert own == []


def test_every_crate_of_the_root_is_used_by_a_member(root: Path) -> None:
    used = {
        name
        for member in read(root / "Cargo.toml")["workspace"]["members"]
        for kind in ("dependencies", "dev-dependencies", "build-dependencies")
        for name in read(root / member / "Cargo.toml").get(kind, {})
    }

    assert direct_crates(root) - used == set()
