"""The control channel between management and datapath: its messages.

Management asks, the datapath answers, and tells on its own what happens (events). A configuration
comes in two steps, so that management can have all that act on it agree first: `Prepare` may be
refused, `Apply` of what was prepared may not. All counters come in one answer.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, field

from nf.datapath.effects import Effect
from nf.datapath.settings import Settings
from nf.process.client import Client, Hearing

__all__ = [
    "CHANNEL",
    "Abort",
    "Answer",
    "Apply",
    "Call",
    "CaptureLoss",
    "CaptureState",
    "ClearCounters",
    "DatapathClient",
    "DeleteDump",
    "Done",
    "Drain",
    "DumpBegun",
    "DumpEnded",
    "DumpPackets",
    "Event",
    "FlowStateReset",
    "Heartbeat",
    "ListSessions",
    "OutputState",
    "Prepare",
    "Prepared",
    "Pulse",
    "ReadSettings",
    "ReadStats",
    "Replay",
    "ReplayState",
    "RowsTold",
    "SessionList",
    "SetCapture",
    "SettingsRead",
    "StatsRead",
    "StopDump",
    "TablesFull",
    "TerminateSession",
]

CHANNEL = "datapath"


class Message(Struct, frozen=True, forbid_unknown_fields=True, tag_field="is"):
    """One body of a frame."""


# What management asks


class Prepare(Message, frozen=True, tag="prepare"):
    """Makes everything ready for a configuration; what was prepared before is forgotten."""

    generation: int
    settings: Settings


class Apply(Message, frozen=True, tag="apply"):
    """Puts what was prepared in force."""

    generation: int


class Abort(Message, frozen=True, tag="abort"):
    """Forgets what was prepared; nothing if it is not there."""

    generation: int


class Heartbeat(Message, frozen=True, tag="heartbeat"):
    """Asks how far the datapath has got."""


class ReadStats(Message, frozen=True, tag="read-stats"):
    """Asks for all counters. `sums` are the reports to add up, which take a pass over sessions."""

    sums: tuple[Literal["protocol", "app", "host"], ...] = ()


class ReadSettings(Message, frozen=True, tag="read-settings"):
    """Asks what the datapath works by."""


class ListSessions(Message, frozen=True, tag="list-sessions"):
    """Asks for live sessions, in an order, of those that a filter is true for."""

    limit: int = 100
    order_by: str = "bytes"
    where: str = ""


class ClearCounters(Message, frozen=True, tag="clear-counters"):
    """Has counters begin at 0 again."""


class SetCapture(Message, frozen=True, tag="set-capture"):
    """Starts, stops or restarts the capture."""

    to: Literal["start", "stop", "restart"]


class Replay(Message, frozen=True, tag="replay"):
    """Has a file read beside what runs, by an engine of its own, with the settings in force.

    `pace`: 0 is full speed, 1 its own pace, else a multiple of it.
    """

    file: str
    pace: float = 0.0


class DumpPackets(Message, frozen=True, tag="dump-packets"):
    """Writes packets to a file from now on.

    Attributes:
        file: Its name, without a folder; empty for one that tells the time.
        filter: In the language of libpcap; empty for all packets.
        duration: In seconds.
        packets: That end it; 0 for any number.
        octets: That the file has at most.
        snap_length: Octets that are kept of a packet; 0 for all.
    """

    file: str = ""
    filter: str = ""
    duration: float = 60.0
    packets: int = 0
    octets: int = 1 << 30
    snap_length: int = 0


class StopDump(Message, frozen=True, tag="stop-dump"):
    """Ends it; answered with how it ended."""


class DeleteDump(Message, frozen=True, tag="delete-dump"):
    """Deletes the file of a dump."""

    file: str


class TerminateSession(Message, frozen=True, tag="terminate-session"):
    """Ends the books of a session, as if it had timed out."""

    session: int


class Drain(Message, frozen=True, tag="drain"):
    """Stops the capture, has everything under way written, and ends the process with code 0."""


Call = (
    Prepare
    | Apply
    | Abort
    | Heartbeat
    | ReadStats
    | ReadSettings
    | ListSessions
    | ClearCounters
    | SetCapture
    | Replay
    | DumpPackets
    | StopDump
    | DeleteDump
    | TerminateSession
    | Drain
)


# What the datapath answers


class Done(Message, frozen=True, tag="done"):
    """It is done."""


class Prepared(Message, frozen=True, tag="prepared"):
    """It can be applied, and does this."""

    generation: int
    effect: Effect
    plugins: tuple[str, ...] = ()
    """Protocols that plugins have added."""
    notes: tuple[str, ...] = ()
    """What of plugins takes the place of what, and what was refused."""


class Pulse(Message, frozen=True, tag="pulse"):
    """How far the datapath has got: what a heartbeat compares with the one before."""

    generation: int
    """Of the configuration in force; 0 while there is none."""
    beats: int
    """Rounds of the loop that takes rows from the engine; it turns also when nothing comes."""
    batches: int
    capture: str
    """`running`, `stopped`, `ended` or `failed`."""


class StatsRead(Message, frozen=True, tag="stats"):
    """All counters, by group; the groups are in docs/run.md."""

    groups: dict[str, Any]


class SettingsRead(Message, frozen=True, tag="settings"):
    """The settings in force, and their number; those of a start before there are any."""

    generation: int
    settings: Settings


class SessionList(Message, frozen=True, tag="sessions"):
    """Rows of sessions, with the keys of JSON Lines."""

    sessions: list[dict[str, Any]]


class DumpBegun(Message, frozen=True, tag="dump-begun"):
    """Packets are being written."""

    file: str
    path: str


class DumpEnded(Message, frozen=True, tag="dump-ended"):
    """Packets are written no more: an answer, and an event."""

    file: str
    reason: Literal["duration", "count", "size", "stopped", "disk-full", "failed"]
    text: str = ""
    """More of the reason, for people."""
    seen: int = 0
    packets: int = 0
    octets: int = 0
    dropped: int = 0
    """Packets that came too fast to be written, whatever the filter says."""


Answer = Done | Prepared | Pulse | StatsRead | SettingsRead | SessionList | DumpBegun | DumpEnded


# What the datapath tells


class CaptureState(Message, frozen=True, tag="capture-state"):
    """The capture has another state. `why` is empty where somebody wanted that."""

    state: str
    why: str = ""


class CaptureLoss(Message, frozen=True, tag="capture-loss"):
    """Packets were lost since the last event of this kind, by cause."""

    packets: dict[str, int]


class TablesFull(Message, frozen=True, tag="tables-full"):
    """Tables had no room since the last event of this kind."""

    sessions_evicted: int = 0
    """Sessions that ended early to make room for others."""
    packets_refused: int = 0
    """Packets whose session found no room."""
    reassembly: bool = False
    """The memory for unfinished messages and early segments is used up, or nearly."""


class OutputState(Message, frozen=True, tag="output-state"):
    """An output works again, or does not."""

    output: str
    state: Literal["up", "down"]
    why: str = ""
    dropped_rows: int = 0


class FlowStateReset(Message, frozen=True, tag="flow-state-reset"):
    """Sessions begin anew: their tables were lost or exchanged."""

    reason: Literal["configuration", "operator"]
    rows: int = 0
    """Rows that the old engine still handed on: the final reports of its sessions, above all."""


class ReplayState(Message, frozen=True, tag="replay-state"):
    """A replayed file has been read, or could not be."""

    file: str
    state: Literal["ended", "failed"]
    why: str = ""
    account: dict[str, int] = field(default_factory=dict)


class RowsTold(Message, frozen=True, tag="rows"):
    """Rows of the channel telemetry: whole lines of JSON of one kind."""

    kind: str
    lines: bytes


Event = (
    CaptureState
    | CaptureLoss
    | TablesFull
    | OutputState
    | FlowStateReset
    | ReplayState
    | RowsTold
    | DumpEnded
)


class DatapathClient(Client):
    """Management's end of the channel.

    Args:
        path: The datapath's socket.
        on_event: See `Client`.
        on_lost: See `Client`.
        seconds: See `Client`.

    Raises:
        ChannelError: The datapath cannot be reached.
    """

    def __init__(
        self,
        path: Path,
        on_event: Callable[[Any], None] | None = None,
        on_lost: Callable[[], None] | None = None,
        seconds: float = 5.0,
    ) -> None:
        super().__init__(path, CHANNEL, Answer, Hearing(Event, on_event, on_lost), seconds)
