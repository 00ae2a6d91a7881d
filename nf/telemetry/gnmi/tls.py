"""Keys and certificates of the target's endpoints: out of files, or of the keystore."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from nf.mgmt.credentials.material import Identity, Material
from nf.mgmt.credentials.provider import Credentials
from nf.mgmt.transaction import ProviderError
from nf.telemetry.gnmi.settings import Endpoint, Tls

__all__ = ["check", "identity_of", "server_credentials", "trusted"]

log = logging.getLogger(__name__)


def server_credentials(
    endpoint: Endpoint, credentials: Credentials, material: Material
) -> grpc.ServerCredentials:
    """Of an endpoint with TLS; what has changed later is used from the next handshake on.

    Args:
        endpoint: Where.
        credentials: Keys in force.
        material: Keys of the configuration that is being prepared.

    Raises:
        ProviderError: A file, a key or a certificate does not serve.
    """
    tls = endpoint.tls
    if tls is None:
        raise ValueError("the endpoint has no TLS")
    source = _Source(tls, f"{endpoint.path}/tls", credentials)
    return grpc.dynamic_ssl_server_credentials(
        source.first(material),
        source.fresh,
        require_client_authentication=tls.clients == "required",
    )


def check(endpoint: Endpoint, credentials: Credentials, material: Material) -> None:
    """Refuses a keystore or a truststore that an endpoint, open already, could not go on with.

    Raises:
        ProviderError: A key or a certificate does not serve.
    """
    tls = endpoint.tls
    if tls is not None and (tls.bag or not tls.certificate):
        _Source(tls, f"{endpoint.path}/tls", credentials).first(material)


def identity_of(material: Material, key: str, certificate: str, path: str) -> Identity:
    """A key of the keystore by its name and that of its certificate; either may be empty.

    Raises:
        ProviderError: The key has no certificate.
    """
    stated = {"asymmetric-key": key, "certificate": certificate}
    return material.identity({name: value for name, value in stated.items() if value}, path)


def trusted(material: Material, name: str, path: str) -> bytes:
    """Authorities of the truststore, in PEM.

    Args:
        material: Which has them.
        name: Of the bag.
        path: Of the container `tls` whose `ca-certs` names it.

    Raises:
        ProviderError: The bag has revocation lists.
    """
    bag = material.bag(name)
    if bag.revoked:
        raise ProviderError(
            f"{path}/ca-certs",
            "gRPC asks no revocation lists: it would trust whose certificate is revoked",
            "revocation-list",
        )
    return bag.pem


@dataclass(frozen=True, slots=True)
class _Read:
    """What a handshake needs, in PEM."""

    key: bytes
    chain: bytes
    authorities: bytes | None

    def configuration(self) -> Any:
        return grpc.ssl_server_certificate_configuration([(self.key, self.chain)], self.authorities)


class _Source:
    """Where an endpoint's key and certificates come from."""

    def __init__(self, tls: Tls, path: str, credentials: Credentials) -> None:
        self._tls = tls
        self._path = path
        self._credentials = credentials
        self._stamps: tuple[tuple[str, int], ...] = ()
        self._read: _Read | None = None

    def first(self, material: Material) -> Any:
        """For the first handshake.

        Raises:
            ProviderError: Something does not serve.
        """
        self._read = read = self._load(material)
        return read.configuration()

    def fresh(self) -> Any:
        """For a handshake: what is new, None where nothing is."""
        try:
            stamps = self._files_now()
            if stamps != self._stamps or not self._tls.certificate:
                read = self._load(self._credentials.current)
                if read != self._read:
                    self._read = read
                    return read.configuration()
        except (ProviderError, OSError, KeyError):
            # The old material goes on until the new one is whole.
            log.exception("what TLS of gNMI needs has changed but cannot be used")
        return None

    def _load(self, material: Material) -> _Read:
        stamps = self._files_now()
        if self._tls.certificate:
            chain = self._file("certificate", self._tls.certificate)
            key = self._file("private-key", self._tls.key)
        else:
            identity = identity_of(
                material,
                self._tls.key_name,
                self._tls.certificate_name,
                f"{self._path}/keystore/server-identity",
            )
            key, chain = identity.key, identity.chain
        authorities = self._authorities(material)
        self._stamps = stamps
        return _Read(key, chain, authorities)

    def _authorities(self, material: Material) -> bytes | None:
        if self._tls.authorities:
            return self._file("client-authorities", self._tls.authorities)
        return trusted(material, self._tls.bag, self._path) if self._tls.bag else None

    def _file(self, leaf: str, name: str) -> bytes:
        try:
            read = Path(name).read_bytes()
        except OSError as error:
            raise ProviderError(
                f"{self._path}/{leaf}", f"{name} cannot be read: {error.strerror}", "tls-file"
            ) from error
        if b"-----BEGIN " not in read:
            raise ProviderError(f"{self._path}/{leaf}", f"{name} is no PEM", "tls-file")
        return read

    def _files_now(self) -> tuple[tuple[str, int], ...]:
        """Files and when they were changed; 0 for one that is missing, which `_file` tells of."""
        named = (self._tls.certificate, self._tls.key, self._tls.authorities)
        files = [Path(name) for name in named if name]
        return tuple((str(file), file.stat().st_mtime_ns if file.exists() else 0) for file in files)
