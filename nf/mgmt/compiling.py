"""A configuration becomes settings: a pure function, with errors that name the YANG path.

What only the process that captures can tell (a packet filter that libpcap refuses, a plugin that is
broken) it tells when it prepares the settings; `setting_paths` says which leaf its error is about.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from nf.datapath.config import EngineConfig, Event, Interface, Report, Timeouts
from nf.datapath.settings import (
    FileOutput,
    IpfixOutput,
    Logging,
    Settings,
    StdoutOutput,
    TelemetryOutput,
)
from nf.errors import NfError
from nf.mgmt.identities import protocol_of
from nf.mgmt.setting_paths import QUEUE_LEAVES, interface_path

__all__ = ["CompileError", "compile_settings"]

Data = Mapping[str, Any]
"""RFC 7951 JSON in Python's types, with defaults; all integer types are int."""

AS_CAPTURED = "as-captured"
CHANNELS = ("file", "stdout", "ipfix", "telemetry")
SESSIONS_ONLY = ("ipfix",)
"""Channels that carry nothing else."""


class CompileError(NfError):
    """A configuration is valid by its schema and still makes no settings.

    Attributes:
        app_tag: For the `error-app-tag`.
    """

    def __init__(self, path: str, message: str, app_tag: str) -> None:
        super().__init__(message, path, "change the value at the path, or what it depends on")
        self.app_tag = app_tag


def compile_settings(data: Data) -> Settings:
    """The settings that a configuration makes.

    Args:
        data: The whole tree, as `Tree.to_data()` gives it.

    Raises:
        CompileError: Something has no meaning although the schema lets it pass.
    """
    probe: Data = data["nf-probe:probe"]
    capture, engine = probe["nf-capture:capture"], probe["nf-dpi:engine"]
    outputs, reports = probe["nf-outputs:outputs"], probe["nf-reports:reports"]
    enabled = tuple(one for one in CHANNELS if outputs[one]["enabled"])
    routes = _Routes.of(reports, enabled)
    return Settings(
        probe_id=probe["id"],
        capturing=capture["enabled"],
        engine=_engine(capture, engine, reports, routes),
        application_files=tuple(engine.get("applications", {}).get("file", ())),
        risk_files=tuple(engine["risks"].get("file", ())),
        plugin_paths=tuple(engine.get("plugins", {}).get("path", ())),
        event_names=tuple(one.name for one in routes.events),
        encoding=outputs["encoding"],
        batch_rows=outputs["batch-rows"],
        file=_file(outputs, routes),
        stdout=_stdout(outputs, routes),
        ipfix=_ipfix(outputs, routes),
        telemetry=_telemetry(outputs, routes),
        logging=_logging(probe["logging"]),
    )


@dataclass(frozen=True, slots=True)
class _EventRoute:
    name: str
    event: Event
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Routes:
    """Which rows go to which channels; what goes nowhere is not made."""

    reports: tuple[tuple[Report, tuple[str, ...]], ...]
    events: tuple[_EventRoute, ...]

    @classmethod
    def of(cls, reports: Data, enabled: tuple[str, ...]) -> "_Routes":
        def channels(report: Data) -> tuple[str, ...]:
            named = [_plain_identity(one) for one in report.get("output", ())]
            to = tuple(one for one in enabled if not named or one in named)
            return to if report["enabled"] else ()

        def of_others(report: Data) -> tuple[str, ...]:
            return tuple(one for one in channels(report) if one not in SESSIONS_ONLY)

        events = []
        for one in _by_name(reports.get("event", ())):
            to, awaited = of_others(one), one["event"]
            attributes = tuple(one.get("attribute", ())) or (awaited,)
            events.append(_EventRoute(one["name"], Event(awaited, attributes), to))
        made: tuple[tuple[Report, tuple[str, ...]], ...] = (
            ("session", channels(reports["session"])),
            ("transaction", of_others(reports["transaction"])),
            ("event", tuple({to: None for one in events for to in one.channels})),
        )
        return cls(made, tuple(one for one in events if one.channels))

    def wanted(self) -> tuple[Report, ...]:
        """Kinds of rows that go anywhere."""
        return tuple(report for report, channels in self.reports if channels)

    def to(self, channel: str) -> tuple[tuple[Report, ...], tuple[str, ...]]:
        """Kinds of rows, and events, that go to a channel."""
        reports = tuple(report for report, channels in self.reports if channel in channels)
        events = tuple(one.event.event for one in self.events if channel in one.channels)
        return reports, events


def _engine(capture: Data, engine: Data, reports: Data, routes: _Routes) -> EngineConfig:
    link_type = capture["link-type"]
    as_captured = _plain_identity(link_type) == AS_CAPTURED
    files: Data = capture.get("file", {})
    timeouts = engine["timeouts"]
    interval, interim = reports["interval"], reports["session"]["interim"]
    return EngineConfig(
        threads=engine["workers"],
        files=tuple(files.get("path", ())),
        follow=files.get("follow", False),
        pace=_pace(capture.get("file")),
        live=not files,
        interfaces=_interfaces(capture),
        report_interval=float(interval) if interim else 0.0,
        bpf=capture["filter"],
        root="" if as_captured else protocol_of(link_type),
        root_offset=capture["link-offset"],
        # The sums are for the statistics among the state.
        reports=(*routes.wanted(), "protocol", "app"),
        events=tuple(one.event for one in routes.events),
        filter=reports["filter"],
        risks=engine["risks"]["enabled"],
        disabled_protocols=tuple(sorted(map(protocol_of, engine.get("disabled-protocol", ())))),
        timeouts=Timeouts(
            default=float(timeouts["default"]),
            short=float(timeouts["short"]),
            long=float(timeouts["long"]),
            live=float(timeouts["live"]),
            closed=float(timeouts["closed"]),
        ),
        key_vlan=engine["key-vlan"],
        key_tunnel=engine["key-tunnel"],
        max_sessions=engine["max-sessions"],
        table_full=engine["table-full"],
        max_held_bytes=engine["max-held-bytes"],
        classify_packets=engine["classify-packets"],
        classify_bytes=engine["classify-bytes"],
        seed=engine["hash-seed"],
    )


def _interfaces(capture: Data) -> tuple[Interface, ...]:
    return tuple(_interface(one, capture) for one in capture.get("interface", ()))


def _interface(one: Data, common: Data) -> Interface:
    if problem := _no_pattern(one["name"]):
        path = f"{interface_path(one['name'])}/name"
        raise CompileError(path, f"{one['name']!r} is no pattern: {problem}", "interface-pattern")

    def said(leaf: str) -> Any:
        everywhere = common[leaf]
        return one.get(leaf, everywhere)

    return Interface(
        name=one["name"],
        source=cast("Any", _plain_identity(one["source"])),
        sockets=one["sockets"],
        promiscuous=said("promiscuous"),
        snap_length=said("snap-length"),
        buffer_bytes=said("buffer-size"),
        read_timeout_ms=said("read-timeout"),
        outgoing=one["outgoing"],
        wait=one["wait"],
        bpf=one["filter"],
    )


def _no_pattern(name: str) -> str:
    """What is wrong with an interface's name as a pattern; empty when nothing is."""
    rest = re.sub(r"\[!?\]?[^\]]*\]", "", name)
    return "a [ has no ]" if "[" in rest else ""


def _pace(file: Data | None) -> float:
    if file is None:
        return 0.0
    pace = file["pace"]
    if pace == "multiple":
        return float(file["multiple"])
    return 1.0 if pace == "as-recorded" else 0.0


def _common(outputs: Data, name: str, routes: _Routes) -> dict[str, Any]:
    """What all channels have in common: what goes there, and how much may wait."""
    reports, events = routes.to(name)
    queue = {setting: outputs[name][leaf] for setting, leaf in QUEUE_LEAVES.items()}
    return {"reports": reports, "events": events, **queue}


def _file(outputs: Data, routes: _Routes) -> FileOutput | None:
    file = outputs["file"]
    rotated = file["rotate"]
    seconds, octets = file["rotate-interval"], file["rotate-size"]
    made = FileOutput(
        directory=file.get("directory", ""),
        name=file["name"],
        rotate_seconds=seconds if rotated else 0,
        rotate_bytes=octets if rotated else 0,
        retain=file["retain"],
        fsync=file["sync"],
        flush_seconds=float(outputs["flush-interval"]),
        **_common(outputs, "file", routes),
    )
    return made if file["enabled"] else None


def _stdout(outputs: Data, routes: _Routes) -> StdoutOutput | None:
    made = StdoutOutput(
        flush_seconds=float(outputs["flush-interval"]), **_common(outputs, "stdout", routes)
    )
    return made if outputs["stdout"]["enabled"] else None


def _ipfix(outputs: Data, routes: _Routes) -> IpfixOutput | None:
    ipfix = outputs["ipfix"]
    made = IpfixOutput(
        host=ipfix.get("host", ""),
        port=ipfix["port"],
        transport=ipfix["transport"],
        domain=ipfix["observation-domain"],
        enterprise=ipfix["enterprise-number"],
        template_seconds=ipfix["template-interval"],
        message_bytes=ipfix["message-size"],
        biflow=ipfix["biflow"],
        flush_seconds=float(outputs["flush-interval"]),
        **_common(outputs, "ipfix", routes),
    )
    return made if ipfix["enabled"] else None


def _telemetry(outputs: Data, routes: _Routes) -> TelemetryOutput | None:
    made = TelemetryOutput(**_common(outputs, "telemetry", routes))
    return made if outputs["telemetry"]["enabled"] else None


def _logging(logging: Data) -> Logging:
    return Logging(
        level=logging["level"],
        format=logging["format"],
        destination=logging["destination"],
        modules=tuple((one["name"], one["level"]) for one in _by_name(logging.get("module", ()))),
    )


def _by_name(entries: Iterable[Data]) -> list[Data]:
    """Entries of a list whose order is the system's, so that equal trees make equal settings."""
    return sorted(entries, key=lambda one: str(one["name"]))


def _plain_identity(value: str) -> str:
    """The name of an identity without the module that it may be qualified with."""
    return value.rpartition(":")[2]
