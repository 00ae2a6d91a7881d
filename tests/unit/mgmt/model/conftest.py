"""yangson as the oracle: what is valid by the modules, and which data has which defaults."""

import json
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from yangson import DataModel
from yangson.enumerations import ContentType
from yangson.exceptions import YangsonException

from nf.mgmt.schema import ModuleSet, Schema
from tools.yang_model import Model

REVISION = re.compile(r'^ *revision +"?(\d{4}-\d\d-\d\d)', flags=re.MULTILINE)


def module_files() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in ModuleSet.read().search:
        for path in folder.glob("*.yang"):
            found.setdefault(path.stem, path)
    return found


def entry(name: str, path: Path, features: tuple[str, ...] | None) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    namespace = re.search(r'namespace\s+"?([^"\s;]+)', text)
    assert namespace, name
    return {
        "name": name,
        "revision": max(REVISION.findall(text)),
        "namespace": namespace[1],
        "feature": [*(features or ())],
        "conformance-type": "import" if features is None else "implement",
    }


def library(features: dict[str, tuple[str, ...]]) -> str:
    modules = [entry(name, path, features.get(name)) for name, path in module_files().items()]
    state = {"module-set-id": "nf", "module": modules}
    return json.dumps({"ietf-yang-library:modules-state": state})


class Oracle:
    """The data model, with the features that are enabled or with all of ours."""

    def __init__(self, *, all_features: bool = False) -> None:
        features = dict(ModuleSet.read().modules)
        if all_features:
            features |= {
                name: (*features[name], *off) for name, off in ModuleSet.read().off.items()
            }
        folders = tuple(str(folder) for folder in ModuleSet.read().search)
        self.model = DataModel(library(features), folders)

    def complaint(self, data: dict[str, Any]) -> str | None:
        """What is wrong with a configuration: an app-tag where there is one, else the exception."""
        try:
            instance = self.model.from_raw(data).add_defaults(ContentType.config)
            instance.validate(ctype=ContentType.config)
        except YangsonException as error:
            return getattr(error, "tag", None) or str(error)
        return None

    def with_defaults(self, data: dict[str, Any]) -> dict[str, Any]:
        """As libyang's trees give it to compile_settings()."""
        plain = _plain(self.model.from_raw(data).add_defaults(ContentType.config).value)
        assert isinstance(plain, dict)
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple) and len(value) == 2:
        return f"{value[1]}:{value[0]}"
    return value


@cache
def _oracle(all_features: bool) -> Oracle:
    return Oracle(all_features=all_features)


@pytest.fixture
def oracle() -> Oracle:
    return _oracle(all_features=False)


@pytest.fixture
def oracle_of_all() -> Oracle:
    return _oracle(all_features=True)


@cache
def _model(enabled: bool) -> Model:
    return Model.ours(enabled=enabled)


@pytest.fixture
def model() -> Model:
    """Everything that is modelled."""
    return _model(enabled=False)


@pytest.fixture
def built_model() -> Model:
    """What this build has."""
    return _model(enabled=True)


@cache
def _schema(all_features: bool) -> Schema:
    chosen = ModuleSet.read()
    modules = tuple((name, (*on, *chosen.off[name])) for name, on in chosen.modules)
    return Schema(ModuleSet(chosen.search, modules, {}) if all_features else chosen)


@pytest.fixture
def schema() -> Schema:
    """As the management process has it."""
    return _schema(all_features=False)


@pytest.fixture
def schema_of_all() -> Schema:
    return _schema(all_features=True)


@pytest.fixture
def examples() -> dict[str, dict[str, Any]]:
    folder = Path(__file__).parents[4] / "yang" / "examples"
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
