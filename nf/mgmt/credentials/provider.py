"""The one place that keys, certificates and trust come from: provider, and source of state."""

import base64
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from lxml import etree

from nf.errors import NfError
from nf.mgmt.changes import Change
from nf.mgmt.commits import Conversion
from nf.mgmt.credentials.built_in import built_in
from nf.mgmt.credentials.decoding import octets_of
from nf.mgmt.credentials.expiry import ExpiryWatch, rfc3339
from nf.mgmt.credentials.material import KEYSTORE, TOP, Dated, Key, Material
from nf.mgmt.credentials.vault import Vault
from nf.mgmt.transaction import Data

if TYPE_CHECKING:
    from nf.mgmt.core import Core
    from nf.mgmt.history import Entry, History

__all__ = ["Credentials"]

log = logging.getLogger(__name__)


class Credentials:
    """Keystore and truststore in force; thread-safe.

    Whoever uses a key asks `material` for that of the configuration that it prepares for; so all
    of them change with one commit.
    """

    name = "credentials"
    watches: tuple[str, ...] = (TOP,)

    def __init__(self, folder: Path) -> None:
        """Makes the built-in keys where there are none.

        Args:
            folder: Where the function keeps what outlives it.

        Raises:
            ConfigurationError: A key cannot be made or used.
        """
        self._built_in = built_in(folder)
        self._vault = Vault(folder / "keys")
        self._current = self.material({})
        self._watch: ExpiryWatch | None = None
        self.watchers: list[Callable[[Sequence[Dated]], None]] = []
        """Get what ends before long, or has ended, from time to time and after each change."""

    def attach(self, core: "Core") -> None:
        """Registers with a core that is not started yet, before anybody who uses keys."""
        self._forget_unused(core.history)
        core.providers.register(self)
        core.commits.conversions.append(Conversion(TOP, self._vault.hide))
        core.commits.keepers.append(self._vault.keep)
        core.state.register(self)
        self._watch = ExpiryWatch(
            lambda: (self._current.dated, self._current.warned_before),
            core.events.publish,
            looked=self._looked,
        )
        self._watch.start()

    def _forget_unused(self, history: "History") -> None:
        """Removes private keys that no configuration names which could come in force again."""
        try:
            known = [history.entry(note.number) for note in history.entries()]
            startup = history.startup()
            known += [startup] if startup is not None else []
            gone = self._vault.forget_all_but(
                {one for entry in known for one in _public_keys(entry)}
            )
        except (NfError, OSError, ValueError) as error:
            # Whoever starts with a damaged configuration hears of it from the core.
            log.warning("private keys that nobody names any more are left: %s", error)
            return
        if gone:
            log.info("%d private keys that no configuration names any more are removed", gone)

    def _looked(self, expiring: Sequence[Dated]) -> None:
        for told in self.watchers:
            told(expiring)

    def stop(self) -> None:
        """Tells of nothing any more."""
        if self._watch is not None:
            self._watch.stop()

    def material(self, data: Data) -> Material:
        """Keys and trust of a configuration.

        Raises:
            ProviderError: Something in it cannot be used.
        """
        return Material.of(data, self._vault, self._built_in)

    @property
    def current(self) -> Material:
        """What is in force."""
        return self._current

    def written(self, name: str) -> int:
        """When the private key of that entry came, in nanoseconds since 1970; 0 for unknown.

        Raises:
            OSError: The folder cannot be read.
        """
        key = self._current.keys.get(name)
        return 0 if key is None else self._vault.written(key.public)

    def expiring(self, within: timedelta | None = None) -> list[Dated]:
        """What ends within a time, the first first; what has ended, too.

        Args:
            within: None for the time that the configuration says.
        """
        return [] if self._watch is None else self._watch.expiring(within)

    # Provider -----------------------------------------------------------------------------------

    def prepare(self, before: Data | None, after: Data, changes: Sequence[Change]) -> "_Prepared":
        """Reads everything, used or not.

        Raises:
            ProviderError: Something cannot be used.
        """
        del before, changes
        return _Prepared(self, self.material(after))

    def put_in_force(self, material: Material) -> None:
        """Shows, and watches, this from now on."""
        self._current = material
        if self._watch is not None:
            self._watch.changed()

    # State --------------------------------------------------------------------------------------

    def top(self) -> str:
        """See `StateSource`."""
        return TOP

    def get(self) -> dict[str, Any]:
        """See `StateSource`."""
        current = self._current
        keystore = {
            "built-in-key": [_shown(current.ssh), _shown(current.tls)],
            "certificate-state": [
                {
                    "path": one.path,
                    "subject": one.subject,
                    "fingerprint": one.fingerprint,
                    "expiration-date": rfc3339(one.ends),
                }
                for one in current.dated
            ],
        }
        return {TOP: {"management": {KEYSTORE: keystore}}}


@dataclass(frozen=True, slots=True)
class _Prepared:
    credentials: Credentials
    material: Material

    def apply(self) -> None:
        self.credentials.put_in_force(self.material)

    def abort(self) -> None:
        """Nothing was taken."""


def _public_keys(kept: "Entry") -> Iterator[bytes]:
    """The public keys in the keystore of a configuration, or in a change towards it."""
    keystore = json.loads(kept.data).get(TOP, {}).get("management", {}).get(KEYSTORE, {})
    for entry in keystore.get("asymmetric-keys", {}).get("asymmetric-key", ()):
        yield octets_of(entry.get("public-key", ""))
    for change in kept.changes:
        for found in etree.fromstring(b"<changes>" + change + b"</changes>").iter("{*}public-key"):
            yield octets_of(found.text or "")


def _shown(key: Key) -> dict[str, Any]:
    shown = {"name": key.name, "public-key": base64.b64encode(key.public).decode()}
    for chain in key.certificates.values():
        octets = chain[0].public_bytes(serialization.Encoding.DER)
        shown["cert-data"] = base64.b64encode(octets).decode()
    return shown
