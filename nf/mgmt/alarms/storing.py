"""The list of alarms in a file, so that it outlives a restart of management."""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from nf.mgmt.alarms.alarm import KINDS, Alarm
from nf.process.whole import replace_whole

__all__ = ["Store"]

log = logging.getLogger(__name__)

MAX_OCTETS = 64 * 1024 * 1024
"""More than the list ever has: a larger file is none of ours."""
PAUSE = 0.5
"""Seconds between two writes at least: alarms come in crowds."""


class Store:
    """Reads the file once, and writes it in a thread of its own after changes.

    A crash loses the changes of the last half second; the file is whole all the same.
    """

    def __init__(self, file: Path, copy: Callable[[], list[Alarm]]) -> None:
        """`copy` gives what is to be written."""
        self._file = file
        self._copy = copy
        self._changed = threading.Event()
        self._ending = threading.Event()
        self._failed = False
        self._thread = threading.Thread(target=self._run, name="nf-alarms", daemon=True)

    def read(self) -> list[Alarm]:
        """What the file has, and begins to write; a file that is damaged is left aside."""
        alarms: list[Alarm] = []
        try:
            with self._file.open("rb") as file:
                # A larger one is cut, and so no JSON.
                alarms = msgspec.json.decode(file.read(MAX_OCTETS), type=list[Alarm])
        except FileNotFoundError:
            log.debug("no alarms are kept in %s yet", self._file)
        except (OSError, ValueError) as error:
            aside = self._file.with_suffix(".damaged")
            log.error("alarms of before are lost, %s is left at %s: %s", self._file, aside, error)  # noqa: TRY400
            self._put_aside(aside)
        self._thread.start()
        known = [one for one in alarms if one.kind in KINDS]
        if len(known) < len(alarms):
            log.warning("%d alarms are of no kind that there is", len(alarms) - len(known))
        return known

    def wake(self) -> None:
        """Something has changed; never waits."""
        self._changed.set()

    def stop(self) -> None:
        """Writes what is not written yet, and ends."""
        self._ending.set()
        self._changed.set()
        self._thread.join()

    def _put_aside(self, aside: Path) -> None:
        try:
            os.replace(self._file, aside)  # noqa: PTH105
        except OSError as error:
            log.error("%s cannot be put aside: %s", self._file, error)  # noqa: TRY400

    def _run(self) -> None:
        while not self._ending.is_set():
            self._changed.wait()
            self._changed.clear()
            self._write()
            self._ending.wait(PAUSE)
        if self._changed.is_set():
            self._write()

    def _write(self) -> None:
        try:
            replace_whole(self._file, msgspec.json.encode(self._copy()))
        except OSError as error:
            if not self._failed:
                log.error("alarms cannot be written to disk: %s", error)  # noqa: TRY400
            self._failed = True
        else:
            self._failed = False
