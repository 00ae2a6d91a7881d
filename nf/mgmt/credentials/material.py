"""Keystore and truststore of a configuration, ready for use: a pure function of both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from nf.mgmt.credentials.decoding import certificates, octets_of, revocation_list
from nf.mgmt.transaction import Data, ProviderError

if TYPE_CHECKING:
    from nf.mgmt.credentials.built_in import BuiltIn
    from nf.mgmt.credentials.vault import Vault

__all__ = ["PATH", "TOP", "Bag", "Dated", "Identity", "Key", "Material", "fingerprint_of"]

TOP = "nf-probe:probe"
PATH = "/nf-probe:probe/management"
KEYSTORE, TRUSTSTORE = "nf-credentials:keystore", "nf-credentials:truststore"
BUILT_IN_SSH, BUILT_IN_TLS = "ssh-host", "tls-server"
WARNED_BEFORE = 30
"""Days; the default of the model."""
SHA256 = "04"
"""Of the TLS HashAlgorithm Registry, as the first octet of a fingerprint (RFC 7407 section 4)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A key with the certificates that speak for it.

    Attributes:
        key: PKCS #8 in PEM.
        chain: Certificates in PEM, the key's first.
    """

    key: bytes = field(repr=False)
    chain: bytes


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the keystore.

    Attributes:
        name: Of its entry; `ssh-host` and `tls-server` for those that are built in.
        path: Data path of its entry.
        private: PKCS #8 in PEM.
        public: SubjectPublicKeyInfo in DER.
        certificates: By name, each with those above it.
    """

    name: str
    path: str
    private: bytes = field(repr=False)
    public: bytes = field(repr=False)
    certificates: Mapping[str, tuple[x509.Certificate, ...]]


@dataclass(frozen=True, slots=True)
class Bag:
    """Certificates that are trusted for one purpose.

    Attributes:
        certificates: All of them.
        revoked: Lists of what their authorities have revoked.
    """

    certificates: tuple[x509.Certificate, ...] = ()
    revoked: tuple[x509.CertificateRevocationList, ...] = ()

    @property
    def pem(self) -> bytes:
        """All of it in PEM."""
        encoding = serialization.Encoding.PEM
        return b"".join(
            [one.public_bytes(encoding) for one in self.certificates]
            + [one.public_bytes(encoding) for one in self.revoked]
        )


@dataclass(frozen=True, slots=True)
class Dated:
    """Something that ceases to be good.

    Attributes:
        path: Where it is in the model.
        subject: Whose it is.
        fingerprint: As a map of certificates to names takes it.
        ends: When that is.
    """

    path: str
    subject: str
    fingerprint: str
    ends: datetime


@dataclass(frozen=True, slots=True)
class Material:
    """Everything.

    Attributes:
        keys: Of the keystore, by name.
        bags: Of the truststore, by name.
        ssh: Host key that is built in.
        tls: Key of the server of TLS that is built in.
        warned_before: Days before the end of a certificate at which somebody is to be told.
    """

    keys: Mapping[str, Key]
    bags: Mapping[str, Bag]
    ssh: Key
    tls: Key
    warned_before: int
    dated: tuple[Dated, ...]

    @classmethod
    def of(cls, data: Data, vault: "Vault", built_in: "BuiltIn") -> "Material":
        """Of a configuration as RFC 7951 JSON.

        Raises:
            ProviderError: Something in it cannot be used.
        """
        management = data.get(TOP, {}).get("management", {})
        keystore, truststore = management.get(KEYSTORE, {}), management.get(TRUSTSTORE, {})
        listed = keystore.get("asymmetric-keys", {}).get("asymmetric-key", ())
        keys = {entry["name"]: _key(entry, vault) for entry in listed}
        bags: dict[str, Bag] = {}
        dated: list[Dated] = []
        for entry in truststore.get("certificate-bags", {}).get("certificate-bag", ()):
            bags[entry["name"]] = _bag(entry, dated)
        ssh = _built_in(BUILT_IN_SSH, built_in.ssh, {})
        tls = _built_in(BUILT_IN_TLS, built_in.tls, {"self-signed": (built_in.certificate,)})
        for key in (*keys.values(), tls):
            for name, chain in key.certificates.items():
                at = (
                    f"{key.path}/cert-data"
                    if key is tls
                    else f"{key.path}/certificates/certificate[name='{name}']"
                )
                dated.append(_dated(at, min(chain, key=lambda one: one.not_valid_after_utc)))
        warned = keystore.get("expiry-warning", WARNED_BEFORE)
        return cls(keys, bags, ssh, tls, warned, tuple(dated))

    def identity(self, reference: dict[str, Any], path: str) -> Identity:
        """What a container `server-identity` names; the built-in one where it names nothing.

        Raises:
            ProviderError: The key has no certificate.
        """
        name = reference.get("asymmetric-key")
        key = self.tls if name is None else self.keys[name]
        if not key.certificates:
            raise ProviderError(
                f"{path}/asymmetric-key", f"the key {name} has no certificate", "no-certificate"
            )
        chain = key.certificates[reference.get("certificate", next(iter(key.certificates)))]
        pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)
        return Identity(key.private, pem)

    def bag(self, name: str | None) -> Bag:
        """A bag by its name; an empty one for None."""
        return Bag() if name is None else self.bags[name]


def _key(entry: dict[str, Any], vault: "Vault") -> Key:
    path = f"{PATH}/{KEYSTORE}/asymmetric-keys/asymmetric-key[name='{entry['name']}']"
    try:
        public = octets_of(entry.get("public-key", ""))
    except ValueError as error:
        raise ProviderError(f"{path}/public-key", str(error), "public-key") from error
    try:
        private = vault.find(public)
    except OSError as error:
        raise ProviderError(
            path, f"the private key cannot be read: {error.strerror}", "private-key"
        ) from error
    if private is None:
        raise ProviderError(
            f"{path}/hidden-private-key",
            "the probe does not have the private key of this public key: give it in"
            " cleartext-private-key",
            "private-key-missing",
        )
    found: dict[str, tuple[x509.Certificate, ...]] = {}
    for one in entry.get("certificates", {}).get("certificate", ()):
        at = f"{path}/certificates/certificate[name='{one['name']}']/cert-data"
        chain = _certificates(one["cert-data"], at)
        if _spki(chain[0]) != public:
            raise ProviderError(at, "the first certificate is one of another key", "other-key")
        found[one["name"]] = chain
    return Key(entry["name"], path, private, public, found)


def _built_in(name: str, private: bytes, certified: dict[str, tuple[x509.Certificate, ...]]) -> Key:
    path = f"{PATH}/{KEYSTORE}/built-in-key[name='{name}']"
    return Key(name, path, private, _public(private), certified)


@lru_cache(8)
def _public(private: bytes) -> bytes:
    key = serialization.load_pem_private_key(private, None)
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _bag(entry: dict[str, Any], dated: list[Dated]) -> Bag:
    path = f"{PATH}/{TRUSTSTORE}/certificate-bags/certificate-bag[name='{entry['name']}']"
    trusted: list[x509.Certificate] = []
    for one in entry.get("certificate", ()):
        at = f"{path}/certificate[name='{one['name']}']"
        found = _certificates(one["cert-data"], f"{at}/cert-data")
        trusted.extend(found)
        dated.append(_dated(at, min(found, key=lambda each: each.not_valid_after_utc)))
    revoked = tuple(_lists(entry.get("revocation-list", ()), path, trusted, dated))
    return Bag(tuple(trusted), revoked)


def _lists(
    listed: list[dict[str, Any]],
    path: str,
    trusted: list[x509.Certificate],
    dated: list[Dated],
) -> Iterator[x509.CertificateRevocationList]:
    for one in listed:
        at = f"{path}/revocation-list[name='{one['name']}']"
        try:
            found = revocation_list(one["crl-data"])
        except ValueError as error:
            raise ProviderError(f"{at}/crl-data", str(error), "revocation-list") from error
        # A list whose issuer a client sends along can only be checked when that client connects.
        issuers = [each for each in trusted if each.subject == found.issuer]
        if issuers and not any(_signed(found, issuer) for issuer in issuers):
            raise ProviderError(
                f"{at}/crl-data",
                "the list is not signed by the authority that it names",
                "revocation-list",
            )
        ends = found.next_update_utc
        if ends is not None:
            digest = found.fingerprint(hashes.SHA256()).hex(":")
            issuer = found.issuer.rfc4514_string()
            dated.append(Dated(at, issuer, f"{SHA256}:{digest}", ends))
        yield found


def _signed(found: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return found.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except TypeError:
        # The issuer's key is of a kind that signs nothing.
        return False


def _certificates(value: str, path: str) -> tuple[x509.Certificate, ...]:
    try:
        return certificates(value)
    except ValueError as error:
        raise ProviderError(path, str(error), "certificate") from error


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def fingerprint_of(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate as the type `tls-fingerprint` writes it."""
    return f"{SHA256}:{certificate.fingerprint(hashes.SHA256()).hex(':')}"


def _dated(path: str, certificate: x509.Certificate) -> Dated:
    return Dated(
        path,
        certificate.subject.rfc4514_string(),
        fingerprint_of(certificate),
        certificate.not_valid_after_utc,
    )
