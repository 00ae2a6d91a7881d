"""The engine's configuration: the only one it ever sees."""

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

from nf.datapath.description import Description

__all__ = ["EngineConfig", "Event", "Interface", "Report", "Timeouts"]

Report = Literal["session", "transaction", "event", "protocol", "app", "host", "summary"]
"""Kinds of rows. The last four are sums, known when everything has been read."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds of silence after which a session ends.

    The classes are MMT's; a protocol belongs to one of the first four. `closed` is for what is
    still under way after a TCP connection has been closed or reset.
    """

    default: float = 60.0
    short: float = 15.0
    long: float = 600.0
    live: float = 1500.0
    closed: float = 5.0


@dataclass(frozen=True, slots=True)
class Event:
    """When `event` has a value, the attributes are read.

    Attributes:
        event: `protocol.attribute`.
        attributes: `protocol.attribute` each.
    """

    event: str
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface to capture from, or all whose names match a pattern.

    Interfaces may come and go: one that has gone is taken up again when it returns.

    Attributes:
        name: Its name, a pattern (`eth*`), or `any` for all in one. Of several that mean the same
            interface the first one counts.
        source: How packets are taken: Linux' packet sockets, or libpcap.
        sockets: Packet sockets that share its packets by session, 1 to 64, each with a buffer.
        promiscuous: Takes up frames for other hosts, too.
        snap_length: Octets kept of a packet, 1 to 262144.
        buffer_bytes: Octets of the buffer that the kernel fills, 128 Ki to 4 Gi; those of all its
            sockets together have at most 4 Gi, too, and those of libpcap 2 Gi.
        read_timeout_ms: How long the kernel may wait until it hands over what it has, 1 to 10000.
        outgoing: Takes what this host sends, too.
        wait: Waits for an interface that is not there yet; else that is an error.
        bpf: Packet filter in libpcap's language, beside the one for all.
    """

    name: str
    source: Literal["af-packet", "libpcap"] = "af-packet"
    sockets: int = 1
    promiscuous: bool = True
    snap_length: int = 262_144
    buffer_bytes: int = 32 << 20
    read_timeout_ms: int = 50
    outgoing: bool = True
    wait: bool = False
    bpf: str = ""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Everything the engine can be told.

    Attributes:
        threads: Worker threads; 0 runs everything in the thread that polls.
        files: Capture files and patterns; `-` is standard input. Read in the order of time.
        follow: Goes on reading as files grow.
        pace: How many times faster than they were captured packets of files come: 1 is their own
            pace; 0: as fast as they can be read.
        live: Captures from `interfaces`, of which there may be none yet; any interface means so,
            too.
        interfaces: Network interfaces to capture from, in place of files. They, and `bpf`, can be
            changed while the engine runs, without losing a packet.
        report_interval: Seconds after which a session that goes on is reported again, if it had
            packets meanwhile; 0: at its end only. Such a row has the sums from the session's
            beginning on, and `active` as its end_reason.
        bpf: Packet filter in libpcap's language; empty for none.
        root: Protocol that every packet begins with; empty: the capture says.
        root_offset: Octets before it.
        reports: Rows wanted.
        events: Events wanted.
        filter: Condition on rows, in the filter language; empty for all.
        risks: Sessions are judged: rows have their risks and the gravest severity.
        risk_files: Files that extend the built-in risks: name and text of each.
        applications: Files that extend the built-in applications: name and text of each.
        disabled_protocols: Protocols that are neither recognised nor parsed.
        plugins: Protocols of the user's; of several with one name or id the last one counts.
        timeouts: When sessions end.
        key_vlan: Sessions in different VLANs are different.
        key_tunnel: Sessions in tunnels of different identifiers are different.
        max_sessions: Most sessions at a time.
        table_full: What happens to a new session when there is no room.
        max_held_bytes: Octets held for unfinished messages and early segments.
        classify_packets: Payload packets after which an unknown session stays unknown (1 to 255);
            half as many where only one side has spoken.
        classify_bytes: Octets kept of a session while it is not sure what it is.
        seed: Seed of the session hash; 0 takes a random one.
    """

    threads: int = 1
    files: tuple[str, ...] = ()
    follow: bool = False
    pace: float = 0.0
    live: bool = False
    interfaces: tuple[Interface, ...] = ()
    report_interval: float = 0.0
    bpf: str = ""
    root: str = ""
    root_offset: int = 0
    reports: tuple[Report, ...] = ("session",)
    events: tuple[Event, ...] = ()
    filter: str = ""
    risks: bool = False
    risk_files: tuple[tuple[str, str], ...] = ()
    applications: tuple[tuple[str, str], ...] = ()
    disabled_protocols: tuple[str, ...] = ()
    plugins: tuple[Description, ...] = ()
    timeouts: Timeouts = field(default_factory=Timeouts)
    key_vlan: bool = True
    key_tunnel: bool = False
    max_sessions: int = 4_000_000
    table_full: Literal["evict-oldest", "refuse"] = "evict-oldest"
    max_held_bytes: int = 512 << 20
    classify_packets: int = 16
    classify_bytes: int = 8192
    seed: int = 0

    def to_json(self) -> str:
        """The text that the engine takes."""
        return json.dumps(asdict(self))
