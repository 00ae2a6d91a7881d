"""Reads one held moment by every view, inside the probe's namespace; prints JSON.

python -m tests.function.equality_client STATE-DIR PASSWORD PROMETHEUS-PORT

PROMETHEUS-PORT is 0 where there is none.
"""

import json
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import grpc
from lxml import etree
from ncclient import manager

from tests.function.views import Numbers, Views
from tests.gnmi.client import Client

NF = "urn:nf:yang:nf-probe"
SEEN = "/probe/capture/state/source[name=v1]/seen"
PATIENCE = 60.0


def main() -> None:
    """Holds state, reads it everywhere, lets it go, and reads it again."""
    state, password, prometheus = sys.argv[1:]
    views = Views()
    client = Client(grpc.insecure_channel("127.0.0.1:9339"), "admin", password)
    with manager.connect(
        host="127.0.0.1",
        port=8300,
        username="admin",
        password=password,
        hostkey_verify=False,
        allow_agent=False,
        look_for_keys=False,
    ) as netconf:
        hold = etree.fromstring(f'<hold-state xmlns="{NF}"><duration>300</duration></hold-state>')
        reply = netconf.dispatch(hold)
        taken = next(reply._root.iter(f"{{{NF}}}taken")).text
        by_gnmi, stamp = views.of_gnmi(client)
        read: dict[str, Numbers] = {
            "gnmi": by_gnmi,
            "netconf": views.of_xml(etree.tostring(netconf.get().data_ele)),
            "metrics": views.of_metrics(fetched("9464/metrics")),
            "cli": views.of_json(by_cli(state)),
        }
        if int(prometheus):
            read["prometheus"] = scraped(views, int(prometheus), read["metrics"])
        again, _ = views.of_gnmi(client)
        netconf.dispatch(etree.fromstring(f'<release-state xmlns="{NF}"/>'))
    live = eventually_more(views, client, int(by_gnmi[SEEN]))
    failed = queries(int(prometheus)) if int(prometheus) else []
    client.close()
    said = {
        "taken": taken, "stamp": stamp, "read": read, "again": again, "live": live,
        "failed": failed,
    }  # fmt: skip
    print(json.dumps(said))


def by_cli(state: str) -> str:
    command = (sys.executable, "-m", "nf.cli", "config", "get", "--state", "--state-dir", state)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def fetched(place: str) -> str:
    url = f"http://127.0.0.1:{place}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())


def asked(port: int, query: str) -> Any:
    url = f"{port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    return json.loads(fetched(url))


def scraped(views: Views, port: int, wanted: Numbers) -> Numbers:
    """What Prometheus has, as soon as that is of the held moment; or else what it has last."""
    until = time.monotonic() + PATIENCE
    found: Numbers = {}
    while time.monotonic() < until:
        found = views.of_prometheus(asked(port, '{job="nf"}')["data"]["result"])
        if {at: float(value) for at, value in found.items()} == {
            at: float(value) for at, value in wanted.items()
        }:
            break
        time.sleep(0.1)
    return found


def queries(port: int) -> list[str]:
    """Queries of the dashboard that Prometheus refuses."""
    file = Path(__file__).parents[2] / "examples/prometheus/grafana-dashboard.json"
    found = []
    for panel in json.loads(file.read_text())["panels"]:
        for target in panel["targets"]:
            query = target["expr"].replace("$instance", ".+").replace("$__rate_interval", "1m")
            try:
                asked(port, query)
            except OSError as error:
                found.append(f"{query}: {error}")
    return found


def eventually_more(views: Views, client: Client, than: int) -> int:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        numbers, _ = views.of_gnmi(client)
        if int(numbers[SEEN]) > than:
            return int(numbers[SEEN])
        time.sleep(0.05)
    raise AssertionError(f"{SEEN} stands still")


if __name__ == "__main__":
    main()
