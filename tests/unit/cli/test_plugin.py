"""`nf plugin`, `--plugin`, and what completes them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nf.cli.completion import offered

Run = Callable[..., Any]


@pytest.fixture
def skeleton(nf: Run, tmp_path: Path) -> Path:
    """A plugin file fresh from `nf plugin new`."""
    path = tmp_path / "gauge.plugin"
    done = nf("plugin", "new", "gauge", "--output", path)
    assert done.code == 0
    return path


def test_a_new_plugin_file_is_right_and_its_tests_pass(nf: Run, skeleton: Path) -> None:
    done = nf("plugin", "check", skeleton)

    assert (done.code, done.text, done.err) == (0, "nothing to complain of\n", "")
    assert "tests {" in skeleton.read_text()


def test_a_new_python_plugin_is_right_and_typed(nf: Run, tmp_path: Path, root: Path) -> None:
    path = tmp_path / "my_gauge.py"
    assert nf("plugin", "new", "my_gauge", "--python", "--output", path).code == 0

    checked = nf("plugin", "check", path)
    run = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    typed = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", path],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.code, checked.text) == (0, "nothing to complain of\n")
    assert "path=('my_gauge',)" in run.stdout
    assert typed.returncode == 0, typed.stdout
    described = nf("protocols", "my_gauge", "--plugin", path)
    assert "my_gauge.version" in described.text


def test_both_skeletons_describe_the_same_attributes(nf: Run, tmp_path: Path) -> None:
    listed = []
    for form, name in [("--file", "x.plugin"), ("--python", "x.py")]:
        path = tmp_path / name
        assert nf("plugin", "new", "gauge", form, "--output", path, "--id", "777").code == 0
        one = json.loads(nf("protocols", "gauge", "--plugin", path, "-o", "json").text)
        listed.append([(a["name"], a["id"], a["type"], a["doc"]) for a in one["attributes"]])
        assert (one["id"], one["told"], one["parser"]) == (777, "plugin", True)

    assert [a[:3] for a in listed[0]] == [a[:3] for a in listed[1]]


def test_a_file_that_is_there_stays(nf: Run, skeleton: Path) -> None:
    before = skeleton.read_text()

    done = nf("plugin", "new", "other", "--output", skeleton)

    assert done.code == 7
    assert "at:" in done.err
    assert skeleton.read_text() == before


def test_mistakes_are_printed_in_three_parts_and_counted(nf: Run, skeleton: Path) -> None:
    skeleton.write_text(skeleton.read_text().replace("uint8_t next;", "uint9_t next;"))

    done = nf("plugin", "check", skeleton)

    lines = done.text.splitlines()
    assert done.code == 7
    assert lines[0] == "error: uint9_t is no type of a struct's field"
    assert lines[1:3] == ["    uint9_t next;", "    ^^^^^^^"]
    assert lines[3] == f"  at: {skeleton}:32:13"
    assert lines[4].startswith("  try: one of uint8_t, ")
    assert lines[-1] == "1 error"


def test_remarks_are_json_for_scripts(nf: Run, skeleton: Path) -> None:
    skeleton.write_text(skeleton.read_text().replace('id = "950"', 'id = "85"'))

    done = nf("plugin", "check", skeleton, "--json")

    [one] = json.loads(done.text)
    assert done.code == 0
    assert (one["severity"], one["line"], one["file"]) == ("warning", 11, str(skeleton))
    assert "85 is dns" in one["what"]


@pytest.mark.parametrize(
    ("before", "after", "part"),
    [
        ("kind = 2, body", "kind = 3, body", "kind is 2"),
        ('path = "gauge"', 'path = "dns"', "path is 'gauge'"),
        ("kind = 2, body", "colour = 2, body", "no attribute 'colour'"),
        ('"12 00 0006 cafe" expect v', '"12 00 0006 caf" expect v', "no octets"),
        ("udp port 7002", "udp port 7001", "nothing was expected"),
        ("udp port 7002", "moon port 7002", "carries nothing"),
    ],
)
def test_tests_that_fail_are_errors_with_a_place(
    nf: Run,
    skeleton: Path,
    before: str,
    after: str,
    part: str,
) -> None:
    text = skeleton.read_text()
    assert before in text
    skeleton.write_text(text.replace(before, after))

    done = nf("plugin", "check", skeleton, "--json")

    remarks = [one for one in json.loads(done.text) if part in one["what"]]
    assert done.code == 7
    assert [one["severity"] for one in remarks] == ["error"]
    assert remarks[0]["line"] > 60


def test_a_broken_plugin_that_is_named_ends_the_command(
    nf: Run,
    skeleton: Path,
    captures: Path,
) -> None:
    skeleton.write_text("Protocol {")

    done = nf("read", captures / "dns.pcap", "--plugin", skeleton)

    assert (done.code, done.out) == (7, b"")
    assert f"at: {skeleton}:1:" in done.err


def test_a_broken_plugin_of_a_directory_is_said_and_the_others_load(
    nf: Run,
    skeleton: Path,
    captures: Path,
) -> None:
    (skeleton.parent / "broken.plugin").write_text("Protocol {")

    done = nf(
        *("read", captures / "dns.pcap", "--plugin", skeleton.parent),
        *("--where", "gauge.kind == 1 or dns.rcode"),
    )

    assert done.code == 0
    assert done.out
    assert done.err.startswith("nf: plugin refused:")
    assert "broken.plugin:1:" in done.err


def test_names_that_are_nearly_a_plugins_are_suggested(
    nf: Run, skeleton: Path, captures: Path
) -> None:
    done = nf("read", captures / "dns.pcap", "--plugin", skeleton, "--event", "gauge.knid")

    assert done.code == 7
    assert "try: gauge.kind" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("check", "x.plugin", "--python"),
        ("check", "x.plugin", "--id", "3"),
        ("check", "none.plugin"),
        ("new", "a", "b"),
        ("new", "A"),
        ("new", "1a"),
        ("new", "class"),
        ("new", "a", "--json"),
        ("new", "a", "--id", "1000"),
    ],
)
def test_what_makes_no_sense_is_said(nf: Run, words: tuple[str, ...]) -> None:
    done = nf("plugin", *words)

    assert (done.code, done.out) == (7, b"")
    assert "\n  at: " in done.err
    assert "\n  try: " in done.err


def test_the_command_and_its_options_are_completed(skeleton: Path) -> None:
    def words(*before: str, current: str = "") -> set[str]:
        offer, _ = offered(list(before), current)
        return {word for word, _ in offer.candidates}

    def files(*before: str) -> bool:
        return offered(list(before), "")[0].files

    assert "plugin" in words()
    assert words("plugin") == {"check", "new"}
    assert {"--json", "--python", "--file", "--id"} <= words("plugin", "check", current="-")
    assert files("plugin", "check")
    assert files("plugin", "check", "--json", "a.plugin")
    assert not files("plugin", "new")
    assert files("read", "a.pcap", "--plugin")
    assert "--plugin" in words("read", current="--p")
    line = ("read", "a.pcap", "--plugin", str(skeleton))
    assert "gauge." in words(*line, "--event")
    assert "gauge.kind" in words(*line, "--event", current="gauge.")
    assert "gauge.kind" in words(*line, "--where")
    assert "gauge" in words("protocols", "--plugin", str(skeleton))


def test_a_plugin_overrules_what_a_session_is(nf: Run, tmp_path: Path, captures: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "import nf\n@nf.protocol(id=950, parents=['udp port 7001'])\nclass Mine:\n"
        "    @staticmethod\n    def classify(batch):\n"
        "        return {one.session_id: 'rsync' for one in batch}\n"
    )

    done = nf("read", captures / "dns.pcap", "--plugin", path)

    told = {(row["protocol"], row["confidence"]) for row in map(json.loads, done.text.splitlines())}
    assert told == {("rsync", "user")}


def test_functions_of_a_plugin_hear_events_that_nobody_asked_for(
    nf: Run, tmp_path: Path, captures: Path
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "import nf\n@nf.protocol(id=950, parents=['udp port 7001'])\nclass Mine:\n"
        "    @staticmethod\n    def on_packets(batch):\n"
        f"        with open({str(tmp_path / 'heard')!r}, 'a') as file:\n"
        "            file.write('x' * len(batch))\n"
    )

    done = nf("read", captures / "dns.pcap", "--plugin", path)

    packets = nf("read", captures / "dns.pcap", "--report", "summary")
    assert {json.loads(line)["type"] for line in done.text.splitlines()} == {"session"}
    assert len((tmp_path / "heard").read_text()) == json.loads(packets.text)["packets"]
