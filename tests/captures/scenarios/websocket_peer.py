"""Both ends of a WebSocket conversation; runs in the scratch environment: server|client ADDRESS."""

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


if __name__ == "__main__":
    asyncio.run((_serve if sys.argv[1] == "server" else _talk)(sys.argv[2]))
