"""A commit that nobody confirms goes back under traffic, and no packet is lost by it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from time import monotonic

from tests.function.conftest import PATIENCE, SEES, SENDER, Probe, Start, eventually
from tests.function.netconf import BASE, Netconf

PACKETS = 2_000
"""Of one sender; another follows for as long as it takes."""

CHANGE = """<probe xmlns="urn:nf:yang:nf-probe"><id>77</id>
  <capture xmlns="urn:nf:yang:nf-capture"><filter>ip or not ip</filter></capture>
  <engine xmlns="urn:nf:yang:nf-dpi"><timeouts><short>33</short></timeouts></engine></probe>"""
"""Number, filter and timeout: three providers have something to take back; all packets pass."""


def sender(probe: Probe) -> "subprocess.Popen[bytes]":
    words = [sys.executable, str(SENDER), str(PACKETS), "6000", "1000"]
    return subprocess.Popen(["ip", "netns", "exec", probe.space, *words])


def commit_that_waits(probe: Probe, seconds: int) -> list[str]:
    """Commits the change over NETCONF; number, filter and timeout in force while it waits.

    It persists, so that the end of the session does not take it back: only time or a crash does.
    """
    edit = (
        f"<edit-config xmlns='{BASE}'><target><candidate/></target>"
        f"<config>{CHANGE}</config></edit-config>"
    )
    commit = (
        f"<commit xmlns='{BASE}'><confirmed/><confirm-timeout>{seconds}</confirm-timeout>"
        "<persist>of a test</persist></commit>"
    )
    with Netconf(probe) as client:
        for body in (edit, commit):
            answer = client.ask(body)
            assert answer.ok, answer.errors
        running = client.running()
        return [text for name in ("id", "filter", "short") for text in running.texts(name)]


def loses_nothing(probe: Probe, change: Callable[[], None], over: Callable[[], bool]) -> None:
    """Packets before the change, all the while, and after it is over: each of them is counted."""
    datapath = probe.processes()["nf-datapath"].pid
    before = probe.account()["packets"]
    until = monotonic() + PATIENCE
    sent, sending = PACKETS, sender(probe)
    try:
        eventually(lambda: probe.account()["packets"] > before)
        change()
        while not (done := over()) or sending.poll() is None:
            assert done or monotonic() < until, "the commit never went back"
            if sending.poll() is not None:
                assert sending.returncode == 0
                sent, sending = sent + PACKETS, sender(probe)
        assert sending.returncode == 0
    finally:
        sending.kill()
        sending.wait()

    eventually(lambda: probe.account()["packets"] >= before + sent)
    account = probe.account()
    assert account["packets"] == before + sent
    assert account["kernel-drops"] == account["dispatch-drops"] == account["filtered"] == 0
    assert account["processed"] + account.get("in-flight", 0) == account["packets"]
    now = probe.processes()["nf-datapath"]
    assert (now.pid, now.restarts) == (datapath, 0)


def test_a_commit_that_expires_under_traffic_is_taken_back_and_loses_no_packet(
    start: Start,
) -> None:
    probe = start("-i", SEES).up()
    eventually(probe.capturing)
    original = probe.config()

    def change() -> None:
        assert {"77", "ip or not ip", "33"} <= set(commit_that_waits(probe, 8))

    loses_nothing(probe, change, lambda: bool(probe.config() == original))
    assert probe.processes()["nf-mgmt"].restarts == 0
    assert probe.end() == 0


def test_management_killed_while_a_commit_waits_comes_back_without_it(start: Start) -> None:
    probe = start("-i", SEES).up()
    eventually(probe.capturing)
    original = probe.config()
    killed = probe.processes()["nf-mgmt"].pid

    def change() -> None:
        # Far longer than the test waits: it is the crash that takes it back.
        assert "77" in commit_that_waits(probe, 3600)
        assert probe.config() != original
        os.kill(killed, signal.SIGKILL)

        def back() -> bool:
            now = probe.processes()["nf-mgmt"]
            return now.state == "running" and now.pid not in {0, killed}

        eventually(back)
        eventually(lambda: probe.config() == original)

    loses_nothing(probe, change, lambda: bool(probe.config() == original))
    assert probe.end() == 0
