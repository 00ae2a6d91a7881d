"""Echo requests of ICMP (RFC 792, RFC 4443) over ping sockets, which need no privilege.

The kernel gives such a socket to processes of the groups in `net.ipv4.ping_group_range`, fills in
identifier and checksum, and hands on nothing but the answers to it.
"""

import asyncio
import ipaddress
import math
import os
import socket
import struct
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic_ns

from grpc import StatusCode

from nf.telemetry.gnmi.errors import Refused, invalid, unimplemented
from nf.telemetry.gnoi.proto.system_pb2 import PingRequest, PingResponse
from nf.telemetry.gnoi.proto.types_pb2 import IPV4, IPV6

__all__ = ["Asked", "Pinging", "ping_socket"]

SECOND = 1_000_000_000
DEFAULT_COUNT, DEFAULT_SIZE = 5, 56
FOREVER = -1
SHORTEST_INTERVAL, DEFAULT_INTERVAL, LONGEST_INTERVAL = SECOND // 5, SECOND, 60 * SECOND
"""Nanoseconds between two requests to one destination, whoever asks for them."""
DEFAULT_WAIT, LONGEST_WAIT = 2 * SECOND, 60 * SECOND
MAX_COUNT = 10_000
MAX_SIZE = 9_000
"""Octets; what fits into a jumbo frame."""
MAX_NAME = 253
MAX_AT_A_TIME = 8
REMEMBERED = 1024
"""Destinations of which is known when the last request went there."""

# Of linux/in.h and linux/in6.h; the module socket has not all of them.
_IP_MTU_DISCOVER, _IP_PMTUDISC_DO, _IP_PMTUDISC_DONT = 10, 2, 0
_IP_RECVTTL = 12
_ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
"""Types of the request and of its answer."""
_HEADER = struct.Struct("!BBHHH")
_RECEIVED = 65536


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, within its limits.

    Attributes:
        family: Of addresses.
        destination: Address.
        source: Address, or empty for what the routes say.
        count: Requests; `FOREVER` until the call ends.
        interval: Nanoseconds between two.
        wait: Nanoseconds after which no answer counts.
        size: Octets after the header.
        whole: Routers may not fragment.
    """

    family: socket.AddressFamily
    destination: str
    source: str
    count: int
    interval: int
    wait: int
    size: int
    whole: bool

    @classmethod
    async def of(cls, request: PingRequest) -> "Asked":
        """Reads a request; a name is looked up.

        Raises:
            Refused: It cannot be met, with the limit in the message.
        """
        if request.network_instance:
            raise unimplemented(
                "the target has one network instance", place="network_instance", hint="leave it out"
            )
        if request.interval == FOREVER:
            raise unimplemented(
                "the target does not flood", place="interval", hint=f"use {SHORTEST_INTERVAL} ns"
            )
        count = request.count or DEFAULT_COUNT
        if count != FOREVER:
            _within("count", count, 1, MAX_COUNT)
        family, destination = await _resolved(request)
        return cls(
            family,
            destination,
            _source(request.source, family),
            count,
            _within(
                "interval",
                request.interval or DEFAULT_INTERVAL,
                SHORTEST_INTERVAL,
                LONGEST_INTERVAL,
            ),
            _within("wait", request.wait or DEFAULT_WAIT, 1, LONGEST_WAIT),
            _within("size", request.size or DEFAULT_SIZE, 1, MAX_SIZE),
            request.do_not_fragment,
        )


def _within(name: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise invalid(f"{name} is {least} to {most}, not {value}", place=name)
    return value


async def _resolved(request: PingRequest) -> tuple[socket.AddressFamily, str]:
    name = request.destination
    if not 0 < len(name) <= MAX_NAME or "\0" in name:
        raise invalid("the destination is no address or name", place="destination")
    families = {IPV4: socket.AF_INET, IPV6: socket.AF_INET6}
    family = families.get(request.l3protocol, socket.AF_UNSPEC)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(name, None, family=family, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise Refused(
            StatusCode.NOT_FOUND,
            f"{name} has no address of that protocol: {error}",
            place="destination",
            hint="give an address",
        ) from error
    first, address = found[0][0], str(found[0][4][0])
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.is_multicast or ip.is_unspecified or address == "255.255.255.255":
        raise invalid(
            f"{address} is no single host", place="destination", hint="ping one host at a time"
        )
    return first, address


def _source(source: str, family: socket.AddressFamily) -> str:
    if not source:
        return ""
    try:
        ip = ipaddress.ip_address(source)
    except ValueError as error:
        raise invalid(f"{source[:MAX_NAME]!r} is no address", place="source") from error
    if (ip.version == 4) != (family is socket.AF_INET):
        raise invalid("source and destination are not of one protocol", place="source")
    return source


def ping_socket(family: socket.AddressFamily) -> socket.socket:
    """A socket that speaks ICMP echo alone.

    Raises:
        OSError: The kernel does not permit it, or does not know the protocol.
    """
    protocol = socket.IPPROTO_ICMP if family is socket.AF_INET else socket.IPPROTO_ICMPV6
    return socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, protocol)


@dataclass(slots=True)
class _Sum:
    """Statistics, in nanoseconds."""

    sent: int = 0
    received: int = 0
    least: int = 0
    most: int = 0
    total: int = 0
    squares: int = 0

    def add(self, time: int) -> None:
        self.least = min(time, self.least) if self.received else time
        self.most = max(time, self.most)
        self.received += 1
        self.total += time
        self.squares += time * time

    def told(self, source: str, time: int) -> PingResponse:
        number = max(self.received, 1)
        mean = self.total // number
        return PingResponse(
            source=source,
            time=time,
            sent=self.sent,
            received=self.received,
            min_time=self.least,
            avg_time=mean,
            max_time=self.most,
            std_dev=math.isqrt(max(0, self.squares // number - mean * mean)),
        )


@dataclass(slots=True)
class _Run:
    asked: Asked
    socket: socket.socket
    sum: _Sum = field(default_factory=_Sum)
    open: dict[int, int] = field(default_factory=dict)
    """When the requests went that have no answer yet, by their numbers."""


class Pinging:
    """Pings of all callers; used in one event loop."""

    def __init__(self) -> None:
        """Nobody pings."""
        self._busy: set[str] = set()
        self._last: OrderedDict[str, int] = OrderedDict()

    async def ping(self, asked: Asked) -> AsyncGenerator[PingResponse, None]:
        """Answers as they come, then the sum.

        Raises:
            Refused: FAILED_PRECONDITION where the kernel does not permit it, RESOURCE_EXHAUSTED
                while the destination is being pinged, UNAVAILABLE without a route.
        """
        with self._alone(asked.destination), _opened(asked) as opened:
            run = _Run(asked, opened)
            began = monotonic_ns()
            due = max(began, self._last.get(asked.destination, 0) + SHORTEST_INTERVAL)
            ends = due
            while True:
                now = monotonic_ns()
                goes_on = asked.count == FOREVER or run.sum.sent < asked.count
                if goes_on and now >= due:
                    self._send(run, now)
                    due, ends = now + asked.interval, now + asked.wait
                    continue
                if not goes_on and (now >= ends or not run.open):
                    break
                until = due if goes_on else ends
                answer = await _answer(run, until - now)
                if answer is not None:
                    yield answer
            yield run.sum.told(asked.destination, monotonic_ns() - began)

    @contextmanager
    def _alone(self, destination: str) -> Iterator[None]:
        if destination in self._busy or len(self._busy) >= MAX_AT_A_TIME:
            raise Refused(
                StatusCode.RESOURCE_EXHAUSTED,
                f"{destination} is being pinged already, or {MAX_AT_A_TIME} others are",
                place="destination",
                hint="wait until that is done",
            )
        self._busy.add(destination)
        try:
            yield
        finally:
            self._busy.discard(destination)

    def _send(self, run: _Run, now: int) -> None:
        asked, number = run.asked, run.sum.sent & 0xFFFF
        header = _HEADER.pack(_ECHO[asked.family][0], 0, 0, 0, number)
        run.open = {one: sent for one, sent in run.open.items() if now - sent < asked.wait}
        run.open[number] = now
        run.sum.sent += 1
        self._last[asked.destination] = now
        self._last.move_to_end(asked.destination)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        try:
            run.socket.send(header + bytes(asked.size))
        except BlockingIOError:
            return  # the queue is full: lost, like others on their way
        except OSError as error:
            raise _unavailable(error) from error


def _unavailable(error: OSError) -> Refused:
    return Refused(
        StatusCode.UNAVAILABLE,
        f"the request cannot be sent: {os.strerror(error.errno or 0)}",
        place="destination",
        hint="see the routes of the target, and the size where it must not be fragmented",
    )


@contextmanager
def _opened(asked: Asked) -> Iterator[socket.socket]:
    try:
        opened = ping_socket(asked.family)
    except PermissionError as error:
        raise Refused(
            StatusCode.FAILED_PRECONDITION,
            "the kernel lets this process send no echo requests",
            place="Ping",
            hint="have a group of the process in net.ipv4.ping_group_range",
        ) from error
    except OSError as error:
        raise unimplemented(
            f"the kernel has no such sockets: {error.strerror}", place="l3protocol", hint="use IPv4"
        ) from error
    with opened:
        try:
            if asked.source:
                opened.bind((asked.source, 0))
        except OSError as error:
            raise invalid(
                f"{asked.source} is no address of the target: {error.strerror}", place="source"
            ) from error
        if asked.family is socket.AF_INET:
            discover = _IP_PMTUDISC_DO if asked.whole else _IP_PMTUDISC_DONT
            opened.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, discover)
            opened.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        else:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        try:
            opened.connect((asked.destination, 0))
        except OSError as error:
            raise _unavailable(error) from error
        yield opened


async def _answer(run: _Run, nanoseconds: int) -> PingResponse | None:
    """The next answer to one of our requests; None when there is none in time, or another came."""
    try:
        received = await _received(run.socket, nanoseconds / SECOND)
    except TimeoutError:
        return None
    except OSError:
        return None  # an error message of ICMP: the request that it is about has no answer
    octets, options, when = received
    if len(octets) < _HEADER.size:
        return None
    kind, _, _, _, number = _HEADER.unpack_from(octets)
    sent = run.open.pop(number, None) if kind == _ECHO[run.asked.family][1] else None
    if sent is None or when - sent > run.asked.wait:
        return None
    run.sum.add(when - sent)
    return PingResponse(
        source=run.asked.destination,
        time=when - sent,
        bytes=len(octets),
        sequence=number,
        ttl=_ttl(options),
    )


async def _received(
    opened: socket.socket, seconds: float
) -> tuple[bytes, list[tuple[int, int, bytes]], int]:
    loop = asyncio.get_running_loop()
    readable = loop.create_future()

    def wake() -> None:
        if not readable.done():
            readable.set_result(None)

    loop.add_reader(opened, wake)
    try:
        async with asyncio.timeout(seconds):
            await readable
    finally:
        loop.remove_reader(opened)
    when = monotonic_ns()
    octets, options, _, _ = opened.recvmsg(_RECEIVED, socket.CMSG_SPACE(4) * 2)
    return octets, options, when


def _ttl(options: list[tuple[int, int, bytes]]) -> int:
    wanted = {
        (socket.IPPROTO_IP, socket.IP_TTL),
        (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT),
    }
    for level, kind, value in options:
        if (level, kind) in wanted and len(value) == 4:
            return int(struct.unpack("=i", value)[0])
    return 0
