"""Rows to rotating files of JSON Lines.

A file is `<directory>/<sec.usec>_<kind>_<name>`, after the time when it was begun. While it is
written its name begins with a dot and ends in `.part`; it gets its own by one rename, so that
whoever collects files sees whole ones only. What a crash left behind is taken up to its last whole
line.
"""

import errno
import fcntl
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nf.datapath.settings import FileOutput
from nf.errors import ConfigurationError
from nf.outputs.base import Output, Rows

__all__ = ["Files"]

PART = ".part"
TAIL = 1 << 16
"""Octets that are read at a time in search of the last line's end."""


@dataclass(slots=True)
class Open:
    """A file that is being written."""

    descriptor: int
    part: Path
    final: Path
    begun: float
    """Seconds of the monotonic clock."""
    size: int = 0
    whole: int = 0
    """Octets up to the end of the last whole block."""


class Files(Output):
    """Writes one file per kind of rows at a time.

    Args:
        settings: See there.
        wall: Seconds since 1970, for names.
        clock: Seconds of a clock that never goes back, for ages.
    """

    def __init__(
        self,
        settings: FileOutput,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("file", settings)
        self._settings = settings
        self._directory = Path(settings.directory)
        self._wall = wall
        self._clock = clock
        self._open: dict[str, Open] = {}
        self._recovered = False
        self._completed = 0

    def state(self) -> dict[str, Any]:
        """See `Output`; `files` were completed."""
        return {"connection": str(self._directory), "files": self._completed}

    def clear(self) -> None:
        """See `Output`."""
        self._completed = 0

    def check(self) -> None:
        """Makes the directory, and looks whether it may be written to.

        Raises:
            ConfigurationError: It cannot be made, or written to, or the name is none.
        """
        name = self._settings.name
        if not name or "/" in name or "\0" in name or name.endswith(PART):
            raise ConfigurationError(
                f"{name!r} cannot be the name of a file",
                "file.name",
                f"a name without `/` that does not end in {PART}",
            )
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            if not os.access(self._directory, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise ConfigurationError(
                f"cannot write to {self._directory}: {(error.strerror or '').lower()}",
                "file.directory",
                "name a directory that the probe's user may write to",
            ) from error

    def write(self, kind: str, octets: memoryview) -> int:
        """See `Output`."""
        opened = self._open.get(kind) or self._begin(kind)
        try:
            count = os.write(opened.descriptor, octets)
        except OSError as error:
            error.filename = str(opened.part)
            raise
        opened.size += count
        return count

    def written(self, rows: Rows) -> None:
        """See `Output`; a file that is large enough is closed."""
        opened = self._open.get(rows.kind)
        if opened is None:
            # It was closed when this was called before, and only what comes after that failed.
            return
        opened.whole = opened.size
        if 0 < self._settings.rotate_bytes <= opened.whole:
            self._finish(rows.kind)

    def tend(self) -> None:
        """Closes files that are old enough."""
        if not self._recovered:
            self._recover()
        limit = self._settings.rotate_seconds
        for kind, opened in tuple(self._open.items()):
            # Half a block stands in it: the other half must go into the same file.
            if opened.size != opened.whole or not limit:
                continue
            if self._clock() - opened.begun >= limit:
                self._finish(kind)

    def close(self) -> None:
        """Closes all files."""
        for kind in tuple(self._open):
            self._finish(kind)

    def _begin(self, kind: str) -> Open:
        if not self._recovered:
            self._recover()
        self._directory.mkdir(parents=True, exist_ok=True)
        microseconds = int(self._wall() * 1_000_000)
        while True:
            seconds, rest = divmod(microseconds, 1_000_000)
            final = self._directory / f"{seconds}.{rest:06d}_{kind}_{self._settings.name}"
            part = final.with_name(f".{final.name}{PART}")
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
                descriptor = os.open(part, flags, 0o640)
            except FileExistsError:
                microseconds += 1
                continue
            if final.exists():
                os.close(descriptor)
                part.unlink()
                microseconds += 1
                continue
            # Tells another process that this one is alive: it must not take the file up.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._open[kind] = Open(descriptor, part, final, self._clock())
            return self._open[kind]

    def _finish(self, kind: str) -> None:
        opened = self._open[kind]
        if opened.size != opened.whole:
            os.ftruncate(opened.descriptor, opened.whole)
            opened.size = opened.whole
        if self._settings.fsync:
            os.fsync(opened.descriptor)
        if opened.whole:
            opened.part.rename(opened.final)
            self._completed += 1
        else:
            opened.part.unlink()
        del self._open[kind]
        os.close(opened.descriptor)
        if self._settings.fsync:
            self._sync_directory()
        self._prune(kind)

    def _sync_directory(self) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _prune(self, kind: str) -> None:
        """Deletes the oldest files of a kind beyond the number that is kept."""
        if not self._settings.retain:
            return
        pattern = re.compile(
            rf"(\d+)\.(\d{{6}})_{re.escape(kind)}_{re.escape(self._settings.name)}"
        )
        matches = [pattern.fullmatch(one.name) for one in self._directory.iterdir()]
        found = sorted((int(one[1]), int(one[2]), one[0]) for one in matches if one)
        for _, _, name in found[: -self._settings.retain]:
            (self._directory / name).unlink(missing_ok=True)

    def _recover(self) -> None:
        """Finishes what an earlier process left unfinished, up to the last whole line."""
        pattern = re.compile(rf"\.(\d+\.\d{{6}}_[a-z-]+_{re.escape(self._settings.name)}){PART}")
        self._directory.mkdir(parents=True, exist_ok=True)
        for part in sorted(self._directory.iterdir()):
            matched = pattern.fullmatch(part.name)
            if matched is None or any(one.part == part for one in self._open.values()):
                continue
            descriptor = os.open(part, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                whole = end_of_last_line(descriptor)
                os.ftruncate(descriptor, whole)
                if whole:
                    part.rename(self._directory / matched[1])
                else:
                    part.unlink()
            except BlockingIOError:
                # Another probe writes it.
                continue
            finally:
                os.close(descriptor)
        self._recovered = True


def end_of_last_line(descriptor: int) -> int:
    """Octets of a file up to the end of its last whole line."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - TAIL)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
