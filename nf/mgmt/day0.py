"""The very first configuration: a day-0 file, and one administrator where it names nobody.

There is no default password. The administrator's is taken from `NF_ADMIN_PASSWORD`, or made at
random and shown once; only its hash is kept. `NF_ADMIN_KEY` (a line of authorized_keys) gives a
key besides or instead.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nf.errors import ConfigurationError, YangError

if TYPE_CHECKING:
    from nf._native.yang import Context

__all__ = ["ADMIN", "First", "first_configuration"]

ADMIN = "admin"
SYSTEM = "ietf-system:system"
NACM = "ietf-netconf-acm:nacm"

MIN_PASSWORD = 8
"""Characters that a password from the environment must have."""


@dataclass(frozen=True, slots=True)
class First:
    """What to begin with.

    Attributes:
        data: RFC 7951 JSON.
        password: Of the administrator, to be shown once; None when nobody has to be told.
    """

    data: bytes
    password: str | None = field(repr=False)


def first_configuration(
    context: "Context",
    hash_password: Callable[[str], str],
    environ: Mapping[str, str],
    day0: Path | None = None,
) -> First:
    """Makes the configuration of the first start.

    Args:
        context: The schema that the file follows.
        hash_password: Gives what ietf-system stores.
        environ: Where `NF_ADMIN_PASSWORD` and `NF_ADMIN_KEY` are looked for.
        day0: JSON (RFC 7951) or XML of configuration, if there is one.

    Raises:
        ConfigurationError: The file cannot be read or is not valid, or the password is too short.
    """
    data = _read(context, day0) if day0 else {}
    users = data.get(SYSTEM, {}).get("authentication", {}).get("user", [])
    if users:
        return First(json.dumps(data).encode(), None)
    user: dict[str, Any] = {"name": ADMIN}
    shown: str | None = None
    password = environ.get("NF_ADMIN_PASSWORD", "")
    if password and len(password) < MIN_PASSWORD:
        raise ConfigurationError(
            f"the password is shorter than {MIN_PASSWORD} characters",
            "NF_ADMIN_PASSWORD",
            "choose a longer one, or unset the variable to get a random one",
        )
    key = environ.get("NF_ADMIN_KEY", "").split()
    if key:
        user["authorized-key"] = [_key(key)]
    if not password and not key:
        password = shown = secrets.token_urlsafe(15)
    if password:
        user["password"] = hash_password(password)
    system = data.setdefault(SYSTEM, {})
    authentication = system.setdefault("authentication", {})
    authentication["user"] = [user]
    if NACM not in data:
        data[NACM] = _ADMINISTRATORS
    return First(json.dumps(data).encode(), shown)


_ADMINISTRATORS: dict[str, Any] = {
    "groups": {"group": [{"name": "administrators", "user-name": [ADMIN]}]},
    "rule-list": [
        {
            "name": "administrators",
            "group": ["administrators"],
            "rule": [
                {
                    "name": "everything",
                    "module-name": "*",
                    "access-operations": "*",
                    "action": "permit",
                }
            ],
        }
    ],
}


def _key(words: list[str]) -> dict[str, str]:
    if len(words) < 2:
        raise ConfigurationError(
            "this is no public key",
            "NF_ADMIN_KEY",
            "give a line as in authorized_keys: `ssh-ed25519 AAAA… name`",
        )
    return {
        "name": words[2] if len(words) > 2 else ADMIN,
        "algorithm": words[0],
        "key-data": words[1],
    }


def _read(context: "Context", path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"the day-0 file cannot be read: {error.strerror}", str(path), "check its name"
        ) from error
    kind = "xml" if text.lstrip().startswith(b"<") else "json"
    try:
        tree = context.parse(text, "xml" if kind == "xml" else "json")
        tree.copy().validate()
    except YangError as error:
        first = error.errors[0]
        raise ConfigurationError(
            f"the day-0 file is not valid: {first.message}",
            f"{path}: {first.path or f'line {first.line}'}",
            "see the model: nf yang tree",
        ) from error
    return tree.to_data(defaults=False)
