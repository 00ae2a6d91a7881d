"""The lists of requirements name tests that exist, and the pages are made of them."""

from pathlib import Path

import pytest

from tests import requirements
from tests.requirements import LISTS, Requirement, faults, read
from tools import requirement_pages


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.parent.name)
def test_every_requirement_has_tests_that_exist(path: Path) -> None:
    assert faults(read(path)) == []


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.parent.name)
def test_the_page_is_what_the_list_says(path: Path) -> None:
    assert requirement_pages.page(path).read_text() == requirement_pages.text(path), "make docs"


def test_a_wrong_list_is_found_out(tmp_path: Path) -> None:
    here = "tests/unit/test_requirements.py::test_a_wrong_list_is_found_out"
    good = Requirement("a", "RFC", "something", (here,))
    assert faults([good]) == []
    wrong = [
        good,
        good,
        Requirement("b", "RFC", "something", ()),
        Requirement("c", "RFC", "", (), "not yet"),
        Requirement("d", "RFC", "something", (f"{here}_not", "tests/nowhere.py::test_x")),
    ]
    assert [one.partition(" ")[0].rstrip(":") for one in faults(wrong)] == ["a", "b", "c", "d", "d"]
    for text in ('id = "x"\n', 'id = "x"\nsource = "y"\ntitle = "z"\ntests = []\nmore = 1\n'):
        (tmp_path / "list.toml").write_text(f"[[requirement]]\n{text}")
        with pytest.raises(ValueError, match="x: "):
            read(tmp_path / "list.toml")
    assert requirements.LISTS
