"""Alarms: states of the probe that somebody has to look at (RFC 8632)."""
