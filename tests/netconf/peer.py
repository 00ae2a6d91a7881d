"""A client of the tests: SSH by asyncssh, framing and XML of its own.

It shares no code with the server, so that both cannot be wrong in the same way.
"""

import asyncio
import itertools
import re
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import asyncssh
from lxml import etree

T = TypeVar("T")

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
NOTIFICATION = "urn:ietf:params:xml:ns:netconf:notification:1.0"
MONITORING = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
BOX = "urn:nf:test"
NS = {"nc": BASE, "n": NOTIFICATION, "m": MONITORING, "t": BOX}
BASE_1_0 = "urn:ietf:params:netconf:base:1.0"
BASE_1_1 = "urn:ietf:params:netconf:base:1.1"
WAIT = 30.0
"""Seconds after which a test that waits for a message has failed."""


class Closed(Exception):
    """The server has ended the session."""


class Loop:
    """An event loop in a thread, for all clients."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], limit: float = WAIT) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(limit)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Received:
    """What has come over a channel."""

    def __init__(self) -> None:
        self.octets = bytearray()
        self.changed = asyncio.Event()
        self.closed = False
        self.frozen = False


Opened = tuple[Any, Any, Received]
"""Of a session: what ends it, what writes, and what has come."""


class _Channel(Received, asyncssh.SSHClientSession[bytes]):
    def data_received(self, data: bytes, datatype: Any) -> None:
        self.octets += data
        self.changed.set()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self.changed.set()


class Peer:
    """A session; `hello` is sent at once unless told otherwise."""

    def __init__(
        self,
        loop: Loop,
        port: int,
        user: str = "ada",
        password: str | None = "correct horse",  # noqa: S107 - of the tests
        *,
        hello: bool = True,
        versions: tuple[str, ...] = (BASE_1_0, BASE_1_1),
        key: asyncssh.SSHKey | None = None,
        window: int = 2**21,
        host: str = "127.0.0.1",
        opened: "Opened | None" = None,
    ) -> None:
        self._loop = loop
        self._ids = itertools.count(101)
        self._chunks = False
        self._connection, self._out, self._channel = opened or loop.run(
            _connect(host, port, window, ssh_options(user, password, key))
        )
        self.server_hello: etree._Element | None = None
        if hello:
            self.hello(versions)

    # The life of a session ----------------------------------------------------------------------

    def hello(self, versions: tuple[str, ...] = (BASE_1_0, BASE_1_1)) -> None:
        listed = "".join(f"<capability>{one}</capability>" for one in versions)
        self.send_marked(
            f'<hello xmlns="{BASE}"><capabilities>{listed}</capabilities></hello>'.encode()
        )
        self.server_hello = self.receive()
        self._chunks = BASE_1_1 in versions

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection without a word."""

        async def end() -> None:
            self._connection.abort()
            await self._connection.wait_closed()

        self._loop.run(end())

    def send_eof(self) -> None:
        self._loop.loop.call_soon_threadsafe(self._out.write_eof)

    def stop_reading(self) -> None:
        """From now on the client takes nothing off its socket."""
        transport: Any = self._connection._transport
        self._loop.loop.call_soon_threadsafe(transport.pause_reading)

    def resume_reading(self) -> None:
        """It reads again."""
        transport: Any = self._connection._transport
        self._loop.loop.call_soon_threadsafe(transport.resume_reading)

    @property
    def session_id(self) -> int:
        assert self.server_hello is not None
        return int(self.server_hello.findtext("nc:session-id", namespaces=NS) or 0)

    @property
    def capabilities(self) -> list[str]:
        assert self.server_hello is not None
        found = self.server_hello.findall("nc:capabilities/nc:capability", NS)
        return [one.text or "" for one in found]

    # Octets -------------------------------------------------------------------------------------

    def send(self, octets: bytes) -> None:
        """Sends octets as they are."""

        async def write() -> None:
            self._out.write(octets)

        self._loop.run(write())

    def send_marked(self, message: bytes) -> None:
        self.send(message + b"]]>]]>")

    def send_message(self, message: bytes) -> None:
        if self._chunks:
            # In two chunks, because a server that expects one only would be wrong.
            half = len(message) // 2
            first, second = message[:half], message[half:]
            self.send(
                b"\n#%d\n%b\n#%d\n%b\n##\n" % (len(first), first, len(second), second)
                if first
                else b"\n#%d\n%b\n##\n" % (len(second), second)
            )
        else:
            self.send_marked(message)

    def receive_octets(self, limit: float = WAIT) -> bytes:
        """The next message.

        Raises:
            Closed: There will be none.
        """
        return self._loop.run(self._next(), limit)

    async def _next(self) -> bytes:
        while True:
            message = self._cut()
            if message is not None:
                return message
            if self._channel.closed:
                raise Closed(bytes(self._channel.octets))
            self._channel.changed.clear()
            await self._channel.changed.wait()

    def _cut(self) -> bytes | None:
        octets = self._channel.octets
        if not self._chunks:
            message, mark, rest = bytes(octets).partition(b"]]>]]>")
            if not mark:
                return None
            octets[:] = rest
            return message
        at, parts = 0, []
        while True:
            head = re.compile(rb"\n#([1-9][0-9]*|#)\n").match(octets, at)
            if head is None:
                assert len(octets) - at < 13 or octets[at : at + 2] == b"\n#"
                return None
            size, end = head.group(1), head.end()
            if size == b"#":
                message = b"".join(parts)
                head = None
                del octets[:end]
                return message
            if len(octets) < end + int(size):
                return None
            at = end + int(size)
            parts.append(bytes(octets[end:at]))

    def receive(self, limit: float = WAIT) -> etree._Element:
        return etree.fromstring(self.receive_octets(limit))

    def closed_by_server(self) -> bool:
        """Waits until the server has ended the session; false if it says something instead."""
        try:
            self.receive_octets()
        except Closed:
            return True
        return False

    # Requests -----------------------------------------------------------------------------------

    def ask(self, operation: str, attributes: str = "") -> str:
        """Sends an operation; gives its message-id."""
        number = str(next(self._ids))
        self.send_message(
            f'<rpc xmlns="{BASE}" xmlns:nc="{BASE}" message-id="{number}" {attributes}>'
            f"{operation}</rpc>".encode()
        )
        return number

    def rpc(self, operation: str, attributes: str = "") -> etree._Element:
        """Sends an operation; gives its reply."""
        number = self.ask(operation, attributes)
        reply = self.receive()
        assert reply.tag == f"{{{BASE}}}rpc-reply"
        assert reply.get("message-id") == number
        return reply

    def ok(self, operation: str) -> None:
        """Sends an operation that has to be answered by `<ok/>`."""
        reply = self.rpc(operation)
        assert [child.tag for child in reply] == [f"{{{BASE}}}ok"], etree.tostring(reply)

    def refused(self, operation: str) -> "Refusal":
        """Sends an operation that has to be refused; gives the first error."""
        return self.refusals(operation)[0]

    def refusals(self, operation: str) -> "list[Refusal]":
        reply = self.rpc(operation)
        errors = reply.findall("nc:rpc-error", NS)
        assert errors, etree.tostring(reply)
        return [Refusal(error) for error in errors]

    def data(self, operation: str) -> etree._Element:
        """Sends an operation that has to be answered by data."""
        reply = self.rpc(operation)
        assert [etree.QName(child).localname for child in reply] == ["data"], etree.tostring(reply)
        return reply[0]

    def edit(self, content: str, target: str = "running", more: str = "") -> str:
        """An edit-config of the tests' box."""
        return (
            f"<edit-config><target><{target}/></target>{more}<config>"
            f'<box xmlns="{BOX}">{content}</box></config></edit-config>'
        )

    def box(self, source: str = "running") -> dict[str, str]:
        """The leaves in the box of a datastore."""
        data = self.data(
            f"<get-config><source><{source}/></source>"
            f'<filter><box xmlns="{BOX}"/></filter></get-config>'
        )
        return {
            etree.QName(leaf).localname: leaf.text or ""
            for leaf in data.iterfind("t:box/*", NS)
            if not len(leaf)
        }


class Refusal:
    """An `<rpc-error>`."""

    def __init__(self, error: etree._Element) -> None:
        def text(name: str) -> str | None:
            return error.findtext(f"nc:{name}", namespaces=NS)

        self.type = text("error-type")
        self.tag = text("error-tag")
        self.severity = text("error-severity")
        self.app_tag = text("error-app-tag")
        self.message = text("error-message")
        self.path = text("error-path")
        info = error.find("nc:error-info", NS)
        self.info = {
            etree.QName(child).localname: child.text for child in (info if info is not None else ())
        }
        self.prefixes = {}
        if (path := error.find("nc:error-path", NS)) is not None:
            self.prefixes = dict(path.nsmap)


def ssh_options(
    user: str = "ada",
    password: str | None = "correct horse",  # noqa: S107 - of the tests
    key: asyncssh.SSHKey | None = None,
) -> dict[str, Any]:
    """How a client of the tests logs in, whatever the machine has configured."""
    return {
        "username": user,
        "password": password,
        "client_keys": [key] if key else None,
        "known_hosts": None,
        "agent_path": None,
        "config": None,
        "preferred_auth": ["publickey"] if key else ["password"],
    }


async def _connect(host: str, port: int, window: int, options: dict[str, Any]) -> Opened:
    return await over(await asyncssh.connect(host, port, **options), window)


async def over(connection: asyncssh.SSHClientConnection, window: int = 2**21) -> Opened:
    """A session on a connection."""
    channel, session = await connection.create_session(
        _Channel, subsystem="netconf", encoding=None, window=window
    )
    return connection, channel, session
