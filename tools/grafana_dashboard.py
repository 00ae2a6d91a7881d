"""Writes a dashboard for Grafana: `python -m tools.grafana_dashboard [--check]`.

`examples/prometheus/grafana-dashboard.json` names leaves of the YANG model here and metrics there,
so that it cannot name a metric that does not exist. With --check nothing is written, and a file
that differs from what would be written is an error.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nf._native.yang import Context
from nf.mgmt.schema import ModuleSet
from nf.mgmt.schema_nodes import SchemaTree
from nf.telemetry.metrics.families import Family, families

FILE = Path(__file__).resolve().parent.parent / "examples/prometheus/grafana-dashboard.json"

CAPTURE = "/nf-probe:probe/nf-capture:capture/state"
ENGINE = "/nf-probe:probe/nf-dpi:engine/state"
STATISTICS = "/nf-probe:probe/nf-dpi:statistics"
OUTPUT = "/nf-probe:probe/nf-outputs:outputs/output/state"
PROCESS = "/nf-probe:probe/processes/process"
GNMI = "/nf-probe:probe/nf-telemetry:telemetry/gnmi/state"

WIDTH, HEIGHT, COLUMNS = 8, 7, 3
SOURCE = {"type": "prometheus", "uid": "${source}"}

How = Literal["rate", "bits", "value", "top"]


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph.

    Attributes:
        title: Above it.
        leaves: Paths of the model; each is a query.
        how: Change per second, the same in bits for octets, the value, or the ten fastest in bits.
        unit: Of Grafana.
        state: Of a state set, which member is shown.
    """

    title: str
    leaves: tuple[str, ...]
    how: How = "rate"
    unit: str = "short"
    state: str = ""


PANELS = (
    Panel("Packets", (f"{CAPTURE}/source/packets",), unit="pps"),
    Panel("Traffic", (f"{CAPTURE}/source/bytes",), "bits", "bps"),
    Panel(
        "Packets lost",
        tuple(
            f"{CAPTURE}/source/{cause}"
            for cause in ("kernel-drops", "dispatch-drops", "interface-drops")
        ),
        unit="pps",
    ),
    Panel("Sessions that go on", (f"{ENGINE}/flows/active",), "value"),
    Panel(
        "Sessions",
        tuple(f"{ENGINE}/flows/{what}" for what in ("begun", "ended", "evicted")),
        "rate",
    ),
    Panel("Load of the workers", (f"{ENGINE}/worker/load",), "value", "percent"),
    Panel("Protocols", (f"{STATISTICS}/protocol/bytes",), "top", "bps"),
    Panel("Applications", (f"{STATISTICS}/application/bytes",), "top", "bps"),
    Panel("Rows not handed on", (f"{ENGINE}/row-drop/rows",)),
    Panel("Rows written", (f"{OUTPUT}/written",)),
    Panel("Rows given up by outputs", (f"{OUTPUT}/dropped",)),
    Panel("Rows that wait", (f"{OUTPUT}/queued",), "value"),
    Panel("Processes that run", (f"{PROCESS}/state",), "value", state="running"),
    Panel("Memory", (f"{PROCESS}/memory",), "value", "bytes"),
    Panel("Restarts", (f"{PROCESS}/restarts",), "value"),
    Panel("Subscriptions of gNMI", (f"{GNMI}/open-streams", f"{GNMI}/feeds"), "value"),
    Panel("Messages to subscribers", (f"{GNMI}/messages",)),
    Panel("Subscribers given up", (f"{GNMI}/exhausted",)),
)


def dashboard() -> dict[str, Any]:
    """What the file has to be.

    Raises:
        KeyError: A panel names a leaf that is no metric.
    """
    found = families(SchemaTree(Context(*ModuleSet.read().for_context())))
    known = {family.node.path: family for family in found.values()}
    return {
        "__inputs": [],
        "editable": True,
        "panels": [_panel(number, one, known) for number, one in enumerate(PANELS)],
        "refresh": "10s",
        "schemaVersion": 39,
        "tags": ["nf"],
        "templating": {
            "list": [
                {
                    "name": "source",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                },
                {
                    "name": "instance",
                    "label": "Probe",
                    "type": "query",
                    "datasource": SOURCE,
                    "query": f"label_values({known[f'{ENGINE}/flows/active'].sample}, instance)",
                    "includeAll": True,
                    "multi": True,
                    "allValue": ".+",
                    "current": {"text": "All", "value": "$__all"},
                    "refresh": 2,
                },
            ]
        },
        "time": {"from": "now-1h", "to": "now"},
        "title": "nf",
        "uid": "nf-probe",
        "version": 1,
    }


def _panel(number: int, panel: Panel, known: dict[str, Family]) -> dict[str, Any]:
    return {
        "id": number + 1,
        "title": panel.title,
        "type": "timeseries",
        "description": " ".join(known[leaf].help for leaf in panel.leaves),
        "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "gridPos": {
            "x": number % COLUMNS * WIDTH,
            "y": number // COLUMNS * HEIGHT,
            "w": WIDTH,
            "h": HEIGHT,
        },
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "expr": expression(known[leaf], panel),
                "legendFormat": _legend(known[leaf], leaf, many=len(panel.leaves) > 1),
            }
            for at, leaf in enumerate(panel.leaves)
        ],
    }


def expression(family: Family, panel: Panel) -> str:
    """A panel's query of one metric, in PromQL."""
    chosen = 'instance=~"$instance"'
    if panel.state:
        chosen += f',{family.name}="{panel.state}"'
    series = f"{family.sample}{{{chosen}}}"
    match panel.how:
        case "value":
            return series
        case "rate":
            return f"rate({series}[$__rate_interval])"
        case "bits":
            return f"8 * rate({series}[$__rate_interval])"
        case "top":
            return f"topk(10, 8 * rate({series}[$__rate_interval]))"


def _legend(family: Family, leaf: str, *, many: bool) -> str:
    words = [f"{{{{{label}}}}}" for label in ("instance", *family.labels)]
    return " ".join([*words, leaf.rpartition("/")[2]] if many else words)


def text() -> str:
    """The file's text."""
    return json.dumps(dashboard(), indent=2) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Writes the file, or compares it."""
    parser = argparse.ArgumentParser(prog="python -m tools.grafana_dashboard", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args(arguments).check
    made = text()
    if FILE.exists() and FILE.read_text() == made:
        return 0
    if check:
        print("the dashboard is not what the model says: make docs", file=sys.stderr)
        return 1
    FILE.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
