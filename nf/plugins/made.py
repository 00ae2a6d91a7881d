"""Records, made of the engine's rows."""

from collections.abc import Callable
from functools import partial
from typing import Any

from nf.records import (
    AppTraffic,
    Event,
    Fields,
    HostTraffic,
    ProtocolTraffic,
    Session,
    Transaction,
)

__all__ = ["makers_of"]


def _record(kind: type[Any], row: dict[str, Any]) -> Any:
    # Frozen records of thirty fields: filling the dictionary of one takes a fraction of the time
    # that its constructor takes, and the engine's rows have exactly its fields.
    made = object.__new__(kind)
    made.__dict__.update(row)
    return made


def _transaction(knows: Callable[[str, str], bool], row: dict[str, Any]) -> Transaction:
    protocol, values = row.popitem()
    row["transaction_protocol"] = protocol
    row["fields"] = Fields(protocol, values, knows)
    made: Transaction = _record(Transaction, row)
    return made


def _event(row: dict[str, Any]) -> Event:
    own = {name: row.pop(name) for name in ("type", "ts", "session_id", "event")}
    made: Event = _record(Event, {**own, "values": row})
    return made


def makers_of(knows: Callable[[str, str], bool]) -> dict[str, Callable[[dict[str, Any]], Any]]:
    """How a row of each kind becomes its record.

    Args:
        knows: Whether transactions of a protocol have a field of a name.
    """
    return {
        "session": partial(_record, Session),
        "transaction": partial(_transaction, knows),
        "event": _event,
        "protocol": partial(_record, ProtocolTraffic),
        "app": partial(_record, AppTraffic),
        "host": partial(_record, HostTraffic),
    }
