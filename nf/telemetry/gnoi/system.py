"""gnoi.system.System: time, ping, and a restart of the process that captures as the reboot."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import grpc
from grpc import StatusCode

from nf.mgmt.rpc_error import RpcErrors
from nf.telemetry.gnmi.errors import Refused, invalid
from nf.telemetry.gnoi.ping import Asked, Pinging
from nf.telemetry.gnoi.proto.system_pb2 import (
    COLD,
    WARM,
    CancelRebootRequest,
    CancelRebootResponse,
    PingRequest,
    PingResponse,
    RebootRequest,
    RebootResponse,
    RebootStatus,
    RebootStatusRequest,
    RebootStatusResponse,
    TimeRequest,
    TimeResponse,
)

if TYPE_CHECKING:
    from nf.mgmt.core import Core
    from nf.mgmt.session import Session
    from nf.telemetry.gnmi.service import Service

__all__ = ["NAME", "SystemService"]

log = logging.getLogger(__name__)

NAME = "gnoi.system.System"
MODULE = "nf-telemetry"
RESTART = "/nf-probe:restart-process"
MAX_DELAY = 7 * 24 * 3600 * 1_000_000_000
MAX_REASON = 1024


class SystemService:
    """Handlers; at most one restart is pending."""

    def __init__(self, core: "Core", service: "Service") -> None:
        """Beside gNMI's service, whose callers and sessions it shares."""
        self._core = core
        self._service = service
        self._pending: asyncio.Task[None] | None = None
        self._when = 0
        self._begun = False
        self._asked = RebootRequest()
        self._count = 0
        self._last = RebootStatus()
        self._pinging = Pinging()

    def handlers(self) -> grpc.GenericRpcHandler:
        """For a server."""
        unary = grpc.unary_unary_rpc_method_handler
        methods: dict[str, Any] = {
            "Time": unary(self._time, TimeRequest.FromString, TimeResponse.SerializeToString),
            "Ping": grpc.unary_stream_rpc_method_handler(
                self._ping, PingRequest.FromString, PingResponse.SerializeToString
            ),
            "Reboot": unary(
                self._reboot, RebootRequest.FromString, RebootResponse.SerializeToString
            ),
            "RebootStatus": unary(
                self._status, RebootStatusRequest.FromString, RebootStatusResponse.SerializeToString
            ),
            "CancelReboot": unary(
                self._cancel, CancelRebootRequest.FromString, CancelRebootResponse.SerializeToString
            ),
        }
        return grpc.method_handlers_generic_handler(NAME, methods)

    def stop(self) -> None:
        """A restart that is pending does not come; called in the loop."""
        if self._pending is not None:
            self._pending.cancel()

    async def _time(self, request: TimeRequest, context: Any) -> Any:
        del request

        async def answer(session: "Session") -> Any:
            del session
            return TimeResponse(time=time.time_ns())

        return await self._service.answered(context, answer)

    async def _ping(self, request: PingRequest, context: Any) -> None:
        async def answer(session: "Session") -> None:
            self._core.may_execute(session, MODULE, "ping")
            asked = await Asked.of(request)
            async with aclosing(self._pinging.ping(asked)) as answers:
                async for one in answers:
                    await context.write(one)

        await self._service.answered(context, answer)

    async def _reboot(self, request: RebootRequest, context: Any) -> Any:
        async def answer(session: "Session") -> Any:
            self._permit(session)
            name = _process(request.subcomponents)
            if request.method not in (COLD, WARM):
                raise invalid(
                    f"the method {request.method} is not supported",
                    place="method",
                    hint="use COLD or WARM: the process that captures is started again",
                )
            if request.delay > MAX_DELAY:
                raise invalid(f"the delay is {MAX_DELAY} ns at most", place="delay")
            if len(request.message) > MAX_REASON:
                raise invalid(f"the reason has {MAX_REASON} characters at most", place="message")
            if self._active:
                raise Refused(
                    StatusCode.FAILED_PRECONDITION,
                    "a restart is pending already",
                    place="Reboot",
                    hint="wait for it, or CancelReboot",
                )
            self._asked, self._when = request, time.time_ns() + request.delay
            self._begun = False
            loop = asyncio.get_running_loop()
            self._pending = loop.create_task(self._restart(session, name, request.delay))
            if not request.delay:
                await asyncio.shield(self._pending)
                if self._last.status != RebootStatus.STATUS_SUCCESS:
                    raise Refused(
                        StatusCode.UNAVAILABLE, self._last.message, place="Reboot", hint="try again"
                    )
            return RebootResponse()

        return await self._service.answered(context, answer)

    @property
    def _active(self) -> bool:
        return self._pending is not None and not self._pending.done()

    def _permit(self, session: "Session") -> None:
        module, _, operation = RESTART.lstrip("/").partition(":")
        self._core.may_execute(session, module, operation)

    async def _restart(self, session: "Session", name: str, delay: int) -> None:
        await asyncio.sleep(delay / 1e9)
        self._begun = True
        try:
            run = self._core.operations.find(RESTART)
            await asyncio.to_thread(run, session, "", {"name": name})
        except RpcErrors as error:
            failed = RebootStatus.STATUS_RETRIABLE_FAILURE
            self._last = RebootStatus(status=failed, message=error.what)
            return
        except Exception as error:
            # Of a restart that was to come later nobody would hear otherwise.
            log.exception("the restart of %s failed", name)
            failed = RebootStatus.STATUS_FAILURE
            self._last = RebootStatus(status=failed, message=f"a defect: {type(error).__name__}")
            return
        self._count += 1
        self._last = RebootStatus(status=RebootStatus.STATUS_SUCCESS)

    async def _status(self, request: RebootStatusRequest, context: Any) -> Any:
        async def answer(session: "Session") -> Any:
            self._permit(session)
            _process(request.subcomponents)
            if not self._active:
                return RebootStatusResponse(count=self._count, status=self._last)
            return RebootStatusResponse(
                active=True,
                wait=max(0, self._when - time.time_ns()),
                when=self._when,
                reason=self._asked.message,
                count=self._count,
                method=self._asked.method,
            )

        return await self._service.answered(context, answer)

    async def _cancel(self, request: CancelRebootRequest, context: Any) -> Any:
        async def answer(session: "Session") -> Any:
            self._permit(session)
            _process(request.subcomponents)
            if self._active and self._begun:
                raise Refused(
                    StatusCode.FAILED_PRECONDITION,
                    "the restart has begun",
                    place="CancelReboot",
                    hint="see RebootStatus for how it ends",
                )
            if self._pending is not None:
                self._pending.cancel()
            return CancelRebootResponse()

        return await self._service.answered(context, answer)


def _process(components: Sequence[Any]) -> str:
    """Which process is meant: the one that captures, unless a component names another."""
    if not components:
        return "datapath"
    if len(components) > 1:
        raise invalid("one component at a time", place="subcomponents")
    elements = [one.name.rpartition(":")[2] for one in components[0].elem]
    if elements[-2:] == ["processes", "process"] and elements[:-2] in ([], ["probe"]):
        name = components[0].elem[-1].key.get("name", "")
        if name in ("datapath", "management"):
            return str(name)
    raise Refused(
        StatusCode.NOT_FOUND,
        f"there is no component /{'/'.join(elements)} that can be restarted",
        place="subcomponents",
        hint="use /probe/processes/process[name=datapath] or none",
    )
