"""The server: an event loop of its own, endpoints that follow the configuration, sessions."""

import asyncio
import logging
import socket
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import asyncssh

from nf.mgmt.changes import Change
from nf.mgmt.netconf.call_home.calls import Calls
from nf.mgmt.netconf.capability_change import announce_change
from nf.mgmt.netconf.doors import Doors
from nf.mgmt.netconf.entrance import Entrance, entrance
from nf.mgmt.netconf.monitoring import sources
from nf.mgmt.netconf.service import Service
from nf.mgmt.netconf.settings import TOP, Endpoint, Settings
from nf.mgmt.netconf.ssh import SshConnection, ssh_options
from nf.mgmt.netconf.tls import NotLetIn, TlsListener, let_in
from nf.mgmt.transaction import Data, ProviderError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from nf.mgmt.core import Core
    from nf.mgmt.credentials.provider import Credentials
    from nf.mgmt.events import EventHub
    from nf.mgmt.users import Users

__all__ = ["NetconfServer"]

log = logging.getLogger(__name__)

T = TypeVar("T")

Acceptor = asyncssh.SSHAcceptor | TlsListener
Acceptors = dict[tuple[str, str, int], Acceptor]
"""Endpoints that are bound, by transport, address and port."""


class NetconfServer:
    """NETCONF over SSH and TLS for a core; provider of its own part of the configuration."""

    name = "netconf"
    watches: tuple[str, ...] = (TOP,)

    def __init__(
        self,
        core: "Core",
        events: "EventHub",
        users: "Users",
        credentials: "Credentials",
        folder: Path,
    ) -> None:
        """Registers itself and what it knows of state with the core.

        Args:
            core: Not started yet.
            events: The core's.
            users: Who may log in; a provider that the caller registers.
            credentials: Keys and trust; likewise, before this.
            folder: For what outlives the process.
        """
        # Its lines for every channel and packet say less than ours for every session.
        asyncssh.set_log_level(logging.WARNING)
        self._credentials = credentials
        self._entrance = entrance(Settings(), credentials.material({}))
        self.service = Service.of(core, events, folder)
        self._doors = Doors(self.service, users)
        self._calls = Calls(self._doors, lambda: self._entrance)
        self._acceptors: Acceptors = {}
        self._ports: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="nf-netconf", daemon=True)
        core.providers.register(self)
        for source in sources(self.service, lambda: self._entrance.keys):
            core.state.register(source)
        core.state.register(self._calls)
        announce_change(events, self.service.capabilities, folder)

    # Running ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the event loop; endpoints come with the configuration that the core starts."""
        self._thread.start()
        self.service.publisher.start(self._loop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def stop(self) -> None:
        """Ends all sessions and the loop; may be called once."""
        if self._thread.is_alive():
            self._in_loop(self._shut_down()).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()
        self.service.publisher.stop()
        self.service.lanes.stop()

    async def _shut_down(self) -> None:
        self._calls.stop()
        for acceptor in self._acceptors.values():
            acceptor.close()
        await self._doors.shut_down()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            _, late = await asyncio.wait(others, timeout=2.0)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _in_loop(self, work: Coroutine[object, object, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    @property
    def ports(self) -> dict[str, int]:
        """Port on which each endpoint really listens, by its name."""
        return dict(self._ports)

    # Provider -----------------------------------------------------------------------------------

    def prepare(self, before: Data | None, after: Data, changes: Sequence[Change]) -> "_Prepared":
        """Binds the endpoints that are new.

        Raises:
            ProviderError: One cannot be bound.
        """
        del before, changes
        settings = Settings.of(after)
        shown = entrance(settings, self._credentials.material(after), self._entrance)
        bound = self._in_loop(self._bind(settings, shown)).result()
        return _Prepared(self, settings, shown, bound)

    async def _bind(self, settings: Settings, shown: Entrance) -> Acceptors:
        bound: Acceptors = {}
        for endpoint in settings.listen:
            if endpoint.place in self._acceptors:
                continue
            try:
                bound[endpoint.place] = await self._listen(endpoint, settings, shown)
            except OSError as error:
                _close(bound)
                raise ProviderError(
                    endpoint.path,
                    f"cannot listen on {endpoint.address} port {endpoint.port}:"
                    f" {error.strerror or error}",
                    "listen",
                ) from error
        return bound

    async def _listen(self, endpoint: Endpoint, settings: Settings, shown: Entrance) -> Acceptor:
        if endpoint.transport == "tls":
            return TlsListener(endpoint.address, endpoint.port, self._take)
        return await asyncssh.listen(
            endpoint.address,
            endpoint.port,
            reuse_address=True,
            backlog=256,
            server_factory=lambda: SshConnection(self._doors),
            **ssh_options(shown.keys, settings.login_timeout),
        )

    async def _take(self, sock: socket.socket, source: str) -> None:
        """A client has connected to an endpoint of TLS."""
        statistics = self.service.statistics
        tls = self._entrance.tls
        if tls is None or not self._doors.admits():
            sock.close()
            statistics.refused_sessions += 1
            raise NotLetIn("there are too many connections" if tls else "TLS is being closed")
        try:
            await let_in(sock, self._doors, tls, source)
        except NotLetIn:
            statistics.refused_logins += 1
            raise

    def put_in_force(self, settings: Settings, shown: Entrance, bound: Acceptors) -> None:
        """Takes over what was bound, and closes what is not listed any more."""
        kept = {**self._acceptors, **bound}
        places = {endpoint.place for endpoint in settings.listen}
        over = {place: acceptor for place, acceptor in kept.items() if place not in places}
        self._acceptors = {place: one for place, one in kept.items() if place in places}
        self._ports = {
            endpoint.shown: self._acceptors[endpoint.place].get_port()
            for endpoint in settings.listen
        }
        if (settings.login_timeout, shown.names) != (
            self.service.settings.login_timeout,
            self._entrance.names,
        ):
            for acceptor in self._acceptors.values():
                if isinstance(acceptor, asyncssh.SSHAcceptor):
                    acceptor.update(
                        login_timeout=settings.login_timeout, server_host_keys=list(shown.keys)
                    )
        self.service.settings = settings
        self._entrance = shown
        self._loop.call_soon_threadsafe(self._calls.follow, settings.call_home)
        self.drop(over)

    def drop(self, bound: Acceptors) -> None:
        """Closes endpoints; sessions that came in through them go on."""
        if bound:
            self._loop.call_soon_threadsafe(_close, bound)


class _Prepared:
    def __init__(
        self,
        server: NetconfServer,
        settings: Settings,
        shown: Entrance,
        bound: Acceptors,
    ) -> None:
        self._server = server
        self._settings = settings
        self._shown = shown
        self._bound = bound

    def apply(self) -> None:
        self._server.put_in_force(self._settings, self._shown, self._bound)

    def abort(self) -> None:
        self._server.drop(self._bound)


def _close(bound: Acceptors) -> None:
    for acceptor in bound.values():
        acceptor.close()
