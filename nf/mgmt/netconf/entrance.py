"""By what the server proves itself, and by what it knows clients, in connections to come."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import asyncssh

from nf.mgmt.credentials.material import Identity, Material
from nf.mgmt.credentials.tls import MinVersion, Trust, server_context
from nf.mgmt.netconf.cert_to_name import CertificateMap, maps_of
from nf.mgmt.netconf.settings import PATH, Settings
from nf.mgmt.netconf.tls_settings import TlsSettings
from nf.mgmt.transaction import ProviderError

__all__ = ["Entrance", "TlsEntrance", "entrance"]

_HOME = f"{PATH}/nf-netconf:call-home/netconf-client[name='{{}}']/endpoints/endpoint[name='{{}}']"


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
        endpoints: Of endpoints of call home that have their own, by client and endpoint.
    """

    keys: tuple[asyncssh.SSHKey, ...]
    names: tuple[bytes, ...]
    tls: TlsEntrance | None = None
    endpoints: "Mapping[tuple[str, str], Entrance]" = field(default_factory=dict)

    def at(self, client: str, endpoint: str) -> "Entrance":
        """That of an endpoint of call home."""
        return self.endpoints.get((client, endpoint), self)


def entrance(settings: Settings, material: Material, known: Entrance | None = None) -> Entrance:
    """What settings and keys make; what is the same in `known` is taken from there.

    Raises:
        ProviderError: A key or a certificate does not serve.
    """
    own = _entrance(settings.host_keys, settings.tls, material, known, PATH)
    endpoints = {}
    for client in settings.call_home:
        for endpoint in (one for one in client.endpoints if one.has_own):
            place = client.name, endpoint.name
            endpoints[place] = _entrance(
                endpoint.host_keys or settings.host_keys,
                endpoint.tls or settings.tls,
                material,
                None if known is None else known.at(*place),
                _HOME.format(*place),
            )
    return replace(own, endpoints=endpoints)


def _entrance(
    host_keys: Sequence[str],
    tls: TlsSettings,
    material: Material,
    known: Entrance | None,
    path: str,
) -> Entrance:
    """What is at a data path, with an `ssh-host-key` and a container `tls`."""
    chosen = [material.keys[name] for name in host_keys] or [material.ssh]
    names = tuple(key.public for key in chosen)
    if known is not None and known.names == names:
        keys = known.keys
    else:
        keys = tuple(_host_key(key.private, key.name, path) for key in chosen)
        _refuse_twins(keys, path)
    there = f"{path}/nf-netconf:tls" if path == PATH else f"{path}/tls"
    return Entrance(keys, names, _tls(tls, material, known.tls if known else None, there))


def _host_keys_at(path: str) -> str:
    return f"{path}/nf-netconf:ssh-host-key" if path == PATH else f"{path}/ssh-host-key"


def _host_key(pem: bytes, name: str, path: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(pem)
    except asyncssh.KeyImportError as error:
        where = f"{_host_keys_at(path)}[.='{name}']"
        raise ProviderError(where, f"SSH cannot use this key: {error}", "host-key") from error


def _refuse_twins(keys: Sequence[asyncssh.SSHKey], path: str) -> None:
    algorithms = [key.get_algorithm() for key in keys]
    for algorithm in algorithms:
        if algorithms.count(algorithm) > 1:
            raise ProviderError(
                _host_keys_at(path),
                f"two keys are of {algorithm}: a client is shown one of each algorithm",
                "host-key",
            )


def _tls(
    stated: TlsSettings, material: Material, known: TlsEntrance | None, path: str
) -> TlsEntrance | None:
    if not stated.authorities and not stated.clients:
        return None
    identity = material.identity(stated.identity, f"{path}/server-identity")
    trust = Trust(material.bag(stated.authorities), material.bag(stated.clients))
    maps = maps_of(stated.maps, f"{path}/client-authentication/cert-maps")
    if trust.clients.certificates and (trust.authorities.revoked or trust.clients.revoked):
        raise ProviderError(
            f"{path}/client-authentication/ee-certs",
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
                path, f"OpenSSL refuses a key or a certificate: {error.reason or error}", "tls"
            ) from error
    return TlsEntrance(identity, trust, stated.oldest, maps, context)
