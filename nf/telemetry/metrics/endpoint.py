"""The endpoint: HTTP on a loopback port, off unless it is configured."""

import asyncio
import ipaddress
import logging
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nf.mgmt.changes import Change
from nf.mgmt.session import INTERNAL
from nf.mgmt.subscriptions.reading import Reader
from nf.mgmt.transaction import Data, ProviderError
from nf.telemetry.metrics.exposition import exposition
from nf.telemetry.metrics.families import families

if TYPE_CHECKING:
    from nf.mgmt.core import Core

__all__ = ["Endpoint", "Settings"]

log = logging.getLogger(__name__)

TOP = "nf-probe:probe"
PATH = "/nf-probe:probe/nf-telemetry:telemetry/metrics"

MAX_REQUEST = 16 * 1024
PATIENCE = 10.0
"""Seconds that a reader gets to say what it wants, and to take the answer."""

CONNECTIONS = 16
OPENMETRICS = "application/openmetrics-text"
TEXT = "text/plain"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says.

    Attributes:
        enabled: Whether there is an endpoint.
        address: Loopback address.
        port: Of TCP; 0 for any that is free.
        most: Samples of one answer.
    """

    enabled: bool = False
    address: str = "127.0.0.1"
    port: int = 9464
    most: int = 100_000

    @classmethod
    def of(cls, data: dict[str, Any]) -> "Settings":
        """Of a configuration as RFC 7951 JSON; a value that is not there has its default."""
        stated = data.get(TOP, {}).get("nf-telemetry:telemetry", {}).get("metrics", {})
        standard = cls()
        return cls(
            enabled=stated.get("enabled", standard.enabled),
            address=stated.get("address", standard.address),
            port=stated.get("port", standard.port),
            most=stated.get("max-series", standard.most),
        )


class Endpoint:
    """Provider of its part of the configuration; has an event loop in a thread of its own.

    Attributes:
        scrapes: Answers given.
    """

    name = "metrics"
    watches: tuple[str, ...] = (TOP,)

    def __init__(self, core: "Core") -> None:
        """Listens nowhere; register it with the core, and start it, before that starts."""
        self._schema = core.schema
        self._families = families(self._schema)
        self._tops = {node.top.qualified for node in self._families if node.top.kind == "container"}
        self._reader = Reader(core, self._schema)
        self._settings = Settings()
        self._server: asyncio.Server | None = None
        self._open = 0
        self.scrapes = 0
        # One answer at a time: who asks often waits, and does not slow management down.
        self._pool = ThreadPoolExecutor(1, "nf-metrics-read")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="nf-metrics", daemon=True)

    def start(self) -> None:
        """Starts its thread; the port comes with the configuration."""
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @property
    def port(self) -> int | None:
        """Where it listens; None for nowhere."""
        return None if self._server is None else int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Closes everything."""
        self._wait(self._close(self._server))
        self._wait(_finished())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._pool.shutdown(wait=True)

    # Provider -----------------------------------------------------------------------------------

    def prepare(self, before: Data | None, after: Data, changes: Sequence[Change]) -> "_Prepared":
        """Listens on a new port; the old one closes once it is applied.

        Raises:
            ProviderError: The address is no loopback address, or the port cannot be had.
        """
        del before, changes
        settings = Settings.of(after)
        now = self._settings
        same = (settings.enabled, settings.address, settings.port) == (
            now.enabled,
            now.address,
            now.port,
        )
        if same:
            return _Prepared(self, settings, self._server, fresh=False)
        server = self._wait(self._listen(settings)) if settings.enabled else None
        return _Prepared(self, settings, server, fresh=True)

    async def _listen(self, settings: Settings) -> asyncio.Server:
        if not ipaddress.ip_address(settings.address).is_loopback:
            raise ProviderError(
                f"{PATH}/address",
                f"{settings.address} is no loopback address: whoever reached it could read all",
                "loopback-required",
            )
        try:
            return await asyncio.start_server(
                self._serve, settings.address, settings.port, limit=MAX_REQUEST
            )
        except OSError as error:
            raise ProviderError(
                f"{PATH}/port",
                f"{settings.address} port {settings.port} cannot be listened on: {error.strerror}",
                "listen",
            ) from error

    async def _close(self, server: asyncio.Server | None) -> None:
        if server is not None:
            server.close()

    def put_in_force(self, settings: Settings, server: asyncio.Server | None) -> None:
        """New settings; the server before closes if it is another one."""
        gone, self._server = self._server, server
        self._settings = settings
        if gone is not server:
            asyncio.run_coroutine_threadsafe(self._close(gone), self._loop)

    def drop(self, server: asyncio.Server | None) -> None:
        """A server of a configuration that did not come in force."""
        self._wait(self._close(server))

    # Answering ----------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open > CONNECTIONS:
                await _answer(writer, "503 Service Unavailable", TEXT, "too many readers\n")
                return
            async with asyncio.timeout(PATIENCE):
                asked = await reader.readuntil(b"\r\n\r\n")
            async with asyncio.timeout(PATIENCE):
                await self._reply(asked.decode("latin-1"), writer)
        except asyncio.LimitOverrunError:
            await _answer(writer, "431 Request Header Fields Too Large", TEXT, "too long\n")
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            log.debug("a reader of the metrics went away: %r", error)
        finally:
            self._open -= 1
            writer.close()

    async def _reply(self, asked: str, writer: asyncio.StreamWriter) -> None:
        first, _, headers = asked.partition("\r\n")
        method, _, rest = first.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if method not in ("GET", "HEAD"):
            await _answer(writer, "405 Method Not Allowed", TEXT, "only GET\n", method)
        elif path != "/metrics":
            await _answer(writer, "404 Not Found", TEXT, "see /metrics\n", method)
        else:
            openmetrics = _wants_openmetrics(headers)
            text = await self._loop.run_in_executor(self._pool, self.text, openmetrics)
            kind = (
                f"{OPENMETRICS}; version=1.0.0; charset=utf-8"
                if openmetrics
                else f"{TEXT}; version=0.0.4; charset=utf-8"
            )
            self.scrapes += 1
            await _answer(writer, "200 OK", kind, text, method)

    def text(self, openmetrics: bool = True) -> str:
        """What an answer says now."""
        data = self._reader.data(self._reader.read(INTERNAL, self._tops).tree, self._tops)
        return exposition(
            self._schema,
            self._families,
            data,
            most=self._settings.most,
            openmetrics=openmetrics,
        )


def _wants_openmetrics(headers: str) -> bool:
    """OpenMetrics unless the reader asks for something else only."""
    for line in headers.split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "accept":
            return OPENMETRICS in value or TEXT not in value
    return True


async def _answer(
    writer: asyncio.StreamWriter, status: str, kind: str, text: str, method: str = "GET"
) -> None:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    writer.write(head.encode() + (b"" if method == "HEAD" else body))
    await writer.drain()


async def _finished() -> None:
    """Readers that are being answered come to their end."""
    calls = asyncio.all_tasks() - {asyncio.current_task()}
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Prepared:
    endpoint: Endpoint
    settings: Settings
    server: asyncio.Server | None
    fresh: bool

    def apply(self) -> None:
        self.endpoint.put_in_force(self.settings, self.server)

    def abort(self) -> None:
        if self.fresh:
            self.endpoint.drop(self.server)
