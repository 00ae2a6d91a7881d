"""What the process that captures works by: made from a configuration, or by a command.

Values only: nothing here opens a file, and everything can cross a process border as JSON or
msgpack (`to_plain`, `from_plain`). Files of applications and plugins are named, not read: whoever
prepares the settings reads them, and may refuse them.
"""

import types
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from nf.datapath.config import EngineConfig
from nf.errors import ConfigurationError

__all__ = [
    "Channel",
    "EventReport",
    "FileOutput",
    "Interface",
    "Logging",
    "Outputs",
    "Reports",
    "Settings",
    "from_plain",
    "to_plain",
]

Channel = Literal["file", "stdout"]
"""Where rows can go."""

LogLevel = Literal["critical", "error", "warning", "info", "debug"]


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface that is captured from.

    Attributes:
        name: Name, a pattern with `*`, `?`, `[…]`, or `any`.
        source: How packets come from it.
        promiscuous: Takes up packets for other stations, too.
        snap_length: Octets captured of a packet at most.
        buffer_bytes: Memory of the kernel's ring.
        read_timeout_ms: Longest wait of a packet for others, milliseconds.
        outgoing: Takes what this machine sends, too.
        wait: Is waited for where it is not there yet.
        bpf: Packet filter beside the one for all; empty for none.
        sockets: Sockets that share its packets.
    """

    name: str
    source: Literal["af-packet", "libpcap"] = "af-packet"
    promiscuous: bool = True
    snap_length: int = 65535
    buffer_bytes: int = 64 << 20
    read_timeout_ms: int = 100
    outgoing: bool = True
    wait: bool = True
    bpf: str = ""
    sockets: int = 1


@dataclass(frozen=True, slots=True)
class FileOutput:
    """Files that rotate.

    Attributes:
        directory: Where they are.
        name: How their names end.
        rotate_seconds: Time after which a new one is begun; 0 for never.
        rotate_bytes: Size after which a new one is begun; 0 for never.
        retain: Most files that are kept; 0 for all.
        sync: A file is on the disk before it counts as complete.
    """

    directory: str
    name: str = "data.jsonl"
    rotate_seconds: int = 300
    rotate_bytes: int = 1 << 30
    retain: int = 0
    sync: bool = False


@dataclass(frozen=True, slots=True)
class Outputs:
    """The channels.

    Attributes:
        encoding: How rows are written.
        batch_rows: Rows handed over together at most.
        flush_seconds: Longest time that rows wait before they are written out.
        file: The files, if they are enabled.
        stdout: Whether rows go to standard output.
    """

    encoding: Literal["json"] = "json"
    batch_rows: int = 8192
    flush_seconds: int = 5
    file: FileOutput | None = None
    stdout: bool = False

    @property
    def enabled(self) -> tuple[Channel, ...]:
        """The channels that are enabled."""
        files: tuple[Channel, ...] = ("file",) if self.file else ()
        return (*files, "stdout") if self.stdout else files


@dataclass(frozen=True, slots=True)
class EventReport:
    """Where rows of an event go.

    Attributes:
        name: Of the report.
        event: The attribute that is waited for, which rows name.
        channels: Channels that its rows go to.
    """

    name: str
    event: str
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Reports:
    """Where rows go; an empty tuple: nobody wants them.

    Attributes:
        interval_seconds: Between rows of a session that goes on; 0: it has one at its end only.
        session: Channels for sessions.
        transaction: Channels for transactions.
        events: The events.
    """

    interval_seconds: int = 5
    session: tuple[Channel, ...] = ()
    transaction: tuple[Channel, ...] = ()
    events: tuple[EventReport, ...] = ()


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
        engine: For the engine, without what is in the files below.
        interfaces: What is captured from; files stand in `engine`.
        pace: How fast files are read: 0 as fast as can be, 1 as recorded, else a multiple of it.
        application_files: Files that extend the built-in applications, in their order.
        plugin_paths: Plugin files and directories, in their order.
        outputs: The channels.
        reports: Where rows go.
        logging: What the process writes about itself.
    """

    probe_id: int = 0
    capturing: bool = True
    engine: EngineConfig = field(default_factory=EngineConfig)
    interfaces: tuple[Interface, ...] = ()
    pace: float = 0.0
    application_files: tuple[str, ...] = ()
    plugin_paths: tuple[str, ...] = ()
    outputs: Outputs = field(default_factory=Outputs)
    reports: Reports = field(default_factory=Reports)
    logging: Logging = field(default_factory=Logging)


def to_plain(settings: Settings) -> dict[str, Any]:
    """Settings as dictionaries, lists and scalars."""
    return asdict(settings)


def from_plain(plain: Mapping[str, Any]) -> Settings:
    """Settings from what `to_plain` gave, also after a way through JSON or msgpack.

    Raises:
        ConfigurationError: Something is missing, too much, or of another type.
    """
    built: Settings = _build(Settings, plain, "settings")
    return built


def _build(kind: Any, value: Any, place: str) -> Any:
    """A value of the type that an annotation says."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        inner = [one for one in arguments if one is not type(None)]
        return None if value is None else _build(inner[0], value, place)
    if origin is tuple:
        return _build_tuple(arguments, value, place)
    if is_dataclass(kind):
        return _build_record(kind, value, place)
    if origin is Literal:
        if value in arguments:
            return value
        raise _wrong(f"{value!r} is none of {', '.join(map(str, arguments))}", place)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise _wrong(f"{value!r} is no {kind.__name__}", place)
    return value


def _build_tuple(arguments: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise _wrong(f"{value!r} is no list", place)
    if arguments[-1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    if len(arguments) != len(value):
        raise _wrong(f"{len(value)} values where there are {len(arguments)}", place)
    pairs = enumerate(zip(arguments, value, strict=True))
    return tuple(_build(kind, one, f"{place}[{number}]") for number, (kind, one) in pairs)


def _build_record(kind: Any, value: Any, place: str) -> Any:
    if not isinstance(value, Mapping):
        raise _wrong(f"{value!r} is no record", place)
    names = {one.name for one in fields(kind)}
    if unknown := sorted(set(map(str, value)) ^ names):
        raise _wrong(f"missing or not known: {', '.join(unknown)}", place)
    hints = get_type_hints(kind)
    return kind(**{name: _build(hints[name], value[name], f"{place}.{name}") for name in names})


def _wrong(what: str, place: str) -> ConfigurationError:
    hint = "both processes must run the same version of nf: restart the probe"
    return ConfigurationError(f"the settings cannot be understood: {what}", place, hint)
