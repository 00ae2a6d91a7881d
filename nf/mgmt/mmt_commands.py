"""The commands of MMT-Probe's control socket, carried out as transactions.

    ls | start | stop | update{ LF name=value LF … }

Replies begin with the codes of MMT-Probe's manual, and say what has happened, not what was queued:

    start   0 captures now          1 did already           2 refused, or failed
    stop    0 captures no more      1 did not               2 refused, or failed
    update  0 in force              1 in force, and sources, sessions or a process began anew
            2 not understood: the text, a name, a value; or the model refuses the value
            3 understood, and not done: access, a lock, a part of the probe that could not take it

`ls` has no code: the number of options, then each as `name (type)`. An unknown command gets 2.
"""

import json
import logging
import os
from collections.abc import Callable
from functools import cached_property

from nf.errors import ConfigurationError, YangError
from nf.mgmt.answering import wrapped
from nf.mgmt.core import Core
from nf.mgmt.effects import Resets
from nf.mgmt.legacy.overriding import LISTED, Override, full_name, listing, unquoted
from nf.mgmt.legacy.updating import update_of
from nf.mgmt.legacy.vocabulary import Vocabulary
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import INTERNAL, Session

__all__ = ["MAX_PARAMETERS", "MmtCommands"]

log = logging.getLogger(__name__)

MAX_PARAMETERS = 10_000
"""Octets that MMT-Probe takes of an update."""
CAPTURE = "/nf-probe:probe/nf-capture:capture"
NAMESPACE = "urn:nf:yang:nf-capture"
DONE = "Successfully processed the command: "
VALUE_TAGS = frozenset(
    {
        "invalid-value", "unknown-element", "missing-element", "bad-element", "data-missing",
        "too-big", "malformed-message",
    }
)  # fmt: skip
"""The request was wrong, not the moment."""


class MmtCommands:
    """Carries commands out.

    Args:
        core: Whom it asks.
        vocabulary: Gives what this build has; asked once.
    """

    def __init__(self, core: Core, vocabulary: Callable[[], Vocabulary] = Vocabulary.here) -> None:
        self._core = core
        self._make_vocabulary = vocabulary

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return self._make_vocabulary()

    @cached_property
    def _resets(self) -> Resets:
        return Resets(self._core.context.nodes())

    def answer(self, session: Session, command: bytes) -> bytes:
        """The reply to a command, without the octet that ends it."""
        try:
            text = command.decode("utf-8").strip()
        except UnicodeDecodeError:
            return _reply(2, "the command is not UTF-8")
        if text == "ls":
            return f"{len(LISTED)}\n{listing()}".encode()
        if text in ("start", "stop"):
            return self._switch(session, text)
        if text.startswith("update"):
            return self._update(session, text.removeprefix("update").lstrip())
        return _reply(2, f"Unknown command {_short(text)!r}: ls, start, stop, or update{{ }}")

    # start, stop

    def _switch(self, session: Session, verb: str) -> bytes:
        capturing = self._is_capturing()
        if capturing is (verb == "start"):
            return _reply(1, "already running" if capturing else "not running")
        try:
            self._core.operate(session, f'<{verb}-capture xmlns="{NAMESPACE}"/>'.encode())
        except RpcErrors as error:
            return _reply(2, f"{verb}: {_why(error)}")
        return _reply(0, DONE + verb)

    def _is_capturing(self) -> bool | None:
        """Whether packets are being taken; None when nobody knows."""
        tree = self._core.get(INTERNAL, {"nf-probe:probe"})
        status = (
            tree.get(f"{CAPTURE}/state/status") if tree.exists(f"{CAPTURE}/state/status") else None
        )
        if status is None:
            return None
        return status in ("running", "waiting")

    # update

    def _update(self, session: Session, text: str) -> bytes:
        try:
            overrides = _parameters(text)
        except ConfigurationError as error:
            return _reply(2, f"update: {error.what} ({error.hint})")
        try:
            anew = self._put_in_force(session, overrides)
        except ConfigurationError as error:
            return _reply(2, f"update: {error.what} ({error.hint})")
        except YangError as error:
            return _reply(2, f"update: {' '.join(error.errors[0].message.split())}")
        except RpcErrors as error:
            wrong = all(one.tag in VALUE_TAGS or _is_condition(one.app_tag) for one in error.errors)
            return _reply(2 if wrong else 3, f"update: {_why(error)}")
        return (
            _reply(1, f"{DONE}update ({anew} began anew)") if anew else _reply(0, DONE + "update")
        )

    def _put_in_force(self, session: Session, overrides: list[Override]) -> str:
        """Makes one transaction of all; returns what began anew, if anything did."""
        context = self._core.context
        # Nobody may change what the new configuration is made of meanwhile.
        with self._core.commits.writing:
            running = self._core.commits.running.tree
            gone, merged = update_of(
                json.loads(running.to_json()),
                overrides,
                self._vocabulary,
                os.getcwd(),  # noqa: PTH109
            )
            work = running.copy()
            for path in gone:
                work.remove(path)
            if merged:
                work.merge(context.parse(json.dumps(merged).encode(), "json"))
            whole = work.copy()
            try:
                whole.validate()
            except YangError as error:
                raise RpcErrors.from_yang(error) from error
            effects = [
                self._resets.effect_at(path) for _, path, *_ in running.diff(whole).changes()
            ]
            self._core.copy_config(session, wrapped(work.to_xml()), "running")
        for effect, meaning in (
            ("process", "a process"), ("flows", "sessions"), ("capture", "sources"),
        ):  # fmt: skip
            if effect in effects:
                return meaning
        return ""


def _parameters(text: str) -> list[Override]:
    """What stands between the braces.

    Raises:
        ConfigurationError: It cannot be read.
    """
    if len(text.encode()) > MAX_PARAMETERS:
        raise ConfigurationError(
            f"more than {MAX_PARAMETERS} octets", "update", "send several commands"
        )
    if not text.startswith("{") or not text.endswith("}"):
        raise ConfigurationError("braces are missing", "update", "update{ LF name=value LF }")
    made = []
    for line in text[1:-1].split("\n"):
        if not line.strip():
            continue
        written, equals, value = line.partition("=")
        if not equals:
            raise ConfigurationError(
                f"{_short(line.strip())!r} has no value", "update", "write name=value"
            )
        name = full_name(written.strip(), f"update {written.strip()}")
        made.append(Override(name, unquoted(value.strip()), f"update {name}"))
    if not made:
        raise ConfigurationError("nothing to update", "update", "write name=value lines")
    return made


def _reply(code: int, text: str) -> bytes:
    return f"{code} {' '.join(text.split())}\n".encode()


def _why(error: RpcErrors) -> str:
    first = error.errors[0]
    return f"{first.message}{f' ({first.path})' if first.path else ''}"


def _is_condition(app_tag: str | None) -> bool:
    """Whether it is the model that refuses, by a condition of its own."""
    return app_tag is not None and app_tag not in PROBE_TAGS


PROBE_TAGS = frozenset({"prepare-timeout", "internal", "persist", "not-applicable"})
"""Error tags of parts of the probe, and not of the model."""


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
