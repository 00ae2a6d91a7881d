"""One session of NETCONF, from the hello to its end, over any transport of octets."""

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from nf.mgmt.netconf import hello
from nf.mgmt.netconf.dispatch import Asked, asked, carry_out, is_light, refusal
from nf.mgmt.netconf.framing import Deframer, FramingError, in_chunks, with_mark
from nf.mgmt.netconf.outgoing import Outgoing
from nf.mgmt.netconf.receiving import Receiving
from nf.mgmt.netconf.reply import Reply, reply_to
from nf.mgmt.netconf.service import Counters, Service
from nf.mgmt.netconf.xml import Limits, MalformedMessage, parse
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lxml import etree

    from nf.mgmt.events import Event
    from nf.mgmt.session import EndReason

__all__ = ["Called", "NetconfSession", "Peer", "Transport"]

log = logging.getLogger(__name__)

_SMALL = 16 * 1024
"""Octets of a message that is parsed in the event loop: faster than a change of threads."""
_LIGHT = 2048
"""Octets of a request that the event loop may carry out itself: a filter has little room there."""
_READ_AHEAD = 256 * 1024
"""Octets that a client may send ahead while a request of its is carried out."""
STALLED = 60.0
"""Seconds in which a peer has to take something of what it asked for."""
HELLO_LIMIT = 1024 * 1024
"""Octets of the longest hello."""


class Transport(Protocol):
    """Carries the octets of one session."""

    def write(self, octets: bytes) -> None:
        """Sends; buffers what does not go yet."""

    def pause_reading(self) -> None:
        """Nothing more is received for now."""

    def resume_reading(self) -> None:
        """What comes is received again."""

    def close(self, *, well: bool) -> None:
        """Ends after what was written; `well` if that is what the client has asked for."""

    def abort(self) -> None:
        """Ends at once."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who a session is with, as the transport has found out.

    Attributes:
        user: Name.
        source: Address.
        protocol: `netconf-ssh` or `netconf-tls`, the identities of RFC 6022.
    """

    user: str
    source: str
    protocol: Literal["netconf-ssh", "netconf-tls"]


@dataclass(frozen=True, slots=True)
class Called:
    """The connection of a session was made by call home.

    Attributes:
        client: Name of the entry.
        idle: Seconds without a request that end the session; 0 for those of the settings.
    """

    client: str
    idle: float = 0


class NetconfSession:
    """A session; everything but `killed` is called in the event loop."""

    def __init__(
        self, service: Service, transport: Transport, peer: Peer, called: Called | None = None
    ) -> None:
        """Opens the session; `run` talks.

        Args:
            service: Of the server.
            transport: Carries the octets.
            peer: Who it is with.
            called: By whose entry of call home, if so.
        """
        self._service = service
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._limits = Limits(service.settings.max_depth)
        self._deframer = Deframer(HELLO_LIMIT)
        self._waiting: asyncio.Future[None] | None = None
        self._paused = False
        self._eof = False
        self._gone: EndReason | None = None
        self._chunks = False
        self._outgoing = Outgoing(self._write, self._stalled, STALLED)
        self._receiving: Receiving | None = None
        self._called = called
        self.session = service.core.sessions.open(
            peer.user, peer.protocol, peer.source, kill=self.killed
        )
        self.counters = Counters()
        service.statistics.sessions[self.session.id] = self.counters

    # From the transport -------------------------------------------------------------------------

    def data_received(self, octets: bytes) -> None:
        """Octets have arrived."""
        self._deframer.feed(octets)
        is_waiting = self._waiting is not None and not self._waiting.done()
        if not self._paused and not is_waiting and self._deframer.held > _READ_AHEAD:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """The client sends nothing more; what it has asked is still answered."""
        self._eof = True
        self._wake()

    def writable(self, yes: bool) -> None:
        """Whether the transport takes more."""
        self._outgoing.writable(yes)

    def lost(self) -> None:
        """The transport is gone."""
        self._end("dropped")

    def killed(self) -> None:
        """Another session ends this one; called in any thread."""
        self._loop.call_soon_threadsafe(self._abort, "killed")

    def shut_down(self) -> None:
        """The server stops."""
        self._abort("other")

    def _abort(self, reason: "EndReason") -> None:
        self._end(reason)
        self._transport.abort()

    def _end(self, reason: "EndReason") -> None:
        if self._gone is None:
            self._gone = reason
        self._outgoing.close()
        self._wake()

    def _wake(self) -> None:
        """Has `_next` look again."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _stalled(self) -> None:
        log.warning("session %s takes nothing that is sent: ended", self.session.id)
        self._abort("timeout")

    def _write(self, octets: bytes) -> None:
        try:
            self._transport.write(octets)
        except OSError:
            self._end("dropped")

    # The session --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Talks until one side ends it, and gives back what the session held."""
        try:
            if await self._greet():
                if self._called is not None:
                    self._service.publisher.configured.arrived(self._called.client, self)
                await self._serve()
        except FramingError as error:
            log.info("session %s ended: %s", self.session.id, error)
            self._end("other")
        finally:
            await self._finish()

    async def _finish(self) -> None:
        self._stop_receiving()
        publisher = self._service.publisher
        publisher.register.session_ended(self.session.id)
        if self._called is not None:
            publisher.configured.left(self._called.client, self)
        reason = self._gone or "closed"
        statistics = self._service.statistics
        statistics.sessions.pop(self.session.id, None)
        if reason in ("dropped", "timeout", "other"):
            statistics.dropped_sessions += 1
        await self._outgoing.sent()
        self._transport.close(well=reason == "closed")
        await self._service.lanes.write.run(self._service.core.sessions.close, self.session, reason)

    async def _greet(self) -> bool:
        self._send(hello.hello(self.session.id, self._service.capabilities))
        statistics = self._service.statistics
        message = await self._next(self._service.settings.hello_timeout)
        if message is None:
            statistics.in_bad_hellos += 1
            return False
        try:
            client = hello.read(await self._parsed(message))
        except (hello.BadHello, MalformedMessage) as error:
            log.info("session %s: %s", self.session.id, error)
            statistics.in_bad_hellos += 1
            self._end("other")
            return False
        statistics.in_sessions += 1
        self._chunks = client.chunks
        self._deframer.limit = self._service.settings.max_message
        if client.chunks:
            self._deframer.use_chunks()
        return True

    async def _serve(self) -> None:
        while self._gone is None:
            message = await self._next(self._idle())
            if message is None:
                return
            reply = await self._answer(message)
            await self._outgoing.sent()
            if self._deframer.held:
                # Whoever sends many requests at once leaves others their turn between them.
                await asyncio.sleep(0)
            if reply is None or reply.last:
                return

    def _listens(self) -> bool:
        """Whether it waits for notifications, and so may be silent for long."""
        return bool(self._receiving or self._service.publisher.register.of(self.session.id))

    def _idle(self) -> float | None:
        if self._listens():
            return None
        own = self._called.idle if self._called is not None else 0
        return own or self._service.settings.idle_timeout or None

    async def _next(self, limit: float | None) -> bytes | None:
        """The next message; None when there will be none."""
        deadline = None if limit is None else self._loop.time() + limit
        while self._gone is None:
            if (message := self._deframer.next()) is not None:
                return message
            if self._eof:
                self._end("dropped")
                return None
            if deadline is not None and self._loop.time() >= deadline:
                if not self._listens():
                    log.info("session %s is silent: ended", self.session.id)
                    self._end("timeout")
                    return None
                # A subscription began meanwhile, which may be silent for long.
                deadline = None
            await self._woken(deadline)
        return None

    async def _woken(self, deadline: float | None) -> None:
        """Waits until something has happened, or the time is over."""
        self._waiting = self._loop.create_future()
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        timer = None if deadline is None else self._loop.call_at(deadline, self._wake)
        try:
            await self._waiting
        finally:
            self._waiting = None
            if timer is not None:
                timer.cancel()

    async def _answer(self, message: bytes) -> Reply | None:
        """Carries a message out and replies; None when the session cannot go on."""
        root: etree._Element | None = None
        try:
            root = await self._parsed(message)
            what = asked(root, self._service.modules)
        except MalformedMessage as error:
            self._count("in_bad_rpcs")
            if not self._chunks:
                # base:1.0 does not know the error; RFC 6241 section 3 has the session end then.
                log.info("session %s: %s", self.session.id, error)
                self._end("other")
                return None
            reply = self._refused(
                RpcErrors.of(type="rpc", tag="malformed-message", message=str(error))
            )
        except RpcErrors as error:
            if error.errors[0].type == "rpc":
                self._count("in_bad_rpcs")
            else:
                self._count("in_rpcs")
            reply = self._refused(error)
        else:
            self._count("in_rpcs")
            reply = await self._carry_out(what, len(message))
        if reply.failed:
            self._count("out_rpc_errors")
        # Before the reply, so that the client misses nothing that happens once it has it; what is
        # delivered comes through the event loop, so after the reply.
        if reply.before is not None:
            reply.before(self)
        self._send(reply_to(root, reply.body))
        return reply

    def _refused(self, error: RpcErrors) -> Reply:
        return refusal(error, self._service.modules)

    async def _parsed(self, message: bytes) -> "etree._Element":
        if len(message) <= _SMALL and self._service.words.admit(message):
            return parse(message, self._limits)
        return await self._service.lanes.read.run(parse, message, self._limits)

    async def _carry_out(self, what: Asked, octets: int) -> Reply:
        service, subscribed = self._service, self._receiving is not None
        if octets <= _LIGHT and service.lanes.are_free and is_light(service, self.session, what):
            return carry_out(service, self.session, what, subscribed)
        return await service.lanes.of(what.lane).run(
            carry_out, service, self.session, what, subscribed
        )

    def _count(
        self, what: Literal["in_rpcs", "in_bad_rpcs", "out_rpc_errors", "out_notifications"]
    ) -> None:
        for counters in (self.counters, self._service.statistics.total):
            setattr(counters, what, getattr(counters, what) + 1)

    def _send(self, message: bytes) -> None:
        self._outgoing.send(in_chunks(message) if self._chunks else with_mark(message))

    # Notifications ------------------------------------------------------------------------------

    def subscribe(
        self,
        matches: "Callable[[Event], bool] | None",
        since: "datetime | None",
        until: "datetime | None",
    ) -> None:
        """Begins to send notifications that match (RFC 5277)."""
        if self._gone is None:
            self._receiving = Receiving(
                self._service, self.session, self, matches, since=since, until=until
            )

    def notify(self, message: bytes, *, counted: bool = True) -> None:
        """Sends a notification."""
        if counted:
            self._count("out_notifications")
        self._send(message)

    @property
    def queued(self) -> int:
        """Octets that the peer has not taken yet."""
        return self._outgoing.queued

    def receiving_ended(self) -> None:
        """The subscription is over; the session goes on, and may subscribe again."""
        self._receiving = None
        self._wake()
        self._service.publisher.configured.look_again()

    @property
    def takes_subscriptions(self) -> bool:
        """Whether it may have one of RFC 8639: none of RFC 5277 is there (RFC 8640 section 4)."""
        return self._receiving is None and self._gone is None

    def overflowed(self) -> None:
        """The peer is too slow for its notifications; to leave some out would deceive it."""
        log.warning("session %s is too slow for its notifications: ended", self.session.id)
        self._abort("dropped")

    def _stop_receiving(self) -> None:
        if self._receiving is not None:
            self._receiving.stop()
            self._receiving = None
