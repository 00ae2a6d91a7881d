"""What a server of TLS that knows its clients by certificates needs of OpenSSL."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from cryptography import x509

from nf.mgmt.credentials.material import Bag, Identity

__all__ = ["MinVersion", "Trust", "server_context", "verified_chain"]

MinVersion = Literal["tls12", "tls13"]

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secrecy and authenticated encryption (RFC 9325 section 4.2)."""
VERSIONS = {"tls12": ssl.TLSVersion.TLSv1_2, "tls13": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True)
class Trust:
    """Whose certificates are taken.

    Attributes:
        authorities: Those that an authority of this bag has signed.
        clients: Those of this bag themselves.
    """

    authorities: Bag = field(default_factory=Bag)
    clients: Bag = field(default_factory=Bag)

    @cached_property
    def _anchors(self) -> frozenset[x509.Certificate]:
        return frozenset(self.authorities.certificates)

    @cached_property
    def _pinned(self) -> frozenset[x509.Certificate]:
        return frozenset(self.clients.certificates)

    def covers(self, chain: tuple[x509.Certificate, ...]) -> bool:
        """Whether a chain that OpenSSL has verified ends where it may.

        OpenSSL has one store for both bags. A certificate that is taken for a client's own must
        not vouch for others.
        """
        return bool(chain) and (
            chain[0] in self._pinned or any(one in self._anchors for one in chain)
        )


def server_context(identity: Identity, trust: Trust, oldest: MinVersion) -> ssl.SSLContext:
    """A context for connections that begin from now on.

    Raises:
        ssl.SSLError: OpenSSL does not take the key, a certificate or a list.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[oldest]
    context.set_ciphers(CIPHERS)
    # Who resumes a session is not asked for a certificate again, which may be revoked by now.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_REQUIRED
    # A bag may have authorities that have not signed themselves, and clients.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    if trust.authorities.revoked or trust.clients.revoked:
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN
    with _named(identity.chain + identity.key) as file:
        context.load_cert_chain(file)
    trusted = trust.authorities.pem + trust.clients.pem
    if trusted:
        with _named(trusted) as file:
            context.load_verify_locations(file)
    return context


@contextmanager
def _named(octets: bytes) -> Iterator[str]:
    """A name for octets in memory: OpenSSL takes keys and revocation lists by file name only."""
    descriptor = os.memfd_create("nf-credentials", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(octets)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def verified_chain(tls: ssl.SSLObject) -> tuple[x509.Certificate, ...]:
    """The certificates from the peer's to the one that is trusted, as OpenSSL has verified them.

    Python has had this since 3.10 and gives it a public name from 3.13 on.
    """
    own = getattr(tls, "get_verified_chain", None)
    chain = own() if own is not None else tls._sslobj.get_verified_chain()  # type: ignore[attr-defined]  # noqa: SLF001
    return tuple(
        x509.load_der_x509_certificate(one if isinstance(one, bytes) else one.public_bytes(2))
        for one in chain or ()
    )
