"""Extensions of a request (gnmi_ext.proto); those that nobody knows are passed over."""

from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from gnmi_pb.gnmi_ext_pb2 import Commit, Extension, History, MasterArbitration
from grpc import StatusCode

from nf.telemetry.gnmi.boundaries import is_asked
from nf.telemetry.gnmi.errors import Refused, invalid

__all__ = ["Arbiter", "Extensions"]

MAX_ROLES = 1024
MAX_ROLE = 256

_NAMES = {"master_arbitration": "arbitration", "config_subscription": "config_only"}
"""Of those whose field is called otherwise here."""


@dataclass(frozen=True, slots=True)
class Extensions:
    """What a request carries.

    Attributes:
        depth: Levels below the paths; 0 for all.
        commit: Of commit-confirmed.
        arbitration: Of master arbitration.
        history: Of history.
        config_only: Of config-subscription: nothing but configuration is told.
    """

    depth: int = 0
    commit: Commit | None = None
    arbitration: MasterArbitration | None = None
    history: History | None = None
    config_only: bool = False

    @classmethod
    def of(cls, extensions: Iterable[Extension], *known: str) -> "Extensions":
        """Reads the extensions of a request.

        Args:
            extensions: Of the request.
            known: Which may come with this RPC.

        Raises:
            Refused: One is there twice or does not go with this RPC.
        """
        found: dict[str, Any] = {}
        for one in extensions:
            kind = one.WhichOneof("ext")
            if kind is None and is_asked(one):
                kind = "config_subscription"
            if kind is None or kind == "registered_ext":
                continue
            name = _NAMES.get(kind, kind)
            if name not in known:
                raise invalid(f"the extension {kind} does not go with this RPC")
            if name in found:
                raise invalid(f"the extension {kind} is there twice")
            if name == "config_only":
                found[name] = True
                continue
            value = getattr(one, kind)
            found[name] = value.level if name == "depth" else value
        return cls(**found)


class Arbiter:
    """Lets one master per role set (gnmi-master-arbitration); thread-safe."""

    def __init__(self) -> None:
        """Nobody has been elected."""
        self._lock = Lock()
        self._highest: dict[str, int] = {}

    def check(self, asked: MasterArbitration | None) -> None:
        """Refuses who is not master any more; a request without arbitration is let through.

        Raises:
            Refused: PERMISSION_DENIED below the highest election id of the role, INVALID_ARGUMENT
                without one.
        """
        if asked is None:
            return
        if not asked.HasField("election_id"):
            raise invalid("master_arbitration has no election_id")
        role = asked.role.id
        if len(role) > MAX_ROLE:
            raise invalid(f"the name of a role has {MAX_ROLE} characters at most")
        elected = asked.election_id.high << 64 | asked.election_id.low
        with self._lock:
            highest = self._highest.get(role, -1)
            if elected < highest:
                raise Refused(
                    StatusCode.PERMISSION_DENIED,
                    f"another client is master of the role {role!r}: the highest election id is"
                    f" {highest} (high {highest >> 64}, low {highest & (1 << 64) - 1})",
                    hint="have this client elected with a higher id",
                )
            if role not in self._highest and len(self._highest) >= MAX_ROLES:
                raise Refused(
                    StatusCode.RESOURCE_EXHAUSTED,
                    f"{MAX_ROLES} roles are known already",
                    hint="use fewer roles",
                )
            self._highest[role] = elected
