"""Files below folders that are permitted, and nowhere else.

A path is walked element by element from the folder's descriptor, no link is followed and no `..`
taken, so that neither a name nor somebody who exchanges a folder meanwhile leads out of it.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from grpc import StatusCode

from nf.telemetry.gnmi.errors import Refused, invalid

__all__ = ["Folder", "Folders", "Place", "refused"]

MAX_LENGTH = 4096
MAX_LISTED = 10_000
FOLDER_MODE = 0o750


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that clients may look into.

    Attributes:
        path: Absolute.
        writable: Files may be written and removed, too.
    """

    path: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A file, or what may become one.

    Attributes:
        folder: Descriptor of the folder that it is in.
        name: In that folder.
        path: The whole path.
    """

    folder: int
    name: str
    path: str


class Folders:
    """The folders of one configuration."""

    def __init__(self, folders: Sequence[Folder]) -> None:
        """The innermost folder that a path lies in decides."""
        found = [(_parts(one.path), one) for one in folders]
        self._folders = sorted(found, key=lambda one: len(one[0]), reverse=True)

    @contextmanager
    def place(self, path: str, *, write: bool = False, make: bool = False) -> Iterator[Place]:
        """Opens the folder that a file is in.

        Args:
            path: Absolute path of the file.
            write: The file is to be changed.
            make: Folders on the way are made.

        Raises:
            Refused: INVALID_ARGUMENT for what is no path, PERMISSION_DENIED outside of the
                folders, NOT_FOUND for a folder that is not there.
        """
        folder, inside = self._within(path, write=write)
        *above, name = inside
        descriptor = self._opened(folder, above, path, make=make)
        try:
            yield Place(descriptor, name, path)
        except OSError as error:
            raise refused(path, error) from error
        finally:
            os.close(descriptor)

    def _within(self, path: str, *, write: bool) -> tuple[Folder, list[str]]:
        if not path.startswith("/") or "\0" in path or len(path) > MAX_LENGTH:
            raise invalid(f"{path[:200]!r} is no absolute path", place="the path")
        parts = path.split("/")[1:]
        if any(part in ("", ".", "..") for part in parts):
            raise invalid(f"{path[:200]!r} has an element that is empty, `.` or `..`")
        for own, folder in self._folders:
            if parts[: len(own)] == own and len(parts) > len(own):
                if write and not folder.writable:
                    raise _denied(path, f"{folder.path} may be read only")
                return folder, parts[len(own) :]
        raise _denied(path, "it lies in none of the folders that are permitted")

    def _opened(self, folder: Folder, above: Sequence[str], path: str, *, make: bool) -> int:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        try:
            # The folder itself is the administrator's word, and may be reached through links.
            here = os.open(folder.path, flags)
            for name in above:
                try:
                    if make:
                        _make(name, here)
                    deeper = os.open(name, flags | os.O_NOFOLLOW, dir_fd=here)
                finally:
                    os.close(here)
                here = deeper
        except OSError as error:
            raise refused(path, error) from error
        return here

    def listed(self, path: str) -> list[tuple[str, os.stat_result]]:
        """A file, or the files in a folder, with what stat(2) says; links are left out.

        Raises:
            Refused: See `place`; RESOURCE_EXHAUSTED for too many files.
        """
        whole = path.rstrip("/") if path.strip("/") else "/"
        for own, folder in self._folders:
            if whole == "/" + "/".join(own):
                return self._of_folder(folder, whole)
        with self.place(whole) as place:
            found = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                descriptor = os.open(place.name, flags, dir_fd=place.folder)
                try:
                    return _entries(descriptor, whole)
                finally:
                    os.close(descriptor)
            if stat.S_ISLNK(found.st_mode):
                raise _denied(path, "it is a link")
            return [(whole, found)]

    def _of_folder(self, folder: Folder, path: str) -> list[tuple[str, os.stat_result]]:
        try:
            descriptor = os.open(folder.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                return _entries(descriptor, path)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise refused(path, error) from error


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _make(name: str, where: int) -> None:
    try:
        os.mkdir(name, FOLDER_MODE, dir_fd=where)
    except FileExistsError:
        # What is there may be no folder; the next open tells.
        return


def _entries(descriptor: int, path: str) -> list[tuple[str, os.stat_result]]:
    # Not read further than that: a folder may have millions.
    with os.scandir(descriptor) as entries:
        names = sorted(one.name for one in islice(entries, MAX_LISTED + 1))
    if len(names) > MAX_LISTED:
        raise Refused(
            StatusCode.RESOURCE_EXHAUSTED,
            f"{path} has more than {MAX_LISTED} files",
            hint="ask for one of them",
        )
    found = []
    for name in names:
        try:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except FileNotFoundError:
            continue  # removed meanwhile
        if not stat.S_ISLNK(status.st_mode):
            # Names are octets; those that are no UTF-8 can be seen, but not be asked for.
            shown = os.fsencode(name).decode(errors="replace")
            found.append((f"{path.rstrip('/')}/{shown}", status))
    return found


def _denied(path: str, why: str) -> Refused:
    return Refused(
        StatusCode.PERMISSION_DENIED,
        why,
        place=path,
        hint="have the folder listed in telemetry/gnmi/folder",
    )


def refused(path: str, error: OSError) -> Refused:
    """What the system says, as a status."""
    codes = {
        "FileNotFoundError": StatusCode.NOT_FOUND,
        "PermissionError": StatusCode.PERMISSION_DENIED,
        "FileExistsError": StatusCode.ALREADY_EXISTS,
        "IsADirectoryError": StatusCode.FAILED_PRECONDITION,
        # A link where O_NOFOLLOW is asked for is ENOTDIR for a folder and ELOOP for a file.
        "NotADirectoryError": StatusCode.FAILED_PRECONDITION,
    }
    code = codes.get(type(error).__name__, StatusCode.FAILED_PRECONDITION)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        code = StatusCode.RESOURCE_EXHAUSTED
    return Refused(code, error.strerror or str(error), place=path, hint="see the message")
