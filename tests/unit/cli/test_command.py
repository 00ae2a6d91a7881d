"""The command around its nouns: help, unknown words, lists, version."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from nf.cli import NOUNS, parser_of

Run = Callable[..., Any]


def test_help_shows_every_command_and_examples(nf: Run) -> None:
    done = nf("--help")

    assert done.code == 0
    for noun, what in NOUNS.items():
        assert f"  {noun:<13}  {what}\n" in done.text
    assert "nf read some.pcap --where" in done.text


def imported_by(*words: str) -> set[str]:
    """Modules that a run of the command imports, those that Python itself starts with left out."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from nf.cli import main\n"
        f"main({list(words)!r})\n"
        "print(*(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_imports_next_to_nothing() -> None:
    imported = imported_by("--help")

    assert "nf.cli" in imported
    assert not {"nf._native", "argparse", "dataclasses", "json"} & imported
    assert len(imported) <= 40, sorted(imported)


def test_reading_imports_no_optional_library(captures: Any) -> None:
    imported = imported_by("read", str(captures / "arp.pcap"), "--report", "summary")

    assert "nf._native" in imported
    assert not {"pyarrow", "pandas", "numpy", "asyncio", "difflib"} & imported


@pytest.mark.parametrize("noun", NOUNS)
def test_help_of_every_command_teaches_with_examples(nf: Run, noun: str) -> None:
    done = nf(noun, "--help")

    assert done.code == 0
    assert done.text.startswith(f"usage: nf {noun}")
    if noun != "version":
        assert f"\n  nf {noun}" in done.text or f"<(nf {noun}" in done.text
    assert nf("help", noun).out == done.out


@pytest.mark.parametrize("noun", NOUNS)
def test_every_option_is_explained(noun: str) -> None:
    parser = parser_of(noun)

    assert parser.description
    assert [a.dest for a in parser._actions if not a.help] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["raed"], "nf: there is no command 'raed'\n  try: read\n"),
        (["xyzzy"], "nf: there is no command 'xyzzy'\n  try: nf --help lists the commands\n"),
        (["--verion"], "nf: there is no option '--verion'\n  try: version\n"),
    ],
)
def test_an_unknown_command_suggests_the_nearest(nf: Run, words: list[str], message: str) -> None:
    done = nf(*words)

    assert (done.code, done.out, done.err) == (2, b"", message)


def test_without_a_command_it_explains_itself_on_standard_error(nf: Run) -> None:
    done = nf()

    assert (done.code, done.out) == (2, b"")
    assert done.err == nf("--help").text


def test_the_version_is_that_of_package_and_engine(nf: Run) -> None:
    import nf as package  # noqa: PLC0415  # the fixture has its name

    assert nf("version").text == nf("--version").text == f"nf {package.__version__}\n"
    assert json.loads(nf("version", "-o", "json").text)["nf"] == package.__version__


def test_every_protocol_is_listed(nf: Run) -> None:
    listed = json.loads(nf("protocols", "-o", "json").text)

    names = {one["name"] for one in listed}
    assert {"ethernet", "ip", "tcp", "http", "dns", "tls"} <= names
    assert len(names) == len(listed)
    table = nf("protocols").text.splitlines()
    assert {line.split()[1] for line in table[1:] if not line.startswith(" ")} == names


def test_a_protocol_is_shown_with_its_attributes_and_anomalies(nf: Run) -> None:
    done = nf("protocols", "http")

    one = json.loads(nf("protocols", "http", "-o", "json").text)
    assert done.text.startswith("http  ")
    assert f"{'id':<10}{one['id']}\n" in done.text
    assert one["parser"] is True
    for attribute in one["attributes"]:
        assert f"http.{attribute['name']} " in done.text
    for anomaly in one["anomalies"]:
        assert f"\n{anomaly} " in done.text


def test_a_protocol_answers_to_its_aliases(nf: Run) -> None:
    listed = json.loads(nf("protocols", "-o", "json").text)
    one = next(one for one in listed if one["aliases"])

    assert nf("protocols", one["aliases"][0]).out == nf("protocols", one["name"]).out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["protocols", "htp"], "http"),
        (["protocols", "xyzzyxyzzy"], "nf protocols lists them"),
        (["apps", "youtub"], "youtube"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(nf: Run, words: list[str], hint: str) -> None:
    done = nf(*words)

    assert done.code == 7
    assert f"\n  at: NAME\n  try: {hint}" in done.err


def test_applications_are_listed_and_shown(nf: Run, tmp_path: Any) -> None:
    ours = tmp_path / "ours.conf"
    ours.write_text("[laboratory]\ncategory = web\nsuffixes = lab.example\nhosts = a.example\n")

    listed = json.loads(nf("apps", "-o", "json", "--apps", ours).text)

    youtube = next(one for one in listed if one["name"] == "youtube")
    assert "youtube.com" in youtube["suffixes"]
    assert "*.youtube.com, youtube.com\n" in nf("apps", "youtube").text
    shown = nf("apps", "laboratory", "--apps", ours).text
    assert "*.lab.example, lab.example\na.example\n" in shown
    assert "laboratory " in nf("apps", "--apps", ours).text


def test_a_mistake_in_a_file_of_applications_is_shown_with_its_line(nf: Run, tmp_path: Any) -> None:
    ours = tmp_path / "ours.conf"
    ours.write_text("# ours\ncategory = web\n")

    done = nf("apps", "--apps", ours)

    assert done.code == 7
    assert f"\n  at: {ours}:2\n  try: " in done.err


def test_fields_are_listed_with_their_meaning(nf: Run) -> None:
    done = nf("fields")

    listed = json.loads(nf("fields", "-o", "json").text)
    for one in listed["session"]:
        assert one["doc"]
        assert f"\n{one['name']} " in done.text
    words = {one["name"] for one in listed["filter"]}
    assert {"port", "bytes", "http.status", "dns.qname", "src_ip"} <= words


def test_no_line_of_a_list_is_wider_than_the_terminal(nf: Run) -> None:
    for words in (["protocols"], ["apps"], ["fields"], ["protocols", "tls"]):
        lines = nf(*words, COLUMNS="120").text.splitlines()

        long = [line for line in lines if len(line) > 120 and len(line.split()) > 6]
        assert long == []
