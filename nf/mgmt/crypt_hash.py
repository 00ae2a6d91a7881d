"""Hashes of passwords as `iana-crypt-hash` has them: SHA-crypt, `$5$` and `$6$`.

Made from the algorithm's publication (Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512",
version 0.6); the standard library's `crypt` is deprecated, and `passlib` no longer kept. Each step
below is named by its number there.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from typing import Any

__all__ = ["DUMMY", "MAX_ROUNDS", "check", "hash_password", "problem_of", "sha_crypt"]

ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DEFAULT_ROUNDS = 5000
MIN_ROUNDS = 1000
MAX_ROUNDS = 500_000
"""More take a login longer than its time; the publication permits 999,999,999."""
MAX_PASSWORD = 1024
"""Octets; the time that a longer one takes would be the attacker's to choose."""

_FORMAT = re.compile(
    r"\$(?P<kind>[56])\$(?:rounds=(?P<rounds>[1-9][0-9]{0,8})\$)?(?P<salt>[^$\n:]{0,16})"
    r"(?:\$(?P<digest>[./0-9A-Za-z]+))?"
)
_DIGEST_LENGTH = {"5": 43, "6": 86}

DUMMY = (
    "$6$nobodynobodynobo$"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000."
)
"""Is no password's hash: checked for users who do not exist, so that they take as long."""


def hash_password(password: str) -> str:
    """A `$6$` hash with a salt of its own.

    Raises:
        ValueError: The password is empty or longer than 1024 octets.
    """
    octets = password.encode()
    if not octets or len(octets) > MAX_PASSWORD:
        raise ValueError(f"a password has 1 to {MAX_PASSWORD} octets")
    salt = "".join(secrets.choice(ALPHABET) for _ in range(16))
    return sha_crypt(octets, f"$6${salt}")


def check(password: str, stored: str) -> bool:
    """Whether a password is the one of a stored hash; takes as long either way."""
    octets = password.encode("utf-8", "surrogatepass")
    if len(octets) > MAX_PASSWORD or problem_of(stored) is not None:
        return False
    return hmac.compare_digest(sha_crypt(octets, stored).encode(), stored.encode())


def problem_of(stored: str) -> str | None:
    """Why a hash cannot be used; None if it can."""
    parts = _FORMAT.fullmatch(stored)
    if parts is None:
        return "only SHA-crypt ($5$ and $6$) and clear text ($0$) are taken"
    if parts["digest"] is None or len(parts["digest"]) != _DIGEST_LENGTH[parts["kind"]]:
        return "the hash is cut off"
    if int(parts["rounds"] or DEFAULT_ROUNDS) > MAX_ROUNDS:
        return f"more than {MAX_ROUNDS} rounds take too long"
    return None


def sha_crypt(password: bytes, setting: str) -> str:
    """Hashes with the kind, rounds and salt of a setting, which may be a whole hash.

    Raises:
        ValueError: The setting is none.
    """
    parts = _FORMAT.fullmatch(setting)
    if parts is None:
        raise ValueError("a setting is $5$salt or $6$salt, with rounds=N$ before the salt or not")
    new = hashlib.sha256 if parts["kind"] == "5" else hashlib.sha512
    stated = parts["rounds"]
    rounds = min(max(int(stated or DEFAULT_ROUNDS), MIN_ROUNDS), 999_999_999)
    salt = parts["salt"].encode()
    digest = _stretch(new, password, salt, _first(new, password, salt), rounds)
    head = f"${parts['kind']}$" + (f"rounds={rounds}$" if stated else "")
    return f"{head}{parts['salt']}${_printed(digest, parts['kind'])}"


def _first(new: Callable[..., Any], password: bytes, salt: bytes) -> bytes:
    """Steps 1 to 12: digest A."""
    size = new().digest_size
    alternate = new(password + salt + password).digest()
    mixed = new(password + salt)
    mixed.update(_repeated(alternate, len(password)))
    length = len(password)
    while length:
        mixed.update(alternate[:size] if length & 1 else password)
        length >>= 1
    return bytes(mixed.digest())


def _stretch(
    new: Callable[..., Any], password: bytes, salt: bytes, first: bytes, rounds: int
) -> bytes:
    """Steps 13 to 21: digest A again and again, with the sequences P and S."""
    sequence_p = _repeated(new(password * len(password)).digest(), len(password))
    sequence_s = _repeated(new(salt * (16 + first[0])).digest(), len(salt))
    digest = first
    for number in range(rounds):
        odd = number & 1
        step = new(sequence_p if odd else digest)
        if number % 3:
            step.update(sequence_s)
        if number % 7:
            step.update(sequence_p)
        step.update(digest if odd else sequence_p)
        digest = step.digest()
    return digest


def _repeated(octets: bytes, length: int) -> bytes:
    return (octets * (length // len(octets) + 1))[:length]


def _printed(digest: bytes, kind: str) -> str:
    """Step 22: groups of three octets as four characters, the low bits first."""
    size = len(digest)
    third = size // 3
    text = []
    for at in range(third):
        # The three octets are a third of the digest apart; which comes first goes round.
        octets = [at, at + third, at + 2 * third]
        turn = at % 3 if kind == "5" else (-at) % 3
        octets = octets[-turn:] + octets[:-turn] if turn else octets
        text.append(_group(*(digest[one] for one in octets), characters=4))
    if kind == "5":
        text.append(_group(0, digest[31], digest[30], characters=3))
    else:
        text.append(_group(0, 0, digest[63], characters=2))
    return "".join(text)


def _group(high: int, middle: int, low: int, *, characters: int) -> str:
    value = high << 16 | middle << 8 | low
    return "".join(ALPHABET[value >> 6 * place & 63] for place in range(characters))
