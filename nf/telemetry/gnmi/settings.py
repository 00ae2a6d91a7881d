"""What the configuration says of the gNMI target and of the metrics endpoint."""

from dataclasses import dataclass, field
from typing import Any, Literal

from nf.mgmt.subscriptions.outbox import Limits
from nf.mgmt.subscriptions.past import Keeping
from nf.telemetry.gnoi.folders import Folder

__all__ = [
    "PATH",
    "TOP",
    "Collector",
    "Endpoint",
    "Intervals",
    "Settings",
    "Tls",
    "Trust",
    "Watched",
]

TOP = "nf-probe:probe"
PATH = "/nf-probe:probe/nf-telemetry:telemetry/gnmi"

SECOND = 1_000_000_000
MILLISECOND = 1_000_000

ClientAuthentication = Literal["none", "required"]


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM, read anew for each handshake after they have changed; or the keystore.

    Attributes:
        certificate: The server's, with those between it and its authority; empty for the keystore.
        key: Its private key, likewise.
        authorities: Who signs clients' certificates; empty for nobody, or for the truststore.
        clients: Whether clients have to show a certificate.
        key_name: Key of the keystore; empty for the one that is built in.
        certificate_name: Its certificate; empty for the first one.
        bag: Authorities in the truststore; empty for none.
    """

    certificate: str = ""
    key: str = ""
    authorities: str = ""
    clients: ClientAuthentication = "none"
    key_name: str = ""
    certificate_name: str = ""
    bag: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where connections are waited for.

    Attributes:
        name: Of its entry.
        address: IP address; a loopback address without `tls`.
        port: Of TCP; 0 for any that is free.
        tls: None for clear text.
    """

    name: str
    address: str
    port: int
    tls: Tls | None = None

    @property
    def path(self) -> str:
        """Data path of its entry."""
        return f"{PATH}/listen[name='{self.name}']"

    @property
    def authority(self) -> str:
        """Address and port as gRPC writes them."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


Encoding = Literal["JSON", "JSON_IETF", "PROTO"]
Mode = Literal["TARGET_DEFINED", "ON_CHANGE", "SAMPLE"]


@dataclass(frozen=True, slots=True)
class Watched:
    """One subscription of a collector.

    Attributes:
        path: As people write it.
        mode: Of gNMI.
        interval: Of samples, in nanoseconds.
        heartbeat: In nanoseconds; 0 for none.
        suppress: Samples tell only changes.
    """

    path: str
    mode: Mode
    interval: int
    heartbeat: int
    suppress: bool


@dataclass(frozen=True, slots=True)
class Trust:
    """For a connection to a collector: files in PEM, empty where there is none, or the keystore.

    Attributes:
        authorities: Who signs the collector's certificate; empty for those the machine trusts, or
            for the truststore.
        certificate: The probe's.
        key: Its private key.
        kept: The probe shows a key of the keystore.
        key_name: Which one; empty for the one that is built in.
        certificate_name: Its certificate; empty for the first one.
        bag: Authorities in the truststore; empty for none.
    """

    authorities: str = ""
    certificate: str = ""
    key: str = ""
    kept: bool = False
    key_name: str = ""
    certificate_name: str = ""
    bag: str = ""


@dataclass(frozen=True, slots=True)
class Collector:
    """Whom the probe connects to.

    Attributes:
        name: Of its entry.
        address: Name or address.
        port: Of TCP.
        user: Whose rights decide what is told.
        encoding: Of values.
        tls: None for clear text.
        watched: What is told.
    """

    name: str
    address: str
    port: int
    user: str
    encoding: Encoding
    tls: Trust | None
    watched: tuple[Watched, ...]

    @property
    def path(self) -> str:
        """Data path of its entry."""
        return f"{PATH}/collector[name='{self.name}']"


@dataclass(frozen=True, slots=True)
class Intervals:
    """In nanoseconds.

    Attributes:
        minimum: Shortest sample interval.
        sample: Of counters that the target itself decides on.
        change: Between two looks at state that is subscribed to on change.
    """

    minimum: int = 100 * MILLISECOND
    sample: int = 10 * SECOND
    change: int = 500 * MILLISECOND


@dataclass(frozen=True, slots=True)
class Settings:
    """Of the whole target.

    Attributes:
        listen: Endpoints.
        collectors: Whom the probe connects to.
        folders: In which gNOI file may work.
        keeping: What of the past is kept.
        intervals: Of subscriptions.
        limits: Of each subscriber.
        max_streams: Subscribe RPCs at a time.
        max_subscriptions: In one Subscribe.
        max_message: Octets of the longest request.
    """

    listen: tuple[Endpoint, ...] = ()
    collectors: tuple[Collector, ...] = ()
    folders: tuple[Folder, ...] = ()
    keeping: Keeping = field(default_factory=Keeping)
    intervals: Intervals = field(default_factory=Intervals)
    limits: Limits = field(default_factory=Limits)
    max_streams: int = 256
    max_subscriptions: int = 1024
    max_message: int = 16 * 1024 * 1024

    @classmethod
    def of(cls, data: dict[str, Any]) -> "Settings":
        """Of a configuration as RFC 7951 JSON; a value that is not there has its default."""
        stated = data.get(TOP, {}).get("nf-telemetry:telemetry", {}).get("gnmi", {})
        standard = cls()
        intervals, limits = standard.intervals, standard.limits
        return cls(
            listen=tuple(map(_endpoint, stated.get("listen", ()))),
            collectors=tuple(map(_collector, stated.get("collector", ()))),
            keeping=_keeping(stated.get("history", {})),
            folders=tuple(
                Folder(one["path"], one.get("writable", False)) for one in stated.get("folder", ())
            ),
            intervals=Intervals(
                minimum=_milliseconds(stated, "minimum-sample-interval", intervals.minimum),
                sample=_milliseconds(stated, "default-sample-interval", intervals.sample),
                change=_milliseconds(stated, "change-interval", intervals.change),
            ),
            limits=Limits(
                messages=stated.get("max-queued-messages", limits.messages),
                paths=stated.get("max-queued-paths", limits.paths),
                stalled=float(stated.get("stall-timeout", limits.stalled)),
            ),
            max_streams=stated.get("max-streams", standard.max_streams),
            max_subscriptions=stated.get("max-subscriptions", standard.max_subscriptions),
            max_message=stated.get("max-message-size", standard.max_message),
        )


def _milliseconds(stated: dict[str, Any], name: str, standard: int) -> int:
    return int(stated[name]) * MILLISECOND if name in stated else standard


def _endpoint(entry: dict[str, Any]) -> Endpoint:
    tls = entry.get("tls")
    identity = (tls or {}).get("keystore", {}).get("server-identity", {})
    return Endpoint(
        entry["name"],
        entry["address"],
        int(entry.get("port", 9339)),
        None
        if tls is None
        else Tls(
            tls.get("certificate", ""),
            tls.get("private-key", ""),
            tls.get("client-authorities", ""),
            tls.get("client-authentication", "none"),
            identity.get("asymmetric-key", ""),
            identity.get("certificate", ""),
            tls.get("ca-certs", ""),
        ),
    )


def _keeping(stated: dict[str, Any]) -> Keeping:
    standard = Keeping()
    return Keeping(
        _milliseconds(stated, "interval", 10 * SECOND) if stated.get("enabled", False) else 0,
        stated.get("samples", standard.samples),
        stated.get("memory", standard.octets),
    )


def _collector(entry: dict[str, Any]) -> Collector:
    tls = entry.get("tls")
    identity = (tls or {}).get("keystore", {}).get("client-identity", {})
    return Collector(
        entry["name"],
        entry["address"],
        int(entry.get("port", 57400)),
        entry["user"],
        _constant(entry.get("encoding", "json-ietf")),
        None
        if tls is None
        else Trust(
            tls.get("authorities", ""),
            tls.get("certificate", ""),
            tls.get("private-key", ""),
            "keystore" in tls,
            identity.get("asymmetric-key", ""),
            identity.get("certificate", ""),
            tls.get("ca-certs", ""),
        ),
        tuple(map(_watched, entry.get("subscription", ()))),
    )


def _watched(entry: dict[str, Any]) -> Watched:
    return Watched(
        entry["path"],
        _constant(entry.get("mode", "target-defined")),
        int(entry.get("sample-interval", 10_000)) * MILLISECOND,
        int(entry.get("heartbeat-interval", 0)) * MILLISECOND,
        entry.get("suppress-redundant", False),
    )


def _constant(word: str) -> Any:
    """A word of the model as gNMI writes its constants."""
    return word.upper().replace("-", "_")
