"""gnoi.healthz.Healthz: how the processes, the capture and the outputs are, out of the state."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from nf.telemetry.gnmi.errors import Refused
from nf.telemetry.gnoi.proto.healthz_pb2 import (
    STATUS_HEALTHY,
    STATUS_UNHEALTHY,
    CheckRequest,
    CheckResponse,
    ComponentStatus,
    GetRequest,
    GetResponse,
    ListRequest,
    ListResponse,
)
from nf.telemetry.gnoi.proto.types_pb2 import Path, PathElem

if TYPE_CHECKING:
    from nf.mgmt.core import Core
    from nf.mgmt.session import Session
    from nf.telemetry.gnmi.service import Service

__all__ = ["NAME", "HealthzService"]

NAME = "gnoi.healthz.Healthz"
PROBE = "nf-probe:probe"


@dataclass(frozen=True, slots=True)
class Component:
    """Something that can be well or not.

    Attributes:
        path: Elements, each with its keys.
        healthy: Whether it is.
        event: What happened to it last, if something did: it identifies that.
        since: When that was, in RFC 3339; empty for unknown.
        parts: What it is made of.
    """

    path: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    healthy: bool
    event: str = ""
    since: str = ""
    parts: tuple["Component", ...] = field(default=())

    def all(self) -> Iterator["Component"]:
        """Itself and its parts."""
        yield self
        for part in self.parts:
            yield from part.all()

    def status(self) -> ComponentStatus:
        """As a message."""
        made = ComponentStatus(
            path=Path(elem=[PathElem(name=name, key=dict(keys)) for name, keys in self.path]),
            status=STATUS_HEALTHY if self.healthy else STATUS_UNHEALTHY,
            id=self.event,
            subcomponents=[part.status() for part in self.parts],
        )
        if self.since:
            created = Timestamp()
            created.FromDatetime(datetime.fromisoformat(self.since))
            made.created.CopyFrom(created)
        return made


class HealthzService:
    """Handlers. What a caller may not read is not there for them."""

    def __init__(self, core: "Core", service: "Service") -> None:
        """Beside gNMI's service, whose callers and sessions it shares."""
        self._core = core
        self._service = service

    def handlers(self) -> grpc.GenericRpcHandler:
        """For a server."""
        unary = grpc.unary_unary_rpc_method_handler
        methods: dict[str, Any] = {
            "Get": unary(self._get, GetRequest.FromString, GetResponse.SerializeToString),
            "Check": unary(self._check, CheckRequest.FromString, CheckResponse.SerializeToString),
            "List": unary(self._list, ListRequest.FromString, ListResponse.SerializeToString),
        }
        return grpc.method_handlers_generic_handler(NAME, methods)

    async def _get(self, request: GetRequest, context: Any) -> Any:
        async def answer(session: "Session") -> Any:
            return GetResponse(component=(await self._found(session, request.path)).status())

        return await self._service.answered(context, answer)

    async def _check(self, request: CheckRequest, context: Any) -> Any:
        async def answer(session: "Session") -> Any:
            return CheckResponse(status=(await self._found(session, request.path)).status())

        return await self._service.answered(context, answer)

    async def _list(self, request: ListRequest, context: Any) -> Any:
        """Events: a process that was started again, whatever is not well now."""

        async def answer(session: "Session") -> Any:
            component = await self._found(session, request.path)
            return ListResponse(statuses=[one.status() for one in component.all() if one.event])

        return await self._service.answered(context, answer)

    async def _found(self, session: "Session", path: Any) -> Component:
        self._core.may_execute(session, "ietf-netconf", "get")
        state = await self._service.off_loop(self._state, session)
        wanted = tuple(
            (one.name.rpartition(":")[2], tuple(sorted(one.key.items()))) for one in path.elem
        )
        for component in components(state).all():
            if component.path == wanted or (not wanted and component.path == (("probe", ()),)):
                return component
        raise Refused(
            StatusCode.NOT_FOUND,
            "there is no such component",
            place="/" + "/".join(name for name, _ in wanted),
            hint="ask for /probe, whose subcomponents are all there are",
        )

    def _state(self, session: "Session") -> dict[str, Any]:
        tree = self._core.get_data(session, "operational", wanted={PROBE})
        found: dict[str, Any] = tree.to_data().get(PROBE, {})
        return found


def components(probe: dict[str, Any]) -> Component:
    """The probe and its parts, as its state tells them."""
    bare = {name.rpartition(":")[2]: value for name, value in probe.items()}
    parts = (
        *_processes(bare.get("processes", {}).get("process", ())),
        *_capture(bare.get("capture", {}).get("state", {})),
        *_outputs(bare.get("outputs", {}).get("output", ())),
    )
    return Component((("probe", ()),), all(part.healthy for part in parts), parts=parts)


def _processes(processes: Sequence[dict[str, Any]]) -> Iterator[Component]:
    for one in processes:
        path = (("probe", ()), ("processes", ()), ("process", (("name", one["name"]),)))
        restarts = int(one.get("restarts", 0))
        event = f"{one['name']}-restart-{restarts}" if restarts else ""
        yield Component(
            path, one.get("state") == "running", event, one.get("started-at", "") if event else ""
        )


def _capture(state: dict[str, Any]) -> Iterator[Component]:
    if "status" in state:
        failed = state["status"] == "failed"
        path = (("probe", ()), ("capture", ()))
        yield Component(path, not failed, "capture-failed" if failed else "")


def _outputs(outputs: Sequence[dict[str, Any]]) -> Iterator[Component]:
    for one in outputs:
        down = one.get("state", {}).get("status") == "down"
        path = (("probe", ()), ("outputs", ()), ("output", (("name", one["name"]),)))
        yield Component(path, not down, f"output-{one['name']}-down" if down else "")
