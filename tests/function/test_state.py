"""Every leaf of state is told by a running probe, under traffic of all kinds."""

import gzip
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nf._native.yang import Context
from nf.mgmt.local import Read, Run
from nf.mgmt.schema import ModuleSet
from tests.function.conftest import PATIENCE, SEES, Probe, Start, eventually, lines_of

REPLAYER = Path(__file__).with_name("replayer.py")
PROBE = "/nf-probe:probe"
CAPTURE = f"{PROBE}/nf-capture:capture/state"
ENGINE = f"{PROBE}/nf-dpi:engine/state"
GNMI = f"{PROBE}/nf-telemetry:telemetry/gnmi"

NOT_HERE = {
    # Only what happens to a source, and here nothing does, makes it say so.
    f"{CAPTURE}/source/interface-drops": "counted by the interface's driver",
    f"{CAPTURE}/source/dispatch-drops": "counted between a reader and its workers",
    f"{CAPTURE}/dump/message": "told of a dump that fails: test_dumping.py",
    **dict.fromkeys(
        (f"{PROBE}/held-state/{name}" for name in ("taken", "until")),
        "told while somebody holds the state",
    ),
    **dict.fromkeys(
        (f"{GNMI}/token/{name}" for name in ("id", "user", "issued", "expires")),
        "told while a token is valid: tests/gnmi/test_tokens.py",
    ),
    **dict.fromkeys(
        (
            f"{PROBE}/management/netconf/nf-netconf:call-home/netconf-client/state/{name}"
            for name in (
                *("status", "endpoint", "connections", "attempts"),
                *("last-connected", "last-error"),
            )
        ),
        "told of a client that is called: tests/netconf/test_rfc8071_call_home.py",
    ),
}
"""Leaves that depend on what a test cannot bring about here, and where they come from."""


def leaves_of_state() -> set[str]:
    """Paths of the leaves of our modules that are config false, operations left out."""
    context = Context(*ModuleSet.read().for_context())
    return {
        node["path"]
        for node in context.nodes()
        if node["path"].startswith(PROBE)
        and not node["config"]
        and node["kind"] in {"leaf", "leaf-list"}
    }


def told(value: Any, path: str = "", module: str = "") -> Iterator[str]:
    """Paths of the leaves in RFC 7951 data."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name.startswith("@"):
                continue
            own, _, bare = name.rpartition(":")
            step = f"{own}:{bare}" if own and own != module else bare
            yield from told(one, f"{path}/{step}", own or module)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for one in value:
            yield from told(one, path, module)
    else:
        yield path


def everything(probe: Probe) -> set[str]:
    """Leaves that the probe tells just now."""
    return set(told(json.loads(probe.ask(Read("operational")).text)))


def replay(probe: Probe, capture: Path) -> None:
    subprocess.run(
        ["ip", "netns", "exec", probe.space, sys.executable, str(REPLAYER), str(capture)],
        check=True,
        timeout=PATIENCE,
    )


def killed(probe: Probe, captures: Path, folder: Path) -> None:
    """A process ends, and is back."""
    del captures, folder
    before = probe.processes()["nf-datapath"].pid
    os.kill(before, signal.SIGKILL)
    eventually(lambda: probe.processes()["nf-datapath"].pid not in {0, before})
    eventually(probe.capturing)


def dumped(probe: Probe, captures: Path, folder: Path) -> None:
    """Packets are written to a file, to its end."""
    del folder
    probe.ask(Run("dump-packets", (("filter", "ip"), ("count", "1"))))
    replay(probe, captures / "demo.pcap")
    eventually(lambda: not probe.state("capture/state/dump")["active"])


def undecodable(probe: Probe, captures: Path, folder: Path) -> None:
    """A packet ends within its header."""
    del captures
    frame = b"\x02\0\0\0\0\2" + b"\x02\0\0\0\0\1" + b"\x08\0" + b"\x45\0\0\x40"
    capture = folder / "cut.pcap"
    header = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    capture.write_bytes(header + struct.pack("=IIII", 1, 0, len(frame), len(frame)) + frame)
    replay(probe, capture)
    eventually(lambda: probe.state("engine/state/decode-error"))


def unopenable(probe: Probe, captures: Path, folder: Path) -> None:
    """An interface comes that has no addresses of Ethernet, which the filter asks for."""
    del captures, folder
    probe.set(("capture/interface[late*]/filter", "ether host 2:0:0:0:0:1"))
    ip = ["ip", "-n", probe.space]
    subprocess.run([*ip, "tuntap", "add", "mode", "tun", "late0"], check=True)
    subprocess.run([*ip, "link", "set", "late0", "up"], check=True)
    eventually(lambda: any(one.get("trouble") for one in probe.state("capture/state")["source"]))


def unwritable(probe: Probe, captures: Path, folder: Path) -> None:
    """Where rows went a file is in the way."""
    shutil.rmtree(folder / "rows")
    (folder / "rows").touch()
    replay(probe, captures / "demo.pcap")

    def failed() -> bool:
        return any("last-error" in one["state"] for one in probe.state("outputs")["output"])

    eventually(failed)


def from_files(probe: Probe, captures: Path, folder: Path) -> None:
    """Instead of an interface a file is read, which is damaged."""
    whole = gzip.compress((captures / "http-download.pcap").read_bytes())
    damaged = folder / "damaged.pcap.gz"
    damaged.write_bytes(whole[: len(whole) // 2])
    probe.set(("outputs/file/enabled", "false"))
    probe.set(("capture/file/path", str(damaged)))
    eventually(lambda: "damaged" in probe.state("capture/state")["error"])


@pytest.fixture
def full(start: Start, tmp_path: Path) -> Probe:
    """A probe with everything on."""
    folder, plugin = tmp_path / "rows", tmp_path / "known.py"
    plugin.write_text(REPLAYER.with_name("known_plugin.py").read_text())
    probe = start(
        *("-i", SEES, "-X", "engine/risks/enabled=true", "-X", "engine/workers=2"),
        *("-X", f"engine/plugins/path={plugin}"),
        *("-X", "outputs/file/enabled=true", "-X", f"outputs/file/directory={folder}"),
        *("-X", "reports/session/enabled=true", "-X", "outputs/flush-interval=1"),
        *("-X", "outputs/file/rotate-interval=1", "-X", "reports/interval=1"),
        *("-X", "telemetry/gnmi/listen[t]/address=127.0.0.1"),
        *("-X", "telemetry/gnmi/listen[t]/port=9339"),
        *("-X", "telemetry/gnmi/history/enabled=true"),
        *("-X", "telemetry/gnmi/collector[c]/address=127.0.0.1"),
        *(
            "-X",
            "telemetry/gnmi/collector[c]/port=9",
            "-X",
            "telemetry/gnmi/collector[c]/user=admin",
        ),
        *("-X", "telemetry/gnmi/collector[c]/subscription[/probe/id]/mode=on-change"),
    ).up()
    eventually(probe.capturing)
    return probe


def test_every_leaf_of_state_is_told_by_somebody(
    full: Probe, captures: Path, tmp_path: Path
) -> None:
    wanted = leaves_of_state()
    seen: set[str] = set()
    for name in ("demo", "fragments-odd", "http-lost", "dns-malformed", "vlan"):
        capture = captures / f"{name}.pcap"
        if capture.exists():
            replay(full, capture)
            seen |= everything(full)
    eventually(lambda: lines_of(tmp_path / "rows"))
    seen |= everything(full)
    for trouble in (killed, dumped, undecodable, unopenable, unwritable, from_files):
        trouble(full, captures, tmp_path)
        seen |= everything(full)

    missing = sorted(wanted - seen - set(NOT_HERE))
    assert missing == [], "\n".join(missing)
    assert sorted(set(NOT_HERE) & seen) == [], "it is told after all"
    assert set(NOT_HERE) <= wanted
