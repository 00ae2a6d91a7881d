"""Every counter of the engine has a leaf, and every leaf of its accounts is such a counter."""

import json
from pathlib import Path
from typing import Any

import pytest

from nf._native.engine import Engine
from tools.yang_model import Model, is_leaf

STATE = "/nf-probe:probe/nf-dpi:engine/state"
SOURCE = "/nf-probe:probe/nf-capture:capture/state/source"

WORKER = {"sessions": "begun", "alive": "active", "table-bytes": "pool", "held-bytes": "pool"}
"""Counters of a worker whose leaf has another name, or is an entry of a list."""
ELSEWHERE = {
    "sessions": f"{STATE}/flows/ended",
    "orphan-fragments": f"{STATE}/flows/orphan-fragments",
    "clock-leaps-followed": f"{STATE}/clock/leaps",
    "clock-suspects": f"{STATE}/clock/suspects",
}


@pytest.fixture(scope="module")
def stats() -> dict[str, Any]:
    capture = Path(__file__).parents[3] / "captures" / "http.pcap"
    engine = Engine(json.dumps({"files": [str(capture)]}))
    while engine.poll(10_000, 1.0) is not None:
        pass
    return engine.stats()


def kebab(names: Any) -> set[str]:
    return {name.replace("_", "-") for name in names}


def leaves(model: Model, above: str) -> set[str]:
    return {
        node.name
        for node in model.nodes()
        if is_leaf(node) and node.path.rpartition("/")[0] == above
    }


def paths(model: Model) -> set[str]:
    return {node.path for node in model.nodes()}


def test_the_account_is_the_engines(model: Model, stats: dict[str, Any]) -> None:
    counted = kebab(stats["account"]) - set(ELSEWHERE)

    # What is in flight is told beside the account.
    assert leaves(model, f"{STATE}/account") == counted | {"in-flight"}


def test_every_counter_of_a_worker_has_its_leaf(model: Model, stats: dict[str, Any]) -> None:
    counted = {WORKER.get(name, name) for name in kebab(stats["workers"][0])}

    assert counted - leaves(model, f"{STATE}/worker") == {"pool"}
    assert f"{STATE}/worker/pool/used" in paths(model)


def test_every_counter_of_a_source_has_its_leaf(model: Model, stats: dict[str, Any]) -> None:
    counted = kebab(stats["source"])

    assert counted - set(ELSEWHERE) - leaves(model, SOURCE) == set()
    assert set(ELSEWHERE.values()) <= paths(model)
