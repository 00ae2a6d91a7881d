"""The endpoint for metrics: names out of the model, values out of the state."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nf._native.yang import Context
from nf.mgmt.core import Core
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.schema import ModuleSet
from nf.mgmt.schema_nodes import SchemaTree
from nf.telemetry.metrics.endpoint import Endpoint
from nf.telemetry.metrics.families import families

from .conftest import Lab

FIRST = {
    "nf-probe:probe": {
        "nf-telemetry:telemetry": {"metrics": {"enabled": True, "port": 0, "max-series": 100}}
    }
}


@pytest.fixture
def run(core: Core) -> Iterator[Callable[..., Endpoint]]:
    made: list[Endpoint] = []

    def start(**settings: object) -> Endpoint:
        first = json.loads(json.dumps(FIRST))
        first["nf-probe:probe"]["nf-telemetry:telemetry"]["metrics"].update(settings)
        endpoint = Endpoint(core)
        made.append(endpoint)
        core.providers.register(endpoint)
        endpoint.start()
        core.start(json.dumps(first).encode())
        return endpoint

    yield start
    for one in made:
        one.stop()
    core.stop()


def scrape(endpoint: Endpoint, path: str = "/metrics", **headers: str) -> tuple[str, str]:
    """Content type and text."""
    request = urllib.request.Request(f"http://127.0.0.1:{endpoint.port}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - http://127.0.0.1
        return answer.headers["Content-Type"], answer.read().decode()


STATE = {
    "uptime": 77,
    "port": [
        {"name": 'od"d\\', "packets": 2**63, "up": True},
        {"name": "b", "packets": 5, "up": False},
    ],
    "summary": {"sum": 9, "mean": "1.5"},
}


def test_numbers_of_state_are_told_with_unit_and_labels(
    run: Callable[..., Endpoint], lab: Lab
) -> None:
    lab.state = STATE
    kind, text = scrape(run())

    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    lines = text.splitlines()
    assert "# TYPE nf_lab_port_packets gauge" in lines
    assert "# UNIT nf_lab_port_packets packets" in lines
    assert "# HELP nf_lab_port_packets Counted." in lines
    assert 'nf_lab_port_packets{port_name="od\\"d\\\\"} 9223372036854775808' in lines
    assert 'nf_lab_port_packets{port_name="b"} 5' in lines
    assert 'nf_lab_port_up{port_name="b"} 0' in lines
    assert "nf_lab_uptime_seconds 77" in lines
    assert "nf_lab_summary_mean 1.5" in lines
    assert "nf_metrics_series_left_out 0" in lines
    assert lines[-1] == "# EOF"


def test_configuration_and_names_are_no_metrics(run: Callable[..., Endpoint]) -> None:
    _, text = scrape(run())

    assert "nf_lab_low" not in text
    assert "port_name" not in text


def test_an_older_reader_gets_the_older_format(run: Callable[..., Endpoint], lab: Lab) -> None:
    lab.state = STATE
    kind, text = scrape(run(), Accept="text/plain")

    assert kind.startswith("text/plain; version=0.0.4")
    assert "# EOF" not in text
    assert "# UNIT" not in text
    assert "nf_lab_uptime_seconds 77" in text


def test_what_is_beyond_the_limit_is_counted(run: Callable[..., Endpoint], lab: Lab) -> None:
    lab.state = {"port": [{"name": f"p{number}", "packets": number} for number in range(150)]}
    _, text = scrape(run())

    samples = [line for line in text.splitlines() if line.startswith("nf_lab_port_packets{")]
    left_out = next(line for line in text.splitlines() if line.startswith("nf_metrics_series"))
    assert len(samples) <= 100
    assert int(left_out.split()[1]) >= 50


def test_it_is_off_by_default(run: Callable[..., Endpoint]) -> None:
    assert run(enabled=False).port is None


def test_it_listens_on_loopback_only(run: Callable[..., Endpoint], core: Core) -> None:
    run()
    session = core.sessions.open("root", "cli", "", recovery=True)
    before = core.commits.running.data
    edit = json.loads(json.dumps(FIRST))
    edit["nf-probe:probe"]["nf-telemetry:telemetry"]["metrics"]["address"] = "0.0.0.0"  # noqa: S104
    tree = core.context.parse(json.dumps(edit).encode(), "json")
    tree.validate()

    with pytest.raises(RpcErrors) as error:
        core.commits.replace(session, tree)
    assert error.value.errors[0].app_tag == "loopback-required"
    assert core.commits.running.data == before


def test_a_request_that_is_none_does_no_harm(run: Callable[..., Endpoint]) -> None:
    endpoint = run()
    for sent in (b"\r\n\r\n", b"x" * 100_000, b"GET /metrics HTTP/1.1\r\n"):
        with socket.create_connection(("127.0.0.1", endpoint.port or 0), timeout=30) as peer:
            peer.sendall(sent)
            peer.shutdown(socket.SHUT_WR)
            try:
                while peer.recv(65536):
                    pass
            except ConnectionResetError:
                continue
    with pytest.raises(urllib.error.HTTPError, match="404"):
        scrape(endpoint, "/other")

    assert "# EOF" in scrape(endpoint)[1]


def test_every_name_of_the_real_model_is_one_of_prometheus() -> None:
    found = families(SchemaTree(Context(*ModuleSet.read().for_context())))

    assert len(found) > 50
    for family in found.values():
        assert family.name.replace("_", "").isalnum(), family.name
        assert family.name.startswith("nf_")
        assert family.name.endswith(family.unit)
        assert family.help, family.name
        assert not family.name.endswith("_total")
        assert len(set(family.labels)) == len(family.labels)


def test_prometheus_scrapes_and_shows_the_same_numbers(
    run: Callable[..., Endpoint], lab: Lab, tmp_path: Path
) -> None:
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("NOT RUN: prometheus is not installed (apt-get install prometheus)")
    lab.state = STATE
    endpoint = run()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 100ms, scrape_timeout: 100ms}\n"
        "scrape_configs:\n"
        "  - job_name: nf\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{endpoint.port}']}}]\n"
    )
    log = (tmp_path / "log").open("wb")
    server = subprocess.Popen(
        [
            prometheus,
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=log,
        stderr=log,
    )
    try:
        found = query(port, "nf_lab_port_packets")
    finally:
        server.terminate()
        server.wait(timeout=60)
        log.close()

    assert found == {"b": 5.0, 'od"d\\': float(2**63)}


def query(port: int, name: str) -> dict[str, float]:
    """Values by port, as soon as Prometheus has some."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            url = f"http://127.0.0.1:{port}/api/v1/query?query={name}"
            with urllib.request.urlopen(url, timeout=10) as answer:
                result = json.load(answer)["data"]["result"]
        except OSError:
            result = []
        if result:
            return {one["metric"]["port_name"]: float(one["value"][1]) for one in result}
        time.sleep(0.05)
    raise AssertionError("Prometheus has scraped nothing in a minute")
