"""Packets of a running probe are written to a file, and it goes on as if nothing were."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nf
from tests.function.conftest import PATIENCE, SEES, SENDER, Probe, Start, eventually
from tests.function.netconf import Answer, Netconf

CAPTURE = "urn:nf:yang:nf-capture"
NOTIFICATION = "urn:ietf:params:xml:ns:netconf:notification:1.0"


@pytest.fixture
def probe(start: Start) -> Iterator[Probe]:
    """A probe that captures, and has seen a packet."""
    made = start("-i", SEES).up()
    eventually(made.capturing)
    yield made
    assert made.end() == 0, made.logged()


def dump(session: Netconf, **leaves: Any) -> Answer:
    inner = "".join(
        f"<{name.replace('_', '-')}>{value}</{name.replace('_', '-')}>"
        for name, value in leaves.items()
    )
    return session.ask(f'<dump-packets xmlns="{CAPTURE}">{inner}</dump-packets>')


def stop(session: Netconf) -> Answer:
    return session.ask(f'<stop-dump xmlns="{CAPTURE}"/>')


def counts(answer: Answer) -> dict[str, int]:
    return {name: int(answer.texts(name)[0]) for name in ("seen", "packets", "bytes", "dropped")}


def ports_in(file: Path) -> Counter[int]:
    """Packets by their destination's port, as our own reader reads them."""
    found: Counter[int] = Counter()
    for row in nf.read(str(file)):
        found[row.dst_port] += row.packets_up + row.packets_down
    return found


def test_the_file_has_what_the_filter_accepts_and_no_packet_is_lost(probe: Probe) -> None:
    before = probe.account()
    with Netconf(probe) as session:
        subscribed = session.ask(f'<create-subscription xmlns="{NOTIFICATION}"/>')
        assert subscribed.ok
        begun = dump(session, file="some.pcapng", filter="udp port 5001", duration=600)
        assert begun.texts("file") == ["some.pcapng"]
        probe.send(3000, 5001)
        probe.send(3000, 5002)
        stopped = stop(session)
        ended = session.heard("dump-ended")

    path = Path(begun.texts("path")[0])
    assert path == probe.places.state / "dumps" / "some.pcapng"
    assert ports_in(path) == {5001: 3000}
    told = {"seen": 6000, "packets": 3000, "bytes": path.stat().st_size, "dropped": 0}
    assert counts(stopped) == told
    assert counts(ended) == told
    assert ended.texts("reason") == ["stopped"]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)

    account = eventually(
        lambda: (now := probe.account())["processed"] >= before["processed"] + 6000 and now
    )
    assert account["packets"] == before["packets"] + 6000
    assert account["kernel-drops"] == before["kernel-drops"]
    state = probe.state("capture/state/dump")
    assert (state["active"], state["reason"], state["filter"]) == (
        False,
        "stopped",
        "udp port 5001",
    )
    assert [one["file"] for one in state["kept"]] == ["some.pcapng"]


def test_it_goes_on_when_the_capture_is_configured_anew(probe: Probe) -> None:
    """With another filter sockets stay, with other workers another engine takes over."""
    with Netconf(probe) as session:
        path = Path(dump(session, duration=600).texts("path")[0])
        for port, change in (
            (5001, None),
            (5002, ("capture/filter", "udp")),
            (5003, ("capture/interface[v1]/snap-length", "100")),
            (5004, ("engine/workers", "2")),
        ):
            if change is not None:
                probe.set(change)
            probe.send(500, port)
        told = counts(stop(session))

    assert ports_in(path) == dict.fromkeys((5001, 5002, 5003, 5004), 500)
    assert (told["packets"], told["dropped"]) == (2000, 0)


def test_what_is_wrong_is_refused_at_its_place_and_with_a_way_out(probe: Probe) -> None:
    def refusal(answer: Answer) -> tuple[str, str]:
        (error,) = answer.errors
        return error.get("error-path", ""), error["error-message"]

    with Netconf(probe) as session:
        path, why = refusal(dump(session, filter="no such word"))
        assert path.endswith("filter"), path
        assert "try:" in why
        for name in ("../x", "a/b", ".x", ""):
            assert refusal(dump(session, file=name))[0].endswith("file"), name
        assert "dump-packets" in refusal(stop(session))[1]

        assert dump(session, file="one").texts("file") == ["one"]
        assert "'one'" in refusal(dump(session))[1].replace('"', "'")
        assert (
            "stop"
            in refusal(
                session.ask(f'<delete-dump xmlns="{CAPTURE}"><file>one</file></delete-dump>')
            )[1]
        )
        stop(session)
        assert "already" in refusal(dump(session, file="one"))[1]

        folder = probe.places.state / "dumps"
        for number in range(63):
            (folder / f"other-{number}").touch()
        assert "delete" in refusal(dump(session))[1]
        deleted = session.ask(f'<delete-dump xmlns="{CAPTURE}"><file>one</file></delete-dump>')
        assert deleted.ok
        assert not (folder / "one").exists()
        assert dump(session).errors == []


def test_a_dump_ends_with_its_packets_and_with_the_datapath(probe: Probe) -> None:
    with Netconf(probe) as session:
        dump(session, file="ten", count=10, duration=600)
        probe.send(50)
        eventually(lambda: not probe.state("capture/state/dump")["active"])
        state = probe.state("capture/state/dump")
        assert (state["reason"], int(state["packets"])) == ("count", 10)

        path = Path(dump(session, file="cut", duration=600).texts("path")[0])
        probe.send(50, 5009)
    probe.end()
    assert ports_in(path) == {5009: 50}


def command(probe: Probe, *words: str) -> list[str]:
    return [
        *(sys.executable, "-m", "nf.cli", "dump", "--state-dir", str(probe.places.state)),
        *words,
    ]


def ran(probe: Probe, *words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        command(probe, *words), capture_output=True, timeout=PATIENCE, check=False
    )


def test_the_command_waits_moves_stops_lists_and_deletes(probe: Probe, tmp_path: Path) -> None:
    target = tmp_path / "here.pcapng"
    sender = subprocess.Popen(
        ["ip", "netns", "exec", probe.space, sys.executable, str(SENDER), "1000000", "6000", "500"]
    )
    try:
        some = ran(probe, "--packets", "20", "--filter", "udp", "--wait", "-o", "json")
        moved = ran(probe, "--packets", "20", "--output", str(target))
        piped = ran(probe, "--packets", "7", "--output", "-")
        waiting = subprocess.Popen(
            command(probe, "--duration", "1h", "--wait", "-o", "json"), stdout=subprocess.PIPE
        )
        eventually(lambda: int(probe.state("capture/state/dump").get("packets", 0)) > 40)
        waiting.send_signal(signal.SIGINT)
        told, _ = waiting.communicate(timeout=PATIENCE)
    finally:
        sender.kill()
        sender.wait()

    state = json.loads(some.stdout)
    assert (some.returncode, state["reason"], state["packets"]) == (0, "count", "20")
    assert ports_in(Path(state["path"])) == {6000: 20}
    assert moved.returncode == 0, moved.stderr
    assert ports_in(target) == {6000: 20}
    assert piped.returncode == 0, piped.stderr
    (tmp_path / "piped").write_bytes(piped.stdout)
    assert ports_in(tmp_path / "piped") == {6000: 7}
    assert (waiting.returncode, json.loads(told)["reason"]) == (0, "stopped")

    # What was moved is nowhere else.
    listed = json.loads(ran(probe, "--list", "-o", "json").stdout)
    kept = [one["file"] for one in listed["kept"]]
    assert kept == sorted([state["file"], json.loads(told)["file"]])
    assert ran(probe, "--file", "mine").returncode == 0
    assert b"stopped" in ran(probe, "--stop").stdout
    assert ran(probe, "--delete", "mine").returncode == 0
    assert ran(probe, "--delete", "mine").returncode != 0
    assert ran(probe, "--stop", "--wait").returncode == 7


def test_a_full_disk_ends_the_dump_and_leaves_room_for_changes(
    start: Start, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "nf-test", str(state)]
    mounted = subprocess.run(words, capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        probe = start("-i", SEES).up()
        eventually(probe.capturing)
        with Netconf(probe) as session:
            path = Path(dump(session, duration=600).texts("path")[0])
            free = os.statvfs(state).f_bavail * os.statvfs(state).f_frsize
            (state / "ballast").write_bytes(bytes(free - (3 << 20)))
            probe.send(20_000)
            eventually(lambda: not probe.state("capture/state/dump")["active"])
        told = probe.state("capture/state/dump")
        assert told["reason"] == "disk-full"
        assert "disk" in told["message"]
        assert int(told["bytes"]) == path.stat().st_size
        assert ports_in(path) == {5000: int(told["packets"])}
        probe.set(("engine/timeouts/short", "33"))
        assert probe.end() == 0
    finally:
        subprocess.run(["umount", "--lazy", str(state)], check=True)
