"""The gNMI target as a whole: endpoints that follow the configuration."""

import asyncio
import ipaddress
import logging
import socket
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from nf.mgmt.changes import Change
from nf.mgmt.credentials.material import Material
from nf.mgmt.credentials.provider import Credentials
from nf.mgmt.subscriptions.engine import Subscriptions
from nf.mgmt.subscriptions.past import Past
from nf.mgmt.subscriptions.reading import Reader
from nf.mgmt.transaction import Data, ProviderError
from nf.telemetry.gnmi.boundaries import Boundaries
from nf.telemetry.gnmi.credentials import Callers, Passwords
from nf.telemetry.gnmi.dialout import Dialing, check
from nf.telemetry.gnmi.model import Model
from nf.telemetry.gnmi.service import NAME, Service
from nf.telemetry.gnmi.settings import TOP, Endpoint, Settings
from nf.telemetry.gnmi.subscribe import Subscribing
from nf.telemetry.gnmi.tls import check as check_keys
from nf.telemetry.gnmi.tls import server_credentials
from nf.telemetry.gnmi.tokens import Tokens
from nf.telemetry.gnoi import cert, file, healthz, system
from nf.telemetry.gnoi.folders import Folders

if TYPE_CHECKING:
    from nf.mgmt.core import Core

__all__ = ["Target"]

log = logging.getLogger(__name__)

GNOI = (system.NAME, healthz.NAME, file.NAME, cert.NAME)
SERVICES = (NAME, *GNOI, health.SERVICE_NAME, reflection.SERVICE_NAME)
USERS = "ietf-system:system"
GRACE = 0.5
"""Seconds that requests under way get when an endpoint closes."""


@dataclass(slots=True)
class _Open:
    """An endpoint that is listened on.

    Attributes:
        endpoint: As configured.
        port: Where it listens.
        server: Of grpc.aio.
        health: Its health service.
    """

    endpoint: Endpoint
    port: int
    server: Any
    health: Any


class Target:
    """The target; provider of its part of the configuration.

    It has an event loop in a thread of its own, so that the core's synchronous callers need none.

    Attributes:
        subscriptions: The engine that samples and watches state.
        changes: The engine that tells changes of configuration.
        past: Samples for the extension history.
        service: The handlers.
        tokens: That clients show in the place of a password.
    """

    name = "gnmi"
    watches: tuple[str, ...] = (TOP,)

    def __init__(
        self,
        core: "Core",
        passwords: Passwords,
        credentials: Credentials,
        tokens: Tokens | None = None,
    ) -> None:
        """Listens nowhere; register it with the core, and start it, before that starts.

        Args:
            core: Not started yet.
            passwords: Who may call.
            credentials: Keys and trust; a provider that is registered before.
            tokens: Kept in memory only unless given.
        """
        self._core = core
        self._credentials = credentials
        self.tokens = tokens or Tokens(None)
        self.tokens.register(core.operations)
        model = Model(core.context, core.schema)
        self._callers = Callers(passwords, self.tokens)
        reader = Reader(core, core.schema)
        self.subscriptions = Subscriptions(reader)
        self.changes = Subscriptions(Reader(core, core.schema, state=False))
        self.past = Past(core)
        self._boundaries = Boundaries(core, self.changes)
        self._subscribing = Subscribing(
            model,
            reader,
            self.subscriptions,
            self.changes,
            self.past,
            self._boundaries,
            Settings(),
        )
        self.service = Service(core, model, self._callers, self._subscribing)
        self._system = system.SystemService(core, self.service)
        self._healthz = healthz.HealthzService(core, self.service)
        self._file = file.FileService(core, self.service)
        self._cert = cert.CertificateService(core, self.service, credentials)
        self._dialing = Dialing(core, self._subscribing, credentials)
        self._open: list[_Open] = []
        self._following = asyncio.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="nf-gnmi", daemon=True)
        core.commits.watchers.append(self._changed)
        core.state.register(_State(self))
        core.state.watchers.append(self.subscriptions.stirred)

    def start(self) -> None:
        """Starts its threads; endpoints come with the configuration."""
        self._thread.start()
        self.subscriptions.start()
        self.changes.start()
        self.past.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _changed(self, changes: Sequence[Change]) -> None:
        if not changes or any(change.top == USERS for change in changes):
            self._callers.forget()
        self.changes.changed(changes)
        self._boundaries.committed()

    def state(self) -> dict[str, int]:
        """Counters, as the leaves of the container `state` in the model."""
        streams, counters = self._subscribing.streams, self.subscriptions.counters
        return {
            "open-streams": streams.open,
            "streams": streams.opened,
            "feeds": self.subscriptions.feeds() + self.changes.feeds(),
            "messages": streams.messages,
            "coalesced": streams.coalesced,
            "exhausted": streams.exhausted,
            "failures": counters.failures + self.changes.counters.failures,
        }

    def collectors(self) -> list[dict[str, Any]]:
        """How the connections to collectors are, as the list in the model."""
        return self._dialing.state()

    def ports(self) -> dict[str, int]:
        """Ports by the endpoints' names."""
        return {one.endpoint.name: one.port for one in self._open}

    def stop(self) -> None:
        """Closes everything."""
        self._wait(self._dialing.follow(()))
        self._loop.call_soon_threadsafe(self._system.stop)
        self._wait(self._close(self._open))
        self._open = []
        self._wait(_finished())
        self.subscriptions.stop()
        self.changes.stop()
        self.past.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self.service.stop()
        self._callers.stop()

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    # Provider -----------------------------------------------------------------------------------

    def prepare(self, before: Data | None, after: Data, changes: Sequence[Change]) -> "_Prepared":
        """Listens on new endpoints; they answer once it is applied.

        Raises:
            ProviderError: An address or port cannot be had, or a file is not usable.
        """
        del before, changes
        settings = Settings.of(after)
        material = self._credentials.material(after)
        for collector in settings.collectors:
            check(collector, self._subscribing, settings, material)
        kept = [
            one
            for one in self._open
            if one.endpoint in settings.listen
            and settings.max_message == self._subscribing.settings.max_message
        ]
        gone = [one for one in self._open if one not in kept]
        for one in kept:
            check_keys(one.endpoint, self._credentials, material)
        fresh: list[_Open] = []
        try:
            for endpoint in settings.listen:
                if any(endpoint == one.endpoint for one in kept):
                    continue
                fresh.append(self._wait(self._listen(endpoint, settings, gone, material)))
        except ProviderError:
            self._wait(self._close(fresh))
            raise
        return _Prepared(self, settings, kept, fresh, gone)

    async def _listen(
        self, endpoint: Endpoint, settings: Settings, gone: Sequence[_Open], material: Material
    ) -> _Open:
        # An endpoint that only changes its certificates has the port of the one that it follows.
        follows = any(
            (one.endpoint.address, one.endpoint.port) == (endpoint.address, endpoint.port)
            for one in gone
        )
        if not follows:
            _look_for_others(endpoint)
        server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", settings.max_message),
                # Whoever follows it needs it from the first one, too.
                ("grpc.so_reuseport", 1),
                ("grpc.http2.max_ping_strikes", 0),
            ),
        )
        server.add_generic_rpc_handlers(
            tuple(
                one.handlers()
                for one in (self.service, self._system, self._healthz, self._file, self._cert)
            )
        )
        healthy = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
        reflection.enable_server_reflection(SERVICES, server)
        for name in ("", NAME, *GNOI):
            await healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
        try:
            port = (
                server.add_insecure_port(_loopback(endpoint))
                if endpoint.tls is None
                else server.add_secure_port(
                    endpoint.authority,
                    server_credentials(endpoint, self._credentials, material),
                )
            )
        except RuntimeError as error:
            raise ProviderError(
                endpoint.path, f"{endpoint.authority} cannot be listened on: {error}", "listen"
            ) from error
        await server.start()
        return _Open(endpoint, port, server, healthy)

    async def _close(self, endpoints: Sequence[_Open]) -> None:
        for one in endpoints:
            await one.health.enter_graceful_shutdown()
        await asyncio.gather(*(one.server.stop(GRACE) for one in endpoints))

    def put_in_force(
        self, settings: Settings, endpoints: list[_Open], gone: Sequence[_Open]
    ) -> None:
        """New settings; endpoints that are not configured any more close."""
        self._subscribing.settings = settings
        self.past.follow(settings.keeping)
        self._file.folders = Folders(settings.folders)
        self._open = endpoints
        for one in endpoints:
            log.info("gNMI listens on %s, port %d", one.endpoint.address, one.port)
        # Not waited for: a collector may be slow to let go.
        asyncio.run_coroutine_threadsafe(self._follow(settings), self._loop)
        if gone:
            # Not waited for: who changes the configuration by gNMI may have come through one.
            asyncio.run_coroutine_threadsafe(self._close(gone), self._loop)

    async def _follow(self, settings: Settings) -> None:
        try:
            async with self._following:
                await self._dialing.follow(settings.collectors)
        except Exception:
            log.exception("collectors are not followed")

    def drop(self, endpoints: Sequence[_Open]) -> None:
        """Endpoints of a configuration that did not come in force."""
        self._wait(self._close(endpoints))


class _State:
    """Source of the target's own state."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def top(self) -> str:
        """Qualified name of the top-level node."""
        return TOP

    def get(self) -> dict[str, Any]:
        """State as an RFC 7951 object."""
        told: dict[str, Any] = {"state": self._target.state()}
        if self._target.past.keeping.interval:
            told["history"] = {"state": self._target.past.state()}
        if collectors := self._target.collectors():
            told["collector"] = collectors
        if tokens := self._target.tokens.valid():
            told["token"] = tokens
        return {TOP: {"nf-telemetry:telemetry": {"gnmi": told}}}


async def _finished() -> None:
    """Calls that their server has cancelled come to their end."""
    calls = asyncio.all_tasks() - {asyncio.current_task()}
    if calls:
        await asyncio.wait(calls, timeout=GRACE)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Prepared:
    target: Target
    settings: Settings
    kept: list[_Open]
    fresh: list[_Open]
    gone: list[_Open] = field(default_factory=list)

    def apply(self) -> None:
        self.target.put_in_force(self.settings, [*self.kept, *self.fresh], self.gone)

    def abort(self) -> None:
        self.target.drop(self.fresh)


def _look_for_others(endpoint: Endpoint) -> None:
    """Looks whether somebody has the port: one that may be shared is not refused to a second one.

    Raises:
        ProviderError: Somebody has.
    """
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        # Connections of before that the kernel still remembers are nobody's.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((endpoint.address, endpoint.port))
            trial.listen(1)
        except OSError as error:
            why = f"{endpoint.authority} cannot be listened on: {error.strerror}"
            raise ProviderError(endpoint.path, why, "listen") from error


def _loopback(endpoint: Endpoint) -> str:
    """Passwords go in clear text without TLS: on loopback only."""
    if not ipaddress.ip_address(endpoint.address).is_loopback:
        raise ProviderError(
            f"{endpoint.path}/address",
            f"{endpoint.address} is no loopback address and the endpoint has no TLS",
            "tls-required",
        )
    return endpoint.authority
