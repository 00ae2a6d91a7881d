"""Capabilities (specification section 3.2): models, encodings, version."""

from gnmi_pb.gnmi_pb2 import CapabilityRequest, CapabilityResponse, ModelData

from nf.mgmt.schema_nodes import SchemaTree
from nf.telemetry.gnmi import GNMI_VERSION
from nf.telemetry.gnmi.errors import unimplemented
from nf.telemetry.gnmi.extensions import Extensions
from nf.telemetry.gnmi.values import ENCODINGS

__all__ = ["capabilities", "modules_of"]


def capabilities(schema: SchemaTree, request: CapabilityRequest) -> CapabilityResponse:
    """What the target can do; the models are those of NETCONF's yang-library.

    Raises:
        Refused: An extension that does not go with this RPC.
    """
    Extensions.of(request.extension)
    return CapabilityResponse(
        supported_models=[
            ModelData(name=name, organization=schema.organizations.get(name, ""), version=revision)
            for name, revision in sorted(schema.modules.items())
        ],
        supported_encodings=ENCODINGS,
        gNMI_version=GNMI_VERSION,
    )


def modules_of(schema: SchemaTree, models: list[ModelData]) -> frozenset[str] | None:
    """Names that `use_models` limits a request to; None for all.

    Raises:
        Refused: UNIMPLEMENTED for a model that is not there.
    """
    for model in models:
        revision = schema.modules.get(model.name)
        if revision is None or model.version not in ("", revision):
            wanted = f"{model.name} {model.version}".strip()
            raise unimplemented(
                f"the model {wanted} is not supported",
                hint="use the models of Capabilities, with their versions",
            )
    return frozenset(model.name for model in models) or None
