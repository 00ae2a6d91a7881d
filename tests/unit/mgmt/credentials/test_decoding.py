"""Keys and certificates in every form that they come in, and what is none."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import given
from hypothesis import strategies as some

from nf.mgmt.credentials.built_in import RENEWED_BEFORE, built_in
from nf.mgmt.credentials.decoding import (
    certificates,
    pem_of,
    private_key,
    public_of,
    revocation_list,
)
from tests.certificates import Authority, encoded

Encoding, Format = serialization.Encoding, serialization.PrivateFormat
NONE = serialization.NoEncryption()


@pytest.mark.parametrize(
    "key",
    [
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
    ],
)
@pytest.mark.parametrize(
    ("encoding", "form"),
    [
        (Encoding.PEM, Format.PKCS8),
        (Encoding.DER, Format.PKCS8),
        (Encoding.PEM, Format.OpenSSH),
        (Encoding.DER, Format.TraditionalOpenSSL),
    ],
)
def test_a_private_key_is_read_in_every_form(
    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    encoding: Encoding,
    form: Format,
) -> None:
    if form is Format.TraditionalOpenSSL and isinstance(key, ed25519.Ed25519PrivateKey):
        encoding, form = Encoding.PEM, Format.PKCS8
    octets = key.private_bytes(encoding, form, NONE)

    assert public_of(private_key(octets)) == public_of(key)
    assert pem_of(private_key(octets)) == pem_of(key)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (dsa.generate_private_key(2048), "RSA, of elliptic curves"),
        (x25519.X25519PrivateKey.generate(), "RSA, of elliptic curves"),
        (rsa.generate_private_key(65537, 1024), "1024 bits"),  # noqa: S505 - is refused
    ],
)
def test_a_key_that_is_not_used_is_refused(
    key: dsa.DSAPrivateKey | x25519.X25519PrivateKey | rsa.RSAPrivateKey, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        private_key(key.private_bytes(Encoding.DER, Format.PKCS8, NONE))


def test_certificates_are_read_in_every_form(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("ada")
    both = [own.certificate, authority.certificate]
    pem = own[0].read_bytes() + authority.file.read_bytes()
    cms = [pkcs7.serialize_certificates(both, form) for form in (Encoding.DER, Encoding.PEM)]

    assert certificates(own.cert_data) == (own.certificate,)
    for octets in (pem, b"a comment\n" + pem):
        assert list(certificates(encoded(octets))) == both
    for octets in cms:
        assert set(certificates(encoded(octets))) == set(both)


@given(some.binary(max_size=300))
def test_octets_that_are_nothing_are_refused_and_nothing_else_happens(octets: bytes) -> None:
    for read in (certificates, revocation_list):
        with pytest.raises(ValueError, match="this"):
            read(encoded(octets))
    with pytest.raises(ValueError, match="private key"):
        private_key(octets)


# Numbers that RFC 5280 does not allow are read all the same, as other tools do.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(some.data())
def test_a_certificate_that_is_damaged_is_read_or_refused(data: some.DataObject) -> None:
    octets = bytearray(CERTIFICATE)
    for _ in range(data.draw(some.integers(1, 4))):
        octets[data.draw(some.integers(0, len(octets) - 1))] = data.draw(some.integers(0, 255))
    try:
        found = certificates(encoded(bytes(octets)))
    except ValueError:
        return
    assert len(found) == 1


def _certificate() -> bytes:
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        own = Authority(Path(folder)).issue("ada").certificate
    return own.public_bytes(Encoding.DER)


CERTIFICATE = _certificate()


# What is built in -------------------------------------------------------------------------------


def test_the_built_in_keys_stay_and_a_certificate_that_ends_is_made_anew(tmp_path: Path) -> None:
    first = built_in(tmp_path)
    again = built_in(tmp_path)
    ends = first.certificate.not_valid_after_utc
    later = built_in(tmp_path, ends - RENEWED_BEFORE / 2)

    assert (again.ssh, again.tls) == (first.ssh, first.tls) == (later.ssh, later.tls)
    assert again.certificate == first.certificate
    assert later.certificate.not_valid_after_utc > ends
    assert built_in(tmp_path, ends - RENEWED_BEFORE / 2).certificate == later.certificate
