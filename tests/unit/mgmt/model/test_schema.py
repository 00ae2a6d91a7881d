"""The modules as the binding of libyang loads them: the same that pyang and yangson see."""

import json
from pathlib import Path
from typing import Any

import pytest

from nf.errors import ConfigurationError, YangError
from nf.mgmt.compiling import compile_settings
from nf.mgmt.effects import schema_path
from nf.mgmt.schema import ModuleSet, Schema
from tools.yang_model import Model, is_leaf

HIDDEN = {"choice", "case", "input", "output"}


def test_every_module_of_the_set_is_implemented_with_its_features(schema: Schema) -> None:
    implemented = {one.name: set(one.features) for one in schema.implemented()}

    assert {name: set(on) for name, on in ModuleSet.read().modules} == {
        name: implemented[name] for name, _ in ModuleSet.read().modules
    }


def test_libyang_and_pyang_see_the_same_leaves(schema: Schema, built_model: Model) -> None:
    names = {name for name, _ in ModuleSet.read().modules}
    ours = {
        schema_path(node.path)
        for node in built_model.nodes()
        # `replay-start-time` of RFC 8639 says what it is even within operations.
        if is_leaf(node)
        and node.config is not None
        and not within_operation(schema, schema_path(node.path))
    }
    theirs = {
        data_path(schema, node["path"])
        for node in schema.nodes
        if node["kind"] in {"leaf", "leaf-list"}
        and node["module"] in names
        and not within_operation(schema, node["path"])
    }

    assert ours - theirs == set()
    assert {path for path in theirs - ours if path.startswith("/nf-")} == set()


def kinds(schema: Schema) -> dict[str, str]:
    return {schema_path(node["path"]): node["kind"] for node in schema.nodes}


def data_path(schema: Schema, path: str) -> str:
    known, steps, kept = kinds(schema), schema_path(path).split("/")[1:], ""
    for number, step in enumerate(steps, 1):
        if known.get("/" + "/".join(steps[:number])) not in {"choice", "case"}:
            kept += f"/{step}"
    return kept


def within_operation(schema: Schema, path: str) -> bool:
    top = "/" + schema_path(path).split("/")[1]
    return kinds(schema).get(top) in {"rpc", "action", "notification"}


def test_a_change_has_the_same_effect_by_either(schema: Schema) -> None:
    base = "/nf-probe:probe/nf-capture:capture"

    assert schema.resets.effect_at(f"{base}/file/path[.='/a']") == "flows"
    assert schema.resets.effect_at(f"{base}/interface[name='e']/wait") == "capture"
    assert schema.resets.effect_at(f"{base}/filter") == "live"


@pytest.mark.parametrize("name", ["live", "replay"])
def test_the_examples_are_valid_and_make_the_settings_that_the_oracle_makes(
    schema: Schema, oracle: Any, examples: Any, name: str
) -> None:
    tree = schema.context.parse(json.dumps(examples[name]).encode(), "json")
    tree.validate()

    settings = compile_settings(tree.to_data())

    assert settings == compile_settings(oracle.with_defaults(examples[name]))


def test_an_empty_configuration_is_valid_and_makes_settings(schema: Schema, oracle: Any) -> None:
    tree = schema.context.empty()
    tree.validate()

    assert compile_settings(tree.to_data()) == compile_settings(oracle.with_defaults({}))


def test_everything_with_all_features_loads(schema_of_all: Schema) -> None:
    assert "security" in {
        node["name"] for node in schema_of_all.nodes if node["module"] == "nf-security"
    }


def test_a_refusal_carries_the_tag_and_the_path_of_the_model(schema: Schema) -> None:
    data = {"nf-probe:probe": {"nf-outputs:outputs": {"file": {"enabled": True}}}}
    tree = schema.context.parse(json.dumps(data).encode(), "json")

    with pytest.raises(YangError) as refused:
        tree.validate()

    problem = refused.value.errors[0]
    assert problem.app_tag == "file-directory"
    assert problem.path == "/nf-probe:probe/nf-outputs:outputs/file/enabled"


def test_a_set_whose_modules_are_not_there_is_refused(tmp_path: Path) -> None:
    modules = ModuleSet((tmp_path,), (("no-such-module", ()),), {})

    with pytest.raises(ConfigurationError, match="no-such-module"):
        Schema(modules)


def test_a_list_of_modules_that_is_none_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "modules.toml"
    path.write_text("search = 5")

    with pytest.raises(ConfigurationError) as refused:
        ModuleSet.read(path)

    assert refused.value.place == str(path)
