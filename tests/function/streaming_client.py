"""A gNMI client and a scrape inside the probe's namespace; prints what it saw as JSON.

python -m tests.function.streaming_client GNMI-PORT METRICS-PORT PASSWORD
"""

import json
import sys
import urllib.request

import grpc

from tests.gnmi.client import Client, subscribing, subscription, values

PACKETS = "/probe/capture/state/source[name=v1]/packets"


def main() -> None:
    """Waits for what was sent after it began, then reads it in three ways."""
    gnmi, metrics, password = sys.argv[1:]
    client = Client(grpc.insecure_channel(f"127.0.0.1:{gnmi}"), "admin", password)
    stream = client.subscribe(
        subscribing(
            subscription(PACKETS, "SAMPLE", every=0.2), subscription("/probe/id"), encoding="PROTO"
        )
    )
    first = {at: value for one in stream.until_sync() for at, value in values(one).items()}
    print(json.dumps({"first": first}), flush=True)
    wanted = first[PACKETS] + int(sys.stdin.readline())
    seen = [first[PACKETS]]
    while seen[-1] < wanted:
        seen.append(stream.first_with(PACKETS))
    client.set(update={"/probe/id": 77})
    changed = stream.first_with("/probe/id")
    stream.cancel()
    got = client.read(PACKETS, encoding="PROTO")[PACKETS]
    url = f"http://127.0.0.1:{metrics}/metrics"
    with urllib.request.urlopen(url, timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    name = 'nf_capture_source_packets_total{source_name="v1"} '
    scraped = next(int(line.removeprefix(name)) for line in lines if line.startswith(name))
    client.close()
    print(json.dumps({"seen": seen, "changed": changed, "got": got, "scraped": scraped}))


if __name__ == "__main__":
    main()
