"""State as the model writes it: what a real engine counts is valid data of the schema."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from nf._native.engine import Engine
from nf._native.yang import Context
from nf.datapath.config import EngineConfig
from nf.datapath.datapath import counters
from nf.errors import ChannelError
from nf.mgmt.schema import ModuleSet
from nf.mgmt.sources.probe import ProbeState
from nf.mgmt.sources.statistics import SUMS, statistics_state
from nf.process.monitoring import ProcessState


@pytest.fixture(scope="module")
def context() -> Context:
    return Context(*ModuleSet.read().for_context())


@pytest.fixture(scope="module")
def groups(captures: Path) -> dict[str, Any]:
    config = EngineConfig(
        files=(str(captures / "demo.pcap"),), reports=("session", "protocol", "app")
    )
    engine = Engine(config.to_json())
    while engine.poll(1000, 1.0) is not None:
        pass
    counted = counters(engine, SUMS)
    counted["capture"] = {"state": "ended", "error": "", "since": 1_700_000_000.5}
    counted["outputs"] = [
        {
            "name": "file",
            "state": "down",
            "last_error": "no space left",
            "since": 1_700_000_000.5,
            "last_error_at": 1_700_000_001.5,
            "connection": "/d",
            **dict.fromkeys(("queued_rows", "written_rows", "written_bytes"), 1),
            **dict.fromkeys(("dropped_rows", "errors", "queued_bytes", "dropped_bytes"), 2),
        }
    ]
    return counted


class Datapath:
    def __init__(self, groups: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        self.trouble = ""
        self.groups = groups
        self.rows = rows

    def stats(self, sums: tuple[Any, ...] = ()) -> dict[str, Any]:
        assert sums == SUMS
        if not self.groups:
            raise ChannelError("it is gone", "there", "wait")
        return json.loads(json.dumps(self.groups))  # type: ignore[no-any-return]

    def sessions(self, limit: int, order_by: str, where: str) -> list[dict[str, Any]]:
        assert (limit, order_by, where) == (100, "bytes", "")
        return self.rows


def processes() -> tuple[ProcessState, ...]:
    return (
        ProcessState("nf-monitor", os.getpid(), "running", "", 1.5, 2.0, 0, ""),
        ProcessState("nf-datapath", 0, "failed", "", 0.0, 0.0, 3, "killed by SIGKILL"),
    )


def valid(context: Context, state: dict[str, Any]) -> None:
    """As management takes it into the tree; what is not of the schema is refused."""
    tree = context.empty()
    tree.merge_data(state)
    assert not tree.is_empty()


def test_everything_that_an_engine_counts_is_valid(
    context: Context, groups: dict[str, Any]
) -> None:
    state = ProbeState(Datapath(groups, []), processes, "1.2.3").get()
    probe = state["nf-probe:probe"]
    account = probe["nf-dpi:engine"]["state"]["account"]
    fates = ("kernel-drops", "dispatch-drops", "filtered", "light-only", "decode-errors")
    assert account["packets"] == sum(account[name] for name in (*fates, "processed"))
    assert {one["app"] for one in probe["nf-dpi:statistics"]["application"]}
    assert probe["nf-capture:capture"]["state"]["source"][0]["kind"] == "capture-file"
    assert probe["nf-outputs:outputs"]["output"][0]["state"]["last-error"] == "no space left"
    assert all("active" in one for one in probe["nf-dpi:statistics"]["protocol"])
    flows = probe["nf-dpi:engine"]["state"]["flows"]
    assert flows["begun"] == flows["ended"] + flows["active"]
    assert flows["capacity"] == EngineConfig().max_sessions
    own, other = probe["processes"]["process"]
    assert own["memory"] > 1 << 20
    assert (other["state"], other["restarts"]) == ("failed", 3)
    assert "pid" not in other
    valid(context, state)


def test_live_sessions_are_valid(context: Context, groups: dict[str, Any], captures: Path) -> None:
    engine = Engine(EngineConfig(files=(str(captures / "demo.pcap"),), risks=True).to_json())
    rows: list[dict[str, Any]] = []
    while (batches := engine.poll(1000, 1.0)) is not None:
        for batch in batches:
            rows += batch.to_dicts()
    running = {**groups, "capture": {"state": "running", "error": "", "since": 1.0}}
    state = ProbeState(Datapath(running, rows), processes, "1").get()
    listed = state["nf-probe:probe"]["nf-dpi:sessions"]["session"]
    assert len(listed) == min(100, len(rows))
    assert listed[0]["start"].endswith("Z")
    valid(context, state)


def test_a_datapath_that_is_gone_leaves_the_processes_and_its_reason(context: Context) -> None:
    state = ProbeState(Datapath({}, []), processes, "1").get()
    capture = state["nf-probe:probe"]["nf-capture:capture"]["state"]
    assert capture == {"status": "failed", "error": "it is gone"}
    assert len(state["nf-probe:probe"]["processes"]["process"]) == 2
    valid(context, state)


def test_trouble_with_the_configuration_is_told(groups: dict[str, Any]) -> None:
    datapath = Datapath(groups, [])
    datapath.trouble = "no such interface (interfaces[0])"
    state = ProbeState(datapath, processes, "1").get()
    assert "no such" in state["nf-probe:probe"]["nf-capture:capture"]["state"]["error"]


def test_an_application_that_is_called_as_a_protocol_is_told_once() -> None:
    row = {"app": "zoom", "packets": 1, "bytes": 2, "payload": 3, "sessions": 4, "active": 5}
    sums = {"app": [{**row, "category": ""}, {**row, "category": "conference"}]}

    told = statistics_state({"sums": sums})["nf-dpi:statistics"]["application"]

    assert told == [
        {
            "app": "zoom",
            "category": "conference",
            "packets": 2,
            "bytes": 4,
            "payload": 6,
            "sessions": 8,
            "active": 10,
        }
    ]
