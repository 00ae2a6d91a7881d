"""Files that are replaced whole or not at all, and are for their owner alone."""

import os
from pathlib import Path

__all__ = ["forget_drafts", "replace_file", "sync_folder"]


def replace_file(path: Path, content: bytes) -> None:
    """Puts a file in the place of another, on the disk: a crash leaves the old or the new one.

    Raises:
        OSError: It cannot be written; the old one is untouched.
    """
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def forget_drafts(folder: Path) -> None:
    """Removes what a crash left over of files that were being written.

    Raises:
        OSError: It cannot be removed.
    """
    for draft in folder.glob(".*.new"):
        draft.unlink()


def sync_folder(folder: Path) -> None:
    """Has the names in a folder be on the disk.

    Raises:
        OSError: They are not.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
