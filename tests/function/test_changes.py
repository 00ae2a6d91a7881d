"""Reconfiguration under traffic loses no packet; what is wrong changes nothing."""

import json
import subprocess
import sys
from itertools import cycle

import pytest

from nf.errors import NfError
from nf.process.monitoring import MonitorClient, RestartProcess
from tests.function.conftest import SEES, SENDER, Probe, Start, eventually

COMMITS = 1000
PACKETS = 20_000
"""Of one sender; another follows while commits go on."""

LIVE = (
    (("engine/timeouts/short", "20"), ("engine/timeouts/short", "25")),
    (("engine/timeouts/default", "70"), ("engine/timeouts/default", "60")),
    (("reports/filter", "bytes > 0"), ("reports/filter", "packets_up > 0")),
    (("engine/classify-packets", "20"), ("engine/classify-packets", "16")),
    (("capture/filter", "udp or not udp"), ("capture/filter", "ip or not ip")),
    (("logging/level", "warning"), ("logging/level", "info")),
    (("id", "7"), ("id", "8")),
)
"""Two values each of what changes while traffic is analysed; no filter leaves anything out."""


def packets(probe: Probe) -> "subprocess.Popen[bytes]":
    """A sender that has begun."""
    words = [sys.executable, str(SENDER), str(PACKETS), "6000", "2000"]
    return subprocess.Popen(["ip", "netns", "exec", probe.space, *words])


def test_a_thousand_commits_under_traffic_lose_no_packet(start: Start) -> None:
    probe = start("-i", SEES).up()
    eventually(probe.capturing)
    datapath = probe.processes()["nf-datapath"].pid
    before = probe.account()["packets"]
    values = cycle([pair[turn] for turn in (0, 1) for pair in LIVE])
    made, sent, sender = 0, PACKETS, packets(probe)
    try:
        # Neither ends before the other: no commit is made without traffic.
        while made < COMMITS or sender.poll() is None:
            if sender.poll() is not None:
                assert sender.returncode == 0
                sent, sender = sent + PACKETS, packets(probe)
            probe.set(next(values))
            made += 1
        assert sender.returncode == 0
    finally:
        sender.kill()
        sender.wait()

    eventually(lambda: probe.account()["packets"] >= before + sent)
    account = probe.account()
    assert account["packets"] == before + sent
    assert account["kernel-drops"] == account["dispatch-drops"] == account["filtered"] == 0
    assert account["processed"] + account.get("in-flight", 0) == account["packets"]
    now = probe.processes()["nf-datapath"]
    assert (now.pid, now.restarts) == (datapath, 0)


def test_wrong_values_among_right_ones_change_nothing_at_all(start: Start) -> None:
    probe = start("-i", SEES).up()
    eventually(probe.capturing)
    before = probe.config()

    for wrong in ("engine/timeouts/short=0", "capture/filter=tcp prt 1", "reports/filter=a ==="):
        path, _, value = wrong.partition("=")
        with pytest.raises(NfError) as refused:
            probe.set(("id", "99"), (path, value))
        assert path.rpartition("/")[2] in refused.value.place

    assert probe.config() == before
    probe.set(("id", "99"))
    assert probe.config("id")["nf-probe:probe"]["id"] == 99


def test_all_processes_log_as_configured_from_then_on(start: Start) -> None:
    probe = start("-i", SEES).up()
    probe.set(("logging/format", "json"))
    with MonitorClient(probe.places.monitor_socket) as monitor:
        monitor.call(RestartProcess("nf-datapath"))
    eventually(lambda: probe.processes()["nf-datapath"].restarts == 1)
    eventually(probe.capturing)
    asked = [
        json.loads(line)
        for line in probe.logged().splitlines()
        if line.startswith("{") and "asked for a restart" in line
    ]
    assert [one["process"] for one in asked] == ["nf-monitor"]

    probe.set(("logging/module[nf.supervisor]/level", "error"))
    with MonitorClient(probe.places.monitor_socket) as monitor:
        monitor.call(RestartProcess("nf-datapath"))
    eventually(lambda: probe.processes()["nf-datapath"].restarts == 2)
    eventually(probe.capturing)
    assert probe.logged().count("asked for a restart") == 1
    assert probe.end() == 0


WAYS = (("af-packet", "4"), ("libpcap", "1"), ("af-packet", "1"), ("af-packet", "2"))
"""Sources of an interface, and sockets that share it."""


def test_the_way_in_which_packets_come_changes_under_traffic(start: Start) -> None:
    probe = start("-i", SEES).up()
    eventually(probe.capturing)
    datapath = probe.processes()["nf-datapath"].pid
    before, entry = probe.account()["packets"], f"capture/interface[{SEES}]"
    sender = packets(probe)
    try:
        for kind, sockets in WAYS * 5:
            # One commit: libpcap has one socket only.
            probe.set((f"{entry}/source", f"nf-types:{kind}"), (f"{entry}/sockets", sockets))

            def is_so(kind: str = kind, sockets: str = sockets) -> bool:
                [told] = probe.state("capture/state")["source"]
                return told["kind"].endswith(kind) and told.get("sockets") == int(sockets)

            eventually(is_so)
        assert sender.wait(60) == 0
    finally:
        sender.kill()
        sender.wait()

    eventually(lambda: probe.account()["packets"] >= before + PACKETS)
    account = probe.account()
    assert account["packets"] == before + PACKETS
    assert account["kernel-drops"] == account["filtered"] == 0
    assert probe.processes()["nf-datapath"].pid == datapath

    for sockets, buffer in (("64", "134217728"), ("65", "1048576")):
        with pytest.raises(NfError) as refused:
            probe.set((f"{entry}/sockets", sockets), (f"{entry}/buffer-size", buffer))
        assert refused.value.place.endswith("/sockets")
