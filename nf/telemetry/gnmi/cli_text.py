"""The configuration as text: origin `cli`.

One line per leaf, entry or presence container, with the data path as NETCONF's errors write it and
the value as JSON:

    set /nf-test:box/port[name='a']/mtu 9000
    delete /nf-test:box/name

An answer has `set` lines only, without defaults; a Set may have both, empty lines and lines that
begin with `#`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nf.mgmt import paths
from nf.mgmt.schema_nodes import SchemaNode, SchemaTree
from nf.mgmt.subscriptions.patterns import Element, Instance, Pattern, select
from nf.telemetry.gnmi.editing import data_path
from nf.telemetry.gnmi.errors import invalid

__all__ = ["Line", "parse", "write"]

MAX_LINES = 100_000

_WIDE = frozenset({"int64", "uint64"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a Set.

    Attributes:
        number: From 1.
        delete: Whether it deletes.
        pattern: Path.
        value: JSON value; None for an entry or presence container.
    """

    number: int
    delete: bool
    pattern: Pattern
    value: Any = None


def write(schema: SchemaTree, data: dict[str, Any]) -> str:
    """A configuration, as RFC 7951 object without defaults, as text."""
    lines: list[str] = []
    for top in select(schema.root, data, (Element("*"),)):
        lines += _lines(top)
    return "".join(f"{line}\n" for line in lines)


def _lines(one: Instance) -> Iterator[str]:
    node = one.node
    if not node.config:
        return
    if node.terminal:
        value = _stated(node, one.value)
        yield f"set {data_path(one.place)} {json.dumps(value, ensure_ascii=False)}"
        return
    if node.kind in ("list", "presence-container"):
        yield f"set {data_path(one.place)}"
    for inner in select(node, one.value, (Element("*"),)):
        if inner.node.name not in node.keys:
            yield from _lines(Instance(one.place + inner.place, inner.node, inner.value))


def _stated(node: SchemaNode, value: Any) -> Any:
    """A leaf's value as RFC 7951 has it: wide integers as text."""
    if isinstance(value, list):
        return [_stated(node, one) for one in value]
    wide = node.type in _WIDE and isinstance(value, int)
    return str(value) if wide else value


def parse(text: str) -> list[Line]:
    """The lines of a Set.

    Raises:
        Refused: INVALID_ARGUMENT with the number of the line that is wrong.
    """
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise invalid(f"the text has more than {MAX_LINES} lines", place="origin cli")
    return [
        _line(number, line.strip())
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _line(number: int, line: str) -> Line:
    place = f"origin cli, line {number}"
    word, _, rest = line.partition(" ")
    path, value = _split(rest.strip())
    if word not in ("set", "delete"):
        raise invalid(f"{word!r} is no command", place=place, hint="begin with set or delete")
    try:
        steps = paths.parse(path)
        parsed = (
            json.loads(value, parse_float=Decimal, parse_constant=_no_constant) if value else None
        )
    except (ValueError, RecursionError) as error:
        raise invalid(f"the line cannot be read: {error}", place=place) from error
    if not steps:
        raise invalid("the path is empty", place=place)
    if word == "delete" and value:
        raise invalid("delete takes a path only", place=place)
    return Line(
        number,
        word == "delete",
        tuple(Element(step.name, step.module, tuple(sorted(step.keys))) for step in steps),
        parsed,
    )


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _split(text: str) -> tuple[str, str]:
    """The path ends at the first space that is not quoted inside a predicate."""
    quote = ""
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == " ":
            return text[:at], text[at + 1 :].strip()
    return text, ""
