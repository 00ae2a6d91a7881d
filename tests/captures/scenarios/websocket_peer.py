"""Both ends of a WebSocket conversation; runs in the scratch environment: server|client|sailor
ADDRESS."""

from __future__ import annotations

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

PORT = 8080


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def _serve(address: str) -> None:
    async with serve(_echo, address, PORT, ping_interval=None):
        print("listening", flush=True)
        await asyncio.get_running_loop().create_future()


async def _talk(address: str) -> None:
    url = f"ws://{address}:{PORT}/harbour"
    async with connect(
        url, compression=None, proxy=None, origin="http://www.example.com"
    ) as connection:
        await connection.send("ship ahoy")
        await connection.recv()
        await connection.send(bytes(range(200)))
        await connection.recv()
        await (await connection.ping(b"still there?"))


async def _sail(address: str) -> None:
    url = f"ws://[{address}]:{PORT}/log"
    async with connect(url, compression=None, proxy=None) as connection:
        await connection.send(["fair ", "wind ", "and ", "tide"])
        await connection.recv()
        await connection.send("a long entry " * 300)
        await connection.recv()
        await connection.close(3001, "home again")
    async with connect(url, proxy=None) as connection:
        await connection.send("squeezed " * 30)
        await connection.recv()


if __name__ == "__main__":
    parts = {"server": _serve, "client": _talk, "sailor": _sail}
    asyncio.run(parts[sys.argv[1]](sys.argv[2]))
