"""Writes the list of metrics: `python -m tools.metrics_docs [--check]`.

`docs/metrics.md` comes from the YANG model, as the endpoint itself does. With --check nothing is
written, and a page that differs from what would be written is an error.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from nf._native.yang import Context
from nf.mgmt.schema import ModuleSet
from nf.mgmt.schema_nodes import SchemaTree
from nf.telemetry.metrics.exposition import LEFT_OUT
from nf.telemetry.metrics.families import Family, families

PAGE = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
MADE = "<!-- Written by `make docs` from the YANG model; edit that, or tools/metrics_docs.py. -->"
ABOUT = """\
All numeric state of the probe in the text format of OpenMetrics, for Prometheus. The endpoint is
off unless it is configured, listens on a loopback address only, and asks nobody for a name:

```json
{"nf-probe:probe": {"nf-telemetry:telemetry": {"metrics": {"enabled": true, "port": 9464}}}}
```

`examples/prometheus/prometheus.yml` scrapes it, `examples/prometheus/grafana-dashboard.json` is a
dashboard of Grafana over that. Readers that ask for `text/plain` only get the older format 0.0.4.

The operation `hold-state` has every view show one snapshot for some seconds: what NETCONF, gNMI,
`nf config get --state` and a scrape then tell of a number is the same, while traffic goes on.

A name is `nf`, the nodes of the model down to the leaf without the top container and without those
named `state`, and the unit. Keys of lists are labels, `list_key`. Counters of the model are
counters, other numbers and booleans gauges, enumerations state sets. No value is converted: the
number is the one that NETCONF and gNMI show at the same path. What goes beyond `max-series` in one
answer is left out and counted in `{left_out}`."""


def text() -> str:
    """What the page has to be."""
    schema = SchemaTree(Context(*ModuleSet.read().for_context()))
    return "".join(f"{line}\n" for line in _lines(list(families(schema).values())))


def _lines(found: list[Family]) -> Iterator[str]:
    yield from ("# Metrics", "", MADE, "", ABOUT.replace("{left_out}", LEFT_OUT), "")
    yield from ("| metric | type | labels | state |", "|---|---|---|---|")
    for family in sorted(found, key=lambda one: one.sample):
        labels = " ".join(f"`{label}`" for label in family.labels)
        about = family.help.replace("|", "\\|")
        yield f"| `{family.sample}` | {family.kind} | {labels} | {about} `{family.node.path}` |"


def main(arguments: list[str] | None = None) -> int:
    """Writes the page, or compares it."""
    parser = argparse.ArgumentParser(prog="python -m tools.metrics_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args(arguments).check
    made = text()
    if PAGE.exists() and PAGE.read_text() == made:
        return 0
    if check:
        print("docs/metrics.md is not what the model says: make docs", file=sys.stderr)
        return 1
    PAGE.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
