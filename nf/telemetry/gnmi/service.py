"""The service gnmi.gNMI for grpc.aio: who calls, and what is answered or refused."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import grpc
from gnmi_pb.gnmi_pb2 import (
    CapabilityRequest,
    GetRequest,
    SetRequest,
    SubscribeRequest,
)
from google.protobuf.message import Message
from grpc import StatusCode

from nf.mgmt.rpc_error import RpcErrors
from nf.mgmt.session import Session
from nf.telemetry.gnmi.capabilities import capabilities
from nf.telemetry.gnmi.credentials import Callers
from nf.telemetry.gnmi.errors import Refused, of_rpc_errors, trailing
from nf.telemetry.gnmi.get import get
from nf.telemetry.gnmi.model import Model
from nf.telemetry.gnmi.set import Setter
from nf.telemetry.gnmi.subscribe import Subscribing

if TYPE_CHECKING:
    from nf.mgmt.core import Core

__all__ = ["NAME", "Service"]

log = logging.getLogger(__name__)

NAME = "gnmi.gNMI"

Answer = TypeVar("Answer")


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


class Service:
    """Handlers of one target; used in one event loop.

    Attributes:
        setter: Carries Sets out.
        subscribing: Carries Subscribes out.
    """

    def __init__(
        self, core: "Core", model: Model, callers: Callers, subscribing: Subscribing
    ) -> None:
        """For a core that has started."""
        self._core = core
        self._model = model
        self._callers = callers
        self.setter = Setter(core, model.tree)
        self.subscribing = subscribing
        self._pool = ThreadPoolExecutor(4, "nf-gnmi")

    def stop(self) -> None:
        """Lets requests finish that are under way."""
        self._pool.shutdown(wait=True)

    def handlers(self) -> grpc.GenericRpcHandler:
        """For a server."""
        unary = grpc.unary_unary_rpc_method_handler
        methods: dict[str, Any] = {
            "Capabilities": unary(self._capabilities, CapabilityRequest.FromString, _serialized),
            "Get": unary(self._get, GetRequest.FromString, _serialized),
            "Set": unary(self._set, SetRequest.FromString, _serialized),
            "Subscribe": grpc.stream_stream_rpc_method_handler(
                # Messages are octets already, shared by all who get them.
                self._subscribe,
                SubscribeRequest.FromString,
                None,
            ),
        }
        return grpc.method_handlers_generic_handler(NAME, methods)

    async def _capabilities(self, request: CapabilityRequest, context: Any) -> Message:
        async def answer(session: Session) -> Message:
            del session
            answered: Message = capabilities(self._model.tree, request)
            return answered

        return await self.answered(context, answer)

    async def _get(self, request: GetRequest, context: Any) -> Message:
        async def answer(session: Session) -> Message:
            self._core.may_execute(session, "ietf-netconf", "get")
            return await self.off_loop(get, self._core, self._model, session, request)

        return await self.answered(context, answer)

    async def _set(self, request: SetRequest, context: Any) -> Message:
        async def answer(session: Session) -> Message:
            return await self.off_loop(self.setter.set, session, request)

        return await self.answered(context, answer)

    async def _subscribe(self, requests: Any, context: Any) -> None:
        async def answer(session: Session) -> None:
            self._core.may_execute(session, "ietf-netconf", "get")
            await self.subscribing.serve(session, requests, context)

        await self.answered(context, answer)

    async def off_loop(self, call: Callable[..., Answer], *args: Any) -> Answer:
        """Has a thread do what would hold the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, call, *args)

    async def answered(
        self, context: Any, answer: Callable[[Session], Awaitable[Answer]]
    ) -> Answer:
        """Opens a session, answers, and says why not where it cannot; for gNOI, too."""
        try:
            user, source = await self._callers.identify(context)
        except Refused as error:
            return await _refuse(context, error)
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()

        def kill() -> None:
            if task is not None:
                loop.call_soon_threadsafe(task.cancel)

        session = self._core.sessions.open(user, "gnmi", source, kill=kill)
        try:
            return await answer(session)
        except Refused as error:
            refused = error
        except RpcErrors as error:
            refused = of_rpc_errors(error)
        except asyncio.CancelledError:
            if session in self._core.sessions.all():
                raise
            refused = _killed()
        except Exception:
            log.exception("a request of %s failed", user)
            refused = _failed()
        finally:
            # A call that is cancelled just now must not take this along: what waits for a thread
            # would never be done, and the session hold for ever what it holds.
            closing = loop.run_in_executor(self._pool, self._core.sessions.close, session, "closed")
            await asyncio.shield(closing)
        await self._drained(refused)
        return await _refuse(context, refused)

    async def _drained(self, refused: Refused) -> None:
        """Waits for the message that a stalled subscriber has not taken; nothing else is held."""
        if refused.after is None:
            return
        streams = self.subscribing.streams
        streams.stalled += 1
        try:
            await asyncio.wait({refused.after})
        finally:
            streams.stalled -= 1
            refused.after.cancel()


async def _refuse(context: Any, refused: Refused) -> NoReturn:
    """Ends the call with a status; raises what grpc makes of that."""
    status = trailing(refused)
    await context.abort(status.code, status.details, status.trailing_metadata)
    raise AssertionError("abort raises")


def _killed() -> Refused:
    return Refused(
        StatusCode.CANCELLED,
        "the session was ended by an administrator",
        hint="ask who ended it, or connect again",
    )


def _failed() -> Refused:
    return Refused(
        StatusCode.INTERNAL,
        "the target failed to answer",
        hint="see the log of the management process",
    )
