"""What nf-datapath is told: the only configuration that this process ever sees.

Management compiles it from the configuration tree; it travels over the control channel.
"""

from dataclasses import dataclass, field

from nf.datapath.config import EngineConfig, Report

__all__ = ["FileOutput", "Settings", "StdoutOutput"]


@dataclass(frozen=True, slots=True)
class FileOutput:
    """Rows to rotating files of JSON Lines.

    Attributes:
        directory: Where the files are.
        name: Last part of their names.
        reports: Kinds of rows; empty for all.
        rotate_seconds: Age at which a file is closed and the next begun; 0 for none.
        rotate_bytes: Size at which that happens; 0 for none.
        retain: Closed files that are kept; 0 for all.
        fsync: A file is on the disk before it gets its final name.
        flush_seconds: Longest time that rows wait in memory.
        queue_rows: Rows that may wait for a slow disk; further ones are dropped and counted.
        queue_bytes: The same in octets.
    """

    directory: str
    name: str = "nf.jsonl"
    reports: tuple[Report, ...] = ()
    rotate_seconds: int = 60
    rotate_bytes: int = 0
    retain: int = 80
    fsync: bool = False
    flush_seconds: float = 1.0
    queue_rows: int = 1_000_000
    queue_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class StdoutOutput:
    """Rows to standard output as JSON Lines; the queue as for files."""

    reports: tuple[Report, ...] = ()
    flush_seconds: float = 1.0
    queue_rows: int = 1_000_000
    queue_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything nf-datapath is told.

    Attributes:
        engine: The engine's part.
        capture: Capture runs; otherwise everything is ready for it.
        file: Where rows go to files; None for nowhere.
        stdout: Where rows go to standard output; None for nowhere.
    """

    engine: EngineConfig = field(default_factory=EngineConfig)
    capture: bool = True
    file: FileOutput | None = None
    stdout: StdoutOutput | None = None
