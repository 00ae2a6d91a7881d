"""What has happened last, as state (module nf-events): a ring for each kind."""

import json
import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from datetime import UTC
from typing import Any

import msgspec

from nf.mgmt.changes import Change
from nf.mgmt.events import Event
from nf.mgmt.sources.sessions import session_entry, session_identity
from nf.mgmt.sources.times import date_and_time
from nf.mgmt.state import State
from nf.mgmt.transaction import Data

__all__ = ["Recent"]

log = logging.getLogger(__name__)

TOP = "nf-events:events"
PROBE = "nf-probe:probe"
LISTS = {"session": "session", "transaction": "transaction", "event": "attribute"}
"""The list of each kind of rows."""
STARTS = "session-start"
KEPT = 200
MOST_KNOWN = 65_536
"""Sessions that go on of which it is remembered that their start was told."""


class Recent:
    """Source of nf-events, and the provider of how much it keeps; thread-safe."""

    name = "recent"
    watches: tuple[str, ...] = (PROBE,)

    def __init__(self, state: State) -> None:
        """Of a core; tells `state` when something is new."""
        self._state = state
        self._lock = threading.Lock()
        self._rings: dict[str, deque[dict[str, Any]]] = {
            name: deque(maxlen=KEPT) for name in ("notification", STARTS, *LISTS.values())
        }
        self._last = dict.fromkeys(self._rings, 0)
        self._known: OrderedDict[tuple[int, float], None] = OrderedDict()
        self._unreadable = 0
        self._decoder: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])
        state.register(self)

    # What is told

    def notified(self, event: Event) -> None:
        """A notification; see `EventHub.subscribe`."""
        name, content = next(iter(event.data.items()))
        when = event.when.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        self._add("notification", [{"time": when, "name": name, "content": json.dumps(content)}])

    def told(self, kind: str, lines: bytes) -> None:
        """Rows of the datapath, as JSON Lines; one that cannot be read is left out, and counted."""
        made, starts = [], []
        for line in lines.splitlines():
            try:
                row = self._decoder.decode(line)
                made.append(_entry(kind, row))
                if kind == "session" and self._is_first(row):
                    identity = session_identity(row)
                    starts.append({"time": identity["start"], **identity})
            except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
                with self._lock:
                    self._unreadable += 1
                log.warning("a row of kind %s cannot be told: %r", kind, error)
        if starts:
            self._add(STARTS, starts)
        if made:
            self._add(LISTS[kind], made)

    def _is_first(self, row: dict[str, Any]) -> bool:
        """Whether nothing was told of a row's session before; forgets one that has ended."""
        # The number alone begins anew with each engine.
        session = (row["session_id"], row["start"])
        with self._lock:
            is_first = session not in self._known
            self._known[session] = None
            self._known.move_to_end(session)
            if row["end_reason"] != "active":
                del self._known[session]
            elif len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return is_first

    def _add(self, name: str, entries: Sequence[dict[str, Any]]) -> None:
        with self._lock:
            for entry in entries:
                self._last[name] += 1
                self._rings[name].append({"number": self._last[name], **entry})
        self._state.stir(TOP)

    # Source of state

    def top(self) -> str:
        """See `StateSource`."""
        return TOP

    def get(self) -> dict[str, Any]:
        """See `StateSource`."""
        with self._lock:
            told: dict[str, Any] = {name: list(ring) for name, ring in self._rings.items() if ring}
            told["unreadable"] = self._unreadable
        return {TOP: told}

    # Provider

    def prepare(self, before: Data | None, after: Data, changes: Sequence[Change]) -> "_Prepared":
        """See `Provider`; nothing can be refused."""
        del before, changes
        outputs = after[PROBE].get("nf-outputs:outputs", {})
        return _Prepared(self, outputs.get("telemetry", {}).get("kept", KEPT))

    def keep(self, number: int) -> None:
        """Keeps so many of each kind, the newest."""
        with self._lock:
            self._rings = {name: deque(ring, maxlen=number) for name, ring in self._rings.items()}


class _Prepared:
    def __init__(self, recent: Recent, number: int) -> None:
        self._recent = recent
        self._number = number

    def apply(self) -> None:
        """See `Prepared`."""
        self._recent.keep(self._number)

    def abort(self) -> None:
        """See `Prepared`."""


def _entry(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row as an entry of its list."""
    if kind == "event":
        known = {"type", "ts", "session_id", "event"}
        return {
            "time": date_and_time(row["ts"]),
            "session-id": row["session_id"],
            "name": row["event"],
            "content": _rest(row, known),
        }
    made = session_entry(row)
    if kind == "session":
        return {"time": made["end"], "end-reason": row["end_reason"], **made}
    attributes = {name: one for name, one in row.items() if isinstance(one, dict)}
    return {"time": date_and_time(row["ts"]), **made, "content": json.dumps(attributes)}


def _rest(row: dict[str, Any], known: set[str]) -> str:
    return json.dumps({name: value for name, value in row.items() if name not in known})
