"""What processes tell becomes notifications that the schema takes."""

import json
from typing import Any

import pytest

from nf._native.yang import Context
from nf.datapath import control
from nf.mgmt.happenings import Happenings
from nf.mgmt.schema import ModuleSet


class Kept:
    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def publish(self, notification: dict[str, Any]) -> None:
        self.told.append(notification)


@pytest.fixture(scope="module")
def schema() -> Context:
    return Context(*ModuleSet.read().for_context())


def one(kept: Kept, schema: Context, name: str) -> dict[str, Any]:
    [told] = kept.told
    assert list(told) == [name]
    # Counters of 64 bits are text in JSON (RFC 7951 section 6.1).
    wide = {"lost", "total", "dropped", "sessions"}
    body = {k: str(v) if k in wide else v for k, v in told[name].items()}
    assert not schema.notification(json.dumps({name: body}).encode(), "json").is_empty()
    found: dict[str, Any] = told[name]
    return found


def no_rows(kind: str, lines: bytes) -> None:
    raise AssertionError(f"rows of kind {kind}: {lines!r}")


def happenings_of(kept: Kept) -> Happenings:
    return Happenings(kept, no_rows)


@pytest.mark.parametrize("state", ["running", "stopped", "ended", "failed"])
def test_states_of_the_capture(schema: Context, state: str) -> None:
    kept = Kept()
    happenings_of(kept).datapath_told(control.CaptureState(state, "gone"))
    told = one(kept, schema, "nf-capture:capture-state")
    assert told == {"status": state, "reason": "gone"}


def test_losses_add_up_by_cause(schema: Context) -> None:
    kept = Kept()
    happenings = happenings_of(kept)
    happenings.datapath_told(control.CaptureLoss({"kernel_drops": 3}))
    kept.told.clear()
    happenings.datapath_told(control.CaptureLoss({"kernel_drops": 4}))
    told = one(kept, schema, "nf-capture:capture-loss")
    assert (told["cause"], told["lost"], told["total"]) == ("kernel", 4, 7)


@pytest.mark.parametrize("state", ["up", "down"])
def test_states_of_an_output(schema: Context, state: Any) -> None:
    kept = Kept()
    happenings_of(kept).datapath_told(control.OutputState("file", state, "", 5))
    assert one(kept, schema, "nf-outputs:output-state")["dropped"] == 5


@pytest.mark.parametrize("reason", ["configuration", "operator"])
def test_flows_that_begin_anew(schema: Context, reason: Any) -> None:
    kept = Kept()
    happenings_of(kept).datapath_told(control.FlowStateReset(reason, 9))
    assert one(kept, schema, "nf-dpi:flow-state-reset") == {"reason": reason}


def test_a_datapath_that_came_back(schema: Context) -> None:
    kept = Kept()
    happenings_of(kept).datapath_returned()
    assert one(kept, schema, "nf-dpi:flow-state-reset") == {"reason": "process"}


@pytest.mark.parametrize("state", ["ended", "failed"])
def test_a_file_that_was_replayed(schema: Context, state: Any) -> None:
    kept = Kept()
    happenings_of(kept).datapath_told(control.ReplayState("/x.pcap", state, "", {"packets": 1}))
    assert one(kept, schema, "nf-capture:capture-state")["source"] == "/x.pcap"


@pytest.mark.parametrize("reason", ["duration", "count", "size", "stopped", "disk-full", "failed"])
def test_a_dump_that_ended(schema: Context, reason: Any) -> None:
    kept = Kept()
    ended = control.DumpEnded("some.pcapng", reason, "because", 2**40, 3, 400, 1)
    happenings_of(kept).datapath_told(ended)
    told = one(kept, schema, "nf-capture:dump-ended")
    assert (told["reason"], told["message"], told["seen"]) == (reason, "because", str(2**40))


@pytest.mark.parametrize(("name", "word"), [("nf-datapath", "datapath"), ("nf-mgmt", "management")])
def test_a_process_that_was_started_again(schema: Context, name: str, word: str) -> None:
    kept = Kept()
    happenings_of(kept).process_restarted(name, "killed by SIGKILL", 77, 2)
    told = one(kept, schema, "nf-probe:process-restarted")
    assert told == {"name": word, "reason": "killed by SIGKILL", "pid": 77, "restarts": 2}
