"""The gNMI target (specification 0.10, extensions of gnmi_ext), over grpc.aio.

Get, Set and Subscribe go through the same core as NETCONF: one transaction, one access control,
one source of state.
"""

GNMI_VERSION = "0.10.0"
