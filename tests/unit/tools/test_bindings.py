"""Classes of `make bindings`: what they write the model reads, and the other way round."""

import dataclasses
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nf._native.yang import Context
from nf.mgmt.legacy.importing import import_text
from nf.mgmt.legacy.vocabulary import Vocabulary
from nf.mgmt.schema import ModuleSet
from tools.bindings import generate

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "tests" / "unit" / "mgmt" / "legacy" / "shipped.conf"


@pytest.fixture(scope="module")
def context() -> Context:
    return Context(*ModuleSet.read().for_context())


@pytest.fixture(scope="module")
def file(context: Context, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bindings") / "nf_bindings.py"
    path.write_text(generate(context), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def bindings(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("nf_bindings", file)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def leaves_of(kind: Any) -> int:
    count = 0
    for member in dataclasses.fields(kind):
        inner = member.metadata.get("of")
        count += leaves_of(inner) if inner else 1
    return count


def test_every_leaf_of_the_probe_is_a_member(bindings: ModuleType, context: Context) -> None:
    data = [
        node
        for node in context.nodes()
        if node["path"].startswith("/nf-probe:probe/") and node["kind"] in {"leaf", "leaf-list"}
    ]
    assert leaves_of(bindings.Probe) == len(data)


def test_a_configuration_goes_through_the_classes_unchanged(
    bindings: ModuleType, context: Context
) -> None:
    made = import_text(SHIPPED.read_bytes(), "f.conf", Vocabulary.here(), folder="/opt/mmt")
    tree = context.parse(json.dumps(made.data).encode(), "json")

    probe = bindings.probe_from_xml(tree.to_xml())
    assert probe.id == 3
    assert probe.capture.interface[0].name == "enp0s3"
    again = context.parse(bindings.probe_to_xml(probe).encode(), "xml")
    assert json.loads(again.to_json()) == made.data


def test_what_is_written_is_an_edit(bindings: ModuleType, context: Context) -> None:
    probe = bindings.Probe(id=7)
    probe.capture.filter = "host 192.0.2.1 & <b>"
    tree = context.empty()
    tree.edit(bindings.probe_to_xml(probe, "replace").encode())
    found = json.loads(tree.to_json())["nf-probe:probe"]
    assert found == {"id": 7, "nf-capture:capture": {"filter": "host 192.0.2.1 & <b>"}}


def test_state_is_read_and_never_written(bindings: ModuleType) -> None:
    probe = bindings.Probe()
    probe.capture.state.status = "running"
    assert "running" not in bindings.probe_to_xml(probe)


def test_data_of_another_model_are_refused_with_what_to_do(bindings: ModuleType) -> None:
    strange = '<probe xmlns="urn:nf:yang:nf-probe"><later>1</later></probe>'
    with pytest.raises(bindings.BindingError, match="make the bindings anew"):
        bindings.probe_from_xml(strange)
    with pytest.raises(bindings.BindingError, match="no probe"):
        bindings.probe_from_xml("<data/>")
    probe = bindings.Probe()
    probe.reports.session.output.append("file")
    with pytest.raises(bindings.BindingError, match="no identity"):
        bindings.probe_to_xml(probe)


def test_a_type_checker_knows_them(file: Path) -> None:
    wrong = file.with_name("wrong.py")
    wrong.write_text("import nf_bindings\nnf_bindings.Probe(id='x')\n", encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--no-incremental",
            "--config-file=",
            file,
            wrong,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert len(errors) == 1, done.stdout
    assert '"id"' in errors[0]
