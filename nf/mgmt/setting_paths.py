"""Where each setting is in YANG, for errors of whoever prepares settings."""

import re
from fnmatch import fnmatchcase

from nf.datapath.config import Timeouts
from nf.datapath.settings import Settings

__all__ = [
    "ENGINE_PATHS",
    "INTERFACE_LEAVES",
    "OUTPUT_LEAVES",
    "QUEUE_LEAVES",
    "SETTING_PATHS",
    "interface_path",
    "path_of",
]

PROBE = "/nf-probe:probe"
CAPTURE = f"{PROBE}/nf-capture:capture"
ENGINE = f"{PROBE}/nf-dpi:engine"
OUTPUTS = f"{PROBE}/nf-outputs:outputs"
REPORTS = f"{PROBE}/nf-reports:reports"

ENGINE_PATHS = {
    "threads": f"{ENGINE}/workers",
    "live": CAPTURE,
    "interfaces": f"{CAPTURE}/interface",
    "report_interval": f"{REPORTS}/interval",
    "files": f"{CAPTURE}/file/path",
    "follow": f"{CAPTURE}/file/follow",
    "pace": f"{CAPTURE}/file/pace",
    "bpf": f"{CAPTURE}/filter",
    "root": f"{CAPTURE}/link-type",
    "root_offset": f"{CAPTURE}/link-offset",
    "reports": REPORTS,
    "events": f"{REPORTS}/event",
    "filter": f"{REPORTS}/filter",
    "risks": f"{ENGINE}/risks/enabled",
    "risk_files": f"{ENGINE}/risks/file",
    "applications": f"{ENGINE}/applications/file",
    "disabled_protocols": f"{ENGINE}/disabled-protocol",
    "plugins": f"{ENGINE}/plugins/path",
    "timeouts": f"{ENGINE}/timeouts",
    "key_vlan": f"{ENGINE}/key-vlan",
    "key_tunnel": f"{ENGINE}/key-tunnel",
    "max_sessions": f"{ENGINE}/max-sessions",
    "table_full": f"{ENGINE}/table-full",
    "max_held_bytes": f"{ENGINE}/max-held-bytes",
    "classify_packets": f"{ENGINE}/classify-packets",
    "classify_bytes": f"{ENGINE}/classify-bytes",
    "seed": f"{ENGINE}/hash-seed",
}
"""Where each setting of the engine is in YANG."""

SETTING_PATHS = {
    "probe_id": f"{PROBE}/id",
    "capturing": f"{CAPTURE}/enabled",
    "application_files": f"{ENGINE}/applications/file",
    "risk_files": f"{ENGINE}/risks/file",
    "plugin_paths": f"{ENGINE}/plugins/path",
    "event_names": f"{REPORTS}/event",
    "encoding": f"{OUTPUTS}/encoding",
    "batch_rows": f"{OUTPUTS}/batch-rows",
    "logging": f"{PROBE}/logging",
}
"""The same for the other settings."""

QUEUE_LEAVES = {"queue_rows": "queue-rows", "queue_bytes": "queue-bytes"}
OUTPUT_LEAVES = {
    "file": {
        "directory": "directory",
        "name": "name",
        "rotate_seconds": "rotate-interval",
        "rotate_bytes": "rotate-size",
        "retain": "retain",
        "fsync": "sync",
        **QUEUE_LEAVES,
    },
    "stdout": QUEUE_LEAVES,
    "telemetry": QUEUE_LEAVES,
    "ipfix": {
        "host": "host",
        "port": "port",
        "transport": "transport",
        "domain": "observation-domain",
        "enterprise": "enterprise-number",
        "template_seconds": "template-interval",
        "message_bytes": "message-size",
        "biflow": "biflow",
        **QUEUE_LEAVES,
    },
}
"""The leaf of each setting of a channel."""

INTERFACE_LEAVES = {
    "name": "name",
    "source": "source",
    "sockets": "sockets",
    "promiscuous": "promiscuous",
    "snap_length": "snap-length",
    "buffer_bytes": "buffer-size",
    "read_timeout_ms": "read-timeout",
    "outgoing": "outgoing",
    "wait": "wait",
    "bpf": "filter",
}
"""The leaf of each setting of an interface."""


def path_of(place: str, settings: Settings) -> str:
    """The YANG path of a setting as errors of whoever prepares settings call it.

    Args:
        place: A setting of the engine or of `Settings`: `root`, `timeouts.short`,
            `interfaces[0].snap_length`, `interface eth0`, `events[1]`, `file.directory`, …
        settings: Those that were refused: they give the keys of list entries.

    Returns:
        The path; the root of the probe where the place says nothing about a setting.
    """
    name, number, rest = _taken_apart(place)
    if name in {"interface", "interfaces"}:
        return _path_of_interface(place, settings)
    if name == "events" and number is not None and number < len(settings.event_names):
        return f"{REPORTS}/event[name={_quoted(settings.event_names[number])}]"
    if name == "timeouts" and rest in Timeouts.__slots__:
        return f"{ENGINE_PATHS[name]}/{rest}"
    if name in OUTPUT_LEAVES:
        leaf = OUTPUT_LEAVES[name].get(rest)
        return f"{OUTPUTS}/{name}/{leaf}" if leaf else f"{OUTPUTS}/{name}"
    return ENGINE_PATHS.get(name) or SETTING_PATHS.get(name, PROBE)


def _path_of_interface(place: str, settings: Settings) -> str:
    """Of a setting of an entry, or of the entry that an interface of the system is captured by."""
    name, number, rest = _taken_apart(place)
    entries = [one.name for one in settings.engine.interfaces]
    if name == "interface":
        found = place.removeprefix("interface ")
        means = (n for n, one in enumerate(entries) if found == one or fnmatchcase(found, one))
        number = next(means, None)
    if number is None or number >= len(entries):
        return f"{CAPTURE}/interface"
    entry, leaf = interface_path(entries[number]), INTERFACE_LEAVES.get(rest)
    return f"{entry}/{leaf}" if leaf else entry


def _taken_apart(place: str) -> tuple[str, int | None, str]:
    """Name, index and what follows a dot."""
    found = re.fullmatch(r"(\w+)(?:\[(\d+)\])?(?:\.(\w+))?.*", place, flags=re.DOTALL)
    if found is None:
        return place, None, ""
    name, number, rest = found.groups()
    return name, None if number is None else int(number), rest or ""


def interface_path(name: str) -> str:
    """The entry of a name or pattern."""
    return f"{CAPTURE}/interface[name={_quoted(name)}]"


def _quoted(value: str) -> str:
    """A literal of XPath; names have no quotes, says the model."""
    return f"'{value}'"
