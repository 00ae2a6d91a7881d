"""What the process that captures works by: made from a configuration, or by a command.

Values only: nothing here opens a file, and everything can cross a process border by its types.
Files of applications, risks and plugins are named, not read: whoever prepares the settings reads
them, and may refuse them.
"""

from dataclasses import dataclass, field
from typing import Literal

from nf.datapath.config import EngineConfig, Report

__all__ = [
    "Channel",
    "FileOutput",
    "IpfixOutput",
    "LogLevel",
    "Logging",
    "Settings",
    "StdoutOutput",
    "TelemetryOutput",
]

LogLevel = Literal["critical", "error", "warning", "info", "debug"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What all outputs have in common.

    Attributes:
        reports: Kinds of rows that go there.
        events: Events, by the attribute that is waited for, whose rows go there.
        flush_seconds: Longest time that rows wait for others before they are written.
        queue_rows: Rows that may wait; further ones are dropped and counted.
        queue_bytes: Octets of rows that may wait, likewise.
    """

    reports: tuple[Report, ...] = ()
    events: tuple[str, ...] = ()
    flush_seconds: float = 5.0
    queue_rows: int = 100_000
    queue_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class FileOutput(Channel):
    """Files that rotate.

    Attributes:
        directory: Where they are.
        name: How their names end.
        rotate_seconds: Time after which a new one is begun; 0 for never.
        rotate_bytes: Size after which a new one is begun; 0 for never.
        retain: Most files that are kept; 0 for all.
        fsync: A file is on the disk before it counts as complete.
    """

    directory: str
    name: str = "data.jsonl"
    rotate_seconds: int = 300
    rotate_bytes: int = 1 << 30
    retain: int = 0
    fsync: bool = False


@dataclass(frozen=True, slots=True)
class StdoutOutput(Channel):
    """Standard output."""


@dataclass(frozen=True, slots=True)
class IpfixOutput(Channel):
    """A collector of IPFIX: only sessions can go there.

    Attributes:
        host: Its name or address.
        port: Its port.
        transport: How it is reached.
        domain: Observation domain.
        enterprise: Enterprise number of the elements that no registry has.
        template_seconds: Time after which templates are sent again over UDP.
        message_bytes: Most octets of a message.
        biflow: A record tells of both directions; otherwise there is one for each.
    """

    host: str
    port: int = 4739
    transport: Literal["udp", "tcp"] = "udp"
    domain: int = 1
    enterprise: int = 32473
    template_seconds: int = 60
    message_bytes: int = 1420
    biflow: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryOutput(Channel):
    """Management, which shows the newest rows as state, and soon."""

    flush_seconds: float = 0.2


@dataclass(frozen=True, slots=True)
class Logging:
    """What processes write about themselves.

    Attributes:
        level: Least weight of records.
        format: Their form.
        destination: Where they go.
        modules: Modules with a least weight of their own.
    """

    level: LogLevel = "info"
    format: Literal["text", "json"] = "text"
    destination: Literal["stderr", "journald"] = "stderr"
    modules: tuple[tuple[str, LogLevel], ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the process works by.

    Attributes:
        probe_id: Number of the probe.
        capturing: Whether packets are captured at all.
        engine: For the engine, without what is in the files below. Its reports are those that some
            output takes, and the sums that statistics are made of.
        application_files: Files that extend the built-in applications, in their order.
        risk_files: Files that extend the built-in risks, in their order.
        plugin_paths: Plugin files and directories, in their order.
        event_names: Name of the report of each of the engine's events.
        encoding: How rows are written.
        batch_rows: Rows that are handed to the outputs together at most.
        file: The files, if they are enabled.
        stdout: Standard output, if it is enabled.
        ipfix: The collector of IPFIX, if it is enabled.
        telemetry: Management, if rows are told there.
        logging: What the process writes about itself.
    """

    probe_id: int = 0
    capturing: bool = True
    engine: EngineConfig = field(default_factory=EngineConfig)
    application_files: tuple[str, ...] = ()
    risk_files: tuple[str, ...] = ()
    plugin_paths: tuple[str, ...] = ()
    event_names: tuple[str, ...] = ()
    encoding: Literal["json"] = "json"
    batch_rows: int = 8192
    file: FileOutput | None = None
    stdout: StdoutOutput | None = None
    ipfix: IpfixOutput | None = None
    telemetry: TelemetryOutput | None = None
    logging: Logging = field(default_factory=Logging)
