"""Keys and certificate signing requests (RFC 2986) that the target makes for gNOI cert."""

import ipaddress
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from nf.mgmt.credentials.decoding import SHORTEST_RSA, pem_of
from nf.telemetry.gnmi.errors import invalid, unimplemented
from nf.telemetry.gnoi.proto.cert_pb2 import CT_X509, KT_RSA, KT_UNKNOWN, CSRParams

__all__ = ["Made", "can_make", "make"]

LONGEST_RSA = 4096
"""Bits; a longer key takes a processor many seconds to make."""
EXPONENT = 65537
PLACE = "csr_params"

_NAMES = (
    ("country", NameOID.COUNTRY_NAME, 2),
    ("state", NameOID.STATE_OR_PROVINCE_NAME, 128),
    ("city", NameOID.LOCALITY_NAME, 128),
    ("organization", NameOID.ORGANIZATION_NAME, 64),
    ("organizational_unit", NameOID.ORGANIZATIONAL_UNIT_NAME, 64),
    ("common_name", NameOID.COMMON_NAME, 64),
    ("email_id", NameOID.EMAIL_ADDRESS, 255),
)
"""Fields, what they are in a name, and characters at most (RFC 5280 appendix A.1)."""


@dataclass(frozen=True, slots=True)
class Made:
    """A key, and the request for its certificate.

    Attributes:
        key: PKCS #8 in PEM.
        request: In PEM.
    """

    key: bytes = field(repr=False)
    request: bytes


def can_make(certificate_type: int, key_type: int, key_size: int) -> bool:
    """Whether a key of that kind, and of that many bits or more, can be made."""
    return (
        certificate_type == CT_X509
        and key_type in (KT_UNKNOWN, KT_RSA)
        and 0 <= key_size <= LONGEST_RSA
    )


def make(params: CSRParams) -> Made:
    """Makes a key of RSA and a request for it; takes up to seconds of a processor.

    Raises:
        Refused: UNIMPLEMENTED for a kind of key, INVALID_ARGUMENT for a name that cannot be.
    """
    if not can_make(params.type, params.key_type, params.min_key_size):
        raise unimplemented(
            f"the target makes keys of RSA with {LONGEST_RSA} bits at most, for CT_X509",
            place=PLACE,
            hint="ask for such a key, or make one yourself and send it in key_pair",
        )
    subject, others = _subject(params), _other_names(params)
    if not subject and not others:
        raise invalid("the request names nobody", place=PLACE, hint="give a common_name")
    key = rsa.generate_private_key(EXPONENT, max(SHORTEST_RSA, params.min_key_size))
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if others:
        builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
    request = builder.sign(key, hashes.SHA256())
    return Made(pem_of(key), request.public_bytes(serialization.Encoding.PEM))


def _subject(params: CSRParams) -> x509.Name:
    found = []
    for name, oid, longest in _NAMES:
        value = getattr(params, name)
        if not value:
            continue
        if len(value) > longest:
            raise invalid(f"{name} has {longest} characters at most", place=PLACE)
        try:
            found.append(x509.NameAttribute(oid, value))
        except ValueError as error:
            raise invalid(f"{name} cannot be {value!r}: {error}", place=PLACE) from error
    return x509.Name(found)


def _other_names(params: CSRParams) -> list[x509.GeneralName]:
    """What clients compare with: they look at no common name any more (RFC 9525)."""
    found: list[x509.GeneralName] = []
    try:
        if params.common_name and " " not in params.common_name:
            found.append(_host(params.common_name))
        if params.ip_address:
            address = x509.IPAddress(ipaddress.ip_address(params.ip_address))
            found += [address] if address not in found else []
        if params.email_id:
            found.append(x509.RFC822Name(params.email_id))
    except ValueError as error:
        raise invalid(f"a name cannot be in a certificate: {error}", place=PLACE) from error
    return found


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
