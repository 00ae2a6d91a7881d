"""What a change brings with it follows from the model."""

from dataclasses import dataclass
from typing import Any

import pytest

from nf.errors import ConfigurationError
from nf.mgmt.effects import Resets, schema_path
from tools.yang_model import Model

CAPTURE = "/nf-probe:probe/nf-capture:capture"
ENGINE = "/nf-probe:probe/nf-dpi:engine"


@dataclass
class Changed:
    path: str


@pytest.fixture
def resets(model: Model) -> Resets:
    return Resets(
        {"path": node.path, "kind": node.kind, "extensions": node.extensions}
        for node in model.nodes()
    )


@pytest.mark.parametrize(
    ("path", "effect"),
    [
        ("/nf-probe:probe/id", "live"),
        (f"{CAPTURE}/filter", "live"),
        (f"{CAPTURE}/snap-length", "capture"),
        (f"{CAPTURE}/interface[name='eth0']", "capture"),
        (f"{CAPTURE}/interface[name='e]/th']/wait", "capture"),
        (f"{CAPTURE}/file/path[.='/a[b]/c.pcap']", "flows"),
        (f"{CAPTURE}/file", "flows"),
        (f"{ENGINE}/workers", "flows"),
        (f"{ENGINE}/timeouts/short", "live"),
        (f"{ENGINE}/nf-dpi:max-held-bytes", "flows"),
        (f"{CAPTURE}/dpdk/eal-args", "process"),
        ("/nf-probe:probe/nf-reports:reports/event[name='x']/attribute[.='a.b']", "live"),
    ],
)
def test_a_change_has_the_effect_that_the_model_names(
    resets: Resets, path: str, effect: str
) -> None:
    assert resets.effect_of([Changed(path)]) == effect


def test_several_changes_have_the_greatest_effect_of_all(resets: Resets) -> None:
    paths = [f"{CAPTURE}/filter", f"{ENGINE}/workers", f"{CAPTURE}/snap-length"]

    assert resets.effect_of([Changed(path) for path in paths]) == "flows"


def test_no_change_has_no_effect(resets: Resets) -> None:
    assert resets.effect_of([]) == "live"


def test_a_scope_that_there_is_not_is_refused() -> None:
    node: dict[str, Any] = {
        "path": "/m:a",
        "kind": "leaf",
        "extensions": [{"name": "nf:reset", "argument": "moon"}],
    }

    with pytest.raises(ConfigurationError, match="moon"):
        Resets([node])


def test_choices_are_no_steps_of_a_path_in_data() -> None:
    reset = [{"name": "nf:reset", "argument": "flows"}]
    kinds = [("/m:a", "container"), ("/m:a/b", "choice"), ("/m:a/b/c", "case")]
    nodes = [{"path": path, "kind": kind, "extensions": []} for path, kind in kinds]
    resets = Resets([*nodes, {"path": "/m:a/b/c/d", "kind": "leaf", "extensions": reset}])

    assert resets.effect_at("/m:a/d") == "flows"


def test_steps_carry_their_module_on() -> None:
    assert schema_path("/a:b/c[k='x/y']/d:e/f") == "/a:b/a:c/d:e/d:f"
