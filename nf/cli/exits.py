"""Exit codes of the command."""

__all__ = ["CONFIGURATION", "FAILED", "INTERRUPTED", "OK", "PARTIAL", "USAGE"]

OK = 0
FAILED = 1
USAGE = 2
PARTIAL = 4
"""A capture ended early; what came until there was printed."""
CONFIGURATION = 7
"""A filter, a field, a protocol or a setting is wrong, or the probe refuses a change."""
INTERRUPTED = 130
