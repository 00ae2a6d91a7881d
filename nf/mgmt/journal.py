"""Small changes on disk, one after the other, in a file that has its room from the start.

To write into blocks that a file already has costs a disk one write and no change of its tables, a
fiftieth of what a new file costs. A record that a crash tore fails its check sum and ends the
journal: what came before it stands, and it had not been in force yet.
"""

import logging
import os
import struct
import zlib
from pathlib import Path
from typing import Self

__all__ = ["Journal"]

log = logging.getLogger(__name__)

_HEAD = struct.Struct("<4sIIQ")
"""Mark, check sum and length of what follows the head, number."""
_MARK = b"nfj1"


class Journal:
    """A file of records with numbers that follow each other.

    Attributes:
        path: Where it is.
        records: What it has, by number.
    """

    def __init__(self, path: Path, descriptor: int, first: int) -> None:
        """See `begin` and `resume`."""
        self.path = path
        self.records: dict[int, bytes] = {}
        self._descriptor = descriptor
        self._next = first
        self._end = 0
        self._room = os.fstat(descriptor).st_size

    @classmethod
    def begin(cls, path: Path, first: int, octets: int) -> Self:
        """Makes an empty one with room for so many octets.

        Raises:
            OSError: There is not so much room.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            # Zeros, not a hole: the disk enters blocks that were never written in its tables first.
            _write(descriptor, bytes(octets), 0)
            os.fsync(descriptor)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return cls(path, descriptor, first)

    @classmethod
    def resume(cls, path: Path, first: int) -> Self:
        """Opens one that is there, up to its last whole record.

        Raises:
            OSError: It cannot be read.
        """
        journal = cls(path, os.open(path, os.O_RDWR | os.O_CLOEXEC), first)
        octets = path.read_bytes()
        while (data := _record_at(octets, journal._end, journal._next)) is not None:
            journal._remember(data)
        return journal

    def append(self, data: bytes) -> bool:
        """Adds a record, which is on the disk then; False when there is no room for it.

        Raises:
            OSError: It cannot be written, and is not there.
        """
        head = _HEAD.pack(_MARK, zlib.crc32(data), len(data), self._next)
        if self._end + len(head) + len(data) > self._room:
            return False
        try:
            _write(self._descriptor, head + data, self._end, os.RWF_DSYNC)
        except OSError:
            # What may have reached the disk all the same must not come into force later.
            try:
                _write(self._descriptor, bytes(_HEAD.size), self._end, os.RWF_DSYNC)
            except OSError as error:
                log.critical(
                    "a refused change may come back should power fail now: %s: %s",
                    self.path,
                    error,
                )
            raise
        self._remember(data)
        return True

    def close(self) -> None:
        """Ends the use of the file."""
        os.close(self._descriptor)

    def _remember(self, data: bytes) -> None:
        self.records[self._next] = data
        self._next += 1
        self._end += _HEAD.size + len(data)


def _record_at(octets: bytes, at: int, number: int) -> bytes | None:
    """The whole record of that number, None where there is none."""
    if at + _HEAD.size > len(octets):
        return None
    mark, check, length, stated = _HEAD.unpack_from(octets, at)
    data = octets[at + _HEAD.size : at + _HEAD.size + length]
    whole = mark == _MARK and stated == number and len(data) == length
    return data if whole and zlib.crc32(data) == check else None


def _write(descriptor: int, octets: bytes, at: int, flags: int = 0) -> None:
    """Writes all; with `RWF_DSYNC` it is on the disk then, as after fdatasync, in one call."""
    view = memoryview(octets)
    while view:
        count = os.pwritev(descriptor, [view], at, flags)
        view, at = view[count:], at + count
