"""Both ends of QUIC conversations; runs in a scratch environment. See `--help`.

The client prints nothing; the server prints `listening`. Sessions tickets live in the process, so a
client that resumes makes its connections in one run."""

from __future__ import annotations

import argparse
import asyncio
import ssl
from typing import TYPE_CHECKING

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import (
    ConnectionTerminated,
    ProtocolNegotiated,
    QuicEvent,
    StreamDataReceived,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from aioquic.tls import SessionTicket

PORT = 443


class Web(QuicConnectionProtocol):
    """HTTP/3 where the application protocol says so, an echo elsewhere."""

    http: H3Connection | None = None

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.answers: dict[int, asyncio.Future[bytes]] = {}
        self.bodies: dict[int, bytes] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        """Takes what the transport has to say."""
        if isinstance(event, ProtocolNegotiated) and event.alpn_protocol in ("h3", "h3-29"):
            self.http = self.http or H3Connection(self._quic)
        if isinstance(event, ConnectionTerminated):
            for answer in self.answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionError(event.reason_phrase))
        if self.http is not None:
            for happening in self.http.handle_event(event):
                self._happened(happening)
        elif isinstance(event, StreamDataReceived):
            self._echoed(event)

    def _echoed(self, event: StreamDataReceived) -> None:
        if self._quic.configuration.is_client:
            if event.end_stream:
                self.answers[event.stream_id].set_result(event.data)
        else:
            self._quic.send_stream_data(event.stream_id, event.data[::-1], event.end_stream)
            self.transmit()

    def _happened(self, event: H3Event) -> None:
        if not isinstance(event, HeadersReceived | DataReceived):
            return
        if isinstance(event, DataReceived):
            self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + event.data
        if not event.stream_ended:
            return
        body = self.bodies.pop(event.stream_id, b"")
        if self._quic.configuration.is_client:
            self.answers[event.stream_id].set_result(body)
        else:
            self._serve(event.stream_id)

    def _serve(self, stream: int) -> None:
        assert self.http is not None
        headers = [(b":status", b"200"), (b"server", b"harbour"), (b"content-type", b"text/plain")]
        self.http.send_headers(stream, headers)
        self.http.send_data(stream, b"The ferry leaves the island at noon.\n" * 40, end_stream=True)
        self.transmit()

    async def ask(self, authority: str, path: str, body: bytes = b"") -> bytes:
        """One request, by HTTP/3 or as a bare stream."""
        stream = self._quic.get_next_available_stream_id()
        answer = self.answers[stream] = asyncio.get_running_loop().create_future()
        if self._quic.configuration.alpn_protocols == ["echo"]:
            self._quic.send_stream_data(stream, path.encode(), end_stream=True)
        else:
            self.http = self.http or H3Connection(self._quic)
            headers = [
                (b":method", b"POST" if body else b"GET"),
                (b":scheme", b"https"),
                (b":authority", authority.encode()),
                (b":path", path.encode()),
                (b"user-agent", b"harbour-client/1"),
            ]
            self.http.send_headers(stream, headers, end_stream=not body)
            if body:
                self.http.send_data(stream, body, end_stream=True)
        self.transmit()
        return await answer


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=("server", "client"))
    parser.add_argument("address")
    parser.add_argument(
        "--name", default="quic.example.com", help="server name the client asks for"
    )
    parser.add_argument("--alpn", default="h3", help="application protocols, separated by commas")
    parser.add_argument("--version", action="append", default=[], help="QUIC versions, best first")
    parser.add_argument("--first", help="version the client starts with")
    parser.add_argument("--certificate", default="")
    parser.add_argument("--key", default="")
    parser.add_argument("--retry", action="store_true")
    parser.add_argument("--resume", action="store_true", help="a second connection with early data")
    parser.add_argument(
        "--large", action="store_true", help="a ClientHello of more than one packet"
    )
    parser.add_argument("--no-name", action="store_true", help="no server name in the ClientHello")
    return parser.parse_args()


def _configuration(arguments: argparse.Namespace) -> QuicConfiguration:
    configuration = QuicConfiguration(
        is_client=arguments.side == "client", alpn_protocols=arguments.alpn.split(",")
    )
    if arguments.version:
        configuration.supported_versions = [int(version, 16) for version in arguments.version]
    if arguments.first:
        configuration.original_version = int(arguments.first, 16)
    if arguments.large:
        configuration.quantum_readiness_test = True
    if configuration.is_client:
        configuration.server_name = None if arguments.no_name else arguments.name
        configuration.verify_mode = ssl.CERT_NONE
    else:
        configuration.load_cert_chain(arguments.certificate, arguments.key)
    return configuration


async def _serve(arguments: argparse.Namespace) -> None:
    tickets: dict[bytes, SessionTicket] = {}

    def keep(ticket: SessionTicket) -> None:
        tickets[ticket.ticket] = ticket

    await serve(
        arguments.address,
        PORT,
        configuration=_configuration(arguments),
        create_protocol=Web,
        session_ticket_fetcher=lambda label: tickets.pop(label, None),
        session_ticket_handler=keep,
        retry=arguments.retry,
    )
    print("listening", flush=True)
    await asyncio.get_running_loop().create_future()


async def _visit(
    arguments: argparse.Namespace,
    configuration: QuicConfiguration,
    keep: Callable[[SessionTicket], None],
) -> None:
    early = configuration.session_ticket is not None
    async with connect(
        arguments.address,
        PORT,
        configuration=configuration,
        create_protocol=Web,
        session_ticket_handler=keep,
        wait_connected=not early,
    ) as connection:
        assert isinstance(connection, Web)
        await connection.ask(arguments.name, "/")
        if not early:
            await asyncio.gather(
                connection.ask(arguments.name, "/tides"),
                connection.ask(arguments.name, "/log", b"calm" * 500),
            )


async def _talk(arguments: argparse.Namespace) -> None:
    ticket: asyncio.Future[SessionTicket] = asyncio.get_running_loop().create_future()

    def keep(given: SessionTicket) -> None:
        if not ticket.done():
            ticket.set_result(given)

    configuration = _configuration(arguments)
    await _visit(arguments, configuration, keep)
    if arguments.resume:
        configuration = _configuration(arguments)
        configuration.session_ticket = await asyncio.wait_for(ticket, 5)
        await _visit(arguments, configuration, keep)


if __name__ == "__main__":
    given = _arguments()
    asyncio.run((_serve if given.side == "server" else _talk)(given))
