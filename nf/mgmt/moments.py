"""Moments as YANG writes them."""

from datetime import datetime

__all__ = ["rfc3339"]


def rfc3339(when: datetime) -> str:
    """`date-and-time` of RFC 6991."""
    return when.isoformat().replace("+00:00", "Z")
