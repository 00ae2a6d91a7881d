"""Files that are there whole or not at all, whenever the process or the machine ends."""

import os
from pathlib import Path

__all__ = ["replace_whole", "sync_folder"]


def replace_whole(path: Path, octets: bytes) -> None:
    """Puts a file, for its owner alone, in the place of another; makes its folder.

    Raises:
        OSError: It cannot be written; what was there still is.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f".{path.name}.new")
    # What a crash has left, or whatever somebody put there: never written through a link.
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Has what a folder lists outlive an end of the machine.

    Raises:
        OSError: It cannot be written.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
