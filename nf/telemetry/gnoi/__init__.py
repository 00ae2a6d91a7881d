"""gNOI beside gNMI, on the same endpoints and for the same callers: system, healthz, file, cert.

The messages are compiled from `proto/*.proto` with `python -m grpc_tools.protoc -I. --python_out=.
nf/telemetry/gnoi/proto/*.proto`; a test compares.
"""
