"""Evaluates the checks of Suricata's test cases on the engine's rows.

A case is a folder with a capture and a `test.yaml`. A check there says how many events of the log
match some keys. Checks about the protocols that both write are evaluated on the engine's rows; of
the others the reason is kept.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tools.scoring import eve
from tools.scoring.eve import Event

INDEX = re.compile(r"\[\d+\]")
# The checks are written for several versions of Suricata; these words limit one to older ones.
FOR_OLDER = ("lt-version", "max-version")


class BadCase(Exception):
    """A case cannot be read."""


@dataclass(frozen=True)
class Check:
    """One check: so many events match."""

    case: str
    count: int
    match: Mapping[str, Any]
    older: bool

    @property
    def event_type(self) -> str:
        """Type of the events that it is about."""
        return str(self.match.get("event_type", "(none stated)"))


@dataclass(frozen=True)
class Case:
    """A capture and its checks."""

    name: str
    capture: Path
    checks: Sequence[Check]


@dataclass(frozen=True)
class Verdict:
    """What became of a check."""

    check: Check
    passed: bool
    got: int
    at_least: bool
    nearest: str


@dataclass
class Tally:
    """Checks of one event type."""

    passed: int = 0
    failed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass
class Result:
    """All checks of all cases."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    failures: list[Verdict] = field(default_factory=list)
    other_types: dict[str, int] = field(default_factory=dict)

    def tally(self, event_type: str) -> Tally:
        """The tally of an event type."""
        return self.tallies.setdefault(event_type, Tally())


def cases(folder: Path) -> Iterator[Case]:
    """Every case below a folder that has a capture, by name."""
    for description in sorted(folder.glob("*/test.yaml")):
        case = load(description)
        if case is not None:
            yield case


def load(description: Path) -> Case | None:
    """A case, or None where it reads no capture."""
    try:
        text = yaml.safe_load(description.read_text())
    except yaml.YAMLError as error:
        raise BadCase(f"{description}: {error}") from error
    if not isinstance(text, dict):
        raise BadCase(f"{description}: no mapping")
    folder = description.parent
    stated = text.get("pcap")
    captures = [folder / stated] if isinstance(stated, str) else sorted(folder.glob("*.pcap*"))
    if len(captures) != 1 or not captures[0].is_file():
        return None
    filters = (
        check["filter"]
        for check in text.get("checks") or []
        if isinstance(check.get("filter"), dict)
    )
    checks = [
        Check(
            case=folder.name,
            count=int(body["count"]),
            match=body.get("match") or {},
            older=any(word in (body.get("requires") or {}) for word in FOR_OLDER),
        )
        for body in filters
    ]
    return Case(folder.name, captures[0], checks)


def evaluate(case: Case, events: Sequence[Event], result: Result) -> None:
    """Adds a case's checks to the result."""
    for check in case.checks:
        if check.event_type not in eve.EVENT_TYPES:
            result.other_types[check.event_type] = result.other_types.get(check.event_type, 0) + 1
            continue
        tally = result.tally(check.event_type)
        reason = why_incomparable(check)
        if reason is not None:
            tally.reasons[reason] = tally.reasons.get(reason, 0) + 1
            continue
        verdict = judge(check, events, stated_ids(case))
        if verdict.passed:
            tally.passed += 1
        else:
            tally.failed += 1
            result.failures.append(verdict)


def stated_ids(case: Case) -> list[str]:
    """Every community id that the checks of a case name."""
    ids = (check.match.get("community_id") for check in case.checks)
    return sorted({stated for stated in ids if isinstance(stated, str)})


def why_incomparable(check: Check) -> str | None:
    """The reason why a check cannot be evaluated on rows, if there is one."""
    if check.older:
        return "for older versions of Suricata"
    for key, value in check.match.items():
        if reason := why_not(check.event_type, key, value):
            return reason
    if check.count == 0 and any(_listed(key, eve.NARROWING) for key in check.match):
        return "forbids what only Suricata's own keys tell apart"
    return None


def why_not(event_type: str, key: str, value: object) -> str | None:
    """The reason why one key of a check has no counterpart, if it has none."""
    subject = str(value) if key in ("has-key", "not-has-key") else key
    reason = _listed(subject, eve.INCOMPARABLE)
    if reason is not None:
        return f"{subject}: {reason}"
    if key == "app_proto" and value not in eve.APP_PROTOCOLS:
        return f"app_proto {value}: no parser yet"
    known = (
        value == event_type
        if subject is not key
        else is_known(event_type, key) or _listed(key, eve.NARROWING)
    )
    return None if known else f"{subject}: no such field"


def is_known(event_type: str, key: str) -> bool:
    """Whether events made from rows may have the key."""
    general = INDEX.sub("[]", key)
    # The names of some keys are the traffic's own.
    family = f"{general.rpartition('.')[0]}.*"
    ways = (key, general, family)
    return any(k in eve.BASE_KEYS or k in eve.KNOWN_KEYS[event_type] for k in ways)


def _listed(key: str, reasons: Mapping[str, str]) -> str | None:
    """The reason listed for a key: by its name, or by a beginning of it."""
    return next(
        (
            reason
            for name, reason in reasons.items()
            if key == name
            or (key.startswith(name) and not name[-1].isalpha())
            or key.startswith((f"{name}.", f"{name}["))
        ),
        None,
    )


def judge(check: Check, events: Sequence[Event], ids: Sequence[str]) -> Verdict:
    """Counts the events that match and compares with what the check expects."""
    wanted = {key: value for key, value in check.match.items() if not _listed(key, eve.NARROWING)}
    wanted.pop("event_type", None)
    missing = wanted.pop("not-has-key", None)
    wanted.pop("has-key", None)
    candidates = [event for event in events if event["event_type"] == check.event_type]
    if "community_id" in wanted:
        candidates = with_seed(candidates, ids)
    # Every event has the object named after its type.
    matching = [event for event in candidates if missing is None and not differences(wanted, event)]
    at_least = (
        len(wanted) + 1 < len(check.match) and missing is None and "has-key" not in check.match
    )
    passed = len(matching) >= check.count if at_least else len(matching) == check.count
    nearest = min((differences(wanted, event) for event in candidates), key=len, default=None)
    told = "no such event" if nearest is None else ", ".join(nearest)
    return Verdict(check, passed, len(matching), at_least, told)


def with_seed(candidates: Sequence[Event], ids: Sequence[str]) -> list[Event]:
    """The events with community ids of the case's seed; only right ones of seed 0 are exchanged."""
    right = [e for e in candidates if e["community_id"] == eve.community_id(e, 0)]
    seed = eve.seed_of(ids, right)
    if seed is None:
        return list(candidates)
    return [e | {"community_id": eve.community_id(e, seed)} for e in right]


def differences(wanted: Mapping[str, Any], event: Event) -> list[str]:
    """Where an event is not what is wanted."""
    return [
        f"{key}: expected {value!r}, got {event.get(key)!r}"
        for key, value in wanted.items()
        if not eve.same(key, value, event.get(key))
    ]
