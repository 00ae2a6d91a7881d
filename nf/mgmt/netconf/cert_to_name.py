"""The user that a client's certificate stands for (RFC 7407 section 2.4, RFC 7589 section 7)."""

import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from nf.mgmt.transaction import ProviderError

__all__ = ["CertificateMap", "maps_of", "name_of"]

HASHES: dict[int, Callable[[], hashes.HashAlgorithm]] = {
    1: hashes.MD5,
    2: hashes.SHA1,
    3: hashes.SHA224,
    4: hashes.SHA256,
    5: hashes.SHA384,
    6: hashes.SHA512,
}
"""By number of the TLS HashAlgorithm Registry (RFC 5246 section 7.4.1.4.1)."""
BROKEN = frozenset({1, 2})
"""Of these somebody could make another certificate with the same fingerprint."""
MODULE = "ietf-x509-cert-to-name"
LONGEST = 256
"""Characters of a name; more than any account has."""


@dataclass(frozen=True, slots=True)
class CertificateMap:
    """An entry of `cert-to-name`.

    Attributes:
        id: Its place in the order.
        algorithm: Number of the hash.
        digest: Of the client's certificate, or of one above it.
        kind: Identity of the map without its module.
        name: For `specified`.
    """

    id: int
    algorithm: int
    digest: bytes
    kind: str
    name: str = ""

    def matches(self, chain: Sequence[x509.Certificate]) -> bool:
        """Whether it is about a client with this chain, its own certificate first."""
        made = HASHES[self.algorithm]
        return any(hmac.compare_digest(one.fingerprint(made()), self.digest) for one in chain)


def maps_of(listed: Sequence[dict[str, Any]], path: str) -> tuple[CertificateMap, ...]:
    """The entries in the order in which they are asked.

    Raises:
        ProviderError: A fingerprint cannot be one.
    """
    return tuple(sorted((_map(one, path) for one in listed), key=lambda one: one.id))


def _map(entry: dict[str, Any], path: str) -> CertificateMap:
    at = f"{path}/cert-to-name[id='{entry['id']}']/fingerprint"
    octets = bytes.fromhex(entry["fingerprint"].replace(":", ""))
    algorithm, digest = octets[0], octets[1:]
    if algorithm not in HASHES or algorithm in BROKEN:
        raise ProviderError(
            at,
            "the first octet says how the others are made: 04 for SHA-256, 05 for SHA-384, 06 for"
            " SHA-512",
            "fingerprint",
        )
    size = HASHES[algorithm]().digest_size
    if len(digest) != size:
        raise ProviderError(
            at, f"after its first octet there are {len(digest)} octets, not {size}", "fingerprint"
        )
    kind = str(entry["map-type"]).rpartition(":")[2]
    return CertificateMap(int(entry["id"]), algorithm, digest, kind, entry.get("name", ""))


def name_of(chain: Sequence[x509.Certificate], maps: Sequence[CertificateMap]) -> str | None:
    """The user of a client; None if no entry gives a name.

    Args:
        chain: Verified; the client's own certificate first.
        maps: In order.
    """
    for one in maps:
        if one.matches(chain) and (name := _derived(chain[0], one)):
            return name
    return None


def _derived(certificate: x509.Certificate, one: CertificateMap) -> str | None:
    if one.kind == "specified":
        return one.name
    found = (
        _common_names(certificate)
        if one.kind == "common-name"
        else _alternatives(certificate, _KINDS.get(one.kind, ()))
    )
    # What could not be shown in a log, or is not a name, is none.
    return next((name for name in found if name.isprintable() and 0 < len(name) <= LONGEST), None)


_KINDS: dict[str, tuple[type[x509.GeneralName], ...]] = {
    "san-rfc822-name": (x509.RFC822Name,),
    "san-dns-name": (x509.DNSName,),
    "san-ip-address": (x509.IPAddress,),
    "san-any": (x509.RFC822Name, x509.DNSName, x509.IPAddress),
}


def _common_names(certificate: x509.Certificate) -> Iterator[str]:
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        if isinstance(attribute.value, str):
            yield attribute.value


def _alternatives(
    certificate: x509.Certificate, kinds: tuple[type[x509.GeneralName], ...]
) -> Iterator[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        # A client's certificate is hostile input: what cannot be read has no names.
        return
    for name in extension.value:
        if not isinstance(name, kinds):
            continue
        if isinstance(name, x509.RFC822Name):
            local, at, host = name.value.rpartition("@")
            yield f"{local}{at}{host.lower()}"
        elif isinstance(name, x509.DNSName):
            yield name.value.lower()
        elif isinstance(name, x509.IPAddress):
            yield _address(name)


def _address(name: x509.IPAddress) -> str:
    """Dotted, or the 32 hexadecimal digits that the RFC wants of IPv6."""
    octets = getattr(name.value, "packed", b"")
    return str(name.value) if len(octets) == 4 else octets.hex()
