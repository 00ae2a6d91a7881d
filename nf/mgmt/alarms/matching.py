"""Which alarms a shelf or an operator's filter means."""

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from nf.mgmt.alarms.alarm import KINDS, SEVERITIES, Alarm

__all__ = ["filter_of", "shelf_of"]

log = logging.getLogger(__name__)


def shelf_of(shelves: list[dict[str, Any]], kind: str, resource: str) -> str:
    """Name of the first shelf that an alarm belongs in; empty for none."""
    for shelf in shelves:
        resources, types = shelf.get("resource", ()), shelf.get("alarm-type", ())
        if resources and not any(_named(one, resource) for one in resources):
            continue
        if types and not any(_is_type(one, kind) for one in types):
            continue
        return str(shelf["name"])
    return ""


def _named(pattern: str, resource: str) -> bool:
    try:
        return re.fullmatch(pattern, resource) is not None
    except re.error as error:
        log.warning("a shelf's resource %r matches nothing: %s", pattern, error)
        return False


def _is_type(one: dict[str, Any], kind: str) -> bool:
    name = str(one["alarm-type-id"]).rpartition(":")[2]
    # Our alarms have no qualifier, which the empty text stands for.
    qualifier = _named(one.get("alarm-type-qualifier-match", ""), "")
    return qualifier and (name == kind or (name in ("nf-alarm", "alarm-type-id") and kind in KINDS))


def filter_of(given: dict[str, Any]) -> Callable[[Alarm], bool]:
    """The test that the input of a purge describes."""
    status = given["alarm-clearance-status"]
    older: dict[str, int] = given.get("older-than", {})
    limit = datetime.now(UTC) - timedelta(**older) if older else None
    severity: dict[str, str] = given.get("severity", {})
    state: dict[str, str] = given.get("operator-state-filter", {})

    def meant(alarm: Alarm) -> bool:
        if status != "any" and alarm.cleared != (status == "cleared"):
            return False
        if limit is not None and alarm.changed >= limit:
            return False
        rank = SEVERITIES.index(alarm.severity)
        for word, bound in severity.items():
            at = SEVERITIES.index(bound)
            if not {"below": rank < at, "is": rank == at, "above": rank > at}[word]:
                return False
        if state:
            last = alarm.operator[0] if alarm.operator else None
            said, who = (last[2], last[1]) if last else ("none", "")
            return said == state.get("state", said) and who == state.get("user", who)
        return True

    return meant
