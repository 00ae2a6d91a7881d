"""Dial-out: the probe connects to collectors and tells them what is configured.

The call is `/Nokia.SROS.DialoutTelemetry/Publish`, a stream of SubscribeResponse there and of
empty acknowledgements back, which `gnmic listen` and others wait for. A collector is a subscriber
like any other: the same feeds, the same octets, a bounded queue of its own.
"""

import asyncio
import ipaddress
import logging
import math
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from gnmi_pb.gnmi_pb2 import (
    Encoding,
    SubscribeRequest,
    Subscription,
    SubscriptionList,
    SubscriptionMode,
)

from nf.mgmt.credentials.material import Material
from nf.mgmt.credentials.provider import Credentials
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.transaction import ProviderError
from nf.process.backoff import Backoff
from nf.process.logs import event
from nf.telemetry.gnmi.errors import Refused
from nf.telemetry.gnmi.path_text import path_from
from nf.telemetry.gnmi.settings import Collector, Settings, Trust, Watched
from nf.telemetry.gnmi.subscribe import Subscribing
from nf.telemetry.gnmi.tls import identity_of, trusted

if TYPE_CHECKING:
    from nf.mgmt.core import Core

__all__ = ["METHOD", "Dialing", "check", "request_of"]

log = logging.getLogger(__name__)

METHOD = "/Nokia.SROS.DialoutTelemetry/Publish"
READY_SECONDS = 20.0
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
STEADY = 60.0
"""Seconds that a connection holds before the waits are short again: one that is always lost at once
would have all there is told to it each time."""
OPTIONS = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # The channel is made anew for each try, so that its own patience must not come on top.
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),
)


def request_of(collector: Collector) -> SubscribeRequest:
    """The subscription that a collector would have sent.

    Raises:
        Refused: A path is none.
    """
    return SubscribeRequest(
        subscribe=SubscriptionList(
            mode=SubscriptionList.Mode.STREAM,
            encoding=Encoding.Value(collector.encoding),
            subscription=[_subscription(one) for one in collector.watched],
        )
    )


def _subscription(one: Watched) -> Subscription:
    return Subscription(
        path=path_from(one.path),
        mode=SubscriptionMode.Value(one.mode),
        sample_interval=one.interval if one.mode == "SAMPLE" else 0,
        heartbeat_interval=one.heartbeat,
        suppress_redundant=one.suppress,
    )


def check(
    collector: Collector, subscribing: Subscribing, settings: Settings, material: Material
) -> None:
    """Refuses what could never work.

    Raises:
        ProviderError: A path or an interval is wrong, data would go in clear text, or a key of the
            keystore does not serve.
    """
    if collector.tls is None and not _is_loopback(collector.address):
        raise ProviderError(
            f"{collector.path}/address",
            f"{collector.address} is no loopback address and the connection has no TLS",
            "tls-required",
        )
    if collector.tls is not None:
        _of_keystore(collector, collector.tls, material)
    try:
        subscribing.check(request_of(collector), settings)
    except Refused as error:
        raise ProviderError(
            f"{collector.path}/subscription", f"{error.what} at {error.place}", "subscription"
        ) from error


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


@dataclass(slots=True)
class _State:
    connected: bool = False
    connections: int = 0
    failures: int = 0
    messages: int = 0
    error: str = ""

    def told(self) -> dict[str, Any]:
        """As the container `state` of the model has it."""
        told: dict[str, Any] = {
            "connected": self.connected,
            "connections": self.connections,
            "failures": self.failures,
            "messages": self.messages,
        }
        return told | ({"last-error": self.error} if self.error else {})


@dataclass(slots=True)
class _Line:
    collector: Collector
    state: _State = field(default_factory=_State)
    task: "asyncio.Task[None] | None" = None
    since: float = math.inf
    """When the connection was made, by the loop's clock; infinity without one."""


class Dialing:
    """The connections to all collectors; used in one event loop."""

    def __init__(self, core: "Core", subscribing: Subscribing, credentials: Credentials) -> None:
        """Connects to nobody before `follow`."""
        self._core = core
        self._credentials = credentials
        self._subscribing = subscribing
        self._lines: dict[str, _Line] = {}

    def state(self) -> list[dict[str, Any]]:
        """The list `collector`; may be asked from any thread."""
        return [
            {"name": name, "state": line.state.told()} for name, line in list(self._lines.items())
        ]

    async def follow(self, collectors: Sequence[Collector]) -> None:
        """Connects to these, and to no others any more; whoever stays the same is not touched."""
        wanted = {one.name: one for one in collectors}
        gone = [line for name, line in self._lines.items() if wanted.get(name) != line.collector]
        self._lines = {
            name: line for name, line in self._lines.items() if wanted.get(name) == line.collector
        }
        for line in gone:
            if line.task is not None:
                line.task.cancel()
        await asyncio.gather(
            *(line.task for line in gone if line.task is not None), return_exceptions=True
        )
        for name, collector in wanted.items():
            if name not in self._lines:
                line = self._lines[name] = _Line(collector)
                line.task = asyncio.get_running_loop().create_task(self._keep(line))

    async def _keep(self, line: _Line) -> None:
        """Tells one collector for as long as it is configured."""
        loop = asyncio.get_running_loop()
        backoff = Backoff(FIRST_WAIT, LONGEST_WAIT)
        while True:
            line.since = math.inf
            try:
                await self._tell(line)
            except (Refused, RpcErrors, ProviderError, OSError, grpc.RpcError) as error:
                why = _why(error)
            except Exception as error:
                log.exception("dial-out to %s failed", line.collector.name)
                why = f"a defect: {type(error).__name__}"
            else:
                why = "the collector has ended the stream"
            line.state.connected = False
            line.state.failures += 1
            level = logging.DEBUG if why == line.state.error else logging.WARNING
            event(log, level, "no line to a collector", collector=line.collector.name, why=why)
            line.state.error = why
            if loop.time() - line.since >= STEADY:
                backoff.reset()
            await asyncio.sleep(backoff.next())

    async def _tell(self, line: _Line) -> None:
        collector = line.collector
        async with _channel(collector, self._credentials.current) as channel:
            async with asyncio.timeout(READY_SECONDS):
                await _ready(channel)
            call = channel.stream_stream(METHOD, None, None)(
                metadata=(
                    ("subscription-name", collector.name),
                    ("system-name", socket.gethostname()),
                )
            )
            line.state.connections += 1
            line.since = asyncio.get_running_loop().time()
            session = self._core.sessions.open(
                collector.user, "gnmi", collector.address, kill=call.cancel
            )
            telling = asyncio.ensure_future(self._serve(session, line, call))
            hearing = asyncio.ensure_future(_heard(call))
            try:
                await asyncio.wait((telling, hearing), return_when=asyncio.FIRST_COMPLETED)
                for one in (telling, hearing):
                    if one.done():
                        one.result()
            finally:
                for one in (telling, hearing):
                    one.cancel()
                call.cancel()
                try:
                    await asyncio.gather(telling, hearing, return_exceptions=True)
                finally:
                    # Whatever cancels this does not keep the session from ending.
                    closing = asyncio.to_thread(self._core.sessions.close, session, "closed")
                    await asyncio.shield(closing)

    async def _serve(self, session: Any, line: _Line, call: Any) -> None:
        self._core.may_execute(session, "ietf-netconf", "get")
        line.state.connected = True
        line.state.error = ""
        request = request_of(line.collector)
        await self._subscribing.serve(session, _only(request), _Sink(call, line.state))


class _Sink:
    """What `Subscribing` writes to."""

    def __init__(self, call: Any, state: _State) -> None:
        self._call = call
        self._state = state

    async def write(self, message: bytes) -> None:
        try:
            await self._call.write(message)
        except asyncio.InvalidStateError as error:
            # What grpc makes of a message for a call that the collector has ended meanwhile.
            raise OSError(
                f"the collector has ended the call: {(await self._call.code()).name}"
            ) from error
        self._state.messages += 1


async def _only(request: SubscribeRequest) -> AsyncIterator[SubscribeRequest]:
    """A client that says one thing and stays."""
    yield request
    await asyncio.Event().wait()


async def _heard(call: Any) -> None:
    """Takes the acknowledgements; returns, or raises, when the collector ends the call."""
    async for _ in call:
        pass
    code = await call.code()
    if code is not grpc.StatusCode.OK:
        raise OSError(f"{code.name}: {await call.details()}")


async def _ready(channel: Any) -> None:
    """Waits for the connection; a first try that fails is enough, for the next there is a wait."""
    state = channel.get_state(try_to_connect=True)
    while state is not grpc.ChannelConnectivity.READY:
        if state is grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            raise OSError("nobody answers there, or not with the TLS that is configured")
        await channel.wait_for_state_change(state)
        state = channel.get_state()


def _channel(collector: Collector, material: Material) -> Any:
    host = f"[{collector.address}]" if ":" in collector.address else collector.address
    target = f"{host}:{collector.port}"
    tls = collector.tls
    if tls is None:
        return grpc.aio.insecure_channel(target, options=OPTIONS)
    kept = _of_keystore(collector, tls, material)
    authorities, key, chain = (
        octets or (Path(name).read_bytes() if name else None)
        for octets, name in zip(kept, (tls.authorities, tls.key, tls.certificate), strict=True)
    )
    credentials = grpc.ssl_channel_credentials(authorities, key, chain)
    return grpc.aio.secure_channel(target, credentials, options=OPTIONS)


def _of_keystore(
    collector: Collector, tls: Trust, material: Material
) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Authorities, key and certificates that are no files, in PEM.

    Raises:
        ProviderError: Something does not serve.
    """
    path = f"{collector.path}/tls"
    authorities = trusted(material, tls.bag, path) if tls.bag else None
    if not tls.kept:
        return authorities, None, None
    at = f"{path}/keystore/client-identity"
    identity = identity_of(material, tls.key_name, tls.certificate_name, at)
    return authorities, identity.key, identity.chain


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no connection within {READY_SECONDS:g} s"
    if isinstance(error, Refused | RpcErrors | ProviderError):
        return error.what
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    return str(error) or type(error).__name__
