"""The keystore and the truststore as gNOI cert sees them.

A certificate's id is the name of a key of the keystore. What is loaded becomes a transaction of the
core like any other: access control, the model, and all who use the key are asked before it is in
force.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from grpc import StatusCode

from nf.mgmt.credentials.decoding import certificates
from nf.mgmt.credentials.material import KEYSTORE, TOP, TRUSTSTORE
from nf.mgmt.stepwise import Confirm, Step, edit_in_steps
from nf.mgmt.subscriptions.patterns import Instance, Place
from nf.telemetry.gnmi.editing import Editor
from nf.telemetry.gnmi.errors import Refused, invalid

if TYPE_CHECKING:
    from nf.mgmt.core import Core
    from nf.mgmt.credentials.provider import Credentials
    from nf.mgmt.session import Session

__all__ = ["BUNDLE", "CertificateStore", "Held", "Load"]

BUNDLE = "gnoi"
"""Bag of the truststore that a bundle of authorities becomes."""
IDENTITIES = ("server-identity", "client-identity")
"""Containers that name a key."""
_KEY = (KEYSTORE, "asymmetric-keys", "asymmetric-key")
_BAG = (TRUSTSTORE, "certificate-bags", "certificate-bag")


@dataclass(frozen=True, slots=True)
class Load:
    """A certificate to be put in force.

    Attributes:
        name: Its id.
        certificate: With those between it and its authority, in PEM.
        key: Private key; None for the one that the entry has.
        authorities: Who signs those of others; none for leaving the bundle as it is.
    """

    name: str
    certificate: bytes
    key: bytes | None = field(repr=False)
    authorities: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate of the keystore.

    Attributes:
        name: Its id.
        certificate: In PEM, with those above it.
        users: Who proves itself by the key, as paths without modules.
        changed: When its private key came, in nanoseconds since 1970; 0 for unknown.
    """

    name: str
    certificate: bytes
    users: tuple[str, ...]
    changed: int


class CertificateStore:
    """Methods are synchronous, may be called from any thread, and raise `RpcErrors` of the core."""

    def __init__(self, core: "Core", credentials: "Credentials") -> None:
        """For a core that has started."""
        self._core = core
        self._credentials = credentials
        self._editor = Editor(core.schema)

    def has(self, name: str) -> bool:
        """Whether there is a key of that name."""
        return self._entry(_KEY, name) is not None

    def listed(self, session: "Session") -> list[Held]:
        """All certificates, as far as the session may read them."""
        data = self._core.get_config(session, "running").to_data().get(TOP, {})
        users = dict[str, list[str]]()
        for key, path in _users(data, ""):
            users.setdefault(key, []).append(path)
        keystore = data.get("management", {}).get(KEYSTORE, {})
        return [
            Held(
                entry["name"],
                _pem(one["cert-data"]),
                tuple(users.get(entry["name"], ())),
                self._credentials.written(entry["name"]),
            )
            for entry in keystore.get("asymmetric-keys", {}).get("asymmetric-key", ())
            for one in entry.get("certificates", {}).get("certificate", ())
            if "cert-data" in one
        ]

    def load(self, session: "Session", wanted: Load, confirm: int | None = None) -> None:
        """Puts a certificate in force, and its key and the bundle with it.

        Args:
            session: Who does.
            wanted: What.
            confirm: Seconds after which it goes back, as it does when the session ends; None for
                never.

        Raises:
            Refused: INVALID_ARGUMENT for a certificate that is none or has ended.
        """
        _check(wanted.certificate)
        with self._core.commits.writing:
            content = self._with_key(wanted)
            steps = [self._put(_KEY, wanted.name, content)]
            if wanted.authorities:
                steps.append(self._bundle(wanted.authorities))
            edit_in_steps(
                self._core, session, steps, None if confirm is None else Confirm(confirm, None)
            )

    def _with_key(self, wanted: Load) -> dict[str, Any]:
        """The entry anew; a certificate keeps the name by which others refer to it."""
        entry = self._entry(_KEY, wanted.name) or {}
        known = entry.get("certificates", {}).get("certificate", ())
        if len(known) > 1:
            raise Refused(
                StatusCode.FAILED_PRECONDITION,
                f"the key {wanted.name} has {len(known)} certificates: this would end all",
                place="certificate_id",
                hint="change them in the configuration, or leave one",
            )
        content: dict[str, Any] = {"name": wanted.name}
        if wanted.key is not None:
            content["cleartext-private-key"] = _encoded(wanted.key)
        elif entry:
            content["public-key"] = entry["public-key"]
            content["hidden-private-key"] = [None]
        else:
            raise invalid(
                "there is no private key for this certificate",
                place="key_pair",
                hint="begin with generate_csr, or send a key_pair",
            )
        name = known[0]["name"] if known else wanted.name
        certificate = {"name": name, "cert-data": _encoded(wanted.certificate)}
        content["certificates"] = {"certificate": [certificate]}
        return content

    def confirm(self, session: "Session") -> None:
        """What the session has loaded stays.

        Raises:
            Refused: FAILED_PRECONDITION: it has gone back already.
        """
        with self._core.commits.writing:
            if not self._core.confirming.waits_for(session):
                raise Refused(
                    StatusCode.FAILED_PRECONDITION,
                    "what was loaded has gone back already",
                    place="finalize_rotation",
                    hint="rotate again, and finalize sooner",
                )
            self._core.confirming.confirm(session)

    def trust(self, session: "Session", authorities: Sequence[bytes]) -> None:
        """Puts a bundle of authorities in the place of the one that is there."""
        with self._core.commits.writing:
            edit_in_steps(self._core, session, [self._bundle(authorities)])

    def _bundle(self, authorities: Sequence[bytes]) -> Step:
        entry = self._entry(_BAG, BUNDLE) or {}
        for one in authorities:
            _check(one)
        listed = [
            {"name": f"{BUNDLE}-{number}", "cert-data": _encoded(one)}
            for number, one in enumerate(authorities, 1)
        ]
        return self._put(_BAG, BUNDLE, {**entry, "name": BUNDLE, "certificate": listed})

    def revoke(self, session: "Session", name: str) -> None:
        """Removes a key with its certificates; one that is not there is no error."""
        with self._core.commits.writing:
            entry = self._entry(_KEY, name)
            if entry is None:
                return
            place = self._place(_KEY, name)
            config = self._editor.remove([Instance(place, place[-1][0], entry)])
            edit_in_steps(self._core, session, [Step(config, 0)] if config else [])

    # Parts --------------------------------------------------------------------------------------

    def _entry(self, where: tuple[str, ...], name: str) -> dict[str, Any] | None:
        node: dict[str, Any] = self._core.commits.running.data.get(TOP, {}).get("management", {})
        *above, last = where
        for step in above:
            node = node.get(step, {})
        return next((entry for entry in node.get(last, ()) if entry["name"] == name), None)

    def _put(self, where: tuple[str, ...], name: str, content: dict[str, Any]) -> Step:
        return Step(self._editor.put(self._place(where, name), content, replace=True), 0)

    def _place(self, where: tuple[str, ...], name: str) -> Place:
        node, place = self._core.schema.root, []
        for member in (TOP, "management", *where):
            module, _, local = member.rpartition(":")
            node = node.named(module or node.module, local)[0]
            place.append((node, (name,) if node.keys else ()))
        return tuple(place)


def _users(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Names of keys, and where in a configuration they are used."""
    if isinstance(node, list):
        for entry in node:
            named = isinstance(entry, dict) and "name" in entry
            yield from _users(entry, f"{path}[name={entry['name']}]" if named else path)
    elif isinstance(node, dict):
        for member, value in node.items():
            name = member.rpartition(":")[2]
            if name in IDENTITIES and "asymmetric-key" in value:
                yield value["asymmetric-key"], path
            elif name == "ssh-host-key":
                yield from ((key, f"{path}/{name}") for key in value)
            elif member != KEYSTORE:
                yield from _users(value, f"{path}/{name}")


def _check(certificate: bytes) -> None:
    """Refuses what is no certificate, or is none any more."""
    try:
        found = certificates(_encoded(certificate))
    except ValueError as error:
        raise invalid(str(error), place="certificate", hint="send it in PEM") from error
    ended = [one for one in found if one.not_valid_after_utc < datetime.now(UTC)]
    if ended:
        raise invalid(
            f"the certificate of {ended[0].subject.rfc4514_string()} has ended on"
            f" {ended[0].not_valid_after_utc:%Y-%m-%d}",
            place="certificate",
            hint="send one that is valid; or see to the clocks of both sides",
        )


def _encoded(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _pem(value: str) -> bytes:
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates(value))
