"""Clients of others: ncclient, netconf-console2, scrapli-netconf, OpenSSH."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nf.mgmt.netconf.alone import Alone
from tests.netconf.conftest import PASSWORD
from tests.netconf.peer import BASE, BASE_1_0, BOX, MONITORING

NCCLIENT = """
import json, sys
from ncclient import manager
from ncclient.operations import RPCError
from ncclient.xml_ import to_ele

port, password = int(sys.argv[1]), sys.argv[2]
found = {}
config = '<config><box xmlns="urn:nf:test">%s</box></config>'
box = ("subtree", '<box xmlns="urn:nf:test"/>')
with manager.connect(host="127.0.0.1", port=port, username="ada", password=password,
                     hostkey_verify=False, allow_agent=False, look_for_keys=False) as client:
    found["session"] = client.session_id
    found["candidate"] = ":candidate" in client.server_capabilities
    with client.locked("candidate"):
        client.edit_config(target="candidate", config=config % "<name>by ncclient</name>")
        client.validate("candidate")
        client.commit(confirmed=True, timeout="60")
        client.commit()
    found["running"] = client.get_config("running", filter=box).data_xml
    found["xpath"] = client.get_config(
        "running", filter=("xpath", ({"t": "urn:nf:test"}, "/t:box/t:name"))).data_xml
    found["defaults"] = client.get_config(
        "running", filter=box, with_defaults="report-all").data_xml
    found["schema"] = client.get_schema("nf-probe").data[:60]
    try:
        client.edit_config(target="running", config=config % "<low>9</low><high>3</high>")
    except RPCError as error:
        found["error"] = [error.tag, error.app_tag, error.path, error.message]
    client.create_subscription()
    client.edit_config(target="running", config=config % "<name>again</name>")
    found["event"] = client.take_notification(timeout=20).notification_xml
    client.copy_config(source="running", target="startup")
    client.delete_config("startup")
    client.discard_changes()
print(json.dumps(found))
"""

SCRAPLI = """
import json, sys
from scrapli_netconf.driver import NetconfDriver

found = {}
with NetconfDriver(host="127.0.0.1", port=int(sys.argv[1]), auth_username="ada",
                   auth_password=sys.argv[2], auth_strict_key=False, transport=sys.argv[3],
                   timeout_ops=30) as client:
    found["version"] = client.netconf_version.value
    client.lock(target="candidate")
    edited = client.edit_config(
        config='<config><box xmlns="urn:nf:test"><name>by scrapli</name></box></config>',
        target="candidate")
    found["edit"] = edited.failed
    found["commit"] = client.commit().failed
    client.unlock(target="candidate")
    found["running"] = client.get_config(source="running").result
    found["wrong"] = client.edit_config(
        config='<config><box xmlns="urn:nf:test"><low>9</low><high>3</high></box></config>',
        target="running").failed
print(json.dumps(found))
"""


def run(script: str, function: Alone, *more: str) -> dict[str, object]:
    """Runs a client in its own interpreter: warnings of its libraries are none of ours."""
    done = subprocess.run(
        [sys.executable, "-c", script, str(function.server.ports["test"]), PASSWORD, *more],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_ncclient_works_with_it(function: Alone) -> None:
    found = run(NCCLIENT, function)

    assert found["candidate"] is True
    assert "by ncclient" in str(found["running"])
    assert "by ncclient" in str(found["xpath"])
    assert ">10</high>" in str(found["defaults"])
    assert str(found["schema"]).startswith("module nf-probe {")
    error = found["error"]
    assert isinstance(error, list)
    assert error[:2] == ["operation-failed", "low-above-high"]
    assert error[2].strip() == "/nf-test:box/nf-test:low"
    assert "netconf-config-change" in str(found["event"])


@pytest.mark.parametrize("transport", ["system", "paramiko"])
def test_scrapli_works_with_it(function: Alone, transport: str) -> None:
    if transport == "system" and shutil.which("ssh") is None:
        pytest.fail("OpenSSH's client is missing: apt-get install openssh-client")
    found = run(SCRAPLI, function, transport)

    assert found["version"] == "1.1"
    assert found["edit"] is False
    assert found["commit"] is False
    assert "by scrapli" in str(found["running"])
    assert found["wrong"] is True


def console(function: Alone, *arguments: str, folder: Path) -> str:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("netconf-console2")),
            "--host=127.0.0.1",
            f"--port={function.server.ports['test']}",
            "--user=ada",
            f"--password={PASSWORD}",
            *arguments,
        ],
        capture_output=True,
        timeout=120,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_netconf_console_works_with_it(function: Alone, tmp_path: Path) -> None:
    file = tmp_path / "edit.xml"
    file.write_text(f'<box xmlns="{BOX}"><name>by console</name></box>')

    assert "urn:ietf:params:netconf:base:1.1" in console(function, "--hello", folder=tmp_path)
    console(function, "--db=running", f"--edit-config={file}", folder=tmp_path)
    assert "by console" in console(function, "--get-config", folder=tmp_path)
    assert "by console" in console(
        function, "--ns=t=urn:nf:test", "--get-config", "-x", "/t:box/t:name", folder=tmp_path
    )
    assert "netconf-state" in console(
        function, f"--ns=m={MONITORING}", "--get", "-x", "/m:netconf-state", folder=tmp_path
    )


def test_openssh_works_with_it(function: Alone, tmp_path: Path, ada_key: "object") -> None:
    if shutil.which("ssh") is None:
        pytest.fail("OpenSSH's client is missing: apt-get install openssh-client")
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_bytes(ada_key.export_private_key())  # type: ignore[attr-defined]
    asked = (
        f'<hello xmlns="{BASE}"><capabilities><capability>{BASE_1_0}</capability></capabilities>'
        f'</hello>]]>]]><rpc xmlns="{BASE}" message-id="1"><get-config><source><running/></source>'
        f'</get-config></rpc>]]>]]><rpc xmlns="{BASE}" message-id="2"><close-session/></rpc>]]>]]>'
    )
    done = subprocess.run(
        [
            "ssh",
            "-F/dev/null",
            "-oBatchMode=yes",
            "-oStrictHostKeyChecking=no",
            "-oUserKnownHostsFile=/dev/null",
            f"-i{key}",
            f"-p{function.server.ports['test']}",
            "-s",
            "ada@127.0.0.1",
            "netconf",
        ],
        input=asked.encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    messages = done.stdout.split(b"]]>]]>")

    assert done.returncode == 0, done.stderr
    assert len(messages) == 4, done.stderr
    assert b"<user><name>ada</name>" in messages[1]
    assert b'message-id="2"><ok/>' in messages[2]
