"""Two kinds of import contract that import-linter does not have.

Unlike its own, both accept module names that do not exist yet: a folder of the plan appears with
its first content, and the rule for it is in force from that moment.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


def with_descendants(graph: ImportGraph, names: Iterable[str]) -> set[str]:
    """The named modules that exist, and everything inside them."""
    present = {name for name in names if name in graph.modules}
    return present.union(*(graph.find_descendants(name) for name in present))


def lines_of(graph: ImportGraph, importer: str, imported: str) -> Iterator[str]:
    """One line for each place where one module imports the other."""
    for detail in graph.get_import_details(importer=importer, imported=imported):
        yield f"{importer}:{detail['line_number']} imports {imported}"


def names_in(field: object) -> list[str]:
    """What a field holds once import-linter has read the contract's options into it."""
    return cast("list[str]", field or [])


class PrintedContract(Contract):
    """A contract whose check leaves finished lines to print."""

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Prints what broke the contract."""
        for line in check.metadata["lines"]:
            output.print_error(line)


class NeverImports(PrintedContract):
    """Some modules never import others: neither directly nor through anything between them."""

    importers = fields.ListField(subfield=fields.StringField())
    imported = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002
        """Looks for a chain of imports from any importer to anything that it must not reach."""
        lines: list[str] = []
        for importer in (name for name in names_in(self.importers) if name in graph.modules):
            for imported in (name for name in names_in(self.imported) if name in graph.modules):
                chains = graph.find_shortest_chains(importer=importer, imported=imported)
                lines += [" → ".join(chain) for chain in sorted(chains)]
        return ContractCheck(kept=not lines, metadata={"lines": lines})


class StandardLibraryOnly(PrintedContract):
    """Some modules import the standard library and a few named others, nothing else."""

    modules = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002
        """Looks at the direct imports of the modules and of everything inside them."""
        allowed = with_descendants(graph, names_in(self.allowed))
        lines = [
            line
            for importer in sorted(with_descendants(graph, names_in(self.modules)))
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if imported not in allowed and imported.split(".")[0] not in sys.stdlib_module_names
            for line in lines_of(graph, importer, imported)
        ]
        return ContractCheck(kept=not lines, metadata={"lines": lines})
