"""Functions on what is found, as MMT-DPI's handlers, but on batches: who asks the web for what.

python examples/handlers.py CAPTURE…
"""

import sys
from collections import Counter
from collections.abc import Sequence

import nf


def main() -> None:
    """Prints the busiest addresses, and the hosts they asked for."""
    packets: Counter[str] = Counter()
    hosts: Counter[tuple[str, str]] = Counter()

    def on_packets(batch: Sequence[nf.Event]) -> None:
        packets.update(packet["ip.src"] for packet in batch if packet["ip.src"])

    def on_requests(batch: Sequence[nf.Event]) -> None:
        hosts.update((event["ip.src"] or "?", event["http.host"] or "?") for event in batch)

    probe = nf.Probe(*sys.argv[1:])
    probe.register_attribute("ip.src")
    probe.register_packet_handler(on_packets)
    probe.register_attribute_handler("http.method", on_requests, ["http.host"])
    stats = probe.run()

    print(stats.account.packets, "packets")
    for address, count in packets.most_common(5):
        print(f"{count:6} {address}")
    for (address, host), count in hosts.most_common(5):
        print(f"{count:6} {address} asked {host}")


if __name__ == "__main__":
    main()
