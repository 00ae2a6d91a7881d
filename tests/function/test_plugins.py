"""Plugins in the probe: loaded as configured, their functions run, and they stop nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from nf.errors import NfError
from nf.mgmt.local import Run
from tests.function.conftest import SEES, Probe, Start, eventually, lines_of
from tests.function.netconf import Netconf

PLUGIN = Path(__file__).with_name("known_plugin.py").read_text()
BROKEN = "Protocol { Properties { label = "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "known.py").write_text(PLUGIN)
    return folder


def running(start: Start, folder: Path, *more: str) -> Probe:
    rows = folder.parent / "rows"
    probe = start(
        *("-i", SEES, "-X", "outputs/file/enabled=true", "-X", f"outputs/file/directory={rows}"),
        *("-X", "outputs/flush-interval=1", "-X", "outputs/file/rotate-interval=1"),
        *("-X", "reports/interval=1", "-X", f"engine/plugins/path={folder}", *more),
    ).up()
    eventually(probe.capturing)
    return probe


def functions(probe: Probe) -> dict[str, dict[str, Any]]:
    told = probe.state("engine/state").get("plugin-function", [])
    return {one["name"]: one for one in told}


def heard(folder: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in (folder / "known.heard").read_text().splitlines():
        kind, _ = json.loads(line)
        found[kind] = found.get(kind, 0) + 1
    return found


def test_functions_of_a_plugin_hear_what_is_captured_and_their_failures_stop_nothing(
    start: Start, folder: Path
) -> None:
    probe = running(start, folder)
    pid = probe.processes()["nf-datapath"].pid
    probe.send(50, 5000)
    probe.send(3, 5001)

    eventually(lambda: heard(folder)["event"] == 50)
    eventually(lambda: heard(folder)["transaction"] == 50)
    eventually(lambda: heard(folder)["session"] >= 1)
    failing = eventually(lambda: functions(probe).get("on_packets"))
    assert int(failing["failures"]) > 0
    assert failing["last-error"] == "ValueError: this one never works"
    assert failing["plugin"] == "known"
    assert int(functions(probe)["on_first"]["failures"]) == 0
    assert "function=on_packets" in probe.logged()
    assert "plugin=known" in probe.logged()

    rows = eventually(
        lambda: {
            row["dst_port"]: row for row in lines_of(folder.parent / "rows") if row["dst_port"]
        }.get(5001)
    )
    assert (rows["protocol"], rows["confidence"]) == ("rsync", "user")
    known = [row for row in lines_of(folder.parent / "rows") if row["dst_port"] == 5000]
    assert {row["protocol"] for row in known} == {"known"}
    assert not list((folder.parent / "rows").glob("*_event_*"))
    now = probe.processes()["nf-datapath"]
    assert (now.pid, now.restarts) == (pid, 0)
    assert probe.end() == 0


def test_a_classifier_that_never_comes_back_is_turned_off_and_rows_go_on(
    start: Start, folder: Path
) -> None:
    endless = "        while batch:\n            pass\n"
    (folder / "known.py").write_text(
        PLUGIN.replace("        return {one", endless + "        return {one")
    )
    probe = running(start, folder)
    pid = probe.processes()["nf-datapath"].pid
    probe.send(3, 5001)

    eventually(lambda: functions(probe)["classify"]["status"] == "off")
    eventually(lambda: 5001 in {row["dst_port"] for row in lines_of(folder.parent / "rows")})
    assert "turned off" in functions(probe)["classify"]["last-error"]
    now = probe.processes()["nf-datapath"]
    assert (now.pid, now.restarts) == (pid, 0)
    assert probe.end() == 0


def test_reload_tells_what_was_loaded_and_refused_and_takes_effect(
    start: Start, folder: Path
) -> None:
    probe = running(start, folder)
    probe.send(5, 5002)
    (folder / "broken.plugin").write_text(BROKEN)
    (folder / "known.py").write_text(PLUGIN.replace("udp port 5000", "udp port 5002"))

    with Netconf(probe) as session:
        told = session.ask('<reload-plugins xmlns="urn:nf:yang:nf-dpi"/>')

    assert told.texts("protocol") == ["known"]
    assert any("broken.plugin" in note for note in told.texts("note"))
    probe.send(20, 5002)
    eventually(lambda: heard(folder).get("event", 0) >= 20)
    before = heard(folder)["event"]
    probe.send(7, 5000)
    probe.send(1, 5002)
    eventually(lambda: heard(folder)["event"] > before)
    assert heard(folder)["event"] == before + 1
    assert probe.end() == 0


def test_a_broken_file_that_is_named_refuses_the_reload_and_the_old_one_goes_on(
    start: Start, folder: Path
) -> None:
    probe = running(start, folder / "known.py")
    (folder / "known.py").write_text("this is no Python")

    with pytest.raises(NfError, match=r"known\.py"):
        probe.ask(Run("reload-plugins"))

    probe.send(5, 5000)
    eventually(lambda: heard(folder).get("event", 0) == 5)
    assert probe.end() == 0
