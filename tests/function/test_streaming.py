"""One number behind all views: gNMI, metrics and the state that NETCONF reads, under traffic."""

import json
import subprocess
import sys
from pathlib import Path

from tests.function.conftest import PATIENCE, SEES, Start, eventually

ROOT = Path(__file__).resolve().parents[2]
SENT = 500


def test_counters_move_in_a_stream_and_are_equal_in_all_views(start: Start) -> None:
    probe = start(
        *("-i", SEES),
        *("-X", "telemetry/gnmi/listen[t]/address=127.0.0.1"),
        *("-X", "telemetry/gnmi/listen[t]/port=9339"),
        *("-X", "telemetry/metrics/enabled=true"),
    ).up()
    eventually(probe.capturing)
    command = ("tests.function.streaming_client", "9339", "9464", "a password of the test")
    client = subprocess.Popen(
        ["ip", "netns", "exec", probe.space, sys.executable, "-m", *command],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdin is not None
    assert client.stdout is not None
    try:
        first = json.loads(client.stdout.readline())["first"]
        client.stdin.write(f"{SENT}\n")
        client.stdin.flush()
        probe.send(SENT)
        said, _ = client.communicate(timeout=PATIENCE)
    finally:
        client.kill()
        client.wait()
        client.stdin.close()
        client.stdout.close()
    found = json.loads(said)

    before = first["/probe/capture/state/source[name=v1]/packets"]
    assert found["seen"] == sorted(found["seen"])
    assert found["got"] == found["scraped"] == before + SENT
    read = next(one for one in probe.state("capture/state")["source"] if one["name"] == SEES)
    assert int(read["packets"]) == found["got"]
    assert found["changed"] == 77
    assert probe.config("id")["nf-probe:probe"]["id"] == 77
