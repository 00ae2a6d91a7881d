"""Every operation of the standards, one line each. Ours are carried out by `Core.operate`."""

from types import MappingProxyType

from nf.mgmt.netconf.names import (
    BASE,
    COMPARE,
    MONITORING,
    NMDA,
    NOTIFICATION,
    PARTIAL_LOCK,
    PUSH,
    SUBSCRIBED,
)
from nf.mgmt.netconf.operations.committing import (
    cancel_commit,
    commit,
    discard_changes,
    validate,
)
from nf.mgmt.netconf.operations.comparing import compare
from nf.mgmt.netconf.operations.datastores import edit_data, get_data
from nf.mgmt.netconf.operations.editing import copy_config, delete_config, edit_config
from nf.mgmt.netconf.operations.partial_locking import partial_lock, partial_unlock
from nf.mgmt.netconf.operations.reading import get, get_config, get_config_is_light
from nf.mgmt.netconf.operations.schema import get_schema
from nf.mgmt.netconf.operations.sessions import close_session, kill_session, lock, unlock
from nf.mgmt.netconf.operations.subscribing import create_subscription
from nf.mgmt.netconf.operations.subscriptions import (
    delete_subscription,
    establish_subscription,
    kill_subscription,
    modify_subscription,
    resync_subscription,
)
from nf.mgmt.netconf.request import Operation

__all__ = ["OPERATIONS"]

_NETCONF = "ietf-netconf"
_PARTIAL = "ietf-netconf-partial-lock"
_SN = "ietf-subscribed-notifications"

_ALL = (
    Operation(BASE, "get", _NETCONF, "read", get),
    Operation(BASE, "get-config", _NETCONF, "read", get_config, get_config_is_light),
    Operation(BASE, "edit-config", _NETCONF, "write", edit_config),
    Operation(BASE, "copy-config", _NETCONF, "write", copy_config),
    Operation(BASE, "delete-config", _NETCONF, "write", delete_config),
    Operation(BASE, "lock", _NETCONF, "write", lock),
    Operation(BASE, "unlock", _NETCONF, "write", unlock),
    Operation(BASE, "close-session", _NETCONF, "read", close_session),
    Operation(BASE, "kill-session", _NETCONF, "write", kill_session),
    Operation(BASE, "commit", _NETCONF, "write", commit),
    Operation(BASE, "cancel-commit", _NETCONF, "write", cancel_commit),
    Operation(BASE, "discard-changes", _NETCONF, "write", discard_changes),
    Operation(BASE, "validate", _NETCONF, "read", validate),
    Operation(PARTIAL_LOCK, "partial-lock", _PARTIAL, "write", partial_lock),
    Operation(PARTIAL_LOCK, "partial-unlock", _PARTIAL, "write", partial_unlock),
    Operation(MONITORING, "get-schema", "ietf-netconf-monitoring", "read", get_schema),
    Operation(NMDA, "get-data", "ietf-netconf-nmda", "read", get_data),
    Operation(NMDA, "edit-data", "ietf-netconf-nmda", "write", edit_data),
    Operation(COMPARE, "compare", "ietf-nmda-compare", "read", compare),
    Operation(NOTIFICATION, "create-subscription", "notifications", "read", create_subscription),
    Operation(SUBSCRIBED, "establish-subscription", _SN, "read", establish_subscription),
    Operation(SUBSCRIBED, "modify-subscription", _SN, "read", modify_subscription),
    Operation(SUBSCRIBED, "delete-subscription", _SN, "read", delete_subscription),
    Operation(SUBSCRIBED, "kill-subscription", _SN, "read", kill_subscription),
    Operation(PUSH, "resync-subscription", "ietf-yang-push", "read", resync_subscription),
)

OPERATIONS = MappingProxyType({(one.namespace, one.name): one for one in _ALL})
"""By namespace and name of the element."""
