"""What the configuration says of the management systems that the function connects to."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from nf.mgmt.netconf.tls_settings import TlsSettings

__all__ = ["Client", "Endpoint", "Periodic", "Strategy", "clients_of"]

PORTS = {"ssh": 4334, "tls": 4335}
"""IANA: netconf-ch-ssh and netconf-ch-tls."""

StartWith = Literal["first-listed", "last-connected", "random-selection"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a client can be reached.

    Attributes:
        name: Of its entry.
        transport: What is spoken.
        host: Name or address.
        port: Of TCP.
        host_keys: Names of SSH's keys in the keystore; empty for those of the server.
        tls: How both sides know each other; None for what the server's says.
    """

    name: str
    transport: Literal["ssh", "tls"]
    host: str
    port: int
    host_keys: tuple[str, ...] = ()
    tls: TlsSettings | None = None

    @property
    def has_own(self) -> bool:
        """Whether it has keys or certificates that are not the server's."""
        return bool(self.host_keys) or self.tls is not None


@dataclass(frozen=True, slots=True)
class Periodic:
    """Connections from time to time.

    Attributes:
        period: Seconds between two.
        anchor: A moment that one begins at; None for the one at which the entry came in force.
        idle: Seconds without a request that end one; 0 for those of the server.
    """

    period: float
    anchor: datetime | None
    idle: float


@dataclass(frozen=True, slots=True)
class Strategy:
    """Which endpoint is tried when; times in seconds.

    Attributes:
        start_with: Which is tried first.
        max_wait: For a connection of TCP to come about.
        max_attempts: At an endpoint before the next one's turn.
        interval: Before the second attempt; doubles.
        longest: Of these.
    """

    start_with: StartWith = "first-listed"
    max_wait: float = 5
    max_attempts: int = 3
    interval: float = 1
    longest: float = 300


@dataclass(frozen=True, slots=True)
class Client:
    """A management system.

    Attributes:
        name: Of its entry.
        endpoints: In the order in which they are tried.
        periodic: None for a connection that is kept up.
        strategy: Which endpoint is tried when.
    """

    name: str
    endpoints: tuple[Endpoint, ...]
    periodic: Periodic | None = None
    strategy: Strategy = field(default_factory=Strategy)


def clients_of(stated: dict[str, Any]) -> tuple[Client, ...]:
    """Of a container `call-home` as RFC 7951 JSON."""
    return tuple(map(_client, stated.get("netconf-client", ())))


def _client(entry: dict[str, Any]) -> Client:
    strategy, standard = entry.get("reconnect-strategy", {}), Strategy()
    return Client(
        entry["name"],
        tuple(map(_endpoint, entry["endpoints"]["endpoint"])),
        _periodic(entry.get("connection-type", {}).get("periodic")),
        Strategy(
            strategy.get("start-with", standard.start_with),
            strategy.get("max-wait", standard.max_wait),
            strategy.get("max-attempts", standard.max_attempts),
            strategy.get("retry-interval", standard.interval),
            strategy.get("max-retry-interval", standard.longest),
        ),
    )


def _endpoint(entry: dict[str, Any]) -> Endpoint:
    transport = entry.get("transport", "ssh")
    port = int(entry.get("port", PORTS[transport]))
    tls = entry.get("tls")
    return Endpoint(
        entry["name"],
        transport,
        entry["address"],
        port,
        tuple(entry.get("ssh-host-key", ())),
        None if tls is None else TlsSettings.of(tls),
    )


def _periodic(stated: dict[str, Any] | None) -> Periodic | None:
    if stated is None:
        return None
    anchor = stated.get("anchor-time")
    return Periodic(
        stated.get("period", 60) * 60,
        None if anchor is None else datetime.fromisoformat(anchor),
        stated.get("idle-timeout", 180),
    )
