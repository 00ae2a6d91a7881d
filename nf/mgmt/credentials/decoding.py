"""Keys, certificates and revocation lists as a configuration gives them: DER, CMS, PEM."""

import base64
import binascii
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs7

__all__ = [
    "SHORTEST_RSA",
    "PrivateKey",
    "certificates",
    "octets_of",
    "pem_of",
    "private_key",
    "public_of",
    "revocation_list",
]

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
"""The kinds that SSH and TLS both know."""

PEM = b"-----BEGIN "
SHORTEST_RSA = 2048
"""Bits; NIST SP 800-131A forbids shorter ones since 2014."""
REMEMBERED = 1024


def octets_of(value: str) -> bytes:
    """The octets of a leaf of type binary.

    Raises:
        ValueError: It is no base64.
    """
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except binascii.Error as error:
        raise ValueError(f"this is no base64: {error}") from error


def private_key(octets: bytes) -> PrivateKey:
    """A private key in DER or PEM, or as OpenSSH writes it.

    Raises:
        ValueError: It is none, has a password, or is of a kind that is not used.
    """
    try:
        if b"BEGIN OPENSSH" in octets:
            key: object = serialization.load_ssh_private_key(octets, None)
        elif PEM in octets:
            key = serialization.load_pem_private_key(octets, None)
        else:
            key = serialization.load_der_private_key(octets, None)
    except TypeError as error:
        raise ValueError("the private key has a password: give it without one") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("this is no private key in DER, PEM or OpenSSH's form") from error
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < SHORTEST_RSA:
        raise ValueError(f"an RSA key of {key.key_size} bits: {SHORTEST_RSA} are the fewest")
    if not isinstance(key, PrivateKey):
        raise ValueError("keys are of RSA, of elliptic curves (ECDSA), or Ed25519")  # noqa: TRY004
    return key


def pem_of(key: PrivateKey) -> bytes:
    """A private key as PKCS #8 in PEM, without a password."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_of(key: PrivateKey) -> bytes:
    """Its public key as SubjectPublicKeyInfo in DER."""
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@lru_cache(REMEMBERED)
def certificates(value: str) -> tuple[x509.Certificate, ...]:
    """The certificates in a leaf of type binary, in their order; at least one.

    Raises:
        ValueError: There are none.
    """
    octets = octets_of(value)
    try:
        if octets.startswith(b"-----BEGIN PKCS7"):
            found = pkcs7.load_pem_pkcs7_certificates(octets)
        elif PEM in octets:
            found = x509.load_pem_x509_certificates(octets)
        else:
            found = _of_der(octets)
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise ValueError("this is no certificate in DER, CMS or PEM") from error
    if not found:
        raise ValueError("there is no certificate in this")
    for one in found:
        _readable(one)
    return tuple(found)


def _of_der(octets: bytes) -> list[x509.Certificate]:
    try:
        return [x509.load_der_x509_certificate(octets)]
    except (ValueError, x509.InvalidVersion):
        return pkcs7.load_der_pkcs7_certificates(octets)


def _readable(certificate: x509.Certificate) -> None:
    """Refuses now what would fail when somebody connects: parts are decoded when asked for.

    Raises:
        ValueError: A name, the extensions or the public key cannot be read.
    """
    try:
        certificate.subject.rfc4514_string()
        certificate.issuer.rfc4514_string()
        list(certificate.extensions)
        certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise ValueError(f"a certificate in this is not usable: {error}") from error


@lru_cache(REMEMBERED)
def revocation_list(value: str) -> x509.CertificateRevocationList:
    """The list in a leaf of type binary.

    Raises:
        ValueError: It is none, or does not say until when it is good.
    """
    octets = octets_of(value)
    try:
        found = x509.load_pem_x509_crl(octets) if PEM in octets else x509.load_der_x509_crl(octets)
        found.issuer.rfc4514_string()
        until = found.next_update_utc
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("this is no revocation list in DER or PEM") from error
    if until is None:
        raise ValueError("the list does not say until when it is good (nextUpdate)")
    return found
