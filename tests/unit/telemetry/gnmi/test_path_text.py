"""Paths as people write them."""

import pytest
from gnmi_pb.gnmi_pb2 import Path, PathElem
from hypothesis import given
from hypothesis import strategies as st

from nf.telemetry.gnmi.errors import Refused
from nf.telemetry.gnmi.path_text import path_from

NAMES = st.from_regex(r"[a-z][a-z0-9:-]{0,8}", fullmatch=True)
ELEMENTS = st.builds(
    lambda name, key: PathElem(name=name, key=key),
    NAMES,
    st.dictionaries(NAMES, st.text(max_size=12), max_size=3),
)


def written(path: Path) -> str:
    def escaped(value: str) -> str:
        return value.replace("\\", "\\\\").replace("]", "\\]")

    return "".join(
        "/" + one.name + "".join(f"[{key}={escaped(value)}]" for key, value in one.key.items())
        for one in path.elem
    )


@given(st.lists(ELEMENTS, min_size=1, max_size=5))
def test_what_is_written_is_read_again(elements: list[PathElem]) -> None:
    path = Path(elem=elements)

    assert path_from(written(path)) == path


def test_the_root_and_wildcards_are_paths() -> None:
    assert path_from("/") == Path()
    assert [one.name for one in path_from("/a/*/...").elem] == ["a", "*", "..."]
    assert path_from("/a[b=/x/]/c").elem[0].key["b"] == "/x/"


@pytest.mark.parametrize(
    "text",
    ["", "a", "//", "/a/", "/a[", "/a[b]", "/a[b=", "/a[=c]", "/a[b=c]d", "/a[b=c][b=d]", "/[b=c]"],
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        path_from(text)


@given(st.text(alphabet="/[]=\\ab", max_size=20))
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        path_from(text)
    except Refused as error:
        code = error.code.name
    else:
        code = "INVALID_ARGUMENT"
    assert code == "INVALID_ARGUMENT"
