"""`nf mmt`, and MMT-Probe's files where others take a configuration."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nf.cli import run
from nf.errors import ConfigurationError
from nf.process.places import Places

Nf = Callable[..., Any]

FILE = """\
probe-id = 3
license = "./license.key"
input { mode = ONLINE source = "eth0" }
file-output { enable = true output-dir = "reports" }
session-report { enable = true output-channel = {file} }
"""


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    path = tmp_path / "mmt-probe.conf"
    path.write_text(FILE)
    return path


def test_check_tells_what_becomes_of_each_option(nf: Nf, conf: Path) -> None:
    done = nf("mmt", "check", conf)

    assert done.code == 0
    assert f"at: {conf}:2:11" in done.text
    assert "dropped: license" in done.text
    assert done.text.splitlines()[-1].endswith("1 dropped")


def test_check_gives_findings_as_json(nf: Nf, conf: Path) -> None:
    findings = json.loads(nf("mmt", "check", conf, "-o", "json").text)

    assert {"kind": "mapped", "option": "probe-id"}.items() <= findings[0].items()
    assert findings[0]["place"] == f"{conf}:1:12"


def test_import_prints_the_model_and_tells_of_changes_on_standard_error(nf: Nf, conf: Path) -> None:
    done = nf("mmt", "import", conf, "--base", "/opt/mmt", "-X", "probe-id=9", "-i", "eth1")

    probe = json.loads(done.text)["nf-probe:probe"]
    assert done.code == 0
    assert probe["id"] == 9
    assert probe["nf-capture:capture"]["interface"] == [{"name": "eth1"}]
    assert probe["nf-outputs:outputs"]["file"]["directory"] == "/opt/mmt/reports"
    assert "license" in done.err
    assert "probe-id" not in done.err


def test_the_last_of_interface_trace_and_override_counts(nf: Nf, conf: Path) -> None:
    done = nf("mmt", "import", conf, "-i", "eth1", "-t", "/a.pcap", "-X", "input.source=/b.pcap")

    capture = json.loads(done.text)["nf-probe:probe"]["nf-capture:capture"]
    assert capture == {"file": {"path": ["/b.pcap"]}}


def test_what_is_exported_is_imported_to_the_same(nf: Nf, conf: Path, tmp_path: Path) -> None:
    xml = tmp_path / "probe.xml"
    xml.write_bytes(nf("mmt", "import", conf, "-o", "xml").out)
    back = tmp_path / "back.conf"
    back.write_bytes(nf("mmt", "export", xml).out)

    assert nf("mmt", "import", back, "-o", "xml").out == xml.read_bytes()


def test_a_wrong_file_is_refused_with_its_line(nf: Nf, conf: Path) -> None:
    conf.write_text(FILE + "thread-nb = many\n")

    done = nf("mmt", "import", conf)

    assert done.code == 7
    assert not done.out
    assert f"at: {conf}:6:13" in done.err


def test_a_condition_of_the_model_is_told_at_its_line(nf: Nf, conf: Path) -> None:
    conf.write_text("thread-nb = 4\nfile-output { retain-files = 3 }\n")

    done = nf("mmt", "check", conf)

    assert done.code == 7
    assert f"at: {conf}:2:30" in done.text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-X", "nope=1"], "there is no option 'nope'"),
        (["-X", "probe-id"], "has no value"),
        (["-X", "session-timeout.live-session-timeout=3"], "cannot be overridden"),
    ],
)
def test_a_wrong_override_is_refused(nf: Nf, conf: Path, words: list[str], told: str) -> None:
    done = nf("mmt", "import", conf, *words)

    assert done.code == 7
    assert told in done.err


def test_options_lists_what_can_be_overridden_as_mmt_does(nf: Nf) -> None:
    lines = nf("mmt", "options").text.splitlines()

    assert len(lines) == 82
    assert "mongodb-output.hostnam (string)" in lines


def test_a_file_that_is_not_there_is_named(nf: Nf, tmp_path: Path) -> None:
    done = nf("mmt", "check", tmp_path / "gone.conf")

    assert done.code == 7
    assert "gone.conf" in done.err


def test_run_translates_a_file_of_mmt_and_takes_its_names_for_overrides(
    conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    places = Places.of(tmp_path / "state", tmp_path / "run")
    places.make()

    made, words = run._configuration(conf, places, ["thread-nb=3", "engine/max-sessions=9"])

    probe = json.loads(made.read_text())["nf-probe:probe"]
    assert probe["nf-dpi:engine"]["workers"] == 3
    assert words == ["engine/max-sessions=9"]
    assert "license" in capsys.readouterr().err


def test_run_leaves_a_file_of_the_model_alone(tmp_path: Path) -> None:
    path = tmp_path / "probe.json"
    path.write_text(' {"nf-probe:probe": {}}')
    places = Places.of(tmp_path / "state", tmp_path / "run")

    assert run._configuration(path, places, ["a=1"]) == (path, ["a=1"])


def test_run_refuses_a_wrong_file_of_mmt(conf: Path, tmp_path: Path) -> None:
    conf.write_text("probe-id = x\n")
    places = Places.of(tmp_path / "state", tmp_path / "run")

    with pytest.raises(ConfigurationError) as caught:
        run._configuration(conf, places, [])

    assert caught.value.place == f"{conf}:1:12"


def test_run_tells_versions_and_options_as_mmt_does(nf: Nf, tmp_path: Path) -> None:
    told = nf("run", "-v", "--state-dir", tmp_path)
    assert told.code == 0
    assert told.text.startswith("nf ")
    assert " protocols" in told.text
    assert f"state: {tmp_path}" in told.text

    listed = nf("run", "-x")
    assert listed.code == 0
    assert listed.text == nf("mmt", "options").text
    assert nf("run", "-h").code == 0


def test_every_option_of_mmts_command_line_means_the_same() -> None:
    parser = ArgumentParser()
    run.configure(parser)

    given = parser.parse_args(["-c", "f.conf", "-t", "x.pcap", "-Xthread-nb=2", "-X", "probe-id=4"])
    assert (given.config, given.trace) == ("f.conf", ["x.pcap"])
    assert given.set == ["thread-nb=2", "probe-id=4"]
    assert parser.parse_args(["-i", "eth0"]).interface == ["eth0"]
