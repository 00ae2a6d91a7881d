"""Packets of the capture that runs, written to files on demand.

The engine writes; here are the folder, the names, and who hears how it ended. A dump belongs to the
process: it goes on when the capture is configured anew, stopped or started.
"""

import logging
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from nf._native import engine as _engine
from nf.datapath.control import DumpEnded, DumpPackets
from nf.errors import CaptureError, Refused
from nf.process.logs import event

__all__ = ["MOST_KEPT", "Dumps"]

log = logging.getLogger(__name__)

MOST_KEPT = 64
"""Files that the folder may have; the next dump is refused."""
MOST_TOLD = 1000
"""Files that are listed, should somebody put more of them there."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Files of other names in the folder are somebody else's."""
STOP_SECONDS = 8.0
"""The writer lingers for what the kernel still holds; a slow disk takes the rest."""


class Dumps:
    """See the module. Methods may be called from any thread.

    Args:
        folder: Where the files are; made when there is something to write.
        tell: Hears of every end; must not wait.
    """

    def __init__(self, folder: Path, tell: Callable[[DumpEnded], None]) -> None:
        self.folder = folder
        self.dumper = _engine.Dumper(str(folder))
        self._tell = tell
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None

    def begin(self, wanted: DumpPackets, links: Sequence[int]) -> Path:
        """Begins to write what is captured from now on; the file.

        Args:
            wanted: What is written.
            links: Link types of the interfaces that there are (`LINKTYPE_…`).

        Raises:
            Refused: The folder is full.
            ConfigurationError: Something else is being written, or what is wanted is wrong.
            CaptureError: The file cannot be made.
        """
        with self._lock:
            if self._watcher is not None and self.latest() is not None:
                # How the one before ended is told before there is another.
                self._watcher.join(STOP_SECONDS)
            if len(self.kept()) >= MOST_KEPT:
                raise Refused(
                    f"{MOST_KEPT} dumps are kept in {self.folder}, and there may be no more",
                    "file",
                    "delete one (nf dump --delete FILE, or the RPC delete-dump)",
                )
            path = Path(
                self.dumper.begin(
                    wanted.file or self._free_name(),
                    filter=wanted.filter,
                    duration=wanted.duration,
                    packets=wanted.packets,
                    octets=wanted.octets,
                    snap_length=wanted.snap_length,
                    links=sorted(set(links)),
                )
            )
            self._watcher = threading.Thread(target=self._watch, name="watch-dump", daemon=True)
            self._watcher.start()
        event(log, logging.INFO, "a dump of packets begins", file=str(path), filter=wanted.filter)
        return path

    def _free_name(self) -> str:
        name = time.strftime("dump-%Y%m%dT%H%M%SZ", time.gmtime())
        taken = {one["file"] for one in self.kept()}
        others = (f"{name}-{number}.pcapng" for number in range(2, MOST_KEPT + 2))
        return next(one for one in (f"{name}.pcapng", *others) if one not in taken)

    def _watch(self) -> None:
        while not self.dumper.wait(3600.0):
            pass
        if (ended := self.latest()) is not None:
            level = logging.ERROR if ended.reason in {"failed", "disk-full"} else logging.INFO
            told = {"file": ended.file, "packets": ended.packets, "dropped": ended.dropped}
            event(
                log, level, "a dump of packets ended", reason=ended.reason, why=ended.text, **told
            )
            self._tell(ended)

    def stop(self) -> DumpEnded:
        """Ends the dump: what was captured until now is in the file.

        Raises:
            Refused: There is none, or the disk is too slow.
        """
        if not self.dumper.stop():
            raise Refused("no packets are being written", "file", "dump-packets begins a dump")
        if not self.dumper.wait(STOP_SECONDS) or (ended := self.latest()) is None:
            raise Refused(
                "the dump has not ended yet: the disk is slow",
                "file",
                "wait; capture/state/dump tells when it has",
            )
        return ended

    def latest(self) -> DumpEnded | None:
        """How the latest dump ended; None before its end."""
        view = self.dumper.view()
        if view is None or view["active"]:
            return None
        counts = (view[name] for name in ("seen", "packets", "octets", "dropped"))
        return DumpEnded(view["file"], view["reason"], view["text"], *counts)

    def delete(self, file: str) -> None:
        """Deletes a file.

        Raises:
            Refused: There is no such file, or it is being written.
            CaptureError: The system refuses.
        """
        with self._lock:
            view = self.dumper.view()
            if view is not None and view["active"] and view["file"] == file:
                raise Refused(f"{file} is being written", "file", "stop the dump first")
            # A name that is listed is a bare one, of a file in the folder itself.
            if all(one["file"] != file for one in self.kept()):
                raise Refused(f"no dump {file!r}", "file", "capture/state/dump/kept names them")
            try:
                (self.folder / file).unlink()
            except OSError as error:
                raise CaptureError(
                    f"the file cannot be deleted: {(error.strerror or '').lower()}",
                    str(self.folder / file),
                    "see whose file it is",
                ) from error

    def kept(self) -> list[dict[str, Any]]:
        """Files in the folder: name, octets, and when they were changed."""
        try:
            with os.scandir(self.folder) as found:
                files = [
                    (one.name, one.stat(follow_symlinks=False))
                    for one in islice((one for one in found if NAME.fullmatch(one.name)), MOST_TOLD)
                ]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CaptureError(
                f"the folder of dumps cannot be read: {(error.strerror or '').lower()}",
                str(self.folder),
                "make it a folder of this user with mode 0700, or move away what is there",
            ) from error
        return [
            {"file": name, "octets": about.st_size, "changed": about.st_mtime}
            for name, about in sorted(files)
            if stat.S_ISREG(about.st_mode)
        ]

    def stats(self) -> dict[str, Any]:
        """The latest dump, as far as there is one, and the files."""
        told: dict[str, Any] = dict(self.dumper.view() or {"active": False})
        try:
            told["kept"] = self.kept()
        except CaptureError as error:
            told["text"] = f"{error.what} ({error.place})"
        return told | {"folder": str(self.folder)}

    def end(self, seconds: float) -> bool:
        """Ends what is being written; whether that came in time."""
        self.dumper.stop()
        return self.dumper.wait(seconds)
