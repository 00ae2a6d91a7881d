"""The output: sends messages to a collector over UDP or TCP.

Over UDP templates are told again and again (RFC 7011, section 8.4), and that nobody listens is
learnt of by ICMP. Over TCP they are told once for each connection; a message that the connection
broke off within is sent again, whole, over the next.
"""

import errno
import os
import select
import socket
import time
from collections import deque
from typing import Any

from nf._native.engine import Batch, IpfixExporter
from nf.datapath.settings import IpfixOutput
from nf.errors import ConfigurationError
from nf.outputs.base import Block, Output, Rows
from nf.outputs.ipfix.messages import HEADER, Counters, Stamp, introduction, statistics

__all__ = ["Ipfix"]

CONNECT_SECONDS = 5.0
PATIENCE_MILLISECONDS = 250
REFUSAL_MILLISECONDS = 50
"""Time in which a host says that nobody listens at a port of UDP."""


class Ipfix(Output):
    """Sends sessions to a collector of IPFIX."""

    def __init__(self, settings: IpfixOutput) -> None:
        super().__init__("ipfix", settings)
        self._settings = settings
        self._exporter = IpfixExporter(
            settings.domain, settings.enterprise, settings.message_bytes, settings.biflow
        )
        self._socket: socket.socket | None = None
        self._stamp = Stamp()
        self._told = 0.0
        """When the templates were told."""
        self._waiting: deque[memoryview] = deque()
        """Messages, or what is left of one, that the socket has not taken yet."""
        self._has_data = False
        """The last of them is what `write` was called with."""
        self._counted = Counters()

    def state(self) -> dict[str, Any]:
        """See `Output`."""
        settings = self._settings
        return {"connection": f"{settings.transport} {settings.host} port {settings.port}"}

    def check(self) -> None:
        """Looks the collector's name up.

        Raises:
            ConfigurationError: There is no such host.
        """
        host = self._settings.host
        try:
            socket.getaddrinfo(host, self._settings.port)
        except OSError as error:
            raise ConfigurationError(
                f"no address of {host!r} is known: {error.strerror}",
                "ipfix",
                "write a name that this machine resolves, or an address",
            ) from error

    def encode(self, block: Block) -> Rows | None:
        """Sessions as messages."""
        if not isinstance(block, Batch):
            raise TypeError(f"IPFIX is made of the engine's batches, not of {type(block)}")
        octets, records = self._exporter.write(block)
        return Rows(block.kind, records, octets)

    def write(self, kind: str, octets: memoryview) -> int:
        """See `Output`: takes one message, or none while the collector takes nothing."""
        del kind
        length = HEADER.unpack_from(octets)[1]
        link = self._socket or self._connect()
        if not self._has_data:
            self._send(octets[:length])
            self._has_data = True
        if not self._flush(link):
            return 0
        self._has_data = False
        return int(length)

    def written(self, rows: Rows) -> None:
        """Counts what has been sent."""
        self._counted.records += rows.count

    def tend(self) -> None:
        """Tells a collector behind UDP the templates again, when it is time."""
        is_late = time.monotonic() - self._told >= self._settings.template_seconds
        link = self._socket
        if link is not None and is_late and self._settings.transport == "udp":
            self._tell()
            self._flush(link)

    def close(self) -> None:
        """Tells what was sent in all, if the collector still listens, and ends."""
        link = self._socket
        if link is not None and not self._waiting:
            self._send(statistics(self._settings.domain, self._counted))
            self._flush(link)
        self._hang_up()

    def _connect(self) -> socket.socket:
        """Begins a transport session: the templates come first."""
        settings = self._settings
        place = (settings.host, settings.port)
        if settings.transport == "tcp":
            link = socket.create_connection(place, CONNECT_SECONDS)
        else:
            family, kind, number, _, address = socket.getaddrinfo(*place, type=socket.SOCK_DGRAM)[0]
            link = socket.socket(family, kind, number)
            link.connect(address)
        link.setblocking(False)
        self._socket, self._stamp = link, Stamp()
        self._tell()
        self._flush(link)
        if settings.transport == "udp":
            _raise_what_is_wrong(link, REFUSAL_MILLISECONDS)
        return link

    def _tell(self) -> None:
        domain = self._settings.domain
        for one in introduction(domain, self._settings.enterprise):
            self._send(one)
        self._send(statistics(domain, self._counted))
        self._told = time.monotonic()

    def _send(self, message: bytes | memoryview) -> None:
        """Lines a message up."""
        self._waiting.append(memoryview(self._stamp.put(message)))

    def _flush(self, link: socket.socket) -> bool:
        """Sends what waits; False when the collector takes no more for now."""
        poll = select.poll()
        poll.register(link, select.POLLOUT)
        try:
            _raise_what_is_wrong(link, 0)
            while self._waiting:
                if not poll.poll(PATIENCE_MILLISECONDS):
                    return False
                sent = link.send(self._waiting[0])
                self._counted.octets += sent
                self._waiting[0] = self._waiting[0][sent:]
                if not self._waiting[0]:
                    self._waiting.popleft()
                    self._counted.messages += 1
        except OSError:
            self._hang_up()
            raise
        return True

    def _hang_up(self) -> None:
        """Forgets the transport session, with what it had not taken."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._waiting.clear()
        self._has_data = False


def _raise_what_is_wrong(link: socket.socket, milliseconds: int) -> None:
    """Learns whether the other side refuses, or has gone, within a time."""
    poll = select.poll()
    poll.register(link, select.POLLIN)
    for _, what in poll.poll(milliseconds):
        if what & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
            number = link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            raise OSError(number, os.strerror(number) if number else "the collector hung up")
        # A collector has nothing to say, but that it ends.
        if link.recv(4096) == b"" and link.type == socket.SOCK_STREAM:
            raise ConnectionResetError(errno.ECONNRESET, "the collector hung up")
