"""The text of a scrape (OpenMetrics 1.0.0, or Prometheus's text format 0.0.4 for older readers)."""

from collections.abc import Iterator, Mapping
from typing import Any

from nf.mgmt.schema_nodes import SchemaNode, SchemaTree
from nf.mgmt.subscriptions.patterns import Instance, Place, leaves
from nf.telemetry.metrics.families import Family, value_text

__all__ = ["LEFT_OUT", "exposition"]

LEFT_OUT = "nf_metrics_series_left_out"

_ESCAPED = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})


def exposition(
    schema: SchemaTree,
    families: Mapping[SchemaNode, Family],
    data: Mapping[str, Any],
    *,
    most: int,
    openmetrics: bool,
) -> str:
    """All families that have a value.

    Args:
        schema: Of the data.
        families: By leaf.
        data: RFC 7951 object of the operational datastore.
        most: Samples that are written; how many are left out is written, too.
        openmetrics: The format; else 0.0.4.
    """
    samples: dict[Family, list[str]] = {}
    count = left_out = 0
    whole = Instance((), schema.root, data)
    for leaf in leaves(whole, families.__contains__):
        family = families[leaf.node]
        for line in _samples(family, leaf):
            if count >= most:
                left_out += 1
                continue
            count += 1
            samples.setdefault(family, []).append(line)
    lines: list[str] = []
    for family, written in samples.items():
        lines += _head(family, openmetrics=openmetrics)
        lines += written
    lines += [
        f"# TYPE {LEFT_OUT} gauge",
        f"# HELP {LEFT_OUT} Samples beyond the limit of one answer.",
        f"{LEFT_OUT} {left_out}",
    ]
    if openmetrics:
        lines.append("# EOF")
    return "\n".join(lines) + "\n"


def _head(family: Family, *, openmetrics: bool) -> Iterator[str]:
    name = family.name if openmetrics else family.sample
    kind = "gauge" if family.kind == "stateset" and not openmetrics else family.kind
    yield f"# TYPE {name} {kind}"
    # A state set has no unit in OpenMetrics.
    if openmetrics and family.unit and family.kind != "stateset":
        yield f"# UNIT {name} {family.unit}"
    yield f"# HELP {name} {family.help.translate(_ESCAPED)}"


def _samples(family: Family, leaf: Instance) -> Iterator[str]:
    labels = list(zip(family.labels, _keys(leaf.place), strict=True))
    if family.kind == "stateset":
        for name in family.node.enums:
            on = "1" if leaf.value == name else "0"
            yield f"{family.sample}{_labels([*labels, (family.name, name)])} {on}"
        return
    text = value_text(leaf.value)
    if text is not None:
        yield f"{family.sample}{_labels(labels)} {text}"


def _keys(place: Place) -> Iterator[str]:
    for _, keys in place:
        yield from keys


def _labels(labels: list[tuple[str, str]]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in labels) + "}"
