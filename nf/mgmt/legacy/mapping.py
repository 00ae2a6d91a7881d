"""The one table: every option of MMT-Probe, and where it is in the model.

Paths are below `/nf-probe:probe`; those of titled sections below the entry that has the title's
name. A test compares ranges, defaults and features with the model.
"""

from dataclasses import dataclass
from typing import Any, Literal

from nf.mgmt.legacy.codecs import OMIT, Choice, Codec, Flag, Folder, Number, Text, Values
from nf.mgmt.legacy.joint import (
    Attributes,
    Bits,
    Broker,
    Channels,
    Columns,
    Dumped,
    Event,
    LinkLayer,
    MqttFlag,
    Pins,
    Ranges,
    SocketKind,
    Source,
)
from nf.mgmt.legacy.settings import Names

__all__ = ["NAMES", "ROWS", "TITLED", "Option", "Row", "Type"]

Type = Literal["bool", "int", "str", "enum", "list"]
Implied = Literal["", "section", "always"]

CAPTURE, ENGINE = "nf-capture:capture", "nf-dpi:engine"
OUTPUTS, REPORTS = "nf-outputs:outputs", "nf-reports:reports"
DUMP, FILES, SECURITY = "nf-reports:dump", "nf-reports:files", "nf-security:security"
UINT32 = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Option:
    """An option of MMT-Probe.

    Attributes:
        name: Full name.
        type: What its value is.
        default: MMT-Probe's, as it is written in a file; `-` where there is none.
        shipped: What the delivered file says where that differs.
    """

    name: str
    type: Type
    default: str = "-"
    shipped: str = ""

    @property
    def section(self) -> str:
        """The section, empty at the top."""
        for titles in ("reconstruct-data.http", "reconstruct-data.ftp"):
            if self.name.startswith(f"{titles}."):
                return titles
        return self.name.partition(".")[0] if "." in self.name else ""

    @property
    def within(self) -> str:
        """The name within the section."""
        return self.name.removeprefix(f"{self.section}.") if self.section else self.name


@dataclass(frozen=True, slots=True)
class Row:
    """Options that go together, and the nodes that they are in the model.

    Attributes:
        options: The options.
        paths: The nodes; none for options that are not taken over.
        codec: The way there and back; None for options that are not taken over.
        feature: `module:feature` that the nodes need.
        implied: When MMT-Probe's default is stated although nobody wrote it, because nf's is
            another: where the section is there, or always.
        ours: nf's defaults, by path, where they are not MMT-Probe's.
        instead: For options that are not taken over: what to do; else a remark for the manual.
        inside: What of a node with children the codec reads, where that is not all.
    """

    options: tuple[Option, ...]
    paths: tuple[str, ...] = ()
    codec: Codec | None = None
    feature: str = ""
    implied: Implied = ""
    ours: Values = ()
    instead: str = ""
    inside: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        """The section of its options."""
        return self.options[0].section


def _one(  # noqa: PLR0913 - they are the columns of the table
    name: str,
    type: Type,  # noqa: A002 - the column's name
    default: str,
    shipped: str,
    path: str,
    codec: Codec,
    feature: str = "",
    *,
    implied: Implied = "",
    ours: Any = None,
    note: str = "",
) -> Row:
    return Row(
        (Option(name, type, default, shipped),),
        (path,),
        codec,
        feature,
        implied,
        () if ours is None else (ours,),
        note,
    )


def _none(name: str, type: Type, default: str, shipped: str, instead: str) -> Row:  # noqa: A002
    return Row((Option(name, type, default, shipped),), instead=instead)


def _channels(section: str, path: str, feature: str = "", implied: Implied = "section") -> Row:
    return _one(
        f"{section}.output-channel",
        "list",
        "{}",
        "",
        path,
        Channels(),
        feature,
        implied=implied,
        ours=OMIT,
        note="an empty set is file; nf's empty set is every channel",
    )


_FLAG = Flag()
_DIRECTORY = Folder()

_TOP = (
    _one("probe-id", "int", "0", "3", "id", Number(0, UINT32)),
    Row(
        (Option("stack-type", "int", "1"), Option("stack-offset", "int", "0")),
        (f"{CAPTURE}/link-type", f"{CAPTURE}/link-offset"),
        LinkLayer(),
        instead="without it nf believes what the source says of itself",
    ),
    _one("stats-period", "int", "5", "", f"{REPORTS}/interval", Number(1, 3600)),
    _none("license", "str", "-", "./license.key", "leave it out: nf needs no licence file"),
    _one(
        "enable-proto-without-session-report", "bool", "false", "",
        f"{REPORTS}/protocol-stats/enabled", _FLAG, "nf-reports:protocol-stats",
    ),
    _one(
        "enable-ip-fragmentation-report", "bool", "false", "",
        f"{REPORTS}/ip-fragmentation/enabled", _FLAG, "nf-reports:ip-fragmentation",
    ),
    _one(
        "enable-ip-defragmentation", "bool", "false", "",
        f"{ENGINE}/ip-reassembly/enabled", _FLAG, "nf-dpi:ip-reassembly",
        implied="always", ours=True,
    ),
    _one(
        "enable-tcp-reassembly", "bool", "false", "",
        f"{ENGINE}/tcp-reassembly/enabled", _FLAG, "nf-dpi:tcp-reassembly",
        implied="always", ours=True,
    ),
    _one(
        "enable-report-version-info", "bool", "true", "",
        f"{REPORTS}/startup/enabled", _FLAG, "nf-reports:startup-report",
    ),
    _one(
        "thread-nb", "int", "1", "0", f"{ENGINE}/workers", Number(0, 256),
        note="any number gives the same reports",
    ),
    _one(
        "thread-queue", "int", "0", "262144", f"{ENGINE}/queue-depth",
        Number(64, 16777216, zero=OMIT, raises=True, lowers=True), "nf-dpi:worker-queue",
    ),
    _none(
        "logfile", "str", "-", "",
        "leave it out: MMT-Probe never used it; nf logs to standard error or the journal, see"
        " logging/destination",
    ),
    _none(
        "loglevel", "int", "2", "",
        "leave it out: MMT-Probe never used it; nf has logging/level",
    ),
)  # fmt: skip

_INPUT = (
    Row(
        (Option("input.mode", "enum", "ONLINE"), Option("input.source", "str", '""', '"enp0s3"')),
        (f"{CAPTURE}/interface", f"{CAPTURE}/file"),
        Source(),
        inside=(
            f"{CAPTURE}/interface/name", f"{CAPTURE}/interface/source", f"{CAPTURE}/file/path",
        ),
        instead="an interface, or a file",
    ),
    _one(
        "input.snap-len", "int", "65535", "0", f"{CAPTURE}/snap-length",
        Number(64, 262144, zero=65535, most=65535),
    ),
    _one(
        "input.buffer-size", "int", "0", "4096", f"{CAPTURE}/buffer-size",
        Number(65536, 2147483648, zero=OMIT, raises=True, lowers=True),
    ),
    _one(
        "input.timeout", "int", "0", "1000", f"{CAPTURE}/read-timeout",
        Number(1, 60000, zero=OMIT, lowers=True),
    ),
    _one(
        "input.dpdk-option", "str", '""', "", f"{CAPTURE}/dpdk/eal-args", Text(empty=True),
        "nf-types:dpdk",
    ),
    _one("input.pcap-filter", "str", '""', "", f"{CAPTURE}/filter", Text(empty=True)),
)  # fmt: skip

_OUTPUT = (
    _one(
        "output.format", "enum", "CSV", "", f"{OUTPUTS}/encoding",
        Choice(
            {"CSV": "mmt-csv", "JSON": "mmt-json"},
            lambda _: "nf-outputs:mmt-encoding",
            "rows are JSON Lines, one object each (outputs/encoding json)",
        ),
        implied="always", ours="json",
    ),
    _one(
        "output.cache-max", "int", "1000", "100000", f"{OUTPUTS}/batch-rows",
        Number(1, 1000000, lowers=True),
        note="MMT-Probe uses it for MongoDB only, nf for every channel",
    ),
    Row(
        (Option("output.cache-period", "int", "5"),),
        (f"{OUTPUTS}/flush-interval", f"{OUTPUTS}/file/rotate-interval"),
        Number(1, 3600, copies=2),
        implied="always",
        ours=(5, 300),
        instead="both the time that rows wait and that after which a file is complete",
    ),
    _one("file-output.enable", "bool", "false", "true", f"{OUTPUTS}/file/enabled", _FLAG),
    _one(
        "file-output.output-file", "str", "-", '"data.csv"', f"{OUTPUTS}/file/name", Text(),
        note="also file-name, as MMT-Probe's manual says",
    ),
    _one("file-output.output-dir", "str", "-", "", f"{OUTPUTS}/file/directory", _DIRECTORY),
    _one("file-output.sample-file", "bool", "true", "", f"{OUTPUTS}/file/rotate", _FLAG),
    _one(
        "file-output.retain-files", "int", "0", "80", f"{OUTPUTS}/file/retain",
        Number(0, 1000000),
    ),
    _one(
        "redis-output.enable", "bool", "false", "", f"{OUTPUTS}/redis/enabled", _FLAG,
        "nf-types:redis",
    ),
    _one(
        "redis-output.hostname", "str", '"localhost"', "", f"{OUTPUTS}/redis/host", Text(),
        "nf-types:redis",
    ),
    _one(
        "redis-output.port", "int", "6379", "", f"{OUTPUTS}/redis/port", Number(1, 65535),
        "nf-types:redis",
    ),
    _one(
        "redis-output.channel", "str", '"report"', "", f"{OUTPUTS}/redis/channel", Text(),
        "nf-types:redis",
    ),
    _one(
        "kafka-output.enable", "bool", "false", "", f"{OUTPUTS}/kafka/enabled", _FLAG,
        "nf-types:kafka",
    ),
    Row(
        (
            Option("kafka-output.hostname", "str", '"localhost"'),
            Option("kafka-output.port", "int", "9092"),
        ),
        (f"{OUTPUTS}/kafka/bootstrap",),
        Broker(),
        "nf-types:kafka",
    ),
    _one(
        "kafka-output.topic", "str", '"report"', "", f"{OUTPUTS}/kafka/topic", Text(),
        "nf-types:kafka",
    ),
    Row(
        (Option("mqtt-output.enable", "bool", "false"),),
        (f"{OUTPUTS}/mqtt/enabled", f"{OUTPUTS}/mqtt/qos"),
        MqttFlag(),
        "nf-types:mqtt",
        "section",
        (False, 1),
        "MMT-Probe's quality of service is 2",
    ),
    _one(
        "mqtt-output.address", "str", '"tcp://localhost:1883"', "", f"{OUTPUTS}/mqtt/uri", Text(),
        "nf-types:mqtt",
    ),
    _one(
        "mqtt-output.topic", "str", '"report"', "", f"{OUTPUTS}/mqtt/topic", Text(),
        "nf-types:mqtt",
    ),
    _one(
        "mqtt-output.retain", "bool", "false", "", f"{OUTPUTS}/mqtt/retain", _FLAG,
        "nf-types:mqtt",
    ),
    _one(
        "mongodb-output.enable", "bool", "false", "", f"{OUTPUTS}/mongodb/enabled", _FLAG,
        "nf-types:mongodb",
    ),
    _one(
        "mongodb-output.hostname", "str", '"localhost"', "", f"{OUTPUTS}/mongodb/host", Text(),
        "nf-types:mongodb", note="also mongodb-output.hostnam, as -X spells it",
    ),
    _one(
        "mongodb-output.port", "int", "27017", "", f"{OUTPUTS}/mongodb/port", Number(1, 65535),
        "nf-types:mongodb",
    ),
    _one(
        "mongodb-output.database", "str", '"mmt-data"', "", f"{OUTPUTS}/mongodb/database", Text(),
        "nf-types:mongodb",
    ),
    _one(
        "mongodb-output.collection", "str", '"reports"', "", f"{OUTPUTS}/mongodb/collection",
        Text(), "nf-types:mongodb",
    ),
    _one(
        "mongodb-output.limit-size", "int", "0", "", f"{OUTPUTS}/mongodb/cap",
        Number(0, UINT32), "nf-types:mongodb",
    ),
    _one(
        "socket-output.enable", "bool", "false", "", f"{OUTPUTS}/socket/enabled", _FLAG,
        "nf-types:socket",
    ),
    Row(
        (
            Option("socket-output.type", "enum", "BOTH"),
            Option("socket-output.descriptor", "str", '""'),
        ),
        (f"{OUTPUTS}/socket/type", f"{OUTPUTS}/socket/path"),
        SocketKind(),
        "nf-types:socket",
        "section",
        ("", OMIT),
        "without a descriptor it is probe-output.sock in /tmp",
    ),
    _one(
        "socket-output.hostname", "str", '"localhost"', '"127.0.0.1"', f"{OUTPUTS}/socket/host",
        Text(), "nf-types:socket",
    ),
    _one(
        "socket-output.port", "int", "0", "5000", f"{OUTPUTS}/socket/port",
        Number(1, 65535, zero=OMIT), "nf-types:socket",
    ),
    _one(
        "dynamic-config.enable", "bool", "false", "", "management/mmt-socket/enabled", _FLAG,
        "nf-probe:mmt-socket",
    ),
    _one(
        "dynamic-config.descriptor", "str", '""', "", "management/mmt-socket/path", _DIRECTORY,
        "nf-probe:mmt-socket",
    ),
)  # fmt: skip

_LOG = "nf-reports:packet-log"
_RULES = "nf-security:security"
_MICRO, _RADIUS, _SYSTEM = "nf-reports:micro-flow", "nf-reports:radius", "nf-reports:system-report"
_BEHAVIOUR, _TAKEN = "nf-reports:behaviour", "nf-reports:reconstruction"

_ANALYSIS = (
    _one("dump-pcap.enable", "bool", "false", "", f"{DUMP}/enabled", _FLAG, _LOG),
    _one("dump-pcap.output-dir", "str", "-", "", f"{DUMP}/directory", _DIRECTORY, _LOG),
    Row(
        (Option("dump-pcap.protocols", "list", "{}", '{"unknown"}'),),
        (f"{DUMP}/protocol", f"{DUMP}/unknown"),
        Dumped(),
        _LOG,
        instead="unknown is a leaf of its own",
    ),
    _one(
        "dump-pcap.period", "int", "0", "60", f"{DUMP}/rotate-interval",
        Number(1, 86400, zero=3600), _LOG,
    ),
    _one(
        "dump-pcap.retain-files", "int", "0", "50", f"{DUMP}/retain", Number(0, 1000000), _LOG,
    ),
    _one(
        "dump-pcap.snap-len", "int", "0", "65355", f"{DUMP}/snap-length",
        Number(64, 262144, zero=65535, most=65535), _LOG,
    ),
    _one("security.enable", "bool", "false", "", f"{SECURITY}/enabled", _FLAG, _RULES),
    _one("security.thread-nb", "int", "0", "1", f"{SECURITY}/threads", Number(0, 255), _RULES),
    _one("security.exclude-rules", "str", '""', "", f"{SECURITY}/exclude", Ranges(), _RULES),
    _one("security.rules-mask", "str", '""', "", f"{SECURITY}/pin", Pins(), _RULES),
    _channels("security", f"{SECURITY}/output", _RULES),
    _one(
        "security.report-rule-description", "bool", "true", "",
        f"{SECURITY}/include-description", _FLAG, _RULES,
    ),
    _one(
        "security.ignore-remain-flow", "enum", "NONE", "true", f"{SECURITY}/after-alert",
        Choice(
            {
                "NONE": "continue", "false": "continue", "SECURITY": "skip-rules",
                "true": "skip-rules", "DPI": "light",
            }
        ),
        _RULES,
    ),
    _one(
        "security.ip-encapsulation-index", "enum", "0", "LAST", f"{SECURITY}/ip-layer",
        Choice(
            {"FIRST": "first", "LAST": "last", "0": "last"} | {str(n): n for n in range(1, 17)}
        ),
        _RULES,
    ),
    _one(
        "security.input.max-message-size", "int", "0", "60000", f"{SECURITY}/limits/message-size",
        Number(1024, 16777216, zero=OMIT, raises=True, lowers=True), _RULES,
        note="also with underscores",
    ),
    _one(
        "security.security.max-instances", "int", "0", "100000",
        f"{SECURITY}/limits/instances-per-rule",
        Number(1, 100000000, zero=OMIT, lowers=True), _RULES, note="also with underscores",
    ),
    _one(
        "security.security.smp.ring-size", "int", "0", "1000", f"{SECURITY}/limits/ring-size",
        Number(16, 1048576, zero=OMIT, raises=True, lowers=True), _RULES,
        note="also with underscores",
    ),
    _one(
        "system-report.enable", "bool", "false", "", f"{REPORTS}/system/enabled", _FLAG, _SYSTEM,
    ),
    _one(
        "system-report.period", "int", "0", "", f"{REPORTS}/system/interval",
        Number(1, 3600, zero=5), _SYSTEM,
        note="MMT-Probe ignores it and reports every 5 s; nf follows it",
    ),
    _channels("system-report", f"{REPORTS}/system/output", _SYSTEM),
    _one("behaviour.enable", "bool", "false", "", f"{REPORTS}/behaviour/enabled", _FLAG, _BEHAVIOUR),
    _one(
        "behaviour.output-dir", "str", "-", "", f"{REPORTS}/behaviour/directory", _DIRECTORY,
        _BEHAVIOUR,
    ),
    _one(
        "behaviour.output-file", "str", "-", '"data.csv"', f"{REPORTS}/behaviour/name", Text(),
        _BEHAVIOUR,
    ),
    _one(
        "behaviour.retain-files", "int", "0", "160", f"{REPORTS}/behaviour/retain",
        Number(0, 1000000), _BEHAVIOUR,
    ),
    *(
        row
        for kind in ("ftp", "http")
        for row in (
            _one(
                f"reconstruct-data.{kind}.enable", "bool", "false", "",
                f"{FILES}/{kind}/enabled", _FLAG, _TAKEN,
                note=f"in the section reconstruct-data {kind}",
            ),
            _one(
                f"reconstruct-data.{kind}.output-dir", "str", "-", "",
                f"{FILES}/{kind}/directory", _DIRECTORY, _TAKEN,
            ),
            _channels(f"reconstruct-data.{kind}", f"{FILES}/{kind}/output", _TAKEN),
        )
    ),
    _none(
        "data-output.include-user-agent", "int", "32", "-1",
        "leave it out: it has no effect in MMT-Probe; ask for http.user_agent in an event",
    ),
    _one("micro-flows.enable", "bool", "false", "", f"{REPORTS}/micro-flow/enabled", _FLAG, _MICRO),
    _one(
        "micro-flows.packet-threshold", "int", "10", "2", f"{REPORTS}/micro-flow/max-packets",
        Number(1, UINT32), _MICRO,
    ),
    _one(
        "micro-flows.byte-threshold", "int", "5", "100", f"{REPORTS}/micro-flow/max-bytes",
        Number(0, UINT32), _MICRO,
    ),
    _one(
        "micro-flows.report-packet-count", "int", "10000", "1000",
        f"{REPORTS}/micro-flow/flush-packets", Number(1, UINT32, zero=UINT32), _MICRO,
    ),
    _one(
        "micro-flows.report-byte-count", "int", "5000", "10000",
        f"{REPORTS}/micro-flow/flush-bytes", Number(1, UINT32, zero=UINT32), _MICRO,
        note="also micro-flows.report-bytes-count, as -X spells it",
    ),
    _one(
        "micro-flows.report-flow-count", "int", "1000", "500",
        f"{REPORTS}/micro-flow/flush-flows", Number(1, UINT32, zero=UINT32), _MICRO,
        note="also micro-flows.report-flows-count, as -X spells it",
    ),
    _channels("micro-flows", f"{REPORTS}/micro-flow/output", _MICRO),
    _one("radius-report.enable", "bool", "false", "", f"{REPORTS}/radius/enabled", _FLAG, _RADIUS),
    _one(
        "radius-report.message-id", "int", "0", "", f"{REPORTS}/radius/code", Number(0, 255),
        _RADIUS,
    ),
    _channels("radius-report", f"{REPORTS}/radius/output", _RADIUS),
    *(
        _one(
            f"session-timeout.{name}-session-timeout", "int", "0", shipped,
            f"{ENGINE}/timeouts/{name}", Number(1, 60000, zero=default),
            note=f"0 is {default} s",
        )
        for name, default, shipped in (
            ("default", 60, ""), ("short", 15, ""), ("long", 600, "6000"), ("live", 1500, ""),
        )
    ),
    _one(
        "session-report.enable", "bool", "false", "true", f"{REPORTS}/session/enabled", _FLAG,
        implied="always", ours=True,
    ),
    Row(
        tuple(
            Option(f"session-report.{name}", "bool", "false", shipped)
            for name, shipped in (
                ("ftp", ""), ("http", "true"), ("rtp", ""), ("ssl", "true"), ("gtp", ""),
            )
        ),
        (f"{REPORTS}/session/detail",),
        Bits(("ftp", "http", "rtp", "ssl", "gtp"), clash="gtp"),
        "nf-reports:session-detail",
        instead="gtp may stand beside the others",
    ),
    _one(
        "session-report.rtt-base", "enum", "SENDER", "CAPTOR", f"{REPORTS}/session/rtt-clock",
        Choice({"SENDER": "sender", "CAPTOR": "capture", "PREFER_SENDER": "prefer-sender"}),
        "nf-reports:rtt-clock",
    ),
    _channels("session-report", f"{REPORTS}/session/output", implied="always"),
)  # fmt: skip

TITLED = {"event-report": f"{REPORTS}/event", "query-report": f"{REPORTS}/query"}
"""Sections that stand once for each title, and the lists whose entries they are."""

_QUERY = "nf-reports:query"
_REPEATED = (
    _one("event-report.enable", "bool", "false", "", "enabled", _FLAG, implied="section", ours=True),
    _one("event-report.event", "str", '""', "", "event", Event()),
    _one(
        "event-report.attributes", "list", "{}", "", "attribute", Attributes(),
        note="not together with output-format",
    ),
    _one(
        "event-report.output-format", "str", '""', "", "template", Text(),
        "nf-reports:event-template",
    ),
    _one(
        "event-report.delta-cond", "list", "{}", "", "on-change", Attributes(),
        "nf-reports:event-on-change",
    ),
    _channels("event-report", "output"),
    _one(
        "query-report.enable", "bool", "false", "", "enabled", _FLAG, _QUERY,
        implied="section", ours=True,
    ),
    _one(
        "query-report.ms-period", "int", "65535", "0", "interval",
        Number(10, 3600000, zero=OMIT), _QUERY, implied="section", ours=OMIT,
        note="0 reports at the end only",
    ),
    _one("query-report.select", "list", "{}", "", "select", Columns(), _QUERY),
    _one("query-report.where", "list", "{}", "", "where", Attributes(), _QUERY),
    _one("query-report.group-by", "list", "{}", "", "group-by", Columns(), _QUERY),
    _channels("query-report", "output", _QUERY),
)  # fmt: skip

ROWS: tuple[Row, ...] = (*_TOP, *_INPUT, *_OUTPUT, *_ANALYSIS, *_REPEATED)
"""Every option, in the order of the manual."""

_OPTIONS = {option.name: option for row in ROWS for option in row.options}

NAMES = Names(
    options=_OPTIONS.keys(),
    lists=frozenset(name for name, option in _OPTIONS.items() if option.type == "list"),
    titled=tuple(TITLED),
    fixed={"reconstruct-data": ("ftp", "http")},
    aliases={
        "behavior": "behaviour",
        **{f"behavior.{one}": f"behaviour.{one}" for one in ("enable", "output-dir", "output-file", "retain-files")},
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
