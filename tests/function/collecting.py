"""A collector of IPFIX over TCP, for namespaces: prints its port, then, at the end, its flows."""

import json
import socket
import sys

from tests.unit.outputs.collector import Collector

with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    link, _ = server.accept()
    collector, rest = Collector(), b""
    with link:
        while octets := link.recv(65535):
            rest += octets
            while len(rest) >= 4 and len(rest) >= (length := int.from_bytes(rest[2:4])):
                collector.take(rest[:length])
                rest = rest[length:]
    assert not rest, "a message is not whole"
    flows = [
        {k: v for k, v in flow.items() if not isinstance(v, bytes)} for flow in collector.flows()
    ]
json.dump(flows, sys.stdout)
