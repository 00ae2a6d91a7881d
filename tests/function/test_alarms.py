"""Alarms of a probe under traffic: each is provoked, and over when its cause is."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from nf.mgmt.local import Read
from tests.function.conftest import PATIENCE, SEES, SENDER, Probe, Start, eventually

MANY = 400
"""Sessions that are sent, each of its own port, where there is room for few."""


def alarm(probe: Probe, kind: str, resource: str) -> dict[str, Any] | None:
    told = json.loads(probe.ask(Read("operational", "/ietf-alarms:alarms")).text)
    for one in told["ietf-alarms:alarms"]["alarm-list"].get("alarm", ()):
        if (one["alarm-type-id"], one["resource"]) == (f"nf-alarms:{kind}", resource):
            return dict(one)
    return None


def is_raised(probe: Probe, kind: str, resource: str) -> dict[str, Any] | None:
    found = alarm(probe, kind, resource)
    return found if found is not None and not found["is-cleared"] else None


def is_over(probe: Probe, kind: str, resource: str) -> dict[str, Any] | None:
    found = alarm(probe, kind, resource)
    return found if found is not None and found["is-cleared"] else None


def sessions(probe: Probe) -> None:
    """Sends a packet of each of many sessions."""
    words = [sys.executable, str(SENDER), str(MANY), "7000", "--ports"]
    command = ["ip", "netns", "exec", probe.space, *words]
    subprocess.run(command, check=True, timeout=PATIENCE)


def test_a_table_of_sessions_that_is_full_is_an_alarm_until_it_is_new(start: Start) -> None:
    few = ("-X", "engine/max-sessions=64", "-X", "engine/table-full=refuse")
    probe = start("-i", SEES, *few).up()
    eventually(probe.capturing)
    sessions(probe)
    raised = eventually(lambda: is_raised(probe, "table-full", "sessions"))
    assert raised["perceived-severity"] == "major"
    assert "max-sessions" in raised["alarm-text"]

    probe.set(("engine/max-sessions", "100000"))
    over = eventually(lambda: is_over(probe, "table-full", "sessions"))
    assert over["status-change"][0]["alarm-text"] == "the tables are new"
    assert probe.end() == 0


def test_a_configuration_that_is_not_applied_is_an_alarm_until_it_is(
    start: Start, tmp_path: Path
) -> None:
    applications = tmp_path / "mine.conf"
    probe = start("-i", SEES).up()
    eventually(probe.capturing)
    applications.write_text("[mine]\ncategory = business\nhosts = mine.example\n")
    probe.set(("engine/applications/file", str(applications)))
    # It was right when it was committed; a datapath that begins anew finds it wrong.
    good = applications.read_text()
    applications.write_text("no applications\n")
    os.kill(probe.processes()["nf-datapath"].pid, signal.SIGKILL)
    raised = eventually(lambda: is_raised(probe, "configuration-not-applied", "datapath"))
    assert raised["perceived-severity"] == "critical"
    assert str(applications) in raised["alarm-text"]

    # Management that is killed knows of it still, once it is written.
    kept = probe.places.state / "alarms.json"
    eventually(lambda: "configuration-not-applied" in kept.read_text())
    before = probe.processes()["nf-mgmt"].pid
    os.kill(before, signal.SIGKILL)
    eventually(lambda: probe.processes()["nf-mgmt"].pid not in {0, before})
    eventually(lambda: is_raised(probe, "configuration-not-applied", "datapath"))

    applications.write_text(good)
    eventually(lambda: is_over(probe, "configuration-not-applied", "datapath"))
    again = alarm(probe, "configuration-not-applied", "datapath")
    assert again is not None
    assert again["time-created"] == raised["time-created"]
    assert alarm(probe, "process-restarted", "management") is not None
    assert probe.end() == 0
