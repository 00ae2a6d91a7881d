"""A gNMI client that sends what it is told, also what is wrong."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import grpc
from gnmi_pb import gnmi_pb2 as gnmi
from google.rpc import error_details_pb2, status_pb2

ELEMENT = re.compile(r"/((?:[^/\[\]]|\[[^\]]*\])+)")
KEY = re.compile(r"\[([^=\]]+)=([^\]]*)\]")


def path(text: str, *, origin: str = "", target: str = "") -> gnmi.Path:
    """`/lab/port[name=a]/mtu` as a path; `/` is the root."""
    elems = [
        gnmi.PathElem(name=one.partition("[")[0], key=dict(KEY.findall(one)))
        for one in ELEMENT.findall(text if text != "/" else "")
    ]
    return gnmi.Path(elem=elems, origin=origin, target=target)


def text(where: gnmi.Path) -> str:
    """The reverse."""
    return "".join(
        "/" + one.name + "".join(f"[{name}={value}]" for name, value in sorted(one.key.items()))
        for one in where.elem
    )


def typed(value: Any) -> gnmi.TypedValue:
    """JSON_IETF of a Python object; a TypedValue as it is."""
    if isinstance(value, gnmi.TypedValue):
        return value
    return gnmi.TypedValue(json_ietf_val=json.dumps(value).encode())


def plain(value: gnmi.TypedValue) -> Any:
    """What a value says."""
    kind = value.WhichOneof("value")
    if kind in ("json_val", "json_ietf_val"):
        return json.loads(getattr(value, kind))
    if kind == "leaflist_val":
        return [plain(one) for one in value.leaflist_val.element]
    return getattr(value, kind)


def values(notification: gnmi.Notification) -> dict[str, Any]:
    """Values by full path."""
    prefix = text(notification.prefix)
    return {prefix + text(one.path) or "/": plain(one.val) for one in notification.update}


def deletes(notification: gnmi.Notification) -> list[str]:
    """Deleted full paths."""
    return [text(notification.prefix) + text(one) for one in notification.delete]


def subscription(
    where: str, mode: str = "ON_CHANGE", *, every: float = 0, beat: float = 0, **more: Any
) -> gnmi.Subscription:
    """One subscription; intervals in seconds."""
    return gnmi.Subscription(
        path=path(where),
        mode=gnmi.SubscriptionMode.Value(mode),
        sample_interval=int(every * 1e9),
        heartbeat_interval=int(beat * 1e9),
        **more,
    )


def subscribing(
    *wanted: gnmi.Subscription | str, mode: str = "STREAM", encoding: str = "JSON_IETF", **more: Any
) -> gnmi.SubscribeRequest:
    """The first message of a Subscribe."""
    extension = more.pop("extension", ())
    return gnmi.SubscribeRequest(
        subscribe=gnmi.SubscriptionList(
            subscription=[
                one if isinstance(one, gnmi.Subscription) else gnmi.Subscription(path=path(one))
                for one in wanted
            ],
            mode=gnmi.SubscriptionList.Mode.Value(mode),
            encoding=gnmi.Encoding.Value(encoding),
            **more,
        ),
        extension=extension,
    )


class Refusal:
    """A status with its details."""

    def __init__(self, error: grpc.RpcError) -> None:
        self.code = error.code().name
        self.text = error.details() or ""
        self.info = error_details_pb2.ErrorInfo()
        self.request = error_details_pb2.BadRequest()
        self.results = gnmi.SetResponse()
        for name, value in error.trailing_metadata() or ():
            if name == "grpc-status-details-bin":
                for detail in status_pb2.Status.FromString(value).details:
                    for one in (self.info, self.request, self.results):
                        if detail.Is(one.DESCRIPTOR):
                            detail.Unpack(one)


class Stream:
    """An open Subscribe."""

    def __init__(self, call: Any) -> None:
        self.call = call

    def __iter__(self) -> Iterator[gnmi.SubscribeResponse]:
        return iter(self.call)

    def next(self) -> gnmi.SubscribeResponse:
        return next(self.call)

    def until_sync(self) -> list[gnmi.Notification]:
        """What comes before sync_response."""
        found = []
        for response in self.call:
            if response.sync_response:
                return found
            found.append(response.update)
        raise AssertionError("the stream ended without sync_response")

    def notifications(self) -> Iterator[gnmi.Notification]:
        for response in self.call:
            assert not response.sync_response, "sync_response came a second time"
            yield response.update

    def first_with(self, where: str) -> Any:
        """The next value of a path."""
        for notification in self.notifications():
            found = values(notification)
            if where in found:
                return found[where]
        raise AssertionError("the stream ended")

    def first_delete(self) -> list[str]:
        """The next paths that are deleted."""
        for notification in self.notifications():
            if notification.delete:
                return deletes(notification)
        raise AssertionError("the stream ended")

    def cancel(self) -> None:
        self.call.cancel()


class Client:
    """One user's channel."""

    def __init__(self, channel: grpc.Channel, user: str | None, password: str | None) -> None:
        self.channel = channel
        self.metadata = [("username", user), ("password", password)] if user else []
        self.limit = 60.0

    def close(self) -> None:
        self.channel.close()

    def _unary(self, name: str, request: Any, answer: Any) -> Any:
        call = self.channel.unary_unary(
            f"/gnmi.gNMI/{name}", type(request).SerializeToString, answer.FromString
        )
        return call(request, metadata=self.metadata, timeout=self.limit)

    def capabilities(self, **fields: Any) -> gnmi.CapabilityResponse:
        return self._unary(
            "Capabilities", gnmi.CapabilityRequest(**fields), gnmi.CapabilityResponse
        )

    def get(self, *paths: str | gnmi.Path, encoding: str = "JSON_IETF", **fields: Any) -> Any:
        """A GetResponse."""
        request = gnmi.GetRequest(
            path=[path(one) if isinstance(one, str) else one for one in paths],
            encoding=gnmi.Encoding.Value(encoding),
            **fields,
        )
        return self._unary("Get", request, gnmi.GetResponse)

    def read(self, where: str, **fields: Any) -> dict[str, Any]:
        """Values by path of a Get of one path."""
        return values(self.get(where, **fields).notification[0])

    def set(
        self,
        *,
        delete: Iterable[str | gnmi.Path] = (),
        replace: Mapping[str, Any] | Iterable[gnmi.Update] = (),
        update: Mapping[str, Any] | Iterable[gnmi.Update] = (),
        union: Mapping[str, Any] | Iterable[gnmi.Update] = (),
        **fields: Any,
    ) -> gnmi.SetResponse:
        def updates(wanted: Any) -> list[gnmi.Update]:
            if isinstance(wanted, Mapping):
                return [gnmi.Update(path=path(at), val=typed(v)) for at, v in wanted.items()]
            return list(wanted)

        request = gnmi.SetRequest(
            delete=[path(one) if isinstance(one, str) else one for one in delete],
            replace=updates(replace),
            update=updates(update),
            union_replace=updates(union),
            **fields,
        )
        return self._unary("Set", request, gnmi.SetResponse)

    def refused(self, call: Any, *args: Any, **fields: Any) -> Refusal:
        """How a call that must be refused is."""
        try:
            call(*args, **fields)
        except grpc.RpcError as error:
            return Refusal(error)
        raise AssertionError("it was not refused")

    def subscribe(self, *requests: gnmi.SubscribeRequest | Any) -> Stream:
        """Opens a Subscribe; an iterator among the requests is followed."""

        def sent() -> Iterator[gnmi.SubscribeRequest]:
            for one in requests:
                if isinstance(one, gnmi.SubscribeRequest):
                    yield one
                else:
                    yield from one

        call = self.channel.stream_stream(
            "/gnmi.gNMI/Subscribe",
            gnmi.SubscribeRequest.SerializeToString,
            gnmi.SubscribeResponse.FromString,
        )
        return Stream(call(sent(), metadata=self.metadata, timeout=self.limit))
