"""gnoi.certificate.CertificateManagement: keys and certificates of the keystore."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

import grpc
from grpc import StatusCode

from nf.mgmt.rpc_error import RpcErrors
from nf.telemetry.gnmi.errors import Refused, invalid
from nf.telemetry.gnoi import cert_request
from nf.telemetry.gnoi.cert_request import Made
from nf.telemetry.gnoi.cert_store import CertificateStore, Load
from nf.telemetry.gnoi.proto import cert_pb2 as pb

if TYPE_CHECKING:
    from nf.mgmt.core import Core
    from nf.mgmt.credentials.provider import Credentials
    from nf.mgmt.session import Session
    from nf.telemetry.gnmi.service import Service

__all__ = ["NAME", "CertificateService"]

NAME = "gnoi.certificate.CertificateManagement"
MODULE = "nf-telemetry"
LONGEST_ID = 64
MAX_EXCHANGES = 8
"""Installs and Rotates at a time."""
MAX_WAITING = 16
"""Keys of GenerateCSR that wait for their certificates; the oldest go first."""
SECONDS = 600
"""That an Install, a Rotate, or a key that waits may take."""
MAX_CERTIFICATES = 256
"""In a bundle, and ids in a request."""


@dataclass(slots=True, eq=False)
class _Exchange:
    """An Install or a Rotate that is under way.

    Attributes:
        rotates: Which of the two.
        id: Of the certificate; empty until the client has said it.
        made: Key that the target has made for it.
        loaded: Whether the certificate has come.
    """

    rotates: bool
    id: str = ""
    made: Made | None = None
    loaded: bool = False


@dataclass(frozen=True, slots=True)
class _Waiting:
    user: str
    key: bytes = field(repr=False)
    until: float


class CertificateService:
    """Handlers; access control asks for cert-install, cert-rotate and cert-revoke, and for writing.

    A Rotate is a confirmed commit of its session: it goes back when that ends before
    `finalize_rotation`, and when management does.
    """

    def __init__(self, core: "Core", service: "Service", credentials: "Credentials") -> None:
        """Beside gNMI's service, whose callers and sessions it shares."""
        self._core = core
        self._service = service
        self._store = CertificateStore(core, credentials)
        self._exchanges: list[_Exchange] = []
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        # One key at a time: each takes a processor for a while.
        self._making = asyncio.Semaphore(1)

    def handlers(self) -> grpc.GenericRpcHandler:
        """For a server."""
        stream = grpc.stream_stream_rpc_method_handler
        methods: dict[str, Any] = {
            "Install": stream(
                self._install,
                pb.InstallCertificateRequest.FromString,
                pb.InstallCertificateResponse.SerializeToString,
            ),
            "Rotate": stream(
                self._rotate,
                pb.RotateCertificateRequest.FromString,
                pb.RotateCertificateResponse.SerializeToString,
            ),
        }
        unary = {
            "GenerateCSR": self._generate,
            "LoadCertificate": self._load,
            "LoadCertificateAuthorityBundle": self._bundle,
            "GetCertificates": self._listed,
            "RevokeCertificates": self._revoke,
            "CanGenerateCSR": self._can_generate,
        }
        for name, handler in unary.items():
            request, response = (getattr(pb, f"{name}{kind}") for kind in ("Request", "Response"))
            methods[name] = grpc.unary_unary_rpc_method_handler(
                handler, request.FromString, response.SerializeToString
            )
        return grpc.method_handlers_generic_handler(NAME, methods)

    def _permit(self, session: "Session", what: str) -> None:
        self._core.may_execute(session, MODULE, f"cert-{what}")

    # Install and Rotate -------------------------------------------------------------------------

    async def _install(self, requests: Any, context: Any) -> None:
        await self._exchanged(_Exchange(rotates=False), requests, context)

    async def _rotate(self, requests: Any, context: Any) -> None:
        await self._exchanged(_Exchange(rotates=True), requests, context)

    async def _exchanged(self, exchange: _Exchange, requests: Any, context: Any) -> None:
        async def answer(session: "Session") -> None:
            self._permit(session, "rotate" if exchange.rotates else "install")
            if len(self._exchanges) >= MAX_EXCHANGES:
                raise Refused(
                    StatusCode.RESOURCE_EXHAUSTED,
                    f"{MAX_EXCHANGES} certificates are being exchanged already",
                    hint="wait until one of them is done",
                )
            self._exchanges.append(exchange)
            try:
                async with asyncio.timeout(SECONDS):
                    async for request in requests:
                        if await self._step(session, exchange, request, context):
                            return
            except TimeoutError as error:
                raise Refused(
                    StatusCode.DEADLINE_EXCEEDED,
                    f"the exchange was not done within {SECONDS} s",
                    hint="begin again; nothing has changed",
                ) from error
            finally:
                self._exchanges.remove(exchange)
            if not exchange.loaded or exchange.rotates:
                raise Refused(
                    StatusCode.ABORTED,
                    "the stream ended early: what was in force stays in force",
                    hint="end a Rotate with finalize_rotation, an Install with load_certificate",
                )

        await self._service.answered(context, answer)

    async def _step(
        self, session: "Session", exchange: _Exchange, request: Any, context: Any
    ) -> bool:
        """Does what a message of the client asks for; whether it was the last one."""
        oneof = "rotate_request" if exchange.rotates else "install_request"
        response = (
            pb.RotateCertificateResponse if exchange.rotates else pb.InstallCertificateResponse
        )
        kind = request.WhichOneof(oneof)
        if kind == "generate_csr" and not exchange.loaded and exchange.made is None:
            self._name(exchange, request.generate_csr.certificate_id)
            exchange.made = await self._make(request.generate_csr.csr_params)
            await context.write(response(generated_csr=_generated(exchange.made)))
            return False
        if kind == "load_certificate" and not exchange.loaded:
            await self._take(session, exchange, request.load_certificate)
            await context.write(response(load_certificate=pb.LoadCertificateResponse()))
            return not exchange.rotates
        if kind == "finalize_rotation" and exchange.loaded:
            await self._service.off_loop(self._store.confirm, session)
            return True
        raise invalid(
            f"{kind or 'an empty message'} does not belong here",
            hint="send generate_csr where the target makes the key, then load_certificate; a"
            " Rotate ends with finalize_rotation",
        )

    def _name(self, exchange: _Exchange, name: str) -> None:
        """Takes the certificate for this exchange alone."""
        self._check_id(name)
        there = self._store.has(name)
        if exchange.rotates and not there:
            raise Refused(
                StatusCode.NOT_FOUND,
                f"there is no certificate {name}",
                place="certificate_id",
                hint="see GetCertificates; Install takes what is new",
            )
        if not exchange.rotates and there:
            raise Refused(
                StatusCode.ALREADY_EXISTS,
                f"there is a certificate {name}",
                place="certificate_id",
                hint="use Rotate, or another id",
            )
        exchange.id = name

    def _check_id(self, name: str) -> None:
        if not 0 < len(name) <= LONGEST_ID:
            raise invalid(
                f"an id has 1 to {LONGEST_ID} characters",
                place="certificate_id",
                hint="it is the name of a key of the keystore",
            )
        if any(one.id == name for one in self._exchanges):
            raise Refused(
                StatusCode.FAILED_PRECONDITION,
                f"the certificate {name} is being exchanged already",
                place="certificate_id",
                hint="wait until that is done",
            )

    async def _take(self, session: "Session", exchange: _Exchange, request: Any) -> None:
        made = exchange.made
        if made is None:
            self._name(exchange, request.certificate_id)
        elif request.certificate_id not in ("", exchange.id):
            raise invalid(f"this exchange is about {exchange.id}", place="certificate_id")
        load = _load_of(exchange.id, request, None if made is None else made.key)
        await self._service.off_loop(
            self._store.load, session, load, SECONDS if exchange.rotates else None
        )
        exchange.loaded = True

    async def _make(self, params: pb.CSRParams) -> Made:
        async with self._making:
            return await asyncio.to_thread(cert_request.make, params)

    # One at a time ------------------------------------------------------------------------------

    async def _generate(self, request: pb.GenerateCSRRequest, context: Any) -> Any:
        async def answer(session: "Session") -> Any:
            self._permit(session, "install")
            self._check_id(request.certificate_id)
            made = await self._make(request.csr_params)
            self._waiting.pop(request.certificate_id, None)
            self._waiting[request.certificate_id] = _Waiting(
                session.user, made.key, monotonic() + SECONDS
            )
            while len(self._waiting) > MAX_WAITING:
                self._waiting.popitem(last=False)
            return _generated(made)

        return await self._service.answered(context, answer)

    async def _load(self, request: pb.LoadCertificateRequest, context: Any) -> Any:
        async def answer(session: "Session") -> Any:
            self._permit(session, "install")
            self._check_id(request.certificate_id)
            waiting = self._waiting.get(request.certificate_id)
            if waiting and (waiting.user != session.user or waiting.until < monotonic()):
                waiting = None
            load = _load_of(request.certificate_id, request, waiting.key if waiting else None)
            await self._service.off_loop(self._store.load, session, load)
            if waiting is not None and self._waiting.get(load.name) is waiting:
                del self._waiting[load.name]
            return pb.LoadCertificateResponse()

        return await self._service.answered(context, answer)

    async def _bundle(self, request: pb.LoadCertificateAuthorityBundleRequest, context: Any) -> Any:
        async def answer(session: "Session") -> Any:
            self._permit(session, "install")
            authorities = _contents(request.ca_certificates)
            if not authorities:
                raise invalid(
                    "the bundle is empty",
                    place="ca_certificates",
                    hint="send a certificate; a bag is removed in the configuration",
                )
            await self._service.off_loop(self._store.trust, session, authorities)
            return pb.LoadCertificateAuthorityBundleResponse()

        return await self._service.answered(context, answer)

    async def _listed(self, request: pb.GetCertificatesRequest, context: Any) -> Any:
        del request

        async def answer(session: "Session") -> Any:
            self._core.may_execute(session, "ietf-netconf", "get")
            held = await self._service.off_loop(self._store.listed, session)
            return pb.GetCertificatesResponse(
                certificate_info=[
                    pb.CertificateInfo(
                        certificate_id=one.name,
                        certificate=pb.Certificate(type=pb.CT_X509, certificate=one.certificate),
                        endpoints=[
                            pb.Endpoint(type=pb.Endpoint.EP_DAEMON, endpoint=user)
                            for user in one.users
                        ],
                        modification_time=one.changed,
                    )
                    for one in held
                ]
            )

        return await self._service.answered(context, answer)

    async def _revoke(self, request: pb.RevokeCertificatesRequest, context: Any) -> Any:
        async def answer(session: "Session") -> Any:
            self._permit(session, "revoke")
            if len(request.certificate_id) > MAX_CERTIFICATES:
                raise invalid(f"{MAX_CERTIFICATES} ids at most", place="certificate_id")
            response = pb.RevokeCertificatesResponse()
            for name in request.certificate_id:
                try:
                    await self._service.off_loop(self._store.revoke, session, name)
                except RpcErrors as error:
                    response.certificate_revocation_error.add(
                        certificate_id=name, error_message=f"{error.what} at {error.place}"
                    )
                else:
                    response.revoked_certificate_id.append(name)
            return response

        return await self._service.answered(context, answer)

    async def _can_generate(self, request: pb.CanGenerateCSRRequest, context: Any) -> Any:
        async def answer(session: "Session") -> Any:
            del session
            can = cert_request.can_make(
                request.certificate_type, request.key_type, request.key_size
            )
            return pb.CanGenerateCSRResponse(can_generate=can)

        return await self._service.answered(context, answer)


def _generated(made: Made) -> pb.GenerateCSRResponse:
    return pb.GenerateCSRResponse(csr=pb.CSR(type=pb.CT_X509, csr=made.request))


def _load_of(name: str, request: pb.LoadCertificateRequest, key: bytes | None) -> Load:
    """What a request says; its public key is not looked at, the private one has it."""
    if request.key_pair.private_key:
        if key is not None:
            raise invalid(
                "the target has made the key of this certificate itself",
                place="key_pair",
                hint="leave key_pair out, or generate_csr",
            )
        key = request.key_pair.private_key
    [certificate] = _contents([request.certificate])
    return Load(name, certificate, key, _contents(request.ca_certificates))


def _contents(given: Iterable[pb.Certificate]) -> list[bytes]:
    found = list(given)
    if len(found) > MAX_CERTIFICATES:
        raise invalid(f"{MAX_CERTIFICATES} certificates at most", place="ca_certificates")
    if any(one.type != pb.CT_X509 for one in found):
        raise invalid("certificates are of the type CT_X509", place="certificate")
    return [one.certificate for one in found]
