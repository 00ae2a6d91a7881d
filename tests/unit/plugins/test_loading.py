"""Plugins from files and directories: in order, with what takes the place of what said aloud."""

from collections.abc import Callable
from pathlib import Path

import pytest

import nf

Write = Callable[[str, str], Path]


def plugin(label: str, number: int, title: str = "one", **changes: str) -> str:
    inside = changes.get("inside", "")
    return f"""Protocol {{
        Properties {{ label = "{label}" id = "{number}" title = "{title}" }}
        parents {{ udp port 7001 }}
        Attributes {{ struct h {{ uint8_t kind; }} attribute {{ alias = "kind" }} }} {inside}
    }}"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_a_directory_is_read_in_alphabetical_order(write: Write) -> None:
    write("b.plugin", plugin("b", 951))
    write("a.plugin", plugin("a", 950))
    folder = write("notes.txt", "no plugin").parent

    loaded = nf.load_plugins(folder)

    assert [one.name for one in loaded.protocols] == ["a", "b"]
    assert (loaded.refused, loaded.notes) == ((), ())


def test_the_later_one_of_an_id_or_name_counts_and_it_is_said(write: Write) -> None:
    write("a.plugin", plugin("same", 950, "first"))
    write("b.plugin", plugin("same", 950, "second"))
    write("c.plugin", plugin("other", 951))
    folder = write("d.plugin", plugin("another", 951)).parent

    loaded = nf.load_plugins(folder)

    assert [one.description.title for one in loaded.protocols][:1] == ["second"]
    assert [one.name for one in loaded.protocols] == ["same", "another"]
    first, second = loaded.notes
    assert "b.plugin:2:30 takes the place of same (950)" in first
    assert "another (951)" in second
    assert "takes the place of other (951)" in second


def test_what_a_plugin_takes_from_the_built_in_ones_is_said(write: Write) -> None:
    path = write("a.plugin", plugin("mydns", 85))

    loaded = nf.load_plugins(path)

    [note] = loaded.notes
    assert note.endswith("takes the place of the built-in protocol dns (85), whose parser is off")


def test_reading_warns_aloud(write: Write, captures: Path) -> None:
    path = write("a.plugin", plugin("mydns", 85))

    with pytest.warns(nf.PluginWarning, match="takes the place of the built-in protocol dns"):
        sessions = list(nf.read(captures / "dns.pcap", plugins=[path]))

    assert sessions
    assert all("dns" not in session.path.split(".") for session in sessions)


def test_a_broken_file_of_a_directory_disturbs_nothing(write: Write, captures: Path) -> None:
    write("a.plugin", plugin("a", 950))
    write("b.plugin", plugin("b", 4000))
    write("c.py", "import nf\n\nraise RuntimeError('no')\n")
    folder = write("d.plugin", plugin("d", 951)).parent

    loaded = nf.load_plugins(folder)

    assert [one.name for one in loaded.protocols] == ["a", "d"]
    wrong, raised = loaded.refused
    assert wrong.place.endswith("b.plugin:2:39")
    assert raised.what == "a plugin fails when it is loaded: RuntimeError: no"
    assert raised.place.endswith("c.py:3")
    with pytest.warns(nf.PluginWarning, match="plugin refused"):
        assert list(nf.read(captures / "dns.pcap", plugins=[folder]))


def test_a_plugin_that_needs_a_broken_one_is_refused_with_it(write: Write) -> None:
    following = (
        "classifynext { switch (val(kind)) { case 1: nextencaps = inner nextoffset = 1 break } }"
    )
    write("a.plugin", plugin("outer", 950, inside=following))
    folder = write("b.plugin", plugin("inner", 951, inside="nonsense { }")).parent
    write("c.plugin", plugin("alone", 952))

    loaded = nf.load_plugins(folder)

    assert [one.name for one in loaded.protocols] == ["alone"]
    broken, needing = loaded.refused
    assert broken.place.partition(":")[0].endswith("b.plugin")
    assert 'no protocol "inner"' in needing.what
    assert needing.place.partition(":")[0].endswith("a.plugin")


def test_a_broken_file_that_is_named_is_an_error(write: Write) -> None:
    path = write("b.plugin", plugin("b", 4000, inside="nonsense { }"))

    with pytest.raises(nf.ConfigurationError) as caught:
        nf.load_plugins(path)

    assert caught.value.what.startswith("'4000' is no id\n")
    assert caught.value.place == f"{path}:2:39"
    assert caught.value.hint.endswith("shows 1 more")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("x = 1\n", "without a protocol"),
        ("x = (\n", "SyntaxError"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
        ("import nf\nnf.protocol(id=4000)(type('A', (), {}))\n", "no id"),
    ],
)
def test_a_python_file_must_make_a_protocol(write: Write, text: str, part: str) -> None:
    path = write("p.py", text)

    with pytest.raises(nf.ConfigurationError, match=part) as caught:
        nf.load_plugins(path)

    assert str(path) in caught.value.place


def test_what_is_not_there_or_not_text_is_an_error(tmp_path: Path) -> None:
    odd = tmp_path / "odd.plugin"
    odd.write_bytes(b"\xff\xfe")

    for path, part in [(tmp_path / "none.plugin", "no such plugin"), (odd, "not UTF-8")]:
        with pytest.raises(nf.ConfigurationError, match=part):
            nf.load_plugins(path)
