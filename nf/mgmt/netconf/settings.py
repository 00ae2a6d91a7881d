"""What the configuration says of the server."""

from dataclasses import dataclass, field
from typing import Any, Literal

from nf.mgmt.netconf.call_home.settings import Client, clients_of
from nf.mgmt.netconf.tls_settings import TlsSettings

__all__ = ["PATH", "TLS", "TOP", "Endpoint", "Settings", "TlsSettings"]

TOP = "nf-probe:probe"
PATH = "/nf-probe:probe/management/netconf"
TLS = f"{PATH}/nf-netconf:tls"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where connections are waited for.

    Attributes:
        name: Of its entry.
        address: IP address.
        port: Of TCP; 0 for any that is free.
        transport: What is spoken there.
    """

    name: str
    address: str
    port: int
    transport: Literal["ssh", "tls"] = "ssh"

    @property
    def place(self) -> tuple[str, str, int]:
        """What makes it the same; the model has no two entries alike in it."""
        return self.transport, self.address, self.port

    @property
    def path(self) -> str:
        """Data path of its entry."""
        return f"{TLS if self.transport == 'tls' else PATH}/listen[name='{self.name}']"

    @property
    def shown(self) -> str:
        """How it is called where both transports are listed."""
        return self.name if self.transport == "ssh" else f"tls/{self.name}"


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the whole server; times in seconds, 0 for none where the model permits it.

    Attributes:
        listen: Endpoints of both transports.
        max_sessions: Most sessions at a time.
        login_timeout: From connecting until the user is known.
        hello_timeout: From there until the client's hello.
        idle_timeout: Without a request.
        max_message: Octets of the longest message.
        max_depth: Elements inside each other.
        host_keys: Names of SSH's keys in the keystore; empty for the one that is built in.
        tls: How clients and server know each other in TLS.
        call_home: Clients that the server connects to.
    """

    listen: tuple[Endpoint, ...] = ()
    max_sessions: int = 256
    login_timeout: float = 60
    hello_timeout: float = 60
    idle_timeout: float = 3600
    max_message: int = 64 * 1024 * 1024
    max_depth: int = 128
    host_keys: tuple[str, ...] = ()
    tls: TlsSettings = field(default_factory=TlsSettings)
    call_home: tuple[Client, ...] = ()

    @classmethod
    def of(cls, data: dict[str, Any]) -> "Settings":
        """Of a configuration as RFC 7951 JSON; a value that is not there has its default."""
        stated = data.get(TOP, {}).get("management", {}).get("netconf", {})
        tls = stated.get("nf-netconf:tls", {})
        standard = cls()
        return cls(
            listen=(
                *(
                    Endpoint(entry["name"], entry["address"], int(entry.get("port", 830)))
                    for entry in stated.get("listen", ())
                ),
                *(
                    Endpoint(entry["name"], entry["address"], int(entry.get("port", 6513)), "tls")
                    for entry in tls.get("listen", ())
                ),
            ),
            max_sessions=stated.get("max-sessions", standard.max_sessions),
            login_timeout=stated.get("login-timeout", standard.login_timeout),
            hello_timeout=stated.get("hello-timeout", standard.hello_timeout),
            idle_timeout=stated.get("idle-timeout", standard.idle_timeout),
            max_message=stated.get("max-message-size", standard.max_message),
            max_depth=stated.get("max-message-depth", standard.max_depth),
            host_keys=tuple(stated.get("nf-netconf:ssh-host-key", ())),
            tls=TlsSettings.of(tls),
            call_home=clients_of(stated.get("nf-netconf:call-home", {})),
        )
