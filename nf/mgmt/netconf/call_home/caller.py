"""Connects to one client, again and again, until its entry is gone."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from nf.mgmt.moments import rfc3339
from nf.mgmt.netconf.call_home.order import Order, seconds_to_next
from nf.mgmt.netconf.call_home.settings import Client, Endpoint

__all__ = ["Caller", "Connect", "Established", "NotConnected"]

log = logging.getLogger(__name__)


class NotConnected(Exception):
    """An endpoint could not be connected to, or nobody logged in."""


class Established(Protocol):
    """A connection in which a user has logged in."""

    async def wait_closed(self) -> None:
        """Returns when it is over."""


Connect = Callable[[Endpoint, Client], Awaitable[Established]]
"""Connects, shakes hands and waits for a login; raises `NotConnected`."""


@dataclass(slots=True)
class _State:
    status: str = "waiting"
    endpoint: str = ""
    attempts: int = 0
    connections: int = 0
    last_connected: datetime | None = None
    last_error: str = ""


class Caller:
    """See the module; lives in the loop of the server.

    Attributes:
        client: Its entry.
    """

    def __init__(self, client: Client, connect: Connect, last: str = "") -> None:
        """Begins to connect; `last` is the endpoint that an older one of the entry was at."""
        self.client = client
        self._connect = connect
        self._order = Order(
            client.endpoints, client.strategy, random.SystemRandom().randrange, last
        )
        self._state = _State()
        self._begun = datetime.now(UTC)
        self._hurry = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def last(self) -> str:
        """Name of the endpoint that the last connection was to."""
        return self._order.last

    def stop(self) -> None:
        """Connects no more; a connection that is established goes on."""
        self._task.cancel()

    def hasten(self) -> None:
        """Ends waiting: connects now, unless it is connected."""
        self._hurry.set()

    @property
    def is_trying(self) -> bool:
        """Whether it connects until somebody is there, and does not wait for its period."""
        return self.client.periodic is None or self._state.status != "waiting"

    async def _pause(self, seconds: float) -> None:
        """Waits, but not when there is a hurry."""
        self._hurry.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return

    def state(self) -> dict[str, Any]:
        """As the container `state` of the model."""
        state = self._state
        shown: dict[str, Any] = {
            "status": state.status,
            "attempts": state.attempts,
            "connections": state.connections,
        }
        if state.endpoint:
            shown["endpoint"] = state.endpoint
        if state.last_connected is not None:
            shown["last-connected"] = rfc3339(state.last_connected)
        if state.last_error:
            shown["last-error"] = state.last_error
        return shown

    async def _run(self) -> None:
        periodic = self.client.periodic
        if periodic is not None and periodic.anchor is not None:
            await self._pause(seconds_to_next(periodic, self._begun, datetime.now(UTC)))
        while True:
            connection = await self._established()
            await connection.wait_closed()
            log.info("call home to %s is over", self.client.name)
            self._state.status = "waiting"
            wait = self._order.again()
            if periodic is not None:
                wait = seconds_to_next(periodic, self._begun, datetime.now(UTC))
            await self._pause(wait)

    async def _established(self) -> Established:
        """Tries until somebody has logged in."""
        state = self._state
        while True:
            endpoint = self._order.current
            state.status, state.endpoint = "connecting", endpoint.name
            state.attempts += 1
            try:
                connection = await self._connect(endpoint, self.client)
            except NotConnected as error:
                state.status, state.last_error = "waiting", str(error)
                wait = self._order.failed()
                log.warning(
                    "call home to %s at %s failed: %s; again in %g s",
                    self.client.name,
                    endpoint.name,
                    error,
                    wait,
                )
                await self._pause(wait)
                continue
            self._order.connected()
            state.status = "connected"
            state.connections += 1
            state.last_connected = datetime.now(UTC)
            state.last_error = ""
            log.info("call home to %s at %s is established", self.client.name, endpoint.name)
            return connection
