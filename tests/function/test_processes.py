"""The network function under traffic: processes are killed, and it goes on."""

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from nf.mgmt.local import Read
from nf.process.monitoring import MonitorClient, RestartProcess
from tests.function.conftest import SEES, SENDER, Probe, Start, eventually, lines_of


@contextmanager
def traffic(probe: Probe) -> Iterator[None]:
    """Packets all the time."""
    sender = subprocess.Popen(
        ["ip", "netns", "exec", probe.space, sys.executable, str(SENDER), "1000000", "6000", "500"]
    )
    try:
        yield
    finally:
        sender.kill()
        sender.wait()


def rows_into(folder: Path) -> list[str]:
    return [
        *("-X", "outputs/file/enabled=true", "-X", f"outputs/file/directory={folder}"),
        *("-X", "reports/session/enabled=true", "-X", "outputs/flush-interval=1"),
        *("-X", "reports/session/output=nf-types:file"),
    ]


def back(probe: Probe, name: str, before: int) -> None:
    """Waits until a process that was killed runs again; how long is the demo's to tell."""

    def runs() -> bool:
        now = probe.processes()[name]
        return now.state == "running" and now.pid not in {0, before}

    eventually(runs)


def test_known_packets_are_counted_exactly(start: Start) -> None:
    probe = start("-i", SEES).up()
    eventually(probe.capturing)
    before = probe.account()["packets"]
    probe.send(1234)
    eventually(lambda: probe.account()["processed"] >= before + 1234)
    account = probe.account()
    assert account["packets"] == before + 1234
    lost = ("kernel-drops", "dispatch-drops", "filtered", "light-only", "decode-errors")
    fates = sum(account.get(name, 0) for name in (*lost, "processed", "in-flight"))
    assert account["packets"] == fates
    assert probe.end() == 0


def test_a_datapath_that_is_killed_is_back_and_captures_as_configured(start: Start) -> None:
    probe = start("-i", SEES).up()
    eventually(probe.capturing)
    probe.set(("engine/timeouts/short", "33"))
    with traffic(probe):
        eventually(lambda: probe.account()["packets"] > 100)
        before = probe.processes()["nf-datapath"].pid
        os.kill(before, signal.SIGKILL)
        back(probe, "nf-datapath", before)
        eventually(lambda: probe.account()["packets"] > 100)
    short = probe.config("engine/timeouts/short")
    assert "33" in json.dumps(short)
    alarms = json.loads(probe.ask(Read("operational", "/ietf-alarms:alarms/alarm-list")).text)
    (alarm,) = alarms["ietf-alarms:alarms"]["alarm-list"]["alarm"]
    assert (alarm["alarm-type-id"], alarm["resource"]) == (
        "nf-alarms:process-restarted",
        "datapath",
    )
    assert probe.processes()["nf-mgmt"].restarts == 0
    assert probe.end() == 0


def test_management_that_is_killed_is_back_while_capture_goes_on(start: Start) -> None:
    probe = start("-i", SEES).up()
    eventually(probe.capturing)
    probe.set(("engine/timeouts/short", "33"))
    with traffic(probe):
        seen = eventually(lambda: probe.account()["packets"])
        states = probe.processes()
        os.kill(states["nf-mgmt"].pid, signal.SIGKILL)
        back(probe, "nf-mgmt", states["nf-mgmt"].pid)
        assert probe.account()["packets"] > seen
    assert probe.processes()["nf-datapath"].pid == states["nf-datapath"].pid
    assert "33" in json.dumps(probe.config("engine/timeouts/short"))
    assert probe.end() == 0


def test_a_datapath_that_hangs_is_killed_and_back(start: Start) -> None:
    probe = start("-i", SEES, "-X", "processes/heartbeat-timeout=2").up()
    eventually(probe.capturing)
    before = probe.processes()["nf-datapath"].pid
    os.kill(before, signal.SIGSTOP)
    back(probe, "nf-datapath", before)
    assert probe.processes()["nf-datapath"].last_exit == "killed by SIGKILL"
    eventually(probe.capturing)
    assert probe.end() == 0


def test_management_that_hangs_is_killed_and_back_while_capture_goes_on(start: Start) -> None:
    probe = start("-i", SEES, "-X", "processes/heartbeat-timeout=2").up()
    eventually(probe.capturing)
    with traffic(probe):
        seen = eventually(lambda: probe.account()["packets"])
        states = probe.processes()
        os.kill(states["nf-mgmt"].pid, signal.SIGSTOP)
        back(probe, "nf-mgmt", states["nf-mgmt"].pid)
        assert probe.processes()["nf-mgmt"].last_exit == "killed by SIGKILL"
        eventually(lambda: probe.account()["packets"] > seen)
    now = probe.processes()["nf-datapath"]
    assert (now.pid, now.restarts) == (states["nf-datapath"].pid, 0)
    assert probe.end() == 0


def test_the_end_reports_every_session_that_goes_on(start: Start, tmp_path: Path) -> None:
    probe = start("-i", SEES, *rows_into(tmp_path / "rows")).up()
    eventually(probe.capturing)
    probe.send(100, port=7001)
    eventually(lambda: probe.account()["packets"] >= 100)
    assert probe.end() == 0
    rows = [row for row in lines_of(tmp_path / "rows") if row["dst_port"] == 7001]
    assert rows[-1]["packets_up"] == 100
    assert not list((tmp_path / "rows").glob(".*"))


def test_a_change_that_needs_new_flows_reports_the_old_ones(start: Start, tmp_path: Path) -> None:
    probe = start("-i", SEES, *rows_into(tmp_path / "rows")).up()
    eventually(probe.capturing)
    probe.send(50, port=7002)
    eventually(lambda: probe.account()["packets"] >= 50)
    probe.set(("engine/workers", "2"))
    eventually(probe.capturing)
    probe.send(7, port=7002)
    eventually(lambda: probe.account()["packets"] >= 7)
    assert probe.end() == 0
    ended = [
        row["packets_up"]
        for row in lines_of(tmp_path / "rows")
        if row["dst_port"] == 7002 and row["end_reason"] != "active"
    ]
    assert ended == [50, 7]


def test_a_wrong_filter_is_refused_with_its_path_and_capture_goes_on(start: Start) -> None:
    probe = start("-i", SEES).up()
    eventually(probe.capturing)
    with pytest.raises(Exception, match="capture/filter") as told:
        probe.set(("capture/filter", "no such words"))
    assert "filter" in str(told.value)
    assert "no such words" not in json.dumps(probe.config("capture"))
    before = probe.account()["packets"]
    probe.send(10)
    eventually(lambda: probe.account()["packets"] >= before + 10)
    assert probe.end() == 0


def test_a_filter_takes_hold_while_it_runs(start: Start) -> None:
    probe = start("-i", SEES).up()
    eventually(probe.capturing)
    probe.set(("capture/filter", "udp port 7003"))
    before = probe.account()["processed"]
    probe.send(20, port=7004)
    probe.send(5, port=7003)
    eventually(lambda: probe.account()["processed"] >= before + 5)
    assert probe.account()["processed"] == before + 5
    assert probe.processes()["nf-datapath"].restarts == 0
    assert probe.end() == 0


def test_a_file_is_read_and_the_probe_ends(start: Start, captures: Path, tmp_path: Path) -> None:
    probe = start("-t", str(captures / "demo.pcap"), *rows_into(tmp_path / "rows"))
    assert probe.wait() == 0
    direct = subprocess.run(
        [sys.executable, "-m", "nf.cli", "read", str(captures / "demo.pcap"), "-o", "jsonl"],
        check=True,
        capture_output=True,
        text=True,
    )
    wanted = [json.loads(line)["community_id"] for line in direct.stdout.splitlines()]
    rows = [row for row in lines_of(tmp_path / "rows") if row["end_reason"] != "active"]
    assert sorted(row["community_id"] for row in rows) == sorted(wanted)


def test_sessions_of_a_file_that_go_on_are_reported_on_the_way(
    start: Start, captures: Path, tmp_path: Path
) -> None:
    more = ("-X", "reports/interval=2")
    probe = start("-t", str(captures / "imap.pcap"), *rows_into(tmp_path / "rows"), *more)
    assert probe.wait() == 0
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in lines_of(tmp_path / "rows"):
        rows.setdefault(row["session_id"], []).append(row)
    followed = [told for told in rows.values() if len(told) > 1]
    assert followed
    for told in followed:
        assert [row["end_reason"] == "active" for row in told] == [True] * (len(told) - 1) + [False]
        # The capture is 6.6 s long, however fast it is read.
        assert len(told) - 1 <= 3
        sums = [row["packets_up"] + row["packets_down"] for row in told]
        assert sums == sorted(sums)
    assert all(told[-1]["end_reason"] != "active" for told in rows.values())


def test_a_file_that_is_damaged_is_read_once_and_the_probe_says_so(
    start: Start, captures: Path, tmp_path: Path
) -> None:
    whole = gzip.compress((captures / "http-download.pcap").read_bytes())
    (tmp_path / "cut.pcap.gz").write_bytes(whole[: len(whole) // 2])
    probe = start("-t", str(tmp_path / "cut.pcap.gz"), *rows_into(tmp_path / "rows"))

    assert probe.wait() == 4
    assert "a file ended early" in probe.logged()
    assert probe.logged().count("started again") == 0
    assert lines_of(tmp_path / "rows")


def test_a_restart_can_be_asked_for_and_hup_reads_the_start_up(start: Start) -> None:
    probe = start("-i", SEES).up()
    with MonitorClient(probe.places.monitor_socket) as monitor:
        monitor.call(RestartProcess("nf-datapath"))
    eventually(lambda: probe.processes()["nf-datapath"].restarts == 1)
    eventually(probe.is_up)
    probe.set(("id", "9"))
    probe.process.send_signal(signal.SIGHUP)
    eventually(lambda: "9" not in json.dumps(probe.config("id")))
    assert probe.end() == 0


def test_a_wrong_value_on_the_command_line_ends_it_with_its_reason(start: Start) -> None:
    probe = start("-i", SEES, "-X", "engine/workers=many")
    assert probe.wait() != 0
    assert "workers" in probe.logged()


def test_when_the_monitor_is_killed_nobody_stays_behind(start: Start) -> None:
    probe = start("-i", SEES).up()
    pids = [one.pid for one in probe.processes().values()]
    os.kill(probe.processes()["nf-monitor"].pid, signal.SIGKILL)
    probe.wait()

    def gone() -> bool:
        return not any(Path(f"/proc/{pid}").exists() for pid in pids)

    eventually(gone)


def test_status_and_dumps_are_the_same_from_another_machine(start: Start, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    key = home / ".ssh" / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    probe = start("-i", SEES, NF_ADMIN_KEY=key.with_suffix(".pub").read_text()).up()
    eventually(probe.capturing)
    host = asyncssh.read_private_key(next(probe.places.state.rglob("ssh_host_ed25519_key")))
    known = host.export_public_key().decode()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:8300 {known}")

    def told(noun: str, *words: str) -> dict[str, Any]:
        done = subprocess.run(
            [
                *("ip", "netns", "exec", probe.space, sys.executable, "-m", "nf.cli", noun),
                *("-o", "json", *words),
            ],
            env={k: v for k, v in os.environ.items() if k != "SSH_AUTH_SOCK"} | {"HOME": str(home)},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    host_words = ("--host", "admin@127.0.0.1:8300")
    here = told("status", "--state-dir", str(probe.places.state))
    there = told("status", *host_words)
    assert [(one["name"], one["pid"], one["state"]) for one in there["processes"]] == [
        (one["name"], one["pid"], one["state"]) for one in here["processes"]
    ]
    assert there["capture"]["status"] == here["capture"]["status"] == "running"
    assert [one["name"] for one in there["capture"]["source"]] == [SEES]
    assert there["account"].keys() == here["account"].keys()

    with traffic(probe):
        dump = told("dump", *host_words, "--file", "far", "--packets", "5", "--wait")
    assert (dump["reason"], dump["packets"]) == ("count", "5")
    assert Path(dump["path"]).stat().st_size == int(dump["bytes"])
    assert [one["file"] for one in told("dump", *host_words, "--list")["kept"]] == ["far"]
    assert probe.end() == 0
