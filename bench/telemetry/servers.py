"""What is measured: the gNMI target, and a bare server that replays one message of it.

python -m bench.telemetry.servers target|bare; prints its port. The bare server reads the message
that it replays, in hexadecimal, from a line of its input.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import grpc

from nf._native.yang import Context
from nf.mgmt.core import Core
from nf.mgmt.credentials.provider import Credentials
from nf.mgmt.history import History
from nf.mgmt.schema import ModuleSet
from nf.telemetry.gnmi.server import Target

ENTRIES = 166
"""Protocols whose counters stream: 6 leaves each, together one message."""
FIRST = {
    "nf-probe:probe": {
        "nf-telemetry:telemetry": {
            "gnmi": {
                "listen": [{"name": "bench", "address": "127.0.0.1", "port": 0}],
                "minimum-sample-interval": 10,
            }
        }
    }
}


class Silent:
    """Nobody hears of notifications."""

    def publish(self, notification: dict[str, Any]) -> None:
        """Does nothing."""


class Anybody:
    """Lets everybody in."""

    def check_password(self, user: str, password: str, source: str) -> bool:
        """Whoever asks."""
        del user, password, source
        return True

    def has(self, user: str) -> bool:
        """Everybody is there."""
        del user
        return True


class Counters:
    """State in which every number is another with every reading."""

    def __init__(self) -> None:
        self._reads = count(1)

    def top(self) -> str:
        """See `StateSource`."""
        return "nf-probe:probe"

    def get(self) -> dict[str, Any]:
        """See `StateSource`."""
        number = next(self._reads) * 1_000_003
        listed = [
            {
                "path": f"ethernet.ip.tcp.p{entry}",
                "packets": number + entry,
                "bytes": number * 700 + entry,
                "payload": number * 600 + entry,
                "sessions": number // 40 + entry,
                "active": number % 1000 + entry,
            }
            for entry in range(ENTRIES)
        ]
        return {"nf-probe:probe": {"nf-dpi:statistics": {"protocol": listed}}}


def target() -> None:
    """The target of the product, over a source that costs next to nothing."""
    with tempfile.TemporaryDirectory() as folder:
        core = Core(
            Context(*ModuleSet.read().for_context()), History(Path(folder), "bench"), Silent()
        )
        core.state.register(Counters())
        credentials = Credentials(Path(folder))
        credentials.attach(core)
        served = Target(core, Anybody(), credentials)
        core.providers.register(served)
        served.start()
        core.start(json.dumps(FIRST).encode())
        print(served.ports()["bench"], flush=True)
        sys.stdin.read()
        served.stop()
        credentials.stop()
        core.stop()


async def bare() -> None:
    """What grpc.aio does at most: the same octets, again and again, to whoever subscribes."""
    message = bytes.fromhex(sys.stdin.readline())

    async def subscribe(requests: AsyncIterator[bytes], context: Any) -> None:
        await anext(requests)
        while True:
            await context.write(message)

    server = grpc.aio.server()
    handler = grpc.stream_stream_rpc_method_handler(subscribe, None, None)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("gnmi.gNMI", {"Subscribe": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(0)


if __name__ == "__main__":
    if sys.argv[1] == "target":
        target()
    else:
        asyncio.run(bare())
