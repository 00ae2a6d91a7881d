"""What the configuration says of the server."""

from dataclasses import dataclass
from typing import Any

__all__ = ["PATH", "TOP", "Endpoint", "Settings"]

TOP = "nf-probe:probe"
PATH = "/nf-probe:probe/management/netconf"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where connections are waited for.

    Attributes:
        name: Of its entry.
        address: IP address.
        port: Of TCP; 0 for any that is free.
    """

    name: str
    address: str
    port: int

    @property
    def place(self) -> tuple[str, int]:
        """What makes it the same socket; the model has no two entries alike in it."""
        return self.address, self.port

    @property
    def path(self) -> str:
        """Data path of its entry."""
        return f"{PATH}/listen[name='{self.name}']"


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the whole server; times in seconds, 0 for none where the model permits it.

    Attributes:
        listen: Endpoints.
        max_sessions: Most sessions at a time.
        login_timeout: From connecting until the user is known.
        hello_timeout: From there until the client's hello.
        idle_timeout: Without a request.
        max_message: Octets of the longest message.
        max_depth: Elements inside each other.
    """

    listen: tuple[Endpoint, ...] = ()
    max_sessions: int = 256
    login_timeout: float = 60
    hello_timeout: float = 60
    idle_timeout: float = 3600
    max_message: int = 64 * 1024 * 1024
    max_depth: int = 128

    @classmethod
    def of(cls, data: dict[str, Any]) -> "Settings":
        """Of a configuration as RFC 7951 JSON; a value that is not there has its default."""
        stated = data.get(TOP, {}).get("management", {}).get("netconf", {})
        standard = cls()
        return cls(
            listen=tuple(
                Endpoint(entry["name"], entry["address"], int(entry.get("port", 830)))
                for entry in stated.get("listen", ())
            ),
            max_sessions=stated.get("max-sessions", standard.max_sessions),
            login_timeout=stated.get("login-timeout", standard.login_timeout),
            hello_timeout=stated.get("hello-timeout", standard.hello_timeout),
            idle_timeout=stated.get("idle-timeout", standard.idle_timeout),
            max_message=stated.get("max-message-size", standard.max_message),
            max_depth=stated.get("max-message-depth", standard.max_depth),
        )
