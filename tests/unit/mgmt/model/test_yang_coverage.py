"""Every option that can be set has exactly one who acts on it."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from nf.mgmt.compiling import compile_settings
from nf.mgmt.effects import schema_path
from nf.mgmt.schema import YANG_DIR
from tools.yang_model import Model, is_leaf


class Noting(Mapping[str, Any]):
    """A dictionary that notes which leaves are asked for."""

    def __init__(self, data: Mapping[str, Any], read: set[str], path: str = "") -> None:
        self._data, self._read, self._path = data, read, path

    def __getitem__(self, key: str) -> Any:
        path = f"{self._path}/{key}"
        return self._wrapped(path, self._data[key])

    def get(self, key: str, default: Any = None) -> Any:
        # Asking whether an optional leaf is there is acting on it, too.
        path = f"{self._path}/{key}"
        if key not in self._data:
            self._read.add(schema_path(path))
            return default
        return self._wrapped(path, self._data[key])

    def _wrapped(self, path: str, value: Any) -> Any:
        if isinstance(value, dict):
            return Noting(value, self._read, path)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return [Noting(one, self._read, path) for one in value]
        self._read.add(schema_path(path))
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


def owners() -> dict[str, str]:
    stated = tomllib.loads((YANG_DIR / "owners.toml").read_text())["owner"]
    return {schema_path(path): one["name"] for one in stated for path in one["paths"]}


def owner_of(path: str, owned: Mapping[str, str]) -> list[str]:
    return [name for above, name in owned.items() if f"{path}/".startswith(f"{above}/")]


@pytest.fixture
def read_by_compile(oracle: Any, examples: dict[str, Any]) -> set[str]:
    """Leaves that compile_settings() asks for, of examples that have an entry of each list."""
    read: set[str] = set()
    for data in examples.values():
        compile_settings(Noting(oracle.with_defaults(data), read))
    return read


def config_leaves(model: Model) -> set[str]:
    return {schema_path(node.path) for node in model.nodes() if node.config and is_leaf(node)}


def test_every_option_of_this_build_has_exactly_one_who_acts_on_it(
    read_by_compile: set[str], built_model: Model
) -> None:
    owned = owners()
    acting = {
        path: [*owner_of(path, owned), *(["compile"] if path in read_by_compile else [])]
        for path in config_leaves(built_model)
    }

    assert {path: who for path, who in acting.items() if len(who) != 1} == {}


def test_the_coverage_test_would_notice_an_option_that_nobody_reads(
    read_by_compile: set[str], model: Model
) -> None:
    covered = read_by_compile | {path for path in config_leaves(model) if owner_of(path, owners())}

    # With all features on there is a lot that this build has no consumer for.
    assert "/nf-probe:probe/nf-security:security/nf-security:enabled" in (
        config_leaves(model) - covered
    )


def test_every_owner_owns_something(built_model: Model) -> None:
    leaves = config_leaves(built_model)

    assert [
        path for path in owners() if not any(f"{leaf}/".startswith(f"{path}/") for leaf in leaves)
    ] == []
