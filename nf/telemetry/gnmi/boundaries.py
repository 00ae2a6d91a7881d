"""The extension config-subscription: configuration alone, and where each commit ends.

The library's gnmi_ext.proto is older than the extension: its octets are read and written here. Its
number in `Extension` is 6, `start` is 1 and `sync_done` 2 in it, and that has `commit_confirm_id` 1
and `server_commit_id` 2.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from gnmi_pb.gnmi_ext_pb2 import Extension
from gnmi_pb.gnmi_pb2 import SubscribeResponse
from google.protobuf.unknown_fields import UnknownFieldSet

from nf.mgmt.subscriptions.outbox import Frame, boundary
from nf.telemetry.gnmi.errors import invalid

if TYPE_CHECKING:
    from nf.mgmt.core import Core
    from nf.mgmt.subscriptions.engine import Subscriptions

__all__ = ["NUMBER", "Boundaries", "is_asked", "sync_done"]

NUMBER = 6
_START, _SYNC_DONE = 1, 2
_LENGTH_DELIMITED = 2


def is_asked(extension: Extension) -> bool:
    """Whether an extension is this one, which the library does not know.

    Raises:
        Refused: It is, and its action is not `start`.
    """
    unknown = UnknownFieldSet(extension)
    for one in map(unknown.__getitem__, range(len(unknown))):
        if one.field_number == NUMBER and one.wire_type == _LENGTH_DELIMITED:
            if one.data != _field(_START, b""):
                raise invalid("the extension config_subscription begins with the action start")
            return True
    return False


def sync_done(confirm_id: str, commit_id: str) -> bytes:
    """The message that tells where a commit ends."""
    told = b"".join(
        _field(number, text.encode()) for number, text in ((1, confirm_id), (2, commit_id)) if text
    )
    extension = Extension.FromString(_field(NUMBER, _field(_SYNC_DONE, told)))
    octets: bytes = SubscribeResponse(extension=[extension]).SerializeToString()
    return octets


def _field(number: int, octets: bytes) -> bytes:
    """A field of protobuf whose value is octets."""
    length, made = len(octets), bytearray((number << 3 | _LENGTH_DELIMITED,))
    while length > 0x7F:
        made.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes((*made, length)) + octets


class Boundaries:
    """Tells subscribers where commits end, after all that these have changed; thread-safe.

    Commits that follow each other faster than they are told are told together; then their ends
    come one after the other.
    """

    def __init__(self, core: "Core", engine: "Subscriptions") -> None:
        """For the engine that tells changes of configuration."""
        self._core = core
        self._engine = engine
        self._told: dict[object, Callable[[Frame], None]] = {}

    def join(self, tell: Callable[[Frame], None]) -> object:
        """Has somebody hear of every commit from now on; what it returns ends that."""
        token = object()
        self._told[token] = tell
        return token

    def leave(self, token: object) -> None:
        """Ends it."""
        self._told.pop(token, None)

    def committed(self) -> None:
        """A transaction is in force; called by the core, after the engine was told of it."""
        if self._told:
            running, confirming = self._core.commits.running, self._core.confirming
            rolled_back = confirming.persist_id(None)
            self._engine.after(partial(self._tell, running.number, running.revision, rolled_back))

    def _tell(self, number: int, revision: int, rolled_back: str) -> None:
        # Whether a commit waits for its confirmation is known when its transaction is over.
        with self._core.commits.writing:
            confirm_id = rolled_back or self._core.confirming.persist_id(revision)
        message = sync_done(confirm_id, str(number))
        key = number.to_bytes(8, "big")
        frame = Frame(time.time_ns(), (message,), tuple, (), boundary, key)
        for tell in list(self._told.values()):
            tell(frame)
