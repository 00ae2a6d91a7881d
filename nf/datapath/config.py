"""The engine's configuration: the only one it ever sees."""

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

from nf.datapath.description import Description

__all__ = ["EngineConfig", "Event", "Report", "Timeouts"]

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
class EngineConfig:
    """Everything the engine can be told.

    Attributes:
        threads: Worker threads; 0 runs everything in the thread that polls.
        files: Capture files and patterns; `-` is standard input. Read in the order of time.
        follow: Goes on reading as files grow.
        bpf: Packet filter in libpcap's language; empty for none.
        root: Protocol that every packet begins with; empty: the capture says.
        root_offset: Octets before it.
        reports: Rows wanted.
        events: Events wanted.
        filter: Condition on rows, in the filter language; empty for all.
        risks: Sessions are judged: rows have their risks.
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
    bpf: str = ""
    root: str = ""
    root_offset: int = 0
    reports: tuple[Report, ...] = ("session",)
    events: tuple[Event, ...] = ()
    filter: str = ""
    risks: bool = False
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
