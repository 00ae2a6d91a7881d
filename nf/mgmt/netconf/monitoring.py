"""State that the server knows.

Sessions and schemas (RFC 6022), the YANG library (RFC 8525), streams (RFC 5277), its host key.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from nf.mgmt.events import STREAM
from nf.mgmt.moments import rfc3339
from nf.mgmt.netconf.operations.schema import schemas
from nf.mgmt.netconf.service import Counters, Service
from nf.mgmt.netconf.settings import TOP
from nf.mgmt.netconf.subscribed.state import EventStreams, OpenSubscriptions
from nf.mgmt.partial_locks import PartialLock
from nf.mgmt.state import StateSource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    import asyncssh

__all__ = ["HostKeys", "Monitoring", "Streams", "YangLibrary", "sources"]

_STATE = "ietf-netconf-monitoring:netconf-state"
_STORES = ("running", "candidate", "startup")
_DATASTORES = [
    f"ietf-datastores:{store}" for store in ("running", "candidate", "startup", "operational")
]


def sources(service: Service, keys: "Callable[[], Sequence[asyncssh.SSHKey]]") -> list[StateSource]:
    """All of them; `keys` gives the host keys in force."""
    library = _Library(service)
    return [
        Monitoring(service),
        YangLibrary(library, "ietf-yang-library:yang-library"),
        YangLibrary(library, "ietf-yang-library:modules-state"),
        Streams(service),
        EventStreams(service.events),
        OpenSubscriptions(service.publisher.register),
        HostKeys(keys),
    ]


class Monitoring:
    """ietf-netconf-monitoring."""

    def __init__(self, service: Service) -> None:
        """Of a server."""
        self._service = service

    def top(self) -> str:
        """See `StateSource`."""
        return _STATE

    def get(self) -> dict[str, Any]:
        """See `StateSource`."""
        return {
            _STATE: {
                "capabilities": {"capability": list(self._service.capabilities)},
                "datastores": {"datastore": [self._datastore(name) for name in _STORES]},
                "schemas": {"schema": self._schemas},
                "sessions": {"session": self._sessions()},
                "statistics": self._statistics(),
            }
        }

    def _datastore(self, name: str) -> dict[str, Any]:
        lock = self._service.core.locks.holder(name)
        if lock is None:
            parts = self._service.core.partial_locks.all() if name == "running" else []
            if not parts:
                return {"name": name}
            return {"name": name, "locks": {"partial-lock": [_part(one) for one in parts]}}
        held = {"locked-by-session": lock.session.id, "locked-time": rfc3339(lock.since)}
        return {"name": name, "locks": {"global-lock": held}}

    @cached_property
    def _schemas(self) -> list[dict[str, Any]]:
        return [
            {
                "identifier": name,
                "version": revision,
                "format": kind,
                "namespace": namespace,
                "location": ["NETCONF"],
            }
            for name, revision, namespace in schemas(self._service.core.context)
            for kind in ("yang", "yin")
        ]

    def _sessions(self) -> list[dict[str, Any]]:
        counted = dict(self._service.statistics.sessions)
        return [
            {
                "session-id": session.id,
                "transport": session.protocol,
                "username": session.user,
                **({"source-host": session.source} if session.source else {}),
                "login-time": rfc3339(session.login),
                **_counters(counted.get(session.id, Counters())),
            }
            for session in self._service.core.sessions.all()
            if session.protocol in ("netconf-ssh", "netconf-tls")
        ]

    def _statistics(self) -> dict[str, Any]:
        statistics = self._service.statistics
        return {
            "netconf-start-time": rfc3339(statistics.start),
            "in-bad-hellos": statistics.in_bad_hellos,
            "in-sessions": statistics.in_sessions,
            "dropped-sessions": statistics.dropped_sessions,
            **_counters(statistics.total),
        }


def _part(lock: PartialLock) -> dict[str, Any]:
    return {
        "lock-id": lock.id,
        "locked-by-session": lock.session.id,
        "locked-time": rfc3339(lock.since),
        "select": list(lock.selects),
        "locked-node": list(lock.nodes),
    }


def _counters(counters: Counters) -> dict[str, int]:
    return {
        "in-rpcs": counters.in_rpcs,
        "in-bad-rpcs": counters.in_bad_rpcs,
        "out-rpc-errors": counters.out_rpc_errors,
        "out-notifications": counters.out_notifications,
    }


class _Library:
    """The YANG library; it never changes, so it is made once, when somebody asks."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @cached_property
    def data(self) -> dict[str, Any]:
        return self._service.core.context.yang_library(_DATASTORES).to_data()


class YangLibrary:
    """One of the two top-level nodes of ietf-yang-library."""

    def __init__(self, library: _Library, top: str) -> None:
        """Both are of one tree."""
        self._library = library
        self._top = top

    def top(self) -> str:
        """See `StateSource`."""
        return self._top

    def get(self) -> dict[str, Any]:
        """See `StateSource`."""
        data = self._library.data
        return {self._top: data[self._top]} if self._top in data else {}


class Streams:
    """nc-notifications: the one stream."""

    def __init__(self, service: Service) -> None:
        """Of the hub."""
        self._service = service

    def top(self) -> str:
        """See `StateSource`."""
        return "nc-notifications:netconf"

    def get(self) -> dict[str, Any]:
        """See `StateSource`."""
        created: datetime = self._service.events.log.since_start
        return {
            "nc-notifications:netconf": {
                "streams": {
                    "stream": [
                        {
                            "name": STREAM,
                            "description": "All notifications of this function",
                            "replaySupport": True,
                            "replayLogCreationTime": rfc3339(created),
                        }
                    ]
                }
            }
        }


class HostKeys:
    """Fingerprints of the host keys, for people to compare."""

    def __init__(self, keys: "Callable[[], Sequence[asyncssh.SSHKey]]") -> None:
        """Those in force."""
        self._keys = keys

    def top(self) -> str:
        """See `StateSource`."""
        return TOP

    def get(self) -> dict[str, Any]:
        """See `StateSource`."""
        shown = [
            {"algorithm": key.get_algorithm(), "fingerprint": key.get_fingerprint()}
            for key in self._keys()
        ]
        return {TOP: {"management": {"netconf": {"host-key": shown}}}}
