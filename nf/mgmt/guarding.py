"""What the model itself protects, read from the schema once."""

from nf.mgmt.nacm import Guarded
from nf.mgmt.paths import Step, covers, parse
from nf.mgmt.schema_nodes import SchemaNode, SchemaTree

__all__ = ["guarded"]


def guarded(schema: SchemaTree) -> Guarded:
    """Every node with an extension of RFC 8341, and every border between modules."""
    no_write: list[tuple[Step, ...]] = []
    no_access: list[tuple[Step, ...]] = []
    operations: set[tuple[str, str]] = set()
    borders: list[str] = []
    for node in (node for top in schema.root.children for node in top.below()):
        _add(no_access, node, "default-deny-all")
        _add(no_write, node, "default-deny-write")
        if node.parent is not None and node.module != node.parent.module:
            borders.append("".join(f"/{step.module}:{step.name}" for step in parse(node.path)))
    for node in schema.operations:
        if node.kind == "action":
            _add(no_access, node, "default-deny-all")
        elif node.tagged("default-deny-all"):
            operations.add((node.top.module, node.name))
    return Guarded(tuple(no_write), tuple(no_access), frozenset(operations), tuple(borders))


def _add(guards: list[tuple[Step, ...]], node: SchemaNode, extension: str) -> None:
    """Notes a node that carries the extension, unless it holds for a node above already."""
    if not node.tagged(extension):
        return
    steps = parse(node.path)
    if not any(covers(guard, steps) for guard in guards):
        guards.append(steps)
