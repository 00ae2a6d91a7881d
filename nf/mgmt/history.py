"""Configurations on disk: start-up, and the last ones that were in force with who, when and what.

A configuration is a file of its own, or a change in the journal that follows such a file. A file is
one line of JSON that says what it is, and the configuration as RFC 7951 JSON after it. It is
written under another name, synced, and renamed, and its folder is synced: at any moment the old or
the new one is there, never a mixture. A record of a journal is the same line, and the change as
XML. `record` comes before a transaction is applied, so that a full disk refuses the transaction
instead of losing it. Whoever lists or reads configurations may do so meanwhile.
"""

import json
import logging
import re
import threading
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from nf.errors import ConfigurationError
from nf.mgmt.journal import Journal
from nf.mgmt.session import Session
from nf.process.whole import replace_whole, sync_folder

__all__ = ["Entry", "History", "Note"]

log = logging.getLogger(__name__)

_NAME = re.compile(r"^(\d{8})\.json$")
_JOURNAL_OCTETS = 1 << 20
"""Room of a journal; then a configuration is a file again, and another journal follows it."""
_MAX_CHANGES = 200
"""Changes after a file at most: whoever starts carries them all out, and validates each time."""
_MAX_WHAT = 20
"""Changed paths that an entry names; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Note:
    """What an entry says of itself.

    Attributes:
        number: Grows by one with every configuration.
        when: RFC 3339, UTC.
        user: Who made it.
        session: The session's id.
        protocol: How it came.
        source: From where.
        what: Data paths that changed, the first ones.
        more: How many others changed.
        boot: The boot in which it came into force.
    """

    number: int
    when: str
    user: str
    session: int = 0
    protocol: str = "internal"
    source: str = ""
    what: tuple[str, ...] = ()
    more: int = 0
    boot: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A note and its configuration.

    Attributes:
        note: What it is.
        data: A configuration (RFC 7951 JSON).
        changes: What makes the entry's of it (`Diff.to_xml`), one after the other.
    """

    note: Note
    data: bytes = field(repr=False)
    changes: tuple[bytes, ...] = field(default=(), repr=False)


class History:
    """The folder of configurations.

    Attributes:
        boot: Identity of this boot of the function; what was in force in it survives a restart of
            the management process alone.
        keep: How many configurations stay.
    """

    def __init__(self, folder: Path, boot: str) -> None:
        """Makes the folder if need be.

        Raises:
            ConfigurationError: It cannot be made or written.
        """
        self.boot = boot
        self.keep = 10
        self._folder = folder
        self._running = folder / "running"
        try:
            self._running.mkdir(parents=True, exist_ok=True, mode=0o700)
            for left_over in [*folder.glob(".*.new"), *self._running.glob(".*.new")]:
                left_over.unlink()
        except OSError as error:
            raise ConfigurationError(
                f"the state folder cannot be used: {error.strerror}",
                str(folder),
                "give another one with --state-dir, or its owner the right to write",
            ) from error
        # What is there is known once and then kept, since nobody else writes here.
        names = (_NAME.match(path.name) for path in self._running.iterdir())
        self._lock = threading.RLock()
        """Held while what is there changes, or is read."""
        self._files = sorted(int(name.group(1)) for name in names if name)
        self._journals = self._read_journals()
        self._last = max(
            [0, *self._files, *(n for one in self._journals.values() for n in one.records)]
        )
        self._pinned = self._read_unconfirmed()

    def _path(self, number: int) -> Path:
        return self._running / f"{number:08}.json"

    def _journal_path(self, number: int) -> Path:
        """Of the journal that follows the file of that number."""
        return self._path(number).with_suffix(".journal")

    def _read_journals(self) -> dict[int, Journal]:
        journals = {}
        for number in self._files:
            path = self._journal_path(number)
            if path.exists():
                try:
                    journals[number] = Journal.resume(path, number + 1)
                except OSError as error:
                    raise _damaged(path, error) from error
        # A file that came after a journal tells more than records of the same numbers.
        for number, following in zip(self._files, self._files[1:], strict=False):
            if number in journals:
                records = journals[number].records
                journals[number].records = {n: r for n, r in records.items() if n < following}
        return journals

    # What is in force ---------------------------------------------------------------------------

    def record(
        self,
        data: Callable[[], bytes],
        session: Session,
        what: list[str],
        change: Callable[[], bytes] | None = None,
    ) -> int:
        """Puts the next configuration on disk.

        Args:
            data: The whole of it (RFC 7951 JSON), asked for when it is needed.
            session: Who made it.
            what: Data paths that changed.
            change: What makes it of the one before (`Diff.to_xml`); None where that is not all.

        Returns:
            Its number.

        Raises:
            OSError: It cannot be written, and is not there.
        """
        with self._lock:
            note = Note(
                number=self._last + 1,
                when=datetime.now(UTC).isoformat(timespec="milliseconds"),
                user=session.user,
                session=session.id,
                protocol=session.protocol,
                source=session.source,
                what=tuple(what[:_MAX_WHAT]),
                more=max(0, len(what) - _MAX_WHAT),
                boot=self.boot,
            )
            line = msgspec.json.encode(note) + b"\n"
            if change is None or not self._append(line, change()):
                replace_whole(self._path(note.number), line + data())
                self._files.append(note.number)
            self._last = note.number
            self._forget_old()
            return note.number

    def _append(self, line: bytes, change: bytes) -> bool:
        """Adds a change to the journal of the newest file; False when a file is due instead."""
        if not self._files:
            return False
        newest = self._files[-1]
        journal = self._journals.get(newest)
        if journal is None:
            journal = Journal.begin(self._journal_path(newest), newest + 1, _JOURNAL_OCTETS)
            sync_folder(self._running)
            self._journals[newest] = journal
        return len(journal.records) < _MAX_CHANGES and journal.append(line + change)

    def _forget_old(self) -> None:
        """Removes files whose configurations nobody asks for any more, with their journals."""
        if len(self._files) < 2:
            return
        needed = {self._file_below(number) for number in self._kept()}
        for number in [number for number in self._files if number not in needed]:
            try:
                self._journal_path(number).unlink(missing_ok=True)
                self._path(number).unlink(missing_ok=True)
            except OSError as error:
                # What was recorded is on the disk; this is tried again with the next one.
                log.warning("an old configuration cannot be removed: %s", error)
                return
            if (journal := self._journals.pop(number, None)) is not None:
                journal.close()
            self._files.remove(number)

    def _kept(self) -> list[int]:
        """Numbers of the configurations that there are, oldest first."""
        oldest = max(1, self._last - self.keep + 1)
        # Somebody may have moved a damaged file away.
        kept = [number for number in range(oldest, self._last + 1) if self._has(number)]
        pinned = self._pinned
        is_older = pinned is not None and pinned < oldest and self._has(pinned)
        return [pinned, *kept] if pinned is not None and is_older else kept

    def _has(self, number: int) -> bool:
        if not self._files or number < self._files[0]:
            return False
        file = self._file_below(number)
        journal = self._journals.get(file)
        return number == file or (journal is not None and number in journal.records)

    def _file_below(self, number: int) -> int:
        """The file that the configuration of a number is, or follows."""
        return self._files[bisect_right(self._files, number) - 1]

    def entries(self) -> list[Note]:
        """Every configuration there is, newest first.

        Raises:
            ConfigurationError: One is damaged.
        """
        with self._lock:
            return [self._note(number) for number in reversed(self._kept())]

    def _note(self, number: int) -> Note:
        """What one says of itself; its configuration is not read."""
        file = self._file_below(number)
        path = self._path(file) if number == file else self._journals[file].path
        try:
            if number == file:
                with path.open("rb") as opened:
                    return _note(opened.readline())
            return _note(self._journals[file].records[number].partition(b"\n")[0])
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise _damaged(path, error) from error

    def entry(self, number: int) -> Entry:
        """One configuration.

        Raises:
            ConfigurationError: There is none of that number, or it is damaged.
        """
        with self._lock:
            if number not in self._kept():
                have = ", ".join(map(str, self._kept())) or "none"
                raise ConfigurationError(
                    f"no configuration {number} is kept", "history", f"one of: {have}"
                )
            file = self._file_below(number)
            entry = self._read(self._path(file))
            if number == file:
                return entry
            journal = self._journals[file]
            try:
                parts = [journal.records[n].partition(b"\n") for n in range(file + 1, number + 1)]
                note = _note(parts[-1][0])
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise _damaged(journal.path, error) from error
            return Entry(note, entry.data, tuple(change for _, _, change in parts))

    def newest(self) -> Entry | None:
        """The configuration that came into force last."""
        return self.entry(self._last) if self._last else None

    # Start-up -----------------------------------------------------------------------------------

    def startup(self) -> Entry | None:
        """The start-up configuration, if there is one."""
        path = self._folder / "startup.json"
        return self._read(path) if path.exists() else None

    def write_startup(self, data: bytes, *, user: str) -> None:
        """Replaces the start-up configuration.

        Raises:
            OSError: It cannot be written; the old one is untouched.
        """
        when = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps(asdict(Note(0, when, user))).encode() + b"\n"
        replace_whole(self._folder / "startup.json", line + data)

    def delete_startup(self) -> None:
        """Removes the start-up configuration."""
        (self._folder / "startup.json").unlink(missing_ok=True)
        sync_folder(self._folder)

    # A commit that waits for its confirmation ---------------------------------------------------

    def unconfirmed(self) -> int | None:
        """Number of the configuration to go back to unless a commit is confirmed."""
        return self._pinned

    def _read_unconfirmed(self) -> int | None:
        path = self._folder / "unconfirmed"
        try:
            return int(path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"the configuration to go back to is not known: {error}",
                str(path),
                "remove the file; the last configuration, which nobody confirmed, is then in force",
            ) from error

    def set_unconfirmed(self, number: int | None) -> None:
        """Remembers, across a crash, that a commit waits for its confirmation.

        Raises:
            OSError: It cannot be written.
        """
        path = self._folder / "unconfirmed"
        if number is None:
            path.unlink(missing_ok=True)
            sync_folder(self._folder)
        else:
            replace_whole(path, str(number).encode())
        self._pinned = number

    # Files --------------------------------------------------------------------------------------

    def _read(self, path: Path) -> Entry:
        try:
            line, _, data = path.read_bytes().partition(b"\n")
            return Entry(_note(line), data)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise _damaged(path, error) from error


def _note(line: bytes) -> Note:
    fields = json.loads(line)
    fields["what"] = tuple(fields.get("what", ()))
    return Note(**fields)


def _damaged(path: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"a kept configuration cannot be read: {error}",
        str(path),
        "move the file away; the one before it is then used",
    )
