"""Tokens in the place of a password: issued by an operation, shown once, kept as digests.

A token is 256 random bits, so that a plain digest of it is enough at rest: there is nothing to
guess. It stands for a user, and for no longer than that user is configured.
"""

import json
import logging
import secrets
import threading
import time
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.sources.times import date_and_time
from nf.process.whole import replace_whole

if TYPE_CHECKING:
    from nf.mgmt.operations import Operations
    from nf.mgmt.session import Session

__all__ = ["Tokens"]

log = logging.getLogger(__name__)

PREFIX = "nf_"
DEFAULT_SECONDS = 86_400
MOST = 1000
MODULE = "nf-telemetry"


@dataclass(frozen=True, slots=True)
class _Issued:
    """What is kept of a token.

    Attributes:
        id: Names it without giving it away.
        user: Whom it stands for.
        digest: SHA-256, hexadecimal.
        issued: Seconds since 1970.
        expires: Likewise.
    """

    id: str
    user: str
    digest: str
    issued: float
    expires: float


class Tokens:
    """The tokens in force; thread-safe."""

    def __init__(self, file: Path | None) -> None:
        """Reads what `file` has; without one tokens end with the process."""
        self._file = file
        self._lock = threading.Lock()
        self._known: dict[str, _Issued] = {}
        if file is not None and file.exists():
            self._read(file)

    def _read(self, file: Path) -> None:
        try:
            found = [_Issued(**one) for one in json.loads(file.read_bytes())]
        except (OSError, ValueError, TypeError):
            # Nobody is let in by a file that is broken; who had a token is told so, and asks anew.
            log.exception("the tokens in %s cannot be read: all are void", file)
            return
        self._known = {one.digest: one for one in found}

    def user_of(self, token: str) -> str | None:
        """Whom a token stands for; None for one that is not, or no longer, valid."""
        found = self._known.get(_digest(token))
        return found.user if found is not None and time.time() < found.expires else None

    def valid(self) -> list[dict[str, Any]]:
        """What is in force, as the list `token` of the model has it."""
        now = time.time()
        return [
            {
                "id": one.id,
                "user": one.user,
                "issued": date_and_time(one.issued),
                "expires": date_and_time(one.expires),
            }
            for one in list(self._known.values())
            if now < one.expires
        ]

    # Operations ---------------------------------------------------------------------------------

    def register(self, operations: "Operations") -> None:
        """Says who carries them out."""
        operations.register(f"/{MODULE}:issue-token", self._issue)
        operations.register(f"/{MODULE}:revoke-token", self._revoke)

    def _issue(self, session: "Session", target: str, given: dict[str, Any]) -> dict[str, Any]:
        del target
        user = given.get("user", session.user)
        if user != session.user and not session.recovery:
            raise RpcErrors.of(
                type="protocol",
                tag="access-denied",
                message=f"{session.user} may have a token for {session.user} only; for others,"
                " root has `nf token issue`",
                app_tag="token-user",
            )
        now = time.time()
        token = PREFIX + secrets.token_urlsafe(32)
        lifetime = int(given.get("lifetime", DEFAULT_SECONDS))
        made = _Issued(secrets.token_hex(4), user, _digest(token), now, now + lifetime)
        with self._lock:
            known = {d: one for d, one in self._known.items() if now < one.expires}
            if len(known) >= MOST:
                raise RpcErrors.of(
                    tag="resource-denied",
                    message=f"there are {MOST} tokens already: revoke some",
                    app_tag="token-limit",
                )
            self._keep(known | {made.digest: made})
        return {"id": made.id, "token": token, "expires": date_and_time(made.expires)}

    def _revoke(self, session: "Session", target: str, given: dict[str, Any]) -> dict[str, Any]:
        del target
        with self._lock:
            found = [one for one in self._known.values() if one.id == given["id"]]
            if not found:
                raise RpcErrors.of(
                    tag="data-missing", message=f"there is no token {given['id']}", app_tag="token"
                )
            if not session.recovery and any(one.user != session.user for one in found):
                raise RpcErrors.of(
                    type="protocol",
                    tag="access-denied",
                    message=f"{given['id']} is not a token of {session.user}",
                    app_tag="token-user",
                )
            self._keep({d: one for d, one in self._known.items() if one not in found})
        return {}

    def _keep(self, known: dict[str, _Issued]) -> None:
        """Writes first: what is in force has to survive the process, a revocation above all."""
        if self._file is not None:
            try:
                text = json.dumps([asdict(one) for one in known.values()])
                replace_whole(self._file, text.encode())
            except OSError as error:
                raise RpcErrors.of(
                    tag="resource-denied",
                    message=f"{self._file} cannot be written: {error.strerror}",
                    app_tag="persist",
                ) from error
        self._known = known


def _digest(token: str) -> str:
    return sha256(token.encode(errors="surrogateescape")).hexdigest()
