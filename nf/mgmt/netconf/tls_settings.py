"""What the configuration says of TLS: of the server, or of an endpoint of call home."""

from dataclasses import dataclass, field
from typing import Any

from nf.mgmt.credentials.tls import MinVersion

__all__ = ["TlsSettings"]


@dataclass(frozen=True)
class TlsSettings:
    """What the configuration says of TLS.

    Attributes:
        oldest: The oldest version that is spoken.
        identity: Container `server-identity`.
        authorities: Name of the bag of authorities; None for none.
        clients: Name of the bag of clients' own certificates; None for none.
        maps: Entries of `cert-to-name`.
    """

    oldest: MinVersion = "tls12"
    identity: dict[str, Any] = field(default_factory=dict)
    authorities: str | None = None
    clients: str | None = None
    maps: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(cls, stated: dict[str, Any]) -> "TlsSettings":
        """Of a container `tls` as RFC 7951 JSON."""
        known = stated.get("client-authentication", {})
        return cls(
            stated.get("min-version", "tls12"),
            stated.get("server-identity", {}),
            known.get("ca-certs"),
            known.get("ee-certs"),
            tuple(known.get("cert-maps", {}).get("cert-to-name", ())),
        )
