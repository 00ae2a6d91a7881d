"""Both ends of CoAP conversations; runs in the scratch environment: server|client ADDRESS."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from aiocoap import CHANGED, GET, POST, PUT, Context, Message, Unreliable, resource

LEDGER = b"High water at noon, low water at six.\n" * 60


class Tide(resource.ObservableResource):
    """A value that may be observed and set."""

    def __init__(self) -> None:
        super().__init__()
        self.level = b"low"

    async def render_get(self, _request: Message) -> Message:
        """What it is."""
        return Message(payload=self.level, content_format=0)

    async def render_put(self, request: Message) -> Message:
        """Sets it, and tells the observers."""
        self.level = request.payload
        self.updated_state()
        return Message(code=CHANGED)


class Ledger(resource.Resource):
    """More than fits into a datagram."""

    async def render_get(self, _request: Message) -> Message:
        """All of it."""
        return Message(payload=LEDGER)

    async def render_post(self, request: Message) -> Message:
        """Takes more of it, and thinks for a while."""
        await asyncio.sleep(0.3)
        return Message(code=CHANGED, payload=str(len(request.payload)).encode())


async def _serve(address: str) -> None:
    site = resource.Site()
    site.add_resource(["harbour", "tide"], Tide())
    site.add_resource(["harbour", "ledger"], Ledger())
    await Context.create_server_context(
        site, bind=(address, None), transports=["udp6", "tcpserver"]
    )
    print("listening", flush=True)
    await asyncio.get_running_loop().create_future()


async def _talk(address: str) -> None:
    context = await Context.create_client_context(transports=["udp6", "tcpclient"])
    # The server listens for streams of IPv6 alone.
    six = ":" in address
    for scheme in ("coap", "coap+tcp") if six else ("coap",):
        root = f"{scheme}://[{address}]/harbour" if six else f"{scheme}://{address}/harbour"

        async def ask(message: Message) -> None:
            await context.request(message).response

        if scheme == "coap":
            watched = context.request(Message(code=GET, uri=f"{root}/tide", observe=0))
            await watched.response
            heard = aiter(watched.observation)
            await ask(Message(code=PUT, uri=f"{root}/tide", payload=b"high"))
            await anext(heard)
            watched.observation.cancel()
            await ask(Message(code=GET, uri=f"{root}/nothing", transport_tuning=Unreliable))
        await ask(Message(code=GET, uri=f"{root}/tide?day=3"))
        await ask(Message(code=GET, uri=f"{root}/ledger"))
        await ask(Message(code=POST, uri=f"{root}/ledger", payload=LEDGER[:1500]))
    # The server does not close the stream that is released.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(context.shutdown(), 1)


if __name__ == "__main__":
    asyncio.run((_serve if sys.argv[1] == "server" else _talk)(sys.argv[2]))
