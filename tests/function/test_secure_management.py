"""NETCONF over TLS and keys of a file, with all processes of the function."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.certificates import Authority, Issued
from tests.function.conftest import Probe, Start, eventually
from tests.netconf.peer import BASE
from tests.netconf.tls_peer import Security

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")

PORT = 6513
TALK = (
    f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.0'
    "</capability></capabilities></hello>]]>]]>"
    f'<rpc xmlns="{BASE}" message-id="1"><close-session/></rpc>]]>]]>'
)


def talked(probe: Probe, authority: Authority, own: Issued) -> str:
    """A session of openssl in the probe's namespace; what it was told."""
    done = subprocess.run(
        [
            *("ip", "netns", "exec", probe.space, "openssl", "s_client", "-ign_eof"),
            *("-connect", f"127.0.0.1:{PORT}", "-verify_return_error"),
            *("-CAfile", str(authority.file), "-cert", str(own[0]), "-key", str(own[1])),
        ],
        input=TALK,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def test_a_key_of_a_file_serves_over_a_crash_and_is_written_nowhere_else(
    start: Start, tmp_path: Path
) -> None:
    security = Security.of(tmp_path)
    own = security.authority.issue("admin")
    tls = security.tls()
    tls["listen"][0]["port"] = PORT
    management = {**security.management(), "netconf": {"nf-netconf:tls": tls}}
    file = tmp_path / "day0.json"
    file.write_text(json.dumps({"nf-probe:probe": {"management": management}}))
    probe = start("-c", str(file)).up()
    eventually(lambda: "<ok/>" in talked(probe, security.authority, own))
    before = probe.processes()["nf-mgmt"].pid
    os.kill(before, signal.SIGKILL)
    eventually(lambda: probe.processes()["nf-mgmt"].pid not in (before, 0))
    eventually(lambda: "<ok/>" in talked(probe, security.authority, own))

    written = [one for one in (tmp_path / "state").rglob("*") if one.is_file()]
    secret = security.server.private_key.encode()
    assert not [one for one in written if secret in one.read_bytes()]
    assert any(one.parent.name == "keys" for one in written)
    assert "is let in as 'admin'" in probe.logged()
    assert probe.end() == 0
