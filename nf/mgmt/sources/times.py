"""Times as the model writes them (RFC 6991, date-and-time)."""

from datetime import UTC, datetime

__all__ = ["date_and_time"]


def date_and_time(seconds: float) -> str:
    """Seconds since 1970 in RFC 3339, UTC, with microseconds."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")
