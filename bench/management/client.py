"""A NETCONF client that costs little, so that the server is what is measured."""

import time
from dataclasses import dataclass

import asyncssh

from bench.management.servers import PASSWORD, Server
from nf.mgmt.netconf.ssh import without_ignored

__all__ = ["Client", "Refused", "Times"]

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
TABLE = "urn:nf:bench"
END = b"]]>]]>"
HELLO = (
    f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.0'
    "</capability></capabilities></hello>"
)


class Refused(Exception):
    """The server answered with an error."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long each of some requests took, in seconds."""

    each: tuple[float, ...]

    @property
    def per_second(self) -> float:
        """Requests per second, one after the other."""
        return len(self.each) / sum(self.each)

    def quantile(self, share: float) -> float:
        """The time that this share of requests did not exceed."""
        return sorted(self.each)[min(len(self.each) - 1, int(share * len(self.each)))]


class Client:
    """One session, with end-of-message framing."""

    def __init__(
        self,
        connection: asyncssh.SSHClientConnection,
        process: "asyncssh.SSHClientProcess[bytes]",
    ) -> None:
        self._connection, self._process = connection, process
        self._received = bytearray()

    @classmethod
    async def connect(cls, server: Server) -> "Client":
        """Logs in and exchanges hellos."""
        who: dict[str, object] = (
            {"client_keys": [str(server.key)]}
            if server.key
            else {"password": PASSWORD, "client_keys": None}
        )
        connection = await asyncssh.connect(
            "127.0.0.1", server.port, username=server.user, known_hosts=None, config=None, **who
        )
        # As OpenSSH and libssh do: what asyncssh sends more would be measured as the server's.
        connection.send_packet = without_ignored(connection.send_packet)  # type: ignore[method-assign]
        process = await connection.create_process(subsystem="netconf", encoding=None)
        client = cls(connection, process)
        await client._message()
        process.stdin.write(HELLO.encode() + END)
        return client

    async def _message(self) -> bytes:
        while True:
            at = self._received.find(END)
            if at >= 0:
                message = bytes(self._received[:at])
                del self._received[: at + len(END)]
                return message
            more = await self._process.stdout.read(1 << 20)
            if not more:
                raise Refused("the server closed the session")
            self._received += more

    async def rpc(self, content: str) -> bytes:
        """Sends one request and waits for its reply."""
        request = f'<rpc xmlns="{BASE}" message-id="1">{content}</rpc>'
        self._process.stdin.write(request.encode() + END)
        reply = await self._message()
        if b"rpc-error" in reply:
            raise Refused(reply.decode(errors="replace")[:2000])
        return reply

    async def fill(self, rows: int) -> None:
        """Makes the table of four leaves a row."""
        step = 5000
        for begin in range(0, rows, step):
            content = "".join(
                f"<row><name>r{n}</name><a>{n}</a><b>text {n}</b><c>{n % 9000 + 1}</c></row>"
                for n in range(begin, min(begin + step, rows))
            )
            await self.edit(content)

    async def edit(self, rows: str) -> bytes:
        """Merges rows into the running configuration."""
        return await self.rpc(
            "<edit-config><target><running/></target><config>"
            f'<table xmlns="{TABLE}">{rows}</table></config></edit-config>'
        )

    async def commits(self, seconds: float, rows: int) -> Times:
        """Changes one leaf of running, again and again."""
        times, end, count = [], time.perf_counter() + seconds, 0
        while (begin := time.perf_counter()) < end or len(times) < 5:
            count += 1
            row = count * 7919 % rows
            await self.edit(f"<row><name>r{row}</name><a>{count + rows}</a></row>")
            times.append(time.perf_counter() - begin)
        return Times(tuple(times))

    async def gets(self, seconds: float, rows: int) -> Times:
        """Reads one row by its key."""
        times, end, count = [], time.perf_counter() + seconds, 0
        while (begin := time.perf_counter()) < end or len(times) < 5:
            count += 1
            name = f"r{count * 7919 % rows}"
            reply = await self.rpc(
                '<get-config><source><running/></source><filter type="subtree">'
                f'<table xmlns="{TABLE}"><row><name>{name}</name></row></table>'
                "</filter></get-config>"
            )
            times.append(time.perf_counter() - begin)
            if f">{name}<".encode() not in reply:
                raise Refused(f"row {name} is not in the reply")
        return Times(tuple(times))

    async def close(self) -> None:
        """Ends the session."""
        self._connection.close()
        await self._connection.wait_closed()
