"""The frozen records that cross layers: what a reading yields and what the engine knows.

A field has the name of its JSON key, CSV column and Arrow field. Times are seconds since the epoch
as floats, which tell microseconds apart but not nanoseconds; Arrow keeps the nanoseconds. Octets
count from the IP header up. A field that has no value is None.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

__all__ = [
    "AppTraffic",
    "Application",
    "Attribute",
    "Event",
    "Fields",
    "HostTraffic",
    "NamedType",
    "Protocol",
    "ProtocolTraffic",
    "Risk",
    "Session",
    "Stats",
    "Summary",
    "Transaction",
]


@dataclass(frozen=True, kw_only=True)
class Session:
    """Traffic between two ends, from its first packet to its end.

    Attributes:
        type: `session`; `transaction` in a Transaction.
        session_id: Number of its first packet in the capture; sessions within tunnels add 2^48
            for each IP layer.
        start: Time of the first packet.
        end: Time of the last packet.
        src_ip: Address of the initiator.
        src_port: Port of the initiator; 0 where there are no ports.
        dst_ip: Address of the responder.
        dst_port: Port of the responder; 0 where there are no ports.
        ip_proto: IP protocol number.
        vlan: Outermost VLAN identifier.
        path: Protocol path seen from the initiator, `ethernet.ip.tcp.tls`.
        protocol: Innermost protocol of the path.
        app: Application.
        category: Category of the application.
        confidence: How the protocol was found: user, dpi, pattern, port, address, none.
        server_name: Name of the server, from SNI, Host, certificate or query.
        packets_up: Packets from the initiator.
        packets_down: Packets from the responder.
        bytes_up: Octets from the initiator.
        bytes_down: Octets from the responder.
        payload_up: Octets of transport payload from the initiator.
        payload_down: Octets of transport payload from the responder.
        retransmissions_up: TCP segments the initiator sent again.
        retransmissions_down: TCP segments the responder sent again.
        rtt_us: Smallest round trip between probe and responder, microseconds.
        handshake_us: TCP handshake, from SYN to its last acknowledgement, microseconds.
        app_response_us: From the first request to the first octet of its answer, microseconds.
        end_reason: fin, rst, idle, evicted, end_of_capture; active while it has not ended.
        community_id: Community ID, version 1, seed 0.
        risks: Risks that it shows, by name; empty also where nobody asked for them.
        risk_severity: Severity of the gravest: low, medium, high or severe; None without any.
    """

    type: str
    session_id: int
    start: float
    end: float
    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int
    ip_proto: int
    vlan: int | None
    path: str
    protocol: str | None
    app: str | None
    category: str | None
    confidence: str
    server_name: str | None
    packets_up: int
    packets_down: int
    bytes_up: int
    bytes_down: int
    payload_up: int
    payload_down: int
    retransmissions_up: int
    retransmissions_down: int
    rtt_us: int | None
    handshake_us: int | None
    app_response_us: int | None
    end_reason: str
    community_id: str
    risks: ClassVar[Sequence[str]] = ()
    risk_severity: ClassVar[str | None] = None
    # No fields: only rows that were judged have them.


class Fields(Mapping[str, Any]):
    r"""What a transaction carried: a mapping whose keys are attributes too.

    A field that the protocol knows and this transaction lacks is None as an attribute and missing
    as a key; a field that the protocol does not know is an AttributeError. Text of the wire that is
    not UTF-8 has each stray octet as `\xNN`, octets are hexadecimal, records are dictionaries.
    """

    __slots__ = ("_knows", "_values", "protocol")

    def __init__(
        self, protocol: str, values: Mapping[str, Any], knows: Callable[[str, str], bool]
    ) -> None:
        self.protocol = protocol
        self._values = values
        self._knows = knows

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            if self._knows(self.protocol, name):
                return None
            raise AttributeError(
                f"{self.protocol} has no field {name!r}; `nf protocols {self.protocol}` lists them"
            ) from None

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self._values.items())
        return f"{self.protocol}({inside})"


@dataclass(frozen=True, kw_only=True)
class Transaction(Session):
    """A request with its response, a lookup, a handshake; and its session as it was then.

    The fields are also found under the protocol's name: `transaction.http.status`.

    Attributes:
        ts: When it began.
        transaction_protocol: Whose transaction it is; `protocol` is the session's.
        fields: What it carried.
    """

    ts: float
    transaction_protocol: str
    fields: Fields = field(hash=False)

    def __getattr__(self, name: str) -> Fields:
        own = self.__dict__
        if name == own.get("transaction_protocol"):
            fields: Fields = own["fields"]
            return fields
        raise AttributeError(
            f"a transaction of {own.get('transaction_protocol')} has no attribute {name!r}"
        )


@dataclass(frozen=True, kw_only=True)
class Event:
    """Attributes read at the moment when one of them had a value.

    Attributes:
        type: `event`.
        ts: When.
        session_id: Its session; None outside any.
        event: The attribute that was waited for, `protocol.attribute`.
        values: Values by `protocol.attribute`; also found with `event["protocol.attribute"]`.
    """

    type: str
    ts: float
    session_id: int | None
    event: str
    values: Mapping[str, Any] = field(hash=False)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


@dataclass(frozen=True, kw_only=True)
class ProtocolTraffic:
    """Traffic of a protocol path, that of longer paths included.

    Attributes:
        path: Protocol path.
        protocol: Innermost protocol of the path.
        depth: Layers of the path.
        packets: Packets.
        bytes: Octets: of sessions from the IP header up, of others on the wire.
        payload: Octets of transport payload.
        sessions: Sessions.
        start: Time of the first packet.
        end: Time of the last packet.
    """

    path: str
    protocol: str
    depth: int
    packets: int
    bytes: int
    payload: int
    sessions: int
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class AppTraffic:
    """Traffic of an application; of the protocol where no application is known.

    Attributes:
        app: Application or protocol.
        category: Category of the application; empty for a protocol.
        packets: Packets.
        bytes: Octets from the IP header up.
        payload: Octets of transport payload.
        sessions: Sessions.
        start: Time of the first packet.
        end: Time of the last packet.
    """

    app: str
    category: str
    packets: int
    bytes: int
    payload: int
    sessions: int
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class HostTraffic:
    """Traffic of an address.

    Attributes:
        ip: Address; None for the sum of hosts that were too many to tell apart.
        packets_sent: Packets it sent.
        packets_received: Packets sent to it.
        bytes_sent: Octets it sent, from the IP header up.
        bytes_received: Octets sent to it.
        sessions_initiated: Sessions it initiated.
        sessions_answered: Sessions it answered.
        start: Time of the first packet.
        end: Time of the last packet.
    """

    ip: str | None
    packets_sent: int
    packets_received: int
    bytes_sent: int
    bytes_received: int
    sessions_initiated: int
    sessions_answered: int
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Where every packet of a reading went.

    Two equations hold: `packets` is the sum of `kernel_drops`, `dispatch_drops`, `filtered`,
    `light_only`, `decode_errors` and `processed`; `processed` is `in_sessions` plus `non_session`.

    Attributes:
        packets: Packets seen.
        bytes: Octets of them on the wire.
        sessions: Sessions that have ended.
        non_session: Packets outside any session.
        truncated: Records that were shorter than their packet.
        kernel_drops: Packets the kernel or the interface dropped.
        dispatch_drops: Packets dropped because a worker was behind; live capture only.
        filtered: Packets that the packet filter left out.
        light_only: Packets counted by light inspection only.
        decode_errors: Packets that could not be taken apart.
        processed: Packets that a worker handled.
        in_sessions: Of those, packets of sessions.
    """

    packets: int
    bytes: int
    sessions: int
    non_session: int
    truncated: int
    kernel_drops: int
    dispatch_drops: int
    filtered: int
    light_only: int
    decode_errors: int
    processed: int
    in_sessions: int


@dataclass(frozen=True, kw_only=True)
class Stats:
    """Counters of a reading.

    Attributes:
        account: Where every packet went.
        decode_errors: Packets that could not be taken apart, by cause.
        anomalies: What was malformed or unusual, by name.
        source: What the capture files and their clock showed.
        workers: Counters of each worker.
        ended_early: Why a capture could not be read to its end; None when all were.
        complete: Everything has been read and reported.
    """

    account: Summary
    decode_errors: Mapping[str, int]
    anomalies: Mapping[str, int]
    source: Mapping[str, int]
    workers: tuple[Mapping[str, int], ...]
    ended_early: str | None
    complete: bool


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """Something a protocol can be asked for.

    Attributes:
        id: MMT's number, or one of ours from 1000 up.
        name: Name, as in `protocol.name`.
        aliases: Other names that mean the same.
        type: bool, u8 to u64, i64, float, text, binary, mac, ip, time, list or record.
        scope: How long a value holds: packet, session, session-changing or event.
        source: Where it is read: header, message, transaction or engine.
        doc: Meaning.
    """

    id: int
    name: str
    aliases: tuple[str, ...]
    type: str
    scope: str
    source: str
    doc: str


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A protocol that the engine knows.

    Attributes:
        id: MMT's number, or one of ours from 1000 up.
        name: Word in paths and filters.
        aliases: Other names that mean the same.
        title: What it is.
        spec: Where it is specified.
        parser: Its messages are parsed; without, it is recognised or is a header.
        told: How sessions of it are told: `header`, `dpi`, `plugin`, `pattern`, `port`, or `name`
            (not at all).
        family: What kind it is, where a word for it is known.
        attributes: What it can be asked for.
        anomalies: What its parser counts as anomalies, with their meanings.
    """

    id: int
    name: str
    aliases: tuple[str, ...]
    title: str
    spec: str
    parser: bool
    told: str
    family: str
    attributes: tuple[Attribute, ...]
    anomalies: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Application:
    """An application that sessions are recognised as, mostly by the name of their server.

    Attributes:
        id: Number.
        name: Word in rows and filters.
        category: Category.
        ambiguous: Its servers serve other applications too, so that a name says little.
        aliases: Other names that mean the same.
        suffixes: Names of its servers, with every name below them.
        hosts: Names of its servers, without the names below them.
        shared: As suffixes; servers of other applications have names below them, too.
        clues: What else tells it: pairs of the key in a file of applications, such as `alpn` or
            `addresses`, and a text.
    """

    id: int
    name: str
    category: str
    ambiguous: bool
    aliases: tuple[str, ...]
    suffixes: tuple[str, ...]
    hosts: tuple[str, ...]
    shared: tuple[str, ...]
    clues: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Risk:
    """What a session may show by itself that somebody should look at.

    Attributes:
        name: Word in rows and filters.
        title: One line.
        severity: `low`, `medium`, `high` or `severe`.
        rule: When it is said.
        when: The conditions in the filter language, any one of which is enough; what the language
            cannot say is left out.
    """

    name: str
    title: str
    severity: str
    rule: str
    when: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NamedType:
    """A field of a session, or a word of filters.

    Attributes:
        name: Name.
        type: Type of its values, as in Attribute.
        doc: Meaning; empty for a word of filters, whose attribute has it.
    """

    name: str
    type: str
    doc: str = ""
