"""Data paths as text and as steps.

Prefixes are module names and may be left out where the module stays the parent's (RFC 7951
section 6.11): `/nf-probe:probe/nf-capture:capture/interface[name='eth0']/mtu`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Step", "covers", "parse", "spelled_out"]

_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
_STEP = re.compile(rf"/(?:({_NAME}):)?({_NAME})")
_PREDICATE = re.compile(
    rf"\[\s*(?:(?:{_NAME}:)?({_NAME})|(\.)|(\d+))\s*(?:=\s*(?:'([^']*)'|\"([^\"]*)\"))?\s*\]"
)


@dataclass(frozen=True, slots=True)
class Step:
    """One node on a path.

    Attributes:
        module: Name of its module.
        name: Its name.
        keys: Values by key name; `.` for the value of a leaf-list.
    """

    module: str
    name: str
    keys: tuple[tuple[str, str], ...] = ()


def parse(path: str) -> tuple[Step, ...]:
    """The steps of an absolute path; none for `/`.

    Raises:
        ValueError: It is not a data path.
    """
    return tuple(_steps(path)) if path != "/" else ()


def _steps(path: str) -> Iterator[Step]:
    module = ""
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise ValueError(f"no data path: {path!r} at {path[at:]!r}")
        module = step.group(1) or module
        at = step.end()
        keys = []
        while predicate := _PREDICATE.match(path, at):
            name = predicate.group(1) or predicate.group(2)
            value = predicate.group(4) if predicate.group(4) is not None else predicate.group(5)
            if name and value is not None:
                keys.append((name, value))
            at = predicate.end()
        yield Step(module, step.group(2), tuple(keys))


def spelled_out(path: str) -> str:
    """A path with the module before every name, as XML needs it: there nothing is inherited.

    Raises:
        ValueError: It is not a data path.
    """

    def key(step: Step, name: str, value: str) -> str:
        quote = '"' if "'" in value else "'"
        return f"[{name if name == '.' else f'{step.module}:{name}'}={quote}{value}{quote}]"

    return "".join(
        f"/{step.module}:{step.name}" + "".join(key(step, *one) for one in step.keys)
        for step in parse(path)
    )


def covers(rule: tuple[Step, ...], path: tuple[Step, ...]) -> bool:
    """Whether `path` is the node that `rule` names or lies below it.

    A key that the rule leaves out stands for every value (RFC 8341, `node-instance-identifier`).
    """
    return len(rule) <= len(path) and all(
        wanted.name == step.name
        and wanted.module in ("", step.module)
        and set(wanted.keys) <= set(step.keys)
        for wanted, step in zip(rule, path, strict=False)
    )
