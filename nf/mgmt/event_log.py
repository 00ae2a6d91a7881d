"""The replay log of notifications: in memory, and in two files that take turns.

Bounded by number and by size. A crash of the process loses nothing that was written; a crash of
the machine may lose the last seconds, because a notification is not worth a sync.
"""

import json
import logging
import threading
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["EventLog"]

log = logging.getLogger(__name__)

Kept = tuple[datetime, dict[str, Any], int]


class EventLog:
    """What can be replayed.

    Attributes:
        since_start: When the log was created (`replayLogCreationTime`).
        forgotten: When the last event happened that had to make room; None while all are there.
        failed: Notifications that could not be written to disk.
    """

    MAX_EVENTS = 10_000
    MAX_OCTETS = 8 * 1024 * 1024

    def __init__(self, folder: Path | None) -> None:
        """Reads what `folder` has; without one nothing is kept over a restart."""
        self._lock = threading.Lock()
        self._events: deque[Kept] = deque()
        self._octets = 0
        self.forgotten: datetime | None = None
        self.failed = 0
        self._file: BinaryIO | None = None
        self._written = 0
        self._folder = folder
        self.since_start = datetime.now(UTC)
        if folder is not None:
            self._read(folder)

    def _paths(self, folder: Path) -> tuple[Path, Path]:
        return folder / "events.jsonl", folder / "events.1.jsonl"

    def _read(self, folder: Path) -> None:
        new, old = self._paths(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for path in (old, new):
                if path.exists():
                    for line in path.read_bytes().splitlines():
                        self._keep_line(line, path)
            self._open(new)
        except OSError as error:
            log.error("notifications are not kept over a restart: %s", error)  # noqa: TRY400
        if self._events:
            self.since_start = self._events[0][0]

    def _keep_line(self, line: bytes, path: Path) -> None:
        try:
            stated = json.loads(line)
            self._keep((datetime.fromisoformat(stated["time"]), stated["event"], len(line)))
        except (ValueError, KeyError, TypeError) as error:
            # The process was ended in the middle of a line, or somebody edited the file.
            log.warning("a line of %s is left out: %r", path, error)

    def _open(self, path: Path) -> None:
        whole = not path.exists() or path.read_bytes()[-1:] in (b"", b"\n")
        self._file = path.open("ab")
        if not whole:
            self._file.write(b"\n")
        self._written = path.stat().st_size

    def append(self, when: datetime, data: dict[str, Any], text: bytes) -> None:
        """Adds an event, whose data as JSON are `text`; the oldest go when there are too many."""
        line = b'{"time": "%b", "event": %b}\n' % (when.isoformat().encode(), text)
        with self._lock:
            self._keep((when, data, len(line)))
        self._write(line)

    def _keep(self, event: Kept) -> None:
        self._events.append(event)
        self._octets += event[2]
        while len(self._events) > self.MAX_EVENTS or self._octets > self.MAX_OCTETS:
            self.forgotten, _, octets = self._events.popleft()
            self._octets -= octets

    def _write(self, line: bytes) -> None:
        if self._file is None or self._folder is None:
            return
        try:
            if self._written + len(line) > self.MAX_OCTETS // 2:
                self._file.close()
                new, old = self._paths(self._folder)
                new.replace(old)
                self._open(new)
            self._file.write(line)
            self._file.flush()
            self._written += len(line)
        except (OSError, ValueError) as error:
            if self.failed == 0:
                log.error("notifications cannot be written to disk: %s", error)  # noqa: TRY400
            self.failed += 1

    def since(self, start: datetime) -> list[tuple[datetime, dict[str, Any]]]:
        """Events from `start` on, in order."""
        with self._lock:
            return [(when, data) for when, data, _ in self._events if when >= start]

    def before(self, moment: datetime) -> datetime | None:
        """When the last event before a moment happened; None where there is none that is known."""
        with self._lock:
            for when, _, _ in reversed(self._events):
                if when < moment:
                    return when
        return self.forgotten

    @property
    def aged(self) -> datetime | None:
        """When the oldest event that is still there happened."""
        with self._lock:
            return self._events[0][0] if self._events else None

    def close(self) -> None:
        """Ends writing."""
        if self._file is not None:
            self._file.close()
            self._file = None
