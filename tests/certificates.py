"""Certificates that the tests make for themselves."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["CLIENT", "HOUR", "SERVER", "Authority", "Issued", "fingerprint"]

HOUR = timedelta(hours=1)
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
LOCAL = (x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1")))


class Issued(tuple[Path, Path]):
    """Files of a certificate and of its key."""

    __slots__ = ()

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self[0].read_bytes())

    @property
    def cert_data(self) -> str:
        """As a leaf of type binary has it, in DER."""
        return encoded(self.certificate.public_bytes(serialization.Encoding.DER))

    @property
    def private_key(self) -> str:
        """As a leaf of type binary has it, in PEM."""
        return encoded(self[1].read_bytes())


class Authority:
    """A certificate authority in a folder; another one's child if that is given."""

    def __init__(
        self,
        folder: Path,
        name: str = "authority",
        above: "Authority | None" = None,
        ends: timedelta = HOUR,
    ) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = above or self
        builder = (
            signer._builder(self._name, self._key.public_key(), -HOUR, ends)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_CA_USAGE, critical=True)
        )
        self.certificate = builder.sign(signer._key, hashes.SHA256())
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def cert_data(self) -> str:
        return encoded(self.certificate.public_bytes(serialization.Encoding.DER))

    def _builder(
        self,
        name: x509.Name,
        key: CertificatePublicKeyTypes,
        begins: timedelta,
        ends: timedelta,
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
        )

    def issue(
        self,
        name: str,
        file: str | None = None,
        *,
        begins: timedelta = -HOUR,
        ends: timedelta = HOUR,
        usage: x509.ObjectIdentifier | None = None,
        names: Sequence[x509.GeneralName] = LOCAL,
        is_authority: bool = False,
    ) -> Issued:
        """Certificate and key for a host on loopback or a user, of that common name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, key.public_key(), begins, ends).add_extension(
            x509.BasicConstraints(ca=is_authority, path_length=None), critical=True
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        made = Issued((self._folder / f"{file or name}.pem", self._folder / f"{file or name}.key"))
        certificate = builder.sign(self._key, hashes.SHA256())
        made[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        made[1].write_bytes(_pem(key))
        return made

    def certify(
        self, request: bytes, *, begins: timedelta = -HOUR, ends: timedelta = HOUR
    ) -> bytes:
        """A certificate in PEM for a signing request in PEM, with the names that it asks for."""
        asked = x509.load_pem_x509_csr(request)
        assert asked.is_signature_valid
        builder = self._builder(asked.subject, asked.public_key(), begins, ends)
        for one in asked.extensions:
            builder = builder.add_extension(one.value, one.critical)
        signed = builder.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    def as_client(self) -> Issued:
        """Its own certificate, with its key, as if it were a client's."""
        key = self.file.with_suffix(".key")
        key.write_bytes(_pem(self._key))
        return Issued((self.file, key))

    def forge(self, client: Issued, name: str) -> Issued:
        """A certificate that a client has signed, which is no authority; its own is sent along."""
        forger = Authority.__new__(Authority)
        folder = self._folder / "forged"
        folder.mkdir()
        forger._folder, forger._name = folder, client.certificate.subject
        key = serialization.load_pem_private_key(client[1].read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        forger._key = key
        made = forger.issue(name)
        made[0].write_bytes(made[0].read_bytes() + client[0].read_bytes())
        return made

    def revoke(self, *revoked: Issued, ends: timedelta = HOUR) -> str:
        """A revocation list as a leaf of type binary has it, in DER."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._name)
            .last_update(now - 2 * HOUR)
            .next_update(now + ends)
        )
        for one in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(one.certificate.serial_number)
                .revocation_date(now - HOUR)
                .build()
            )
        made = builder.sign(self._key, hashes.SHA256())
        return encoded(made.public_bytes(serialization.Encoding.DER))

    @classmethod
    def under(cls, above: Self, name: str) -> "Authority":
        """An authority that another one has signed."""
        return cls(above._folder, name, above)


_CA_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def encoded(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 as `tls-fingerprint` writes it."""
    return "04:" + certificate.fingerprint(hashes.SHA256()).hex(":")
