"""By what the server proves itself, and by what it knows clients, in connections to come."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncssh

from nf.mgmt.credentials.material import Identity, Material
from nf.mgmt.credentials.tls import MinVersion, Trust, server_context
from nf.mgmt.netconf.cert_to_name import CertificateMap, maps_of
from nf.mgmt.netconf.settings import PATH, TLS, Settings
from nf.mgmt.transaction import ProviderError

__all__ = ["Entrance", "TlsEntrance", "entrance"]


@dataclass(frozen=True, slots=True)
class TlsEntrance:
    """Of TLS.

    Attributes:
        identity: The server's key and certificate.
        trust: Whose certificates are taken.
        oldest: The oldest version that is spoken.
        maps: Users of certificates.
        context: Made of the first three.
    """

    identity: Identity
    trust: Trust
    oldest: MinVersion
    maps: tuple[CertificateMap, ...]
    context: ssl.SSLContext = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Entrance:
    """Of both transports.

    Attributes:
        keys: Host keys of SSH.
        names: What makes them the same, in the same order.
        tls: None where clients are not known by certificates.
    """

    keys: tuple[asyncssh.SSHKey, ...]
    names: tuple[bytes, ...]
    tls: TlsEntrance | None = None


def entrance(settings: Settings, material: Material, known: Entrance | None = None) -> Entrance:
    """What settings and keys make; what is the same in `known` is taken from there.

    Raises:
        ProviderError: A key or a certificate does not serve.
    """
    chosen = [material.keys[name] for name in settings.host_keys] or [material.ssh]
    names = tuple(key.public for key in chosen)
    if known is not None and known.names == names:
        keys = known.keys
    else:
        keys = tuple(_host_key(key.private, key.name) for key in chosen)
        _refuse_twins(keys)
    return Entrance(keys, names, _tls(settings, material, known.tls if known else None))


def _host_key(pem: bytes, name: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(pem)
    except asyncssh.KeyImportError as error:
        path = f"{PATH}/nf-netconf:ssh-host-key[.='{name}']"
        raise ProviderError(path, f"SSH cannot use this key: {error}", "host-key") from error


def _refuse_twins(keys: Sequence[asyncssh.SSHKey]) -> None:
    algorithms = [key.get_algorithm() for key in keys]
    for algorithm in algorithms:
        if algorithms.count(algorithm) > 1:
            raise ProviderError(
                f"{PATH}/nf-netconf:ssh-host-key",
                f"two keys are of {algorithm}: a client is shown one of each algorithm",
                "host-key",
            )


def _tls(settings: Settings, material: Material, known: TlsEntrance | None) -> TlsEntrance | None:
    stated = settings.tls
    if not stated.authorities and not stated.clients:
        return None
    identity = material.identity(stated.identity, f"{TLS}/server-identity")
    trust = Trust(material.bag(stated.authorities), material.bag(stated.clients))
    maps = maps_of(stated.maps, f"{TLS}/client-authentication/cert-maps")
    if trust.clients.certificates and (trust.authorities.revoked or trust.clients.revoked):
        raise ProviderError(
            f"{TLS}/client-authentication/ee-certs",
            "a certificate of a client itself has no authority that could revoke it: use either"
            " revocation lists or ee-certs, and take a client's certificate out of its bag to"
            " revoke it",
            "revocation-list",
        )
    if (
        known is not None
        and (known.identity, known.oldest) == (identity, stated.oldest)
        and known.trust == trust
    ):
        context = known.context
    else:
        try:
            context = server_context(identity, trust, stated.oldest)
        except ssl.SSLError as error:
            raise ProviderError(
                TLS, f"OpenSSL refuses a key or a certificate: {error.reason or error}", "tls"
            ) from error
    return TlsEntrance(identity, trust, stated.oldest, maps, context)
