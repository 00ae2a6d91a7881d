"""What the probe is streamed for, on its own model."""

import pytest
from gnmi_pb.gnmi_pb2 import (
    Path,
    SubscribeRequest,
    Subscription,
    SubscriptionList,
    SubscriptionMode,
)

from nf._native.yang import Context
from nf.mgmt.schema import ModuleSet
from nf.mgmt.schema_nodes import SchemaTree
from nf.telemetry.gnmi.model import Model
from nf.telemetry.gnmi.parts import parts_of
from nf.telemetry.gnmi.path_text import path_from
from nf.telemetry.gnmi.paths import query
from nf.telemetry.gnmi.settings import Settings


@pytest.fixture(scope="module")
def model() -> Model:
    context = Context(*ModuleSet.read().for_context())
    return Model(context, SchemaTree(context))


@pytest.mark.parametrize("mode", ["SAMPLE", "ON_CHANGE", "TARGET_DEFINED"])
@pytest.mark.parametrize(
    ("path", "leaf"),
    [
        ("/probe/capture/state", "status"),
        ("/probe/capture/state/source[name=eth0]", "packets"),
        ("/probe/engine/state/account", "bytes"),
        ("/probe/statistics/protocol[path=ethernet.ip.tcp]", "bytes"),
        ("/probe/outputs/output[name=file]/state", "status"),
        ("/events/session-start", "session-id"),
        ("/events/notification", "content"),
    ],
)
def test_what_the_probe_streams_can_be_subscribed_to(
    model: Model, path: str, leaf: str, mode: str
) -> None:
    wanted = Subscription(path=path_from(path), mode=SubscriptionMode.Value(mode))
    request = SubscribeRequest(
        subscribe=SubscriptionList(
            mode=SubscriptionList.STREAM, encoding="PROTO", subscription=[wanted]
        )
    )
    [node] = query(path_from(f"{path}/{leaf}"), Path()).resolve(model.tree)

    assert not node.config
    assert any(not part.config for part in parts_of(model, Settings(), request))
