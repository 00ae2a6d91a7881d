"""Statements of files: what they are, where they stand, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nf.errors import ConfigurationError
from nf.mgmt.legacy import tokens
from nf.mgmt.legacy.syntax import Option, Section, parse
from nf.mgmt.legacy.tokens import quoted


def options(text: str, **environ: str) -> list[Option]:
    found = parse(text.encode(), "f", environ).statements
    assert all(isinstance(one, Option) for one in found)
    return [one for one in found if isinstance(one, Option)]


def refused(text: str | bytes) -> str:
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ConfigurationError) as caught:
        parse(data, "f.conf")
    return f"{caught.value.what} @ {caught.value.place}"


def test_an_option_has_its_value_and_its_place() -> None:
    (option,) = options("\n  thread-nb = 0x10 # sixteen\n")

    assert (option.name, option.values, option.braced) == ("thread-nb", ("0x10",), False)
    assert str(option.place) == "f:2:3"
    assert str(option.value_place) == "f:2:15"


def test_all_three_kinds_of_comments_are_passed_over() -> None:
    found = options("a = 1 # one\n// b = 2\n/* c = 3\n d = 4 */ e = 5")

    assert [one.name for one in found] == ["a", "e"]
    assert str(found[1].place) == "f:4:11"


def test_a_comment_does_not_begin_inside_a_word() -> None:
    assert options("address = tcp://host:1883")[0].values == ("tcp://host:1883",)


def test_a_list_may_end_with_a_comma_and_may_be_empty() -> None:
    assert options('a = {file, "redis" , }')[0].values == ("file", "redis")
    assert options("a = {}")[0].values == ()
    assert options("a = {}")[0].braced


def test_values_are_added_and_semicolons_are_optional() -> None:
    found = options("a = {1}; a += {2}\nb = 3;;")

    assert [(one.name, one.adds) for one in found] == [("a", False), ("a", True), ("b", False)]


def test_sections_have_titles_or_none_and_may_be_on_one_line() -> None:
    first, second, third = parse(
        b"input { mode = ONLINE }\nevent-report a {}\nx 'b c' {}", "f"
    ).statements

    assert isinstance(first, Section)
    assert first.title is None
    assert isinstance(second, Section)
    assert second.title == "a"
    assert isinstance(third, Section)
    assert third.title == "b c"


def test_double_quotes_know_escapes_and_single_quotes_do_not() -> None:
    first, second = options(r"""a = "x\n\x41\101\"\\\q" b = 'x\n'""")

    assert first.values == ('x\nAA"\\q',)
    assert second.values == (r"x\n",)


def test_variables_are_put_in_within_double_quotes_only() -> None:
    first, second, third = options(
        """a = "${HOME}/x" b = '${HOME}' c = "${NONE:-other}${GONE}" """, HOME="/root"
    )

    assert first.values == ("/root/x",)
    assert second.values == ("${HOME}",)
    assert third.values == ("other",)
    assert third.unset == ("GONE",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('a = "x', "a string has no end @ f.conf:1:5"),
        ("a = 'x", "a string has no end @ f.conf:1:5"),
        ("a = 1\n/* x", "a comment has no end @ f.conf:2:1"),
        ("a = {1, 2", "the end of the file stands where a list goes on @ f.conf:1:1"),
        ("a = {1 2}", "2 stands where a list goes on @ f.conf:1:8"),
        ("a = {,}", ", stands where a value must be @ f.conf:1:6"),
        ("a =", "the end of the file stands where a value must be @ f.conf:1:1"),
        ("a", "the end of the file stands behind a @ f.conf:1:1"),
        ("a { b = 1", "the section a has no end @ f.conf:1:1"),
        ("a = 1 }", "} stands where an option or section begins @ f.conf:1:7"),
        ("= 3", "= stands where an option or section begins @ f.conf:1:1"),
        ("a = (1)", "'(' has no meaning here @ f.conf:1:5"),
        ('a = "\\400"', "\\400 is no octet @ f.conf:1:5"),
        ('a = "\\x00"', "a value has the octet 0 in it @ f.conf:1:5"),
        (b"a = \xff", "a value is not UTF-8 @ f.conf:1:5"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str | bytes, told: str) -> None:
    assert refused(text) == told


def test_a_comment_may_be_in_any_encoding_and_comes_back_unchanged() -> None:
    text = b"# caf\xe9\na = 1\n"

    assert parse(text, "f").source() == text


def test_bounds_are_kept() -> None:
    assert "too large" in refused(b" " * (tokens.MAX_BYTES + 1))
    assert "too long" in refused(b"a" * (tokens.MAX_LINE + 1))
    assert "sections inside each other" in refused("a {" * 50)
    assert "more than 20000 options" in refused("a=1\n" * 20_001)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_quoted_string_means_what_was_quoted(text: str) -> None:
    (option,) = options(f"a = {quoted(text)}")

    assert option.values == (text,)


@given(st.binary(max_size=200) | st.text("ab={}\"'\\$#/*+,;\n .-0x", max_size=60).map(str.encode))
def test_any_file_is_read_without_loss_or_refused_with_a_place(data: bytes) -> None:
    try:
        document = parse(data, "f.conf", {"a": "x"})
    except ConfigurationError as error:
        told = error
    else:
        assert document.source() == data
        return
    assert told.place.startswith("f.conf")
    assert told.what
    assert told.hint
