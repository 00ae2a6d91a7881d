"""One number behind all views: gNMI, metrics and the state that NETCONF reads, under traffic."""

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from nf.cli.exits import CONFIGURATION
from tests.function.conftest import PATIENCE, SEES, Probe, Start, eventually

ROOT = Path(__file__).resolve().parents[2]
SENT = 500


def test_counters_move_in_a_stream_and_are_equal_in_all_views(start: Start) -> None:
    probe = start(
        *("-i", SEES),
        *("-X", "telemetry/gnmi/listen[t]/address=127.0.0.1"),
        *("-X", "telemetry/gnmi/listen[t]/port=9339"),
        *("-X", "telemetry/metrics/enabled=true"),
    ).up()
    eventually(probe.capturing)
    command = ("tests.function.streaming_client", "9339", "9464", "a password of the test")
    client = subprocess.Popen(
        ["ip", "netns", "exec", probe.space, sys.executable, "-m", *command],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdin is not None
    assert client.stdout is not None
    try:
        first = json.loads(client.stdout.readline())["first"]
        client.stdin.write(f"{SENT}\n")
        client.stdin.flush()
        probe.send(SENT)
        said, _ = client.communicate(timeout=PATIENCE)
    finally:
        client.kill()
        client.wait()
        client.stdin.close()
        client.stdout.close()
    found = json.loads(said)

    before = first["/probe/capture/state/source[name=v1]/packets"]
    assert found["seen"] == sorted(found["seen"])
    assert found["got"] == found["scraped"] == before + SENT
    read = next(one for one in probe.state("capture/state")["source"] if one["name"] == SEES)
    assert int(read["packets"]) == found["got"]
    assert found["changed"] == 77
    assert probe.config("id")["nf-probe:probe"]["id"] == 77


@contextlib.contextmanager
def traffic(probe: Probe) -> Iterator[None]:
    """Packets through v0, until the end."""
    sender = Path(__file__).with_name("sender.py")
    command = ["ip", "netns", "exec", probe.space, sys.executable, str(sender), "100000000", "5000"]
    running = subprocess.Popen(command)
    try:
        yield
    finally:
        running.kill()
        running.wait()


def test_sessions_and_notifications_are_told_to_a_subscriber(start: Start) -> None:
    probe = start(
        *("-i", SEES),
        *("-X", "telemetry/gnmi/listen[t]/address=127.0.0.1"),
        *("-X", "outputs/telemetry/enabled=true"),
        *("-X", "outputs/telemetry/kept=3"),
        *("-X", "reports/session/enabled=true"),
        *("-X", "reports/interval=1"),
    ).up()
    eventually(probe.capturing)
    command = ("tests.function.events_client", "a password of the test")
    with traffic(probe):
        said = subprocess.run(
            ["ip", "netns", "exec", probe.space, sys.executable, "-m", *command],
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=2 * PATIENCE,
        ).stdout
    told = json.loads(said.splitlines()[-1])
    session, notification = told["found"]["session"], told["found"]["notification"]

    start_told = told["found"]["session-start"]
    assert session["atomic"]
    assert start_told["atomic"]
    assert notification["atomic"]
    names = {path.rpartition("/")[2] for path in session}
    assert {"number", "time", "src-ip", "packets-up", "path", "protocol"} <= names
    assert "packets-up" not in {path.rpartition("/")[2] for path in start_told}
    assert int(told["deleted"]) >= 1
    entries = {path.rpartition("/")[0] for path in told["state"] if "/session[" in path}
    assert 1 <= len(entries) <= 3


def test_certificates_are_installed_and_hosts_pinged_by_gnoi(start: Start, tmp_path: Path) -> None:
    probe = start(*("-i", SEES), *("-X", "telemetry/gnmi/listen[t]/address=127.0.0.1")).up()
    inside = ("ip", "netns", "exec", probe.space)
    subprocess.run([*inside, "sysctl", "-qw", "net.ipv4.ping_group_range=0 0"], check=True)
    (tmp_path / "authority").mkdir()
    command = ("tests.function.gnoi_client", "a password of the test", str(tmp_path / "authority"))
    said = subprocess.run(
        [*inside, sys.executable, "-m", *command],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=2 * PATIENCE,
    ).stdout
    told = json.loads(said.splitlines()[-1])

    assert told["same"]
    assert told["changed"] > 0
    assert told["pong"] == 1


@contextlib.contextmanager
def prometheus(probe: Probe, folder: Path) -> Iterator[int]:
    """Debian's Prometheus with the example's configuration; its port, 0 where it is missing."""
    program = shutil.which("prometheus")
    if program is None:
        yield 0
        return
    example = (ROOT / "examples/prometheus/prometheus.yml").read_text()
    assert "scrape_interval: 5s" in example
    file = folder / "prometheus.yml"
    file.write_text(
        example.replace("scrape_interval: 5s", "scrape_interval: 500ms\n  scrape_timeout: 500ms")
    )
    words = (
        program,
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:9090",
    )
    with (folder / "prometheus.log").open("wb") as log:
        command = ["ip", "netns", "exec", probe.space, *words]
        running = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield 9090
        finally:
            running.terminate()
            running.wait(PATIENCE)


def test_every_number_of_a_held_moment_is_the_same_in_all_views(
    start: Start, tmp_path: Path
) -> None:
    probe = start(
        *("-i", SEES),
        *("-X", "telemetry/gnmi/listen[t]/address=127.0.0.1"),
        *("-X", "telemetry/metrics/enabled=true"),
    ).up()
    eventually(probe.capturing)
    words = (str(tmp_path / "state"), "a password of the test")
    with traffic(probe), prometheus(probe, tmp_path) as port:
        eventually(lambda: probe.account()["processed"] > 0)
        command = ("tests.function.equality_client", *words, str(port))
        said = subprocess.run(
            ["ip", "netns", "exec", probe.space, sys.executable, "-m", *command],
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=3 * PATIENCE,
        ).stdout
    found = json.loads(said)
    read = found["read"]

    assert len(read["gnmi"]) > 100
    for view in ("netconf", "metrics", "cli"):
        assert read[view] == read["gnmi"], view
    assert found["again"] == read["gnmi"]
    taken = datetime.fromisoformat(found["taken"]).timestamp()
    assert abs(taken - found["stamp"] / 1e9) < 0.001
    if not port:
        pytest.skip("NOT RUN with prometheus: it is not installed (apt-get install prometheus)")
    assert {at: float(value) for at, value in read["prometheus"].items()} == {
        at: float(value) for at, value in read["gnmi"].items()
    }
    assert found["failed"] == []


def test_the_command_line_issues_lists_and_revokes_tokens(start: Start, tmp_path: Path) -> None:
    start().up()

    def nf(*words: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "nf.cli", "token", *words)
        return subprocess.run(
            (*command, "--state-dir", str(tmp_path / "state")),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    token = nf("issue", "admin", "--for", "60").stdout.strip()
    [listed] = json.loads(nf("list", "-o", "json").stdout)

    assert token.startswith("nf_")
    assert listed["user"] == "admin"
    assert token not in (tmp_path / "state/tokens.json").read_text()
    assert listed["id"] in nf("list").stdout
    assert nf("revoke", listed["id"]).returncode == 0
    assert json.loads(nf("list", "-o", "json").stdout) == []
    again = nf("revoke", listed["id"])
    assert (again.returncode, "there is no token" in again.stderr) == (CONFIGURATION, True)
