"""The list of alarms: raised and cleared by whoever knows, read and tidied by operators."""

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from nf.mgmt.alarms.alarm import KINDS, SEVERITIES, Alarm, Key, Kind, Severity, sayable
from nf.mgmt.alarms.matching import filter_of, matching, shelf_of
from nf.mgmt.alarms.storing import Store
from nf.mgmt.moments import rfc3339
from nf.mgmt.paths import parse
from nf.mgmt.rpc_error import RpcErrors

if TYPE_CHECKING:
    from pathlib import Path

    from nf.mgmt.changes import Change
    from nf.mgmt.core import Core
    from nf.mgmt.session import Session

__all__ = ["TOP", "Alarms"]

log = logging.getLogger(__name__)

TOP = "ietf-alarms:alarms"
MAX_ALARMS = 2_000
"""The oldest one that is cleared makes room, or the oldest of all."""
MAX_CHANGES = 1_000
"""Kept of what operators said of an alarm, and of its history where that is `infinite`."""
MAX_TEXT = 2_048
"""Characters of a text; what others say is cut, operators are told."""


class Alarms:
    """Thread-safe; source of state, and who carries its actions out."""

    def __init__(self, core: "Core", file: "Path | None" = None) -> None:
        """Registers itself with a core; the list outlives a restart in `file`, if there is one."""
        self._core = core
        self._lock = threading.RLock()
        self._matches = matching(core.context)
        self._store = Store(file, self._copy) if file is not None else None
        read = self._store.read() if self._store is not None else []
        self._alarms: dict[Key, Alarm] = {one.key: one for one in read[-MAX_ALARMS:]}
        self._changed = max((one.changed for one in read), default=datetime.now(UTC))
        core.state.register(self)
        core.commits.watchers.append(self._configured)
        base = f"/{TOP}"
        for where, shelved in (("alarm-list", False), ("shelved-alarms", True)):
            more = "-shelved" if shelved else ""
            core.operations.register(
                f"{base}/{where}/purge{more}-alarms",
                partial(self._purge, shelved),
            )
            core.operations.register(
                f"{base}/{where}/compress{more}-alarms",
                partial(self._compress, shelved),
            )
        core.operations.register(f"{base}/alarm-list/alarm/set-operator-state", self._operator)

    def stop(self) -> None:
        """Writes what is not written yet."""
        if self._store is not None:
            self._store.stop()

    def _copy(self) -> list[Alarm]:
        """All alarms as they are now, for whoever writes them in his own time."""
        with self._lock:
            return [one.copy() for one in self._alarms.values()]

    def _has_changed(self, now: datetime) -> None:
        self._changed = now
        if self._store is not None:
            self._store.wake()

    # Whoever knows ------------------------------------------------------------------------------

    def raise_alarm(self, kind: Kind, resource: str, severity: Severity, text: str) -> None:
        """Says that something is in an alarming state, or how bad it is now."""
        text, resource = sayable(text, MAX_TEXT), sayable(resource, MAX_TEXT)
        with self._lock:
            now = self._now()
            alarm = self._alarms.get((kind, resource))
            if alarm is None:
                self._make_room()
                alarm = Alarm(kind, resource, now, now, now, severity, text, cleared=True)
                alarm.shelf = shelf_of(self._shelves(), kind, resource, self._matches)
                self._alarms[alarm.key] = alarm
            elif not alarm.cleared and (alarm.severity, alarm.text) == (severity, text):
                return
            was_cleared, before = alarm.cleared, alarm.severity
            if was_cleared:
                alarm.raised = now
            alarm.cleared, alarm.severity, alarm.text = False, severity, text
            self._note(alarm, now, severity)
            self._tell(alarm, now, severity, fresh=was_cleared, before=before)

    def clear_alarm(self, kind: Kind, resource: str, text: str) -> None:
        """Says that it is over; nothing happens if it was not there."""
        text, resource = sayable(text, MAX_TEXT), sayable(resource, MAX_TEXT)
        with self._lock:
            alarm = self._alarms.get((kind, resource))
            if alarm is None or alarm.cleared:
                return
            now = self._now()
            alarm.cleared, alarm.text = True, text
            self._note(alarm, now, "cleared")
            self._tell(alarm, now, "cleared", fresh=True, before=alarm.severity)

    def raised(self, kind: Kind) -> list[str]:
        """Resources that an alarm of a kind is raised for, and not cleared."""
        with self._lock:
            return [
                one.resource
                for one in self._alarms.values()
                if one.kind == kind and not one.cleared
            ]

    def _now(self) -> datetime:
        """The time, which never comes twice: it is the key of the histories."""
        return max(datetime.now(UTC), self._changed + timedelta(microseconds=1))

    def _make_room(self) -> None:
        if len(self._alarms) < MAX_ALARMS:
            return
        over = sorted(self._alarms.values(), key=lambda one: (not one.cleared, one.changed))
        del self._alarms[over[0].key]

    def _note(self, alarm: Alarm, now: datetime, severity: str) -> None:
        alarm.changed = now
        alarm.history.insert(0, (now, severity, alarm.text))
        del alarm.history[self._most_changes() :]
        self._has_changed(now)

    def _tell(
        self, alarm: Alarm, now: datetime, severity: str, *, fresh: bool, before: Severity
    ) -> None:
        control = self._control()
        mode = control.get("notify-status-changes", "all-state-changes")
        if alarm.shelf or (mode == "raise-and-clear" and not fresh):
            return
        if mode == "severity-level":
            least = SEVERITIES.index(control["notify-severity-level"])
            # A change is told if it is, or was, bad enough.
            if max(SEVERITIES.index(alarm.severity), SEVERITIES.index(before)) < least:
                return
        self._core.events.publish(
            {
                "ietf-alarms:alarm-notification": {
                    **alarm.names(),
                    "time": rfc3339(now),
                    "perceived-severity": severity,
                    "alarm-text": alarm.text,
                }
            }
        )

    # The configuration --------------------------------------------------------------------------

    def _control(self) -> dict[str, Any]:
        control: dict[str, Any] = self._core.commits.running.data.get(TOP, {}).get("control", {})
        return control

    def _most_changes(self) -> int:
        most = self._control().get("max-alarm-status-changes", 32)
        return MAX_CHANGES if most == "infinite" else min(int(most), MAX_CHANGES)

    def _shelves(self) -> list[dict[str, Any]]:
        shelves: list[dict[str, Any]] = self._control().get("alarm-shelving", {}).get("shelf", [])
        return shelves

    def _configured(self, changes: Sequence["Change"]) -> None:
        """Alarms go onto shelves and come off them with the configuration (section 4.1.1.1)."""
        # Without changes everything is new.
        if changes and not any(change.top == TOP for change in changes):
            return
        with self._lock:
            shelves, now, most = self._shelves(), self._now(), self._most_changes()
            for alarm in self._alarms.values():
                if len(alarm.history) > most:
                    del alarm.history[most:]
                    self._has_changed(now)
                shelf = shelf_of(shelves, alarm.kind, alarm.resource, self._matches)
                if shelf == alarm.shelf:
                    continue
                if bool(shelf) != bool(alarm.shelf):
                    word = "shelved" if shelf else "un-shelved"
                    self._say(alarm, now, "system", word, "")
                alarm.shelf = shelf
                alarm.changed = now
                self._has_changed(now)

    # State --------------------------------------------------------------------------------------

    def top(self) -> str:
        """See `StateSource`."""
        return TOP

    def get(self) -> dict[str, Any]:
        """See `StateSource`."""
        with self._lock:
            shelved = [one for one in self._alarms.values() if one.shelf]
            listed = [one for one in self._alarms.values() if not one.shelf]
            summary = {"alarm-summary": [_summary(listed, one) for one in SEVERITIES]}
            if self._shelves():
                summary["shelves-active"] = [None]  # type: ignore[list-item]  # an empty leaf
            changed = rfc3339(self._changed)
            return {
                TOP: {
                    "alarm-inventory": {"alarm-type": _inventory()},
                    "summary": summary,
                    "alarm-list": {
                        "number-of-alarms": len(listed),
                        "last-changed": changed,
                        "alarm": [one.entry() for one in listed],
                    },
                    "shelved-alarms": {
                        "number-of-shelved-alarms": len(shelved),
                        "shelved-alarms-last-changed": changed,
                        "shelved-alarm": [one.entry() for one in shelved],
                    },
                }
            }

    # Operators ----------------------------------------------------------------------------------

    def _operator(self, session: "Session", target: str, given: dict[str, Any]) -> dict[str, Any]:
        keys = dict(parse(target)[-1].keys)
        kind = keys["alarm-type-id"].rpartition(":")[2]
        text = given.get("text", "")
        if len(text) > MAX_TEXT:
            raise RpcErrors.of(
                tag="invalid-value",
                message=f"the text has more than {MAX_TEXT} characters: say it in fewer",
                path=f"{target}/set-operator-state/text",
            )
        with self._lock:
            alarm = self._alarms.get((kind, keys["resource"]))
            if alarm is None or alarm.shelf:
                raise RpcErrors.of(
                    tag="data-missing", message="there is no such alarm in the list", path=target
                )
            self._say(alarm, self._now(), session.user, given["state"], text)
        return {}

    def _say(self, alarm: Alarm, now: datetime, who: str, state: str, text: str) -> None:
        alarm.operator.insert(0, (now, who, state, text))
        del alarm.operator[MAX_CHANGES:]
        alarm.changed = now
        self._has_changed(now)

    def _purge(
        self, shelved: bool, session: "Session", target: str, given: dict[str, Any]
    ) -> dict[str, Any]:
        del session, target
        meant = filter_of(given)
        with self._lock:
            gone = [
                one for one in self._alarms.values() if bool(one.shelf) == shelved and meant(one)
            ]
            for one in gone:
                del self._alarms[one.key]
            if gone:
                self._has_changed(self._now())
        return {"purged-alarms": len(gone)}

    def _compress(
        self, shelved: bool, session: "Session", target: str, given: dict[str, Any]
    ) -> dict[str, Any]:
        del session, target
        kind = str(given.get("alarm-type-id", "")).rpartition(":")[2]
        count = 0
        with self._lock:
            for one in self._alarms.values():
                if (
                    bool(one.shelf) == shelved
                    and given.get("resource", one.resource) == one.resource
                    and kind in ("", one.kind)
                    and len(one.history) > 1
                ):
                    del one.history[1:]
                    count += 1
            if count:
                self._has_changed(self._now())
        return {"compressed-alarms": count}


def _inventory() -> list[dict[str, Any]]:
    return [
        {
            "alarm-type-id": f"nf-alarms:{name}",
            "alarm-type-qualifier": "",
            "will-clear": kind.clears,
            "severity-level": list(kind.severities),
            "description": kind.text,
        }
        for name, kind in KINDS.items()
    ]


def _summary(alarms: list[Alarm], severity: Severity) -> dict[str, Any]:
    mine = [one for one in alarms if one.severity == severity]

    def count(*, cleared: bool, closed: bool | None = None) -> int:
        return sum(one.cleared == cleared and closed in (None, one.closed) for one in mine)

    return {
        "severity": severity,
        "total": len(mine),
        "not-cleared": count(cleared=False),
        "cleared": count(cleared=True),
        "cleared-not-closed": count(cleared=True, closed=False),
        "cleared-closed": count(cleared=True, closed=True),
        "not-cleared-closed": count(cleared=False, closed=True),
        "not-cleared-not-closed": count(cleared=False, closed=False),
    }
