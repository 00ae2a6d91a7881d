"""What the doctor finds on machines that are not this one."""

from pathlib import Path

import pytest

from nf.datapath import machine
from nf.datapath.machine import Check, examine

ALL_RIGHTS = "CapEff:\t000001ffffffffff\n"


def made(root: Path, *, release: str = "6.1.0-13-amd64", status: str = ALL_RIGHTS) -> Path:
    """A root with what the checks read."""
    for name, text in {
        "proc/sys/kernel/osrelease": release,
        "proc/self/status": f"Name:\tnf\n{status}",
        "proc/mounts": "bpf /sys/fs/bpf bpf rw 0 0\n",
        "sys/kernel/btf/vmlinux": "",
        "sys/class/net/eth0/operstate": "up\n",
        "sys/class/net/eth0/mtu": "9000\n",
        "sys/class/net/eth1/operstate": "down\n",
        "sys/class/net/eth1/mtu": "1500\n",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def found(root: Path, topic: str, state: Path | None = None) -> Check:
    return next(check for check in examine(state, root) if check.topic == topic)


@pytest.mark.parametrize(
    ("release", "verdict"),
    [("6.1.0-13-amd64", "ok"), ("5.10.0", "ok"), ("5.4.0-99", "limited"), ("4.19", "limited")],
)
def test_old_kernels_lack_light_inspection(tmp_path: Path, release: str, verdict: str) -> None:
    assert found(made(tmp_path, release=release), "kernel").verdict == verdict


def test_without_rights_live_capture_is_missing_and_the_rest_limited(tmp_path: Path) -> None:
    root = made(tmp_path, status="CapEff:\t0000000000000000\n")

    assert found(root, "CAP_NET_RAW").verdict == "missing"
    assert found(root, "CAP_NET_ADMIN").verdict == "limited"
    assert "docs/run.md" in found(root, "CAP_NET_RAW").advice


def test_the_older_great_right_stands_for_the_newer_ones(tmp_path: Path) -> None:
    root = made(tmp_path, status=f"CapEff:\t{1 << 21:016x}\n")

    assert found(root, "CAP_BPF").verdict == "ok"


def test_an_interface_that_is_down_is_told_how_to_come_up(tmp_path: Path) -> None:
    root = made(tmp_path)

    assert found(root, "interface eth0").found == "up, virtual, MTU 9000"
    assert found(root, "interface eth1").advice.endswith("ip link set eth1 up")


def test_a_machine_without_proc_and_sys_is_not_a_crash(tmp_path: Path) -> None:
    checks = examine(None, tmp_path)

    assert {check.topic for check in checks} >= {"kernel", "capabilities", "interfaces"}
    assert found(tmp_path, "interfaces").verdict == "missing"


def test_whatever_is_not_well_comes_with_advice(tmp_path: Path) -> None:
    root = made(tmp_path, release="4.19", status="CapEff:\t0\n")

    for check in examine(tmp_path / "state", root):
        assert bool(check.advice) == (check.verdict != "ok"), check


def test_a_state_folder_on_a_full_disk_is_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("usage", (), {"free": 1 << 20})
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage)

    assert found(made(tmp_path), "state folder", tmp_path / "not" / "yet").verdict == "limited"
