import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nf.cli.show.table import Column, Table, layout
from nf.cli.show.terminal import Style, cut, fitted, safe, width_of

PLAIN = Style(width=40, colours=False)


def column(name: str, **settings: object) -> Column:
    return Column(heading=name, cell=lambda row: str(row.get(name, "")), **settings)  # type: ignore[arg-type]


def drawn(columns: list[Column], rows: list[dict[str, object]], style: Style = PLAIN) -> list[str]:
    out = io.StringIO()
    Table(columns, style, out).add(rows)
    return out.getvalue().splitlines()


def test_columns_are_as_wide_as_what_stands_in_them() -> None:
    lines = drawn([column("a"), column("b", right=True)], [{"a": "long name", "b": 5}])

    assert lines == ["a             b", "long name     5"]


def test_text_gives_way_to_numbers() -> None:
    columns = [column("name", least=6), column("number", right=True)]

    lines = drawn(columns, [{"name": "x" * 50, "number": 1234567890}])

    assert lines[1] == "x" * 27 + "…" + "  1234567890"


def test_the_least_important_columns_are_left_out_first() -> None:
    columns = [column("a", least=20), column("b", least=20, rank=1), column("c", least=20, rank=2)]
    row = {name: name * 20 for name in "abc"}

    assert [n for n, _ in layout(columns, [20, 20, 20], 64)] == [0, 1, 2]
    assert [n for n, _ in layout(columns, [20, 20, 20], 63)] == [0, 1]
    assert [n for n, _ in layout(columns, [20, 20, 20], 10)] == [0]
    assert drawn(columns, [row])[1] == "a" * 20


def test_a_column_in_which_nothing_stands_is_left_out() -> None:
    assert drawn([column("a"), column("b")], [{"a": 1}]) == ["a", "1"]


def test_no_rows_give_no_table() -> None:
    assert drawn([column("a")], []) == []


def test_later_rows_keep_the_widths_of_the_first() -> None:
    out = io.StringIO()
    table = Table([column("a"), column("b")], PLAIN, out)

    table.add([{"a": "xx", "b": "yyyy"}])
    table.add([{"a": "longer", "b": "y"}])

    assert out.getvalue().splitlines() == ["a   b", "xx  yyyy", "l…  y"]


def test_what_is_drawn_fills_the_width_it_gets() -> None:
    bar = Column(heading="", draw=lambda _, width: "#" * width, least=2, most=100)

    assert drawn([column("a"), bar], [{"a": 1}])[1] == "1  " + "#" * 37


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(0, 3), st.booleans())),
    st.integers(40, 200),
)
def test_a_layout_never_exceeds_the_room_unless_nothing_can_go(
    shapes: list[tuple[int, int, int, bool]], room: int
) -> None:
    columns = [column("x", least=least, rank=rank, right=r) for least, _, rank, r in shapes]
    wanted = [width for _, width, _, _ in shapes]

    placed = layout(columns, wanted, room)

    total = sum(width for _, width in placed) + 2 * (len(placed) - 1)
    assert all(1 <= width <= wanted[n] for n, width in placed)
    assert total <= room or all(columns[n].rank == 0 for n, _ in placed)
    assert {n for n, c in enumerate(columns) if c.rank == 0} <= {n for n, _ in placed}


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J\x1b]0;owned\x07", r"\x1b[2J\x1b]0;owned\x07"),
        ("a\nb\tc\r", r"a\x0ab\x09c\x0d"),
        ("\x9b31m", r"\x9b31m"),
        ("abc\u202etxt.exe", r"abc\u{202e}txt.exe"),
        ("naïve 東京 ✓", "naïve 東京 ✓"),
    ],
)
def test_names_from_packets_cannot_steer_the_terminal(hostile: str, shown: str) -> None:
    assert safe(hostile) == shown
    assert drawn([column("a")], [{"a": hostile}])[1] == fitted(shown, width_of(shown)).rstrip()


@given(st.text(max_size=60), st.integers(0, 40), st.booleans())
def test_cut_text_never_exceeds_its_width(text: str, width: int, middle: bool) -> None:
    assert width_of(cut(text, width, middle=middle)) <= max(width, 0)
    assert width_of(fitted(text, width, middle=middle)) >= width - 1


def test_both_ends_stay_when_the_middle_is_cut() -> None:
    assert cut("192.168.100.200:65535", 11, middle=True) == "192.1…65535"
    assert cut("東京東京東京", 5) == "東京…"
