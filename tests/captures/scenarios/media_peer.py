"""Two ends of a WebRTC call, for captures: audio and a data channel over ICE, DTLS and SRTP.

media_peer.py answer ADDRESS waits for an offer on a TCP port; media_peer.py offer ADDRESS makes
one, lets the call last a moment and hangs up.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaBlackhole
from aiortc.mediastreams import AudioStreamTrack

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

PORT = 9000
LASTS_S = 0.8


def _packed(description: RTCSessionDescription) -> bytes:
    return json.dumps({"sdp": description.sdp, "type": description.type}).encode() + b"\n"


def _unpacked(line: bytes) -> RTCSessionDescription:
    return RTCSessionDescription(**json.loads(line))


def _connection() -> RTCPeerConnection:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    sink = MediaBlackhole()

    @connection.on("track")
    async def listen(track: AudioStreamTrack) -> None:
        sink.addTrack(track)
        await sink.start()

    connection.addTrack(AudioStreamTrack())
    return connection


async def answer(address: str) -> None:
    """Answers one call."""
    over = asyncio.Event()

    async def talk(reader: StreamReader, writer: StreamWriter) -> None:
        connection = _connection()
        await connection.setRemoteDescription(_unpacked(await reader.readline()))
        await connection.setLocalDescription(await connection.createAnswer())
        writer.write(_packed(connection.localDescription))
        await reader.read()
        await connection.close()
        over.set()

    server = await asyncio.start_server(talk, address, PORT, limit=1 << 20)
    print("listening", flush=True)
    async with server:
        await over.wait()


async def offer(address: str) -> None:
    """Makes a call."""
    reader, writer = await asyncio.open_connection(address, PORT, limit=1 << 20)
    connection = _connection()
    connected = asyncio.Event()

    @connection.on("connectionstatechange")
    async def look() -> None:
        if connection.connectionState == "connected":
            connected.set()

    await connection.setLocalDescription(await connection.createOffer())
    writer.write(_packed(connection.localDescription))
    await connection.setRemoteDescription(_unpacked(await reader.readline()))
    await connected.wait()
    await asyncio.sleep(LASTS_S)
    await connection.close()
    writer.close()


if __name__ == "__main__":
    asyncio.run({"answer": answer, "offer": offer}[sys.argv[1]](sys.argv[2]))
