"""Structured logs: on standard error, one line per event (logfmt or JSON), or in the journal.

Modules log through `logging.getLogger(__name__)`; values go in `extra={"fields": {…}}`, or by way
of `event()`. Under systemd each line begins with the priority that journald understands.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from nf.errors import NfError
from nf.process import journal
from nf.process.journal import PRIORITIES, JournalHandler

__all__ = ["Form", "Levels", "event", "follow", "parse_levels", "set_up"]

Form = Literal["logfmt", "json"]
Levels = dict[str, int]
"""Level of each logger; the empty name is everybody's."""

NAMES = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}


def parse_levels(words: Iterable[str]) -> Levels:
    """Levels from `debug` (all of nf) or `mgmt.netconf=debug` (one module and below).

    Raises:
        NfError: A level is none.
    """
    levels: Levels = {}
    for word in words:
        module, equals, level = word.rpartition("=")
        if level not in NAMES:
            raise NfError(
                f"{level!r} is no level",
                "--log-level",
                f"one of {', '.join(NAMES)}, or MODULE=LEVEL such as mgmt=debug",
            )
        name = module if equals else ""
        levels[name if name in {"", "nf"} or name.startswith("nf.") else f"nf.{name}"] = NAMES[
            level
        ]
    return levels


@dataclass(slots=True)
class _Asked:
    """What the command line of this process asked for; it stands above any configuration."""

    process: str = "nf"
    levels: Levels = field(default_factory=dict)
    form: Form | None = None


_asked = _Asked()


def set_up(process: str, levels: Levels | None = None, form: Form | None = None) -> None:
    """Has this process log to standard error, and only there.

    Args:
        process: Its name, in every line.
        levels: See `parse_levels`; all of nf logs from `info` up where nothing else is said.
        form: Shape of the lines; None for logfmt, unless a configuration says something else.
    """
    _asked.process, _asked.levels, _asked.form = process, levels or {}, form
    _put_in_force({}, "logfmt", priorities="JOURNAL_STREAM" in os.environ)


def follow(
    level: str, modules: Iterable[tuple[str, str]], form: Form, *, journald: bool = False
) -> None:
    """Logs as a configuration says, but for what the command line of this process said.

    Args:
        level: For all of nf.
        modules: Modules and their levels.
        form: Shape of the lines.
        journald: Records go to the journal. Where there is none they go to standard error, in
            lines that begin with the priority that journald understands.
    """
    levels = parse_levels([level, *(f"{name}={least}" for name, least in modules)])
    priorities = journald or "JOURNAL_STREAM" in os.environ
    _put_in_force(levels, form, priorities=priorities, to=_journal() if journald else None)


def _journal() -> JournalHandler | None:
    """The journal, if this machine has one."""
    for one in logging.getLogger().handlers:
        if isinstance(one, JournalHandler):
            return one
    try:
        return JournalHandler(_asked.process, journal.SOCKET)
    except OSError as error:
        event(
            logging.getLogger(__name__),
            logging.WARNING,
            "there is no journal; records go to standard error",
            socket=str(journal.SOCKET),
            why=error.strerror,
        )
        return None


def _put_in_force(
    levels: Levels, form: Form, *, priorities: bool, to: JournalHandler | None = None
) -> None:
    chosen = levels | _asked.levels
    handler: logging.Handler = to or logging.StreamHandler(sys.stderr)
    if to is None:
        handler.setFormatter(Lines(_asked.process, _asked.form or form, priorities=priorities))
    root = logging.getLogger()
    before, root.handlers[:] = list(root.handlers), [handler]
    for one in before:
        if isinstance(one, JournalHandler) and one is not to:
            one.close()
    # Libraries speak up when something is wrong; nf says what it does.
    root.setLevel(logging.WARNING)
    for name, known in logging.root.manager.loggerDict.items():
        if name.startswith("nf.") and isinstance(known, logging.Logger):
            known.setLevel(logging.NOTSET)
    logging.getLogger("nf").setLevel(chosen.get("", logging.INFO))
    for name, least in chosen.items():
        if name:
            logging.getLogger(name).setLevel(least)


def event(logger: logging.Logger, level: int, message: str, **fields: Any) -> None:
    """Logs a sentence and its values."""
    logger.log(level, "%s", message, extra={"fields": fields})


class Lines(logging.Formatter):
    """One line per record, whatever is in it."""

    def __init__(self, process: str, form: Form, *, priorities: bool) -> None:
        super().__init__()
        self._process = process
        self._form = form
        self._priorities = priorities

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        values: dict[str, Any] = {
            "ts": _time_of(record.created),
            "level": record.levelname.lower(),
            "process": self._process,
            "module": record.name.removeprefix("nf."),
            "msg": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            values["trace"] = self.formatException(record.exc_info)
        line = (
            json.dumps(values, default=str)
            if self._form == "json"
            else " ".join(f"{key}={_quoted(value)}" for key, value in values.items())
        )
        if self._priorities:
            return f"<{PRIORITIES.get(record.levelno, 5)}>{line}"
        return line


def _time_of(seconds: float) -> str:
    """RFC 3339, in UTC, with milliseconds."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"


def _quoted(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    plain = text and text.isascii() and text.isprintable() and not set(text) & set(' "=\\')
    return text if plain else json.dumps(text)
