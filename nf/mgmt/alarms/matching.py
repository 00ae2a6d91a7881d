"""Which alarms a shelf or an operator's filter means."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from nf.errors import YangError
from nf.mgmt.alarms.alarm import KINDS, SEVERITIES, Alarm

if TYPE_CHECKING:
    from nf._native.yang import Context

__all__ = ["Matches", "filter_of", "matching", "shelf_of"]

log = logging.getLogger(__name__)


Matches = Callable[[str, str], bool]
"""Whether a pattern matches a text as a whole."""


def matching(context: "Context") -> Matches:
    """Regular expressions of XML Schema, as RFC 8632 has them (`resource-match`).

    libyang has them, and gives up what would take for ever, which Python's do not.
    """
    something = {"ietf-alarms:alarms": {"control": {"max-alarm-status-changes": 32}}}
    tree = context.parse(json.dumps(something).encode(), "json")

    def matches(pattern: str, text: str) -> bool:
        test = f"re-match({_literal(text)}, {_literal(pattern)})"
        try:
            return bool(tree.find(f"/ietf-alarms:alarms[{test}]"))
        except YangError as error:
            log.warning("the pattern %r of a shelf matches nothing: %s", pattern, error)
            return False

    return matches


def _literal(text: str) -> str:
    """A text in XPath 1.0, where a literal has no way to say its own quotation mark."""
    if "'" not in text:
        return f"'{text}'"
    return "concat('{}', '')".format(text.replace("'", "', \"'\", '"))


def shelf_of(shelves: list[dict[str, Any]], kind: str, resource: str, matches: Matches) -> str:
    """Name of the first shelf that an alarm belongs in; empty for none."""
    for shelf in shelves:
        resources, types = shelf.get("resource", ()), shelf.get("alarm-type", ())
        if resources and not any(matches(one, resource) for one in resources):
            continue
        if types and not any(_is_type(one, kind, matches) for one in types):
            continue
        return str(shelf["name"])
    return ""


def _is_type(one: dict[str, Any], kind: str, matches: Matches) -> bool:
    name = str(one["alarm-type-id"]).rpartition(":")[2]
    # Our alarms have no qualifier, which the empty text stands for.
    qualifier = matches(one.get("alarm-type-qualifier-match", ""), "")
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
