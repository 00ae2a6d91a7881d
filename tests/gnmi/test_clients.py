"""Clients of others: OpenConfig's gnmi_cli, which shows a certificate, and pygnmi."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nf.telemetry.gnmi.server import Target
from tests.certificates import Authority

from .client import Client
from .test_security import first, mutual


@pytest.fixture(scope="session")
def gnmi_cli() -> str:
    """The reference client, built from its Go module unless it is there already."""
    found = shutil.which("gnmi_cli", path=f"{os.environ['PATH']}:{Path.home() / 'go/bin'}")
    if found is not None:
        return found
    go = shutil.which("go")
    if go is None:
        pytest.skip("NOT RUN: there is neither gnmi_cli nor Go to build it with")
    module = "github.com/openconfig/gnmi/cmd/gnmi_cli@latest"
    subprocess.run([go, "install", module], check=True, timeout=280)
    return str(Path.home() / "go/bin/gnmi_cli")


class Cli:
    """gnmi_cli as one user."""

    def __init__(self, program: str, target: Target, authority: Authority, user: str) -> None:
        certificate, key = authority.issue(user)
        self._command = [
            program,
            f"-address=localhost:{target.ports()['test']}",
            f"-ca_crt={authority.file}",
            f"-client_crt={certificate}",
            f"-client_key={key}",
            "-timeout=30s",
        ]

    def begin(self, *arguments: str) -> "Running":
        return Running([*self._command, *arguments])

    def run(self, *arguments: str) -> str:
        ran = subprocess.run(
            [*self._command, *arguments], capture_output=True, text=True, timeout=60, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


class Running:
    """A gnmi_cli that goes on until it is ended."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def readline(self) -> str:
        """The next line that is not empty."""
        assert self._process.stdout is not None
        return next(line for line in self._process.stdout if line.strip())

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def cli(start: Callable[..., Target], tmp_path: Path, gnmi_cli: str) -> Cli:
    authority = Authority(tmp_path)
    return Cli(gnmi_cli, start(first(tls=mutual(authority))), authority, "ada")


SET = """
update: <path: <elem: <name: "lab"> elem: <name: "port" key: <key: "name" value: "a">>>
         val: <json_ietf_val: "{\\"mtu\\":9000}">>
"""


def test_gnmi_cli_asks_for_capabilities(cli: Cli) -> None:
    shown = cli.run("-capabilities")

    assert 'name:"nf-lab"' in shown.replace(": ", ":")
    assert "0.10.0" in shown


def test_gnmi_cli_sets_and_gets(cli: Cli) -> None:
    assert "op: UPDATE" in cli.run("-set", f"-proto={SET}").replace("op:UPDATE", "op: UPDATE")

    shown = cli.run("-get", '-proto=path: <elem: <name: "lab">> encoding: JSON_IETF type: CONFIG')
    assert '\\"nf-lab:port\\":[{\\"name\\":\\"a\\",\\"mtu\\":9000}]' in shown


def test_gnmi_cli_subscribes_once(cli: Cli) -> None:
    cli.run("-set", f"-proto={SET}")

    shown = cli.run("-query=/lab/port", "-query_type=once", "-display_type=s", "-target=probe")
    assert "probe/lab/port/a/mtu, " in shown
    assert "9000" in shown


def test_gnmi_cli_subscribes_to_a_stream(cli: Cli) -> None:
    cli.run("-set", f"-proto={SET}")

    # It knows no end but its count, and counts what comes after the first values only.
    streaming = cli.begin(
        "-query=/lab/port[name=*]/mtu", "-query_type=streaming", "-dt=single", "-target=probe"
    )
    try:
        assert "9000" in streaming.readline()
        cli.run("-set", f"-proto={SET.replace('9000', '1234')}")
        assert "1234" in streaming.readline()
    finally:
        streaming.end()


def test_gnmi_cli_polls(cli: Cli) -> None:
    cli.run("-set", f"-proto={SET}")

    shown = cli.run(
        "-query=/lab/port[name=a]/mtu",
        "-query_type=polling",
        "-polling_interval=100ms",
        "-count=3",
        "-target=probe",
    )
    assert shown.count("9000") == 3


PYGNMI = """
import json, sys, threading
from pygnmi.client import gNMIclient
port = int(sys.argv[1])
found = {}
with gNMIclient(target=("127.0.0.1", port), username="ada", password="ada"[::-1],
                insecure=True, gnmi_timeout=30) as client:
    found["capabilities"] = client.capabilities()
    found["set"] = client.set(update=[("/lab/port[name=a]", {"mtu": 9000})])
    found["get"] = client.get(path=["/lab/port[name=a]/mtu"], encoding="json_ietf")
    stream = client.subscribe2(subscribe={
        "subscription": [{"path": "/lab/name", "mode": "on_change"}],
        "mode": "stream", "encoding": "json_ietf"})
    seen = []
    for answer in stream:
        seen.append(answer)
        if "sync_response" in answer:
            client.set(replace=[("/lab/name", json.dumps("changed"))])
        elif "update" in answer and "changed" in json.dumps(answer):
            break
    stream.close()
    found["stream"] = seen
    found["deleted"] = client.set(delete=["/lab/port[name=a]"])
print("RESULT", json.dumps(found))
"""


def pygnmi(port: int, tmp_path: Path) -> dict[str, Any]:
    """What pygnmi sees; in a process of its own, it brings an older gnmi.proto of the same name."""
    program = tmp_path / "with_pygnmi.py"
    program.write_text(PYGNMI)
    ran = subprocess.run(
        [sys.executable, str(program), str(port)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    line = next(one for one in ran.stdout.splitlines() if one.startswith("RESULT "))
    return dict(json.loads(line.removeprefix("RESULT ")))


def test_pygnmi_reads_sets_and_subscribes(target: Target, ada: Client, tmp_path: Path) -> None:
    found = pygnmi(target.ports()["test"], tmp_path)

    assert found["capabilities"]["gnmi_version"] == "0.10.0"
    assert found["set"]["response"][0]["op"] == "UPDATE"
    assert found["get"]["notification"][0]["update"][0]["val"] == 9000
    assert found["stream"][-1]["update"]["update"][0]["val"] == "changed"
    assert found["deleted"]["response"][0]["op"] == "DELETE"
    assert ada.read("/lab/port[name=*]/mtu") == {}
