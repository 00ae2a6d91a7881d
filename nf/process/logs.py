"""Structured logs on standard error: one line per event, `key=value` (logfmt) or JSON.

Modules log through `logging.getLogger(__name__)`; values go in `extra={"fields": {…}}`, or by way
of `event()`. Under systemd each line begins with the priority that journald understands.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Iterable
from typing import Any, Literal

from nf.errors import NfError

__all__ = ["Form", "Levels", "event", "parse_levels", "set_up"]

Form = Literal["logfmt", "json"]
Levels = dict[str, int]
"""Level of each logger; the empty name is everybody's."""

NAMES = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}
"""syslog's (RFC 5424, table 2)."""


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


def set_up(process: str, levels: Levels | None = None, form: Form = "logfmt") -> None:
    """Has this process log to standard error, and only there.

    Args:
        process: Its name, in every line.
        levels: See `parse_levels`; all of nf logs from `info` up where nothing else is said.
        form: Shape of the lines.
    """
    chosen = levels or {}
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(process, form, priorities="JOURNAL_STREAM" in os.environ))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries speak up when something is wrong; nf says what it does.
    root.setLevel(logging.WARNING)
    logging.getLogger("nf").setLevel(chosen.get("", logging.INFO))
    for name, level in chosen.items():
        if name:
            logging.getLogger(name).setLevel(level)


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
