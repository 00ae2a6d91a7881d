"""What the model itself protects, read from the schema once."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nf.mgmt.nacm import Guarded
from nf.mgmt.paths import Step, covers, parse

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
    for node, steps in _data_nodes(context):
        extensions = {_local(extension) for extension in node["extensions"]}
        if node["kind"] in ("rpc", "notification"):
            if "default-deny-all" in extensions:
                operations.add((steps[0].module, steps[-1].name))
            continue
        # What is said of a node holds for all below it, so the topmost ones are enough.
        if "default-deny-all" in extensions and not _covered(no_access, steps):
            no_access.append(steps)
        if "default-deny-write" in extensions and not _covered(no_write, steps):
            no_write.append(steps)
        if len(steps) > 1 and steps[-1].module != steps[-2].module:
            borders.append("".join(f"/{step.module}:{step.name}" for step in steps))
    return Guarded(tuple(no_write), tuple(no_access), frozenset(operations), tuple(borders))


def _data_nodes(context: "Context") -> Iterator[tuple[dict[str, Any], tuple[Step, ...]]]:
    """Every schema node that data can have, with its path in data: without choices and cases."""
    skipped: list[tuple[int, str]] = []
    for node in context.nodes():
        path: str = node["path"]
        if node["kind"] in _NOT_DATA:
            skipped.append((path.count("/"), path))
            continue
        steps = list(parse(path))
        absent = {depth for depth, left_out in skipped if path.startswith(f"{left_out}/")}
        yield node, tuple(step for depth, step in enumerate(steps, 1) if depth not in absent)


def _covered(guards: list[tuple[Step, ...]], steps: tuple[Step, ...]) -> bool:
    return any(covers(guard, steps) for guard in guards)


def _local(extension: dict[str, Any]) -> str:
    return str(extension["name"]).rpartition(":")[2]
