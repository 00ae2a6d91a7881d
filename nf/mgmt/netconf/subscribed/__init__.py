"""Subscriptions of RFC 8639 to events, and of RFC 8641 to datastores, over NETCONF (RFC 8640)."""
