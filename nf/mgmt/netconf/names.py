"""Namespaces and names of the protocol."""

from typing import Final

__all__ = [
    "ACTION",
    "BASE",
    "COMPARE",
    "DATASTORES",
    "DEFAULTS",
    "MANAGE_EVENT",
    "MONITORING",
    "NMDA",
    "NOTIFICATION",
    "ORIGIN",
    "PARTIAL_LOCK",
    "PUSH",
    "SUBSCRIBED",
]

BASE: Final = "urn:ietf:params:xml:ns:netconf:base:1.0"
ACTION: Final = "urn:ietf:params:xml:ns:yang:1"
NOTIFICATION: Final = "urn:ietf:params:xml:ns:netconf:notification:1.0"
MANAGE_EVENT: Final = "urn:ietf:params:xml:ns:netmod:notification"
MONITORING: Final = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
NMDA: Final = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"
DEFAULTS: Final = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
DATASTORES: Final = "urn:ietf:params:xml:ns:yang:ietf-datastores"
SUBSCRIBED: Final = "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"
COMPARE: Final = "urn:ietf:params:xml:ns:yang:ietf-nmda-compare"
ORIGIN: Final = "urn:ietf:params:xml:ns:yang:ietf-origin"
PARTIAL_LOCK: Final = "urn:ietf:params:xml:ns:netconf:partial-lock:1.0"
PUSH: Final = "urn:ietf:params:xml:ns:yang:ietf-yang-push"
