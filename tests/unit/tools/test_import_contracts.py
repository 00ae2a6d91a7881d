import pytest
from grimp import ImportGraph

from tools.import_contracts import NeverImports, StandardLibraryOnly

NEVER = {"importers": ["nf.mgmt"], "imported": ["nf.outputs"]}
STDLIB = {"modules": ["nf.records"], "allowed": ["nf.errors"]}


@pytest.fixture
def graph() -> ImportGraph:
    made = ImportGraph()
    for module in (
        "nf",
        "nf.mgmt",
        "nf.mgmt.a",
        "nf.middle",
        "nf.outputs",
        "nf.records",
        "nf.errors",
    ):
        made.add_module(module)
    for outside in ("json", "msgspec"):
        made.add_module(outside, is_squashed=True)
    return made


def add(graph: ImportGraph, importer: str, imported: str) -> None:
    graph.add_import(importer=importer, imported=imported, line_number=1, line_contents="import")


def never(graph: ImportGraph) -> list[str]:
    check = NeverImports("name", {}, NEVER).check(graph, verbose=False)
    assert check.kept is not bool(check.metadata["lines"])
    return list(check.metadata["lines"])


def stdlib_only(graph: ImportGraph) -> list[str]:
    check = StandardLibraryOnly("name", {}, STDLIB).check(graph, verbose=False)
    assert check.kept is not bool(check.metadata["lines"])
    return list(check.metadata["lines"])


def test_chain_of_imports_breaks_the_contract(graph: ImportGraph) -> None:
    add(graph, "nf.mgmt.a", "nf.middle")
    add(graph, "nf.middle", "nf.outputs")

    assert never(graph) == ["nf.mgmt.a → nf.middle → nf.outputs"]


def test_import_the_other_way_keeps_the_contract(graph: ImportGraph) -> None:
    add(graph, "nf.outputs", "nf.mgmt.a")

    assert never(graph) == []


def test_module_that_does_not_exist_yet_keeps_both_contracts() -> None:
    empty = ImportGraph()

    assert never(empty) == []
    assert stdlib_only(empty) == []


def test_standard_library_and_named_modules_are_allowed(graph: ImportGraph) -> None:
    add(graph, "nf.records", "json")
    add(graph, "nf.records", "nf.errors")

    assert stdlib_only(graph) == []


@pytest.mark.parametrize("imported", ["msgspec", "nf.middle"])
def test_any_other_import_breaks_the_contract(graph: ImportGraph, imported: str) -> None:
    add(graph, "nf.records", imported)

    assert stdlib_only(graph) == [f"nf.records:1 imports {imported}"]
