"""Private keys on disk, outside of the configuration, which names them by their public keys.

A key arrives as `cleartext-private-key`; before anything else sees the tree, `hide` takes it out
and leaves the public key in its place. It is written when a configuration that names it is.
"""

import base64
import hashlib
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from nf.mgmt.credentials.decoding import octets_of, pem_of, private_key, public_of
from nf.mgmt.rpc_error import RpcErrors
from nf.process.whole import replace_whole

if TYPE_CHECKING:
    from collections.abc import Collection

    from nf._native.yang import Tree

__all__ = ["CLEARTEXT", "PUBLIC", "Vault"]

_KEY = "/nf-probe:probe/management/nf-credentials:keystore/asymmetric-keys/asymmetric-key"
CLEARTEXT = f"{_KEY}/cleartext-private-key"
PUBLIC = f"{_KEY}/public-key"

WAITING = 256
"""Keys that have arrived and belong to no configuration yet; the oldest are forgotten first."""


class Vault:
    """Private keys, by SHA-256 of their public keys; thread-safe.

    Args:
        folder: Its own, that nobody else may read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, bytes] = OrderedDict()

    def hide(self, tree: "Tree") -> bool:
        """Takes every private key out of a tree; see the module.

        Returns:
            Whether there was one.

        Raises:
            RpcErrors: `invalid-value`: one cannot be used.
        """
        found = tree.find(CLEARTEXT)
        for path, value in found:
            try:
                key = private_key(octets_of(value or ""))
            except ValueError as error:
                raise RpcErrors.of(
                    tag="invalid-value", message=str(error), path=path, app_tag="private-key"
                ) from error
            public = public_of(key)
            self._remember(_name(public), pem_of(key))
            entry = path.rpartition("/")[0]
            tree.remove(path)
            tree.set(f"{entry}/public-key", base64.b64encode(public).decode())
            tree.set(f"{entry}/hidden-private-key", None)
        return bool(found)

    def _remember(self, name: str, pem: bytes) -> None:
        with self._lock:
            self._waiting[name] = pem
            self._waiting.move_to_end(name)
            while len(self._waiting) > WAITING:
                self._waiting.popitem(last=False)

    def keep(self, tree: "Tree") -> None:
        """Writes what a tree names and is not written yet; before the tree itself is.

        Raises:
            OSError: It cannot be written.
        """
        for _, value in tree.find(PUBLIC):
            name = _name(octets_of(value or ""))
            with self._lock:
                pem = self._waiting.get(name)
                if pem is not None:
                    replace_whole(self._folder / name, pem)
                    del self._waiting[name]

    def find(self, public: bytes) -> bytes | None:
        """The private key of a public one, as PKCS #8 in PEM; None if it is not here.

        Raises:
            OSError: It cannot be read.
        """
        name = _name(public)
        with self._lock:
            if (waiting := self._waiting.get(name)) is not None:
                return waiting
            try:
                return (self._folder / name).read_bytes()
            except FileNotFoundError:
                return None

    def written(self, public: bytes) -> int:
        """When a private key was written, in nanoseconds since 1970; 0 if it is not here."""
        try:
            return (self._folder / _name(public)).stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def forget_all_but(self, named: "Collection[bytes]") -> int:
        """Removes the private keys of all but these public ones; how many.

        Raises:
            OSError: One cannot be removed.
        """
        kept = {_name(public) for public in named}
        gone = [file for file in self._folder.glob("*.pem") if file.name not in kept]
        # What a crash left of a key that was being written is half a key, and secret.
        gone += self._folder.glob(".*.new")
        for file in gone:
            file.unlink()
        return len(gone)


def _name(public: bytes) -> str:
    return f"{hashlib.sha256(public).hexdigest()}.pem"
