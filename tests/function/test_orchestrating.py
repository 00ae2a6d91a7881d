"""`examples/orchestrate.py` with the classes of `make bindings`, against a probe that runs."""

import os
import subprocess
import sys
from pathlib import Path

import asyncssh

from tests.function.conftest import SEES, Start, eventually, lines_of

ROOT = Path(__file__).parents[2]


def test_an_orchestrator_configures_and_reads_a_probe(start: Start, tmp_path: Path) -> None:
    home, classes, rows = (tmp_path / name for name in ("home", "classes", "rows"))
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    classes.mkdir()
    subprocess.run(
        [sys.executable, "-m", "tools.bindings", classes / "nf_bindings.py"], check=True, cwd=ROOT
    )
    key = home / ".ssh" / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    probe = start(NF_ADMIN_KEY=key.with_suffix(".pub").read_text()).up()
    host = asyncssh.read_private_key(next(probe.places.state.rglob("ssh_host_ed25519_key")))
    known = host.export_public_key().decode()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:8300 {known}")

    def orchestrate(interface: str, *more: str) -> "subprocess.CompletedProcess[str]":
        kept = {name: one for name, one in os.environ.items() if name != "SSH_AUTH_SOCK"}
        return subprocess.run(
            [
                *("ip", "netns", "exec", probe.space, sys.executable, "-W", "ignore"),
                *(ROOT / "examples" / "orchestrate.py", "127.0.0.1", "8300", "admin", interface),
                *more,
            ],
            env=kept | {"HOME": str(home), "PYTHONPATH": str(classes)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    done = orchestrate(SEES, str(rows))
    assert done.returncode == 0, done.stderr
    assert f"captures 'not port 22' from {SEES}" in done.stdout
    assert "sessions end after 20 s" in done.stdout
    assert f"  {SEES}: " in done.stdout
    eventually(probe.capturing)
    probe.send(50, port=7002)
    eventually(lambda: probe.account()["packets"] >= 50)

    refused = orchestrate("no/such")
    assert refused.returncode == 1
    assert "interface" in refused.stderr
    assert probe.end() == 0
    assert [row for row in lines_of(rows) if row["dst_port"] == 7002]
