"""Who may log in: the users, passwords and SSH keys of ietf-system (RFC 7317 section 3.5.2)."""

import base64
import binascii
import hmac
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nf.mgmt import crypt_hash
from nf.mgmt.changes import Change
from nf.mgmt.commits import Conversion
from nf.mgmt.crypt_hash import hash_password
from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.transaction import Data, ProviderError

if TYPE_CHECKING:
    from nf._native.yang import Tree
    from nf.mgmt.core import Core

__all__ = ["TOP", "Failures", "Users", "hash_cleartext", "hash_password"]

TOP = "ietf-system:system"
PASSWORDS = "/ietf-system:system/authentication/user/password"
CLEARTEXT = "$0$"


def hash_cleartext(tree: "Tree") -> bool:
    """Puts a hash in the place of every password that was given as clear text (`$0$`).

    The type `crypt-hash` of RFC 7317 asks for it: clear text is never stored nor shown.

    Returns:
        Whether there was one.

    Raises:
        RpcErrors: `invalid-value`: the password is empty or too long.
    """
    found = False
    for path, value in tree.find(PASSWORDS):
        if value is None or not value.startswith(CLEARTEXT):
            continue
        try:
            tree.set(path, hash_password(value.removeprefix(CLEARTEXT)))
        except ValueError as error:
            raise RpcErrors.of(tag="invalid-value", message=str(error), path=path) from error
        found = True
    return found


@dataclass(frozen=True, slots=True)
class _Account:
    password: str | None = field(repr=False)
    keys: frozenset[bytes] = frozenset()


class Failures:
    """Slows down whoever guesses: after some failures a source has to wait, longer each time.

    Attributes:
        refused: Attempts that were not looked at.
    """

    FREE = 5
    LONGEST = 60.0
    DOUBLINGS = 16
    FORGET = 600.0
    REMEMBERED = 10_000

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        """Nobody has failed."""
        self._now = now
        self._lock = threading.Lock()
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self.refused = 0

    def wait(self, source: str) -> float:
        """Seconds until the source may try again; 0 when it may."""
        with self._lock:
            count, last = self._failed.get(source, (0, 0.0))
            passed = self._now() - last
            if count < self.FREE or passed > self.FORGET:
                return 0.0
            # Beyond that the power is longer anyway, and at some time no number any more.
            doublings = min(count - self.FREE, self.DOUBLINGS)
            left = min(self.LONGEST, 2.0**doublings) - passed
            if left <= 0:
                return 0.0
            self.refused += 1
            return left

    def failed(self, source: str) -> None:
        """One more attempt has failed."""
        with self._lock:
            count, last = self._failed.pop(source, (0, 0.0))
            now = self._now()
            self._failed[source] = (1 if now - last > self.FORGET else count + 1, now)
            while len(self._failed) > self.REMEMBERED:
                self._failed.popitem(last=False)

    def succeeded(self, source: str) -> None:
        """What failed before was a slip."""
        with self._lock:
            self._failed.pop(source, None)


class Users:
    """Provider of the accounts in force; thread-safe."""

    name = "users"
    watches: tuple[str, ...] = (TOP,)

    def __init__(self) -> None:
        """Nobody may log in before a configuration is applied."""
        self._accounts: MappingProxyType[str, _Account] = MappingProxyType({})
        self.failures = Failures()

    def attach(self, core: "Core") -> None:
        """Registers with a core that is not started yet."""
        core.providers.register(self)
        core.commits.conversions.append(Conversion(TOP, hash_cleartext))

    # Provider -----------------------------------------------------------------------------------

    def prepare(self, before: Data | None, after: Data, changes: Sequence[Change]) -> "_Prepared":
        """Reads the accounts.

        Raises:
            ProviderError: A hash or a key cannot be used.
        """
        del before, changes
        listed = after.get(TOP, {}).get("authentication", {}).get("user", ())
        return _Prepared(self, MappingProxyType(dict(map(_account, listed))))

    def put_in_force(self, accounts: MappingProxyType[str, _Account]) -> None:
        """Who asks from now on sees these accounts."""
        self._accounts = accounts

    # Asking -------------------------------------------------------------------------------------

    def check_password(self, user: str, password: str, source: str) -> bool:
        """Whether somebody at `source` may come in as `user`; takes milliseconds by design.

        A source that has failed too often is refused without a look at the password.
        """
        if self.failures.wait(source) > 0:
            return False
        account = self._accounts.get(user)
        stored = account.password if account is not None else None
        right = crypt_hash.check(password, stored or crypt_hash.DUMMY) and stored is not None
        if right:
            self.failures.succeeded(source)
        else:
            self.failures.failed(source)
        return right

    def has(self, user: str) -> bool:
        """Whether there is such a user."""
        return user in self._accounts

    def accepts_key(self, user: str, blob: bytes) -> bool:
        """Whether a public key (RFC 4253 section 6.6) is one of the user's."""
        account = self._accounts.get(user)
        keys = account.keys if account is not None else frozenset()
        found = [hmac.compare_digest(key, blob) for key in keys]
        return any(found)


@dataclass(frozen=True, slots=True)
class _Prepared:
    users: Users
    accounts: MappingProxyType[str, _Account]

    def apply(self) -> None:
        self.users.put_in_force(self.accounts)

    def abort(self) -> None:
        """Nothing was taken."""


def _account(user: dict[str, Any]) -> tuple[str, _Account]:
    name = user["name"]
    path = f"/{TOP}/authentication/user[name={_quoted(name)}]"
    password = user.get("password")
    if password is not None and (problem := crypt_hash.problem_of(password)) is not None:
        raise ProviderError(f"{path}/password", problem, "password-hash")
    return name, _Account(password, frozenset(_keys(user.get("authorized-key", ()), path)))


def _keys(listed: Sequence[dict[str, Any]], path: str) -> Iterator[bytes]:
    for key in listed:
        at = f"{path}/authorized-key[name={_quoted(key['name'])}]"
        try:
            blob = base64.b64decode("".join(key["key-data"].split()), validate=True)
        except binascii.Error as error:
            raise ProviderError(f"{at}/key-data", f"this is no base64: {error}", "key") from error
        length = int.from_bytes(blob[:4], "big")
        said = blob[4 : 4 + length]
        if said != key["algorithm"].encode():
            raise ProviderError(
                f"{at}/key-data",
                f"this is no key of {key['algorithm']}: give the second word of its line in"
                " authorized_keys",
                "key",
            )
        yield blob


def _quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"
