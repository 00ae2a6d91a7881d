"""netconf-capability-change (RFC 6470): what a new build can that the last one could not."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nf.mgmt.events import EventHub

__all__ = ["announce_change"]

log = logging.getLogger(__name__)


def announce_change(events: "EventHub", capabilities: Sequence[str], folder: Path) -> None:
    """Publishes the difference to what was there at the last start, if there is one.

    Capabilities never change while the process runs: the schema is read once.
    """
    path = folder / "capabilities.json"
    try:
        before = _read(path)
        if before == list(capabilities):
            return
        new = path.with_name(f".{path.name}.new")
        new.write_text(json.dumps(list(capabilities)), encoding="utf-8")
        new.replace(path)
    except OSError as error:
        log.warning("what the server can is not noted in %s: %s", path, error)
        return
    if before is not None:
        events.publish(_notification(before, capabilities))


def _read(path: Path) -> list[str] | None:
    """What is noted; None when there is nothing, or nothing that can be understood."""
    if not path.exists():
        return None
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        log.warning("%s is damaged and is written anew", path)
        return None
    return [str(one) for one in stated] if isinstance(stated, list) else None


def _notification(before: Sequence[str], after: Sequence[str]) -> dict[str, Any]:
    """Capabilities are told apart by what stands before `?`; with the same, they were modified."""
    old = {one.partition("?")[0]: one for one in before}
    new = {one.partition("?")[0]: one for one in after}
    lists = {
        "added-capability": [one for name, one in new.items() if name not in old],
        "deleted-capability": [one for name, one in old.items() if name not in new],
        "modified-capability": [
            one for name, one in new.items() if name in old and old[name] != one
        ],
    }
    return {
        "ietf-netconf-notifications:netconf-capability-change": {
            "changed-by": {"server": [None]},
            **{name: listed for name, listed in lists.items() if listed},
        }
    }
