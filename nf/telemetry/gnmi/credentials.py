"""Who calls: name and password or a token in the metadata, or a client's certificate."""

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, Protocol
from urllib.parse import unquote

from grpc import StatusCode

from nf.telemetry.gnmi.errors import Refused
from nf.telemetry.gnmi.tokens import Tokens

__all__ = ["Callers", "Passwords", "source_of"]

REMEMBERED = 256
REMEMBERED_FOR = 300.0


class Passwords(Protocol):
    """Who knows the users; `nf.mgmt.users.Users`."""

    def check_password(self, user: str, password: str, source: str) -> bool:
        """Whether somebody at `source` may come in as `user`; slow by design."""

    def has(self, user: str) -> bool:
        """Whether there is such a user."""


class Callers:
    """Finds out who calls; used in one event loop.

    A password that was right is remembered, as a keyed digest, until the users change or some
    minutes have passed: every call carries it, and a check takes milliseconds by design.
    """

    def __init__(self, passwords: Passwords, tokens: Tokens) -> None:
        """Remembers nobody."""
        self._passwords = passwords
        self._tokens = tokens
        self._secret = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, float] = OrderedDict()
        self._generation = 0
        self._pool = ThreadPoolExecutor(2, "nf-gnmi-login")

    def forget(self) -> None:
        """The users have changed; may be called from any thread."""
        self._generation += 1

    def stop(self) -> None:
        """Lets checks finish that are under way."""
        self._pool.shutdown(wait=True)

    async def identify(self, context: Any) -> tuple[str, str]:
        """Name and address of the caller.

        Raises:
            Refused: UNAUTHENTICATED.
        """
        source = source_of(context.peer())
        user = password = bearer = None
        for name, value in context.invocation_metadata() or ():
            if name == "username":
                user = _text(value)
            elif name == "password":
                password = _text(value)
            elif name == "authorization":
                bearer = _text(value)
        if bearer is not None:
            return self._bearer(bearer), source
        if user is not None and password is not None:
            if await self._right(user, password, source):
                return user, source
            raise _unauthenticated("the password is not accepted")
        if user is None and (certified := _certified(context)) is not None:
            return certified, source
        raise _unauthenticated("the call says neither username and password nor a token")

    def _bearer(self, said: str) -> str:
        """The user of `authorization: Bearer TOKEN` (RFC 6750 section 2.1)."""
        scheme, _, token = said.partition(" ")
        if scheme.lower() != "bearer":
            raise _unauthenticated(f"the scheme {scheme[:32]!r} of authorization is unknown")
        user = self._tokens.user_of(token.strip())
        if user is None or not self._passwords.has(user):
            raise _unauthenticated("the token is not, or no longer, accepted")
        return user

    async def _right(self, user: str, password: str, source: str) -> bool:
        content = b"\0".join((str(self._generation).encode(), user.encode(), password.encode()))
        digest = hmac.new(self._secret, content, hashlib.sha256).digest()
        if self._known.get(digest, 0.0) > monotonic():
            return True
        right = await asyncio.get_running_loop().run_in_executor(
            self._pool, self._passwords.check_password, user, password, source
        )
        if right:
            self._known[digest] = monotonic() + REMEMBERED_FOR
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return right


def _unauthenticated(what: str) -> Refused:
    return Refused(
        StatusCode.UNAUTHENTICATED,
        what,
        place="the metadata",
        hint="send `username` and `password`, or `authorization: Bearer` and a token, as metadata"
        " of the call, or show a client certificate",
    )


def _certified(context: Any) -> str | None:
    """Common name of the client's certificate, which TLS has verified."""
    properties = context.auth_context() or {}
    names = properties.get("x509_common_name", ())
    return _text(names[0]) if names else None


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def source_of(peer: str) -> str:
    """The address in what gRPC calls a peer: `ipv4:192.0.2.1:1234`, `ipv6:%5B::1%5D:1234`."""
    kind, _, rest = peer.partition(":")
    if kind not in ("ipv4", "ipv6"):
        return ""
    return unquote(rest).rpartition(":")[0].strip("[]")
