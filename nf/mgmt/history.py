"""Configurations on disk: start-up, and the last ones that were in force with who, when and what.

A file is one line of JSON that says what it is, and the configuration as RFC 7951 JSON after it.
It is written under another name, synced, and renamed, and its folder is synced: at any moment the
old or the new one is there, never a mixture. Writing comes before a transaction is applied
(`Draft`), so that a full disk refuses the transaction instead of losing it.
"""

import json
import os
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from nf.errors import ConfigurationError
from nf.mgmt.session import Session

__all__ = ["Draft", "Entry", "History", "Note"]

_NAME = re.compile(r"^(\d{8})\.json$")
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
    """A note and its configuration (RFC 7951 JSON)."""

    note: Note
    data: bytes = field(repr=False)


class Draft:
    """A file that is safe on disk but not in force: `keep` it or `drop` it."""

    def __init__(self, temporary: Path, final: Path) -> None:
        self._temporary = temporary
        self._final = final

    def keep(self) -> None:
        """Puts the file in force."""
        self._temporary.replace(self._final)
        _sync_folder(self._final.parent)

    def drop(self) -> None:
        """Forgets the file."""
        self._temporary.unlink(missing_ok=True)


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
        self._numbers = sorted(int(name.group(1)) for name in names if name)
        self._last = self._numbers[-1] if self._numbers else 0
        self._pinned = self._read_unconfirmed()

    def _path(self, number: int) -> Path:
        return self._running / f"{number:08}.json"

    # What is in force ---------------------------------------------------------------------------

    def draft(self, data: bytes, session: Session, what: list[str]) -> Draft:
        """Writes the next configuration, not yet in force.

        Raises:
            OSError: It cannot be written.
        """
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
        return self._write(self._path(note.number), note, data)

    def kept(self) -> int:
        """Counts a draft that was kept; the oldest go. The number of the newest."""
        self._last += 1
        self._numbers.append(self._last)
        for number in self._numbers[: -self.keep]:
            if number != self._pinned:
                self._path(number).unlink(missing_ok=True)
                self._numbers.remove(number)
        return self._last

    def entries(self) -> list[Note]:
        """Every configuration there is, newest first."""
        return [self._read(self._path(number)).note for number in reversed(self._numbers)]

    def entry(self, number: int) -> Entry:
        """One configuration.

        Raises:
            ConfigurationError: There is none of that number, or it is damaged.
        """
        if number not in self._numbers:
            have = ", ".join(map(str, self._numbers)) or "none"
            raise ConfigurationError(
                f"no configuration {number} is kept", "history", f"one of: {have}"
            )
        return self._read(self._path(number))

    def newest(self) -> Entry | None:
        """The configuration that came into force last."""
        return self._read(self._path(self._last)) if self._last else None

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
        self._write(self._folder / "startup.json", Note(0, when, user), data).keep()

    def delete_startup(self) -> None:
        """Removes the start-up configuration."""
        (self._folder / "startup.json").unlink(missing_ok=True)
        _sync_folder(self._folder)

    # A commit that waits for its confirmation ---------------------------------------------------

    def unconfirmed(self) -> int | None:
        """Number of the configuration to go back to unless a commit is confirmed."""
        return self._pinned

    def _read_unconfirmed(self) -> int | None:
        try:
            text = (self._folder / "unconfirmed").read_text(encoding="ascii")
        except FileNotFoundError:
            return None
        return int(text)

    def set_unconfirmed(self, number: int | None) -> None:
        """Remembers, across a crash, that a commit waits for its confirmation.

        Raises:
            OSError: It cannot be written.
        """
        path = self._folder / "unconfirmed"
        if number is None:
            path.unlink(missing_ok=True)
            _sync_folder(self._folder)
        else:
            temporary = self._folder / ".unconfirmed.new"
            _write_synced(temporary, str(number).encode())
            Draft(temporary, path).keep()
        self._pinned = number

    # Files --------------------------------------------------------------------------------------

    def _write(self, path: Path, note: Note, data: bytes) -> Draft:
        temporary = path.with_name(f".{path.name}.new")
        _write_synced(temporary, json.dumps(asdict(note)).encode() + b"\n" + data)
        return Draft(temporary, path)

    def _read(self, path: Path) -> Entry:
        try:
            first, _, data = path.read_bytes().partition(b"\n")
            fields = json.loads(first)
            fields["what"] = tuple(fields.get("what", ()))
            return Entry(Note(**fields), data)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"a kept configuration cannot be read: {error}",
                str(path),
                "move the file away; the one before it is then used",
            ) from error


def _write_synced(path: Path, data: bytes) -> None:
    try:
        with path.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
