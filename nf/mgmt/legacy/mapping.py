"""The one table: every option of MMT-Probe, and where it is in the model.

Paths are below `/nf-probe:probe`; those of titled sections below the entry that has the title's
name. A test compares ranges, defaults and features with the model.
"""

from nf.mgmt.legacy.options_capture import INPUT, OUTPUT, TOP
from nf.mgmt.legacy.options_reports import ANALYSIS, REPEATED
from nf.mgmt.legacy.rows import REPORTS, Option, Row
from nf.mgmt.legacy.settings import Names

__all__ = ["NAMES", "ROWS", "TITLED", "Option", "Row", "default_of"]

TITLED = {"event-report": f"{REPORTS}/event", "query-report": f"{REPORTS}/query"}
"""Sections that stand once for each title, and the lists whose entries they are."""

ROWS: tuple[Row, ...] = (*TOP, *INPUT, *OUTPUT, *ANALYSIS, *REPEATED)
"""Every option, in the order of the manual."""

_OPTIONS = {option.name: option for row in ROWS for option in row.options}

NAMES = Names(
    options=_OPTIONS.keys(),
    lists=frozenset(name for name, option in _OPTIONS.items() if option.type == "list"),
    titled=tuple(TITLED),
    fixed={"reconstruct-data": ("ftp", "http")},
    aliases={
        "behavior": "behaviour",
        **{
            f"behavior.{one}": f"behaviour.{one}"
            for one in ("enable", "output-dir", "output-file", "retain-files")
        },
        "file-output.file-name": "file-output.output-file",
        "mongodb-output.hostnam": "mongodb-output.hostname",
        "micro-flows.report-bytes-count": "micro-flows.report-byte-count",
        "micro-flows.report-flows-count": "micro-flows.report-flow-count",
        "security.input.max_message_size": "security.input.max-message-size",
        "security.security.max_instances": "security.security.max-instances",
        "security.security.smp.ring_size": "security.security.smp.ring-size",
    },
)
"""What a file may name."""


def default_of(option: Option) -> tuple[str, ...]:
    """MMT-Probe's default as the scalars of a setting."""
    if option.type == "list" or option.default == "-":
        return () if option.type == "list" else ("",)
    return (option.default.strip('"'),)
