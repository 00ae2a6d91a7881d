"""A step of the set-up runs exactly when something changed or an earlier run did not end."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def bootstrap(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", root / "tools" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "bootstrap", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "STAMPS", tmp_path)
    return module


class World:
    """What a step reads and makes, in memory."""

    def __init__(self, bootstrap: ModuleType) -> None:
        self.input = "one"
        self.output: str | None = None
        self.runs = 0
        self.fails = False
        self.step = bootstrap.Step("step", lambda: self.input, lambda: self.output, self.run)

    def run(self) -> None:
        self.runs += 1
        if self.fails:
            raise SystemExit("cut off")
        self.output = f"made of {self.input}"


@pytest.fixture
def world(bootstrap: ModuleType) -> World:
    return World(bootstrap)


def test_second_run_does_nothing(world: World) -> None:
    world.step.ensure()
    world.step.ensure()

    assert world.runs == 1


def test_changed_input_runs_the_step_again(world: World) -> None:
    world.step.ensure()
    world.input = "two"
    world.step.ensure()

    assert world.output == "made of two"


@pytest.mark.parametrize("output", [None, "of someone else"])
def test_lost_or_replaced_output_is_made_again(world: World, output: str | None) -> None:
    world.step.ensure()
    world.output = output
    world.step.ensure()

    assert world.output == "made of one"


def test_step_that_was_cut_off_runs_again_though_nothing_changed(world: World) -> None:
    world.step.ensure()
    world.input, world.fails = "two", True
    with pytest.raises(SystemExit):
        world.step.ensure()
    world.input, world.fails = "one", False

    world.step.ensure()

    assert world.runs == 3


@pytest.mark.parametrize("content", ["", "{", "[]", '{"inputs": "one"}', "null"])
def test_damaged_stamp_counts_as_none(world: World, tmp_path: Path, content: str) -> None:
    world.step.ensure()
    (tmp_path / "step.json").write_text(content)

    world.step.ensure()

    assert world.runs == 2


def test_step_without_a_result_is_an_error(world: World) -> None:
    world.step = type(world.step)("step", lambda: "one", lambda: None, world.run)

    with pytest.raises(SystemExit, match="its result is not there"):
        world.step.ensure()


def test_digest_tells_where_one_part_ends(bootstrap: ModuleType) -> None:
    assert bootstrap.digest_of("ab", "c") != bootstrap.digest_of("a", "bc")


def test_engine_is_made_from_every_crate_and_the_lock(bootstrap: ModuleType, root: Path) -> None:
    sources = {path.relative_to(root).as_posix() for path in bootstrap.engine_sources()}

    assert {"Cargo.lock", "Cargo.toml", "nf/native/src/lib.rs", "nf/native/Cargo.toml"} <= sources
    assert not any("/tests/" in path or "/fuzz/" in path for path in sources)
