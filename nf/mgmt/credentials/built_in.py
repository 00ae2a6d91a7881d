"""What the function proves itself by where nothing is configured: made at the first start."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncssh
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from nf.errors import ConfigurationError
from nf.mgmt.credentials.decoding import PrivateKey, pem_of, private_key
from nf.process.whole import replace_whole

__all__ = ["BuiltIn", "built_in"]

SSH = "ssh_host_ed25519_key"
TLS = "tls_server.pem"
YEARS = 10
RENEWED_BEFORE = timedelta(days=30)
"""A certificate that ends within this time is made anew at a start, with the same key."""
LONGEST_NAME = 64
"""Characters of a common name (RFC 5280 appendix A.1)."""


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """The keys.

    Attributes:
        ssh: Host key, as PKCS #8 in PEM.
        tls: Key of the server of TLS, likewise.
        certificate: Which that key has signed itself.
    """

    ssh: bytes = field(repr=False)
    tls: bytes = field(repr=False)
    certificate: x509.Certificate


def built_in(folder: Path, now: datetime | None = None) -> BuiltIn:
    """The keys in a folder; made there where there are none.

    Raises:
        ConfigurationError: One cannot be read or written, or is damaged.
    """
    ssh = _read(folder / SSH, _new_ssh)
    octets = _read(folder / TLS, lambda: _new_tls(now or datetime.now(UTC)))
    place = folder / TLS
    try:
        certificate = x509.load_pem_x509_certificate(octets)
    except ValueError as error:
        raise _damaged(place, error) from error
    key = _key(place, octets)
    if certificate.not_valid_after_utc - RENEWED_BEFORE < (now or datetime.now(UTC)):
        certificate = _certificate(key, now or datetime.now(UTC))
        _write(place, pem_of(key) + certificate.public_bytes(serialization.Encoding.PEM))
    return BuiltIn(pem_of(_key(folder / SSH, ssh)), pem_of(key), certificate)


def _read(path: Path, make: Callable[[], bytes]) -> bytes:
    try:
        if not path.exists():
            _write(path, make())
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        return path.read_bytes()
    except OSError as error:
        raise _unusable(path, error) from error


def _write(path: Path, octets: bytes) -> None:
    try:
        replace_whole(path, octets)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"the key cannot be used: {error.strerror}",
        str(path),
        "let the process read and write the folder",
    )


def _damaged(path: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"the key is damaged: {error}",
        str(path),
        "restore it; or remove it, and clients have to accept a new one",
    )


def _key(path: Path, octets: bytes) -> PrivateKey:
    try:
        return private_key(octets)
    except ValueError as error:
        raise _damaged(path, error) from error


def _new_ssh() -> bytes:
    key = asyncssh.import_private_key(pem_of(ed25519.Ed25519PrivateKey.generate()))
    return key.export_private_key()


def _new_tls(now: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return pem_of(key) + _certificate(key, now).public_bytes(serialization.Encoding.PEM)


def _certificate(key: PrivateKey, now: datetime) -> x509.Certificate:
    host = socket.gethostname()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:LONGEST_NAME] or "nf")])
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    if host.isascii() and host:
        names.insert(0, x509.DNSName(host))
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of a network differ; an hour is more than they should.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )
