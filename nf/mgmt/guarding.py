"""What the model itself protects, read from the schema once."""

from typing import TYPE_CHECKING, Any

from nf.mgmt.nacm import Guarded
from nf.mgmt.paths import Step, parse

if TYPE_CHECKING:
    from nf._native.yang import Context

__all__ = ["guarded"]

_NOT_DATA = {"choice", "case", "input", "output"}


def guarded(context: "Context") -> Guarded:
    """Every node with an extension of RFC 8341, and every border between modules."""
    no_write: list[tuple[Step, ...]] = []
    no_access: list[tuple[Step, ...]] = []
    operations: set[tuple[str, str]] = set()
    borders: list[str] = []
    for node in context.nodes():
        if node["kind"] in _NOT_DATA:
            continue
        extensions = {_local(extension) for extension in node["extensions"]}
        steps = parse(node["path"])
        if node["kind"] in ("rpc", "notification"):
            if "default-deny-all" in extensions:
                operations.add((steps[0].module, steps[-1].name))
            continue
        if "default-deny-all" in extensions:
            no_access.append(steps)
        if "default-deny-write" in extensions:
            no_write.append(steps)
        if len(steps) > 1 and steps[-1].module != steps[-2].module:
            borders.append("".join(f"/{step.module}:{step.name}" for step in steps))
    return Guarded(tuple(no_write), tuple(no_access), frozenset(operations), tuple(borders))


def _local(extension: dict[str, Any]) -> str:
    return str(extension["name"]).rpartition(":")[2]
