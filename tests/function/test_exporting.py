"""The running function sends what it sees to a collector of IPFIX, configured while it runs."""

import json
import subprocess
import sys
from pathlib import Path

from tests.function.conftest import PATIENCE, SEES, Start, eventually

ROOT = Path(__file__).parents[2]


def test_what_a_collector_gets_adds_up_to_what_was_sent(start: Start) -> None:
    probe = start("-i", SEES).up()
    eventually(probe.capturing)
    words = ("ip", "netns", "exec", probe.space, sys.executable, "-m", "tests.function.collecting")
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT) as collecting:
        try:
            assert collecting.stdout is not None
            port = collecting.stdout.readline().decode().strip()
            probe.set(
                ("outputs/ipfix/host", "127.0.0.1"),
                ("outputs/ipfix/port", port),
                ("outputs/ipfix/transport", "tcp"),
                ("outputs/ipfix/enabled", "true"),
                ("outputs/flush-interval", "1"),
                ("reports/session/interim", "true"),
                ("reports/interval", "1"),
            )
            probe.send(40, 5001)

            def written() -> int:
                outputs = probe.state("outputs").get("output", [])
                return sum(int(one["state"]["written"]) for one in outputs)

            eventually(lambda: written() >= 1)
            probe.send(2, 5001)
            assert probe.end() == 0
            flows = json.loads(collecting.communicate(timeout=PATIENCE)[0])
        finally:
            collecting.kill()
    assert len(flows) >= 2, "a session that goes on was not told of"
    assert {flow["destinationTransportPort"] for flow in flows} == {5001}
    assert sum(flow["packetDeltaCount"] for flow in flows) == 42
    assert len({flow["sessionId"] for flow in flows}) == 1
    assert [flow["flowEndReason"] for flow in flows[:-1]] == [2] * (len(flows) - 1)
